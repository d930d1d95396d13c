"""What a cell shows: logs on disk, outputs in the executed notebook.

The log files are the truth: file descriptors 1 and 2 *are* those files, so that subprocesses and C
libraries write there as well, in order, without a pipe that someone would have to empty. What they
wrote is found by the files having grown by more than Python wrote, and joins the cell's outputs as
it would in a kernel.
"""

from __future__ import annotations

import base64
import codecs
import contextlib
import io
import numbers
import os
from collections.abc import Mapping
from datetime import date
from typing import Any

from .files import write_all

STDOUT, STDERR = 1, 2


def cap_note(limit: int) -> bytes:
    """Say in a log that its end is missing."""
    return f"\n[log limit of {limit} bytes reached: the rest was dropped]\n".encode("ascii")


class LogFile:
    """One of the step's two logs, capped."""

    def __init__(self, fd: int, limit: int) -> None:
        self.fd = fd
        self.limit = limit
        self._size = os.fstat(fd).st_size
        self._capped = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data: bytes) -> None:
        """Append bytes.

        Past the limit they are dropped, and what is started from now on writes to nowhere.
        """
        if self._capped:
            return
        room = self.limit - self._size
        if len(data) > room:
            data = data[: max(room, 0)] + cap_note(self.limit)
            self._capped = True
        write_all(self.fd, data)
        self._size += len(data)
        if self._capped:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fd)
            os.close(null)

    def foreign(self, most: int = 1 << 20) -> str:
        """Return what others have written to the file since the last call."""
        if self._capped:
            return ""
        end = os.fstat(self.fd).st_size
        if end <= self._size:
            return ""
        data = b""
        with open(f"/proc/self/fd/{self.fd}", "rb") as file:
            file.seek(self._size)
            data = file.read(min(end - self._size, most))
        self._size = end
        return self._decoder.decode(data)

    @property
    def size(self) -> int:
        """How much of the file is known of."""
        return self._size


class LogOrder:
    """In which order two logs were written: `order.log`, a line at each turn to the other one.

    `stdout 120` says that stdout up to byte 120 came before what follows. Whoever turns to and fro
    all the time is written down up to a limit; after it, one log is taken to follow the other.
    """

    def __init__(self, path: str, limit: int = 1 << 20) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._room = limit
        self.current: str | None = None

    def turn(self, name: str, sizes: Mapping[str, int]) -> None:
        """Say that from now on another log is written, and how long each is by now."""
        if self.current is not None and self._room > 0:
            line = f"{self.current} {sizes[self.current]}\n".encode("ascii")
            with contextlib.suppress(OSError):  # of a full disk the log itself will tell
                write_all(self._fd, line)
            self._room -= len(line)
        self.current = name


class Recorder:
    """Collects the outputs of the running cell, in order, as nbformat dictionaries."""

    def __init__(self, stdout: LogFile, stderr: LogFile, order: LogOrder, limit: int) -> None:
        self.logs = {"stdout": stdout, "stderr": stderr}
        self._order = order
        self.outputs: list[dict[str, Any]] = []
        self.error: dict[str, Any] | None = None
        self._room = limit
        self._limit = limit
        self._parts: list[str] = []
        self._displays: dict[str, list[dict[str, Any]]] = {}
        self._clear_next = False

    def begin(self) -> None:
        """Start a cell."""
        self.finish()
        self.outputs, self.error, self._clear_next = [], None, False

    def finish(self) -> list[dict[str, Any]]:
        """End a cell: take what subprocesses wrote, and return the outputs."""
        self.collect_foreign()
        self._join()
        return self.outputs

    def collect_foreign(self) -> None:
        """Take what others than Python wrote to the logs."""
        for name, log in self.logs.items():
            text = log.foreign(max(self._room, 0) + 1)
            if text:
                self._turn(name)
                self._stream(name, text)

    def write(self, name: str, text: str) -> None:
        """Take text that Python writes to a stream."""
        log = self.logs[name]
        foreign = log.foreign()
        if foreign:
            self._stream(name, foreign)
        self._turn(name)
        log.write(text.encode("utf-8", "backslashreplace"))
        self._stream(name, text)

    def display(self, output: dict[str, Any], display_id: str | None, update: bool) -> None:
        """Take a display_data or execute_result; an update replaces what was shown under its id."""
        if update:
            for shown in self._displays.get(display_id or "", ()):
                shown["data"], shown["metadata"] = output["data"], output["metadata"]
            return
        self.collect_foreign()
        self._append(output, sum(map(_size, output["data"].values())))
        if display_id:
            self._displays.setdefault(display_id, []).append(output)

    def fail(self, name: str, value: str, traceback: list[str]) -> None:
        """Take an exception that reached the top of the cell."""
        self.collect_foreign()
        self.error = {
            "output_type": "error",
            "ename": name,
            "evalue": value,
            "traceback": traceback,
        }
        self._append(self.error, 0)

    def clear(self, wait: bool) -> None:
        """Drop the outputs shown so far, at once or when the next one comes."""
        self._join()
        if wait:
            self._clear_next = True
        else:
            self.outputs.clear()

    def _turn(self, name: str) -> None:
        if name != self._order.current:
            self._order.turn(name, {name: log.size for name, log in self.logs.items()})

    def _stream(self, name: str, text: str) -> None:
        if self._clear_next or not self.outputs or self.outputs[-1].get("name") != name:
            self._append({"output_type": "stream", "name": name, "text": ""}, 0)
        if self._room <= 0:
            return
        self._parts.append(text[: self._room])
        self._room -= len(text)
        if self._room <= 0:
            self._parts.append(
                f"\n[output limit of {self._limit} bytes reached: the rest is in the log]\n"
            )

    def _append(self, output: dict[str, Any], size: int) -> None:
        self._join()
        if self._clear_next:
            self.outputs.clear()
            self._clear_next = False
        if size > self._room:
            note = f"[output of {size} bytes left out: the limit of a step is {self._limit} bytes]"
            output["data"], output["metadata"] = {"text/plain": note}, {}
        else:
            self._room -= size
        self.outputs.append(output)

    def _join(self) -> None:
        if self._parts:
            self.outputs[-1]["text"] += "".join(self._parts)
            self._parts.clear()


class StepStream(io.TextIOBase):
    """`sys.stdout` and `sys.stderr` of a step: as in a kernel, text only, without a `buffer`."""

    encoding = "UTF-8"
    errors = "backslashreplace"

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = f"<{name}>"
        self._channel = name
        self.recorder: Recorder | None = None

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        if text and self.recorder is not None:
            self.recorder.write(self._channel, text)
        return len(text)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return STDOUT if self._channel == "stdout" else STDERR

    def close(self) -> None:
        """Stay open: libraries that close the standard streams do so in vain in a kernel, too."""


def _size(value: Any) -> int:
    return len(value) if isinstance(value, (str, bytes)) else len(repr(value))


def to_json_data(value: Any) -> Any:
    """Make a MIME bundle's value fit for JSON, as Jupyter's messages do: bytes become base64."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, dict):
        return {str(key): to_json_data(item) for key, item in value.items()}
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "__iter__"):
        return [to_json_data(item) for item in value]
    raise ValueError(
        f"Cannot show a value of type {type(value).__name__}: JSON has no form for it."
    )
