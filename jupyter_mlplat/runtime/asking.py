"""The tuner, as the process that runs the trials sees it: what to try next, what to end early.

It is a process in the engine's Python that answers a line with a line. It is a function of the spec
and of the trials: one that has died is started again with all of them, and goes on.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from . import kin
from .failures import StepFailed
from .files import dump_json

_TRIES = 3


class Answer(NamedTuple):
    """What the tuner has said."""

    trials: list[dict[str, Any]]
    stop: list[int]
    over: str | None


class Tuner:
    """Asks the tuner; starts it when it is first needed, and again when it has died.

    Args:
        order: Of `step.json`: `tuner`, `tune`, `earlier`.
        table: Returns all trials as they are now.
    """

    def __init__(self, order: Mapping[str, Any], table: Callable[[], list[dict[str, Any]]]) -> None:
        self._order = order
        self._table = table
        self._process: subprocess.Popen[bytes] | None = None

    def exchange(
        self, tell: Sequence[Mapping[str, Any]], report: Sequence[Mapping[str, Any]], ask: int
    ) -> Answer:
        """Tell how trials stand and what they reported, and ask for as many new ones.

        Raises:
            StepFailed: The tuner refuses the spec, or cannot be kept alive.
        """
        message = {"op": "exchange", "tell": list(tell), "report": list(report), "ask": ask}
        for _ in range(_TRIES):
            if self._process is None:
                if not self._begin():
                    continue
                message.update(tell=[], report=[])  # it is in the table
            found = self._say(message)
            if found is not None:
                return Answer(
                    list(found.get("trials") or ()),
                    list(found.get("stop") or ()),
                    found.get("over"),
                )
        raise StepFailed(
            "internal",
            f"Cannot tune step {self._order['step']!r}: the process that suggests trials ended "
            f"{_TRIES} times. Its last words are in the step's log.",
        )

    def close(self) -> None:
        """Let it go; it ends by itself."""
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    if pipe is not None:
                        pipe.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)
                return
            process.kill()
            process.wait()

    def forget(self) -> None:
        """Close our ends of its pipes in a child: there it is not ours to ask."""
        process, self._process = self._process, None
        for pipe in (process.stdin, process.stdout) if process is not None else ():
            if pipe is not None:
                os.close(pipe.fileno())

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def _begin(self) -> bool:
        tuner = self._order["tuner"]
        parent = os.getpid()
        try:
            self._process = subprocess.Popen(
                [tuner["python"], "-I", "-m", "jupyter_mlplat.tuner"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=tuner["path"],
                preexec_fn=lambda: kin.die_with(parent),
            )
        except OSError as error:
            raise StepFailed(
                "internal",
                f"Cannot start the tuner with {tuner['python']!r}: {error.strerror or error}.",
            ) from error
        begin = {
            "op": "begin",
            # How many there are in all is the host's affair: who was killed does not count.
            "spec": {**self._order["tune"], "trials": None},
            "key": f"{self._order['run']}/{self._order['step']}",
            "trials": self._table(),
            "earlier": self._order.get("earlier") or [],
        }
        return self._say(begin) is not None

    def _say(self, message: Mapping[str, Any]) -> dict[str, Any] | None:
        """Send a line and return the answer; None if nobody is there any more."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return None
        try:
            process.stdin.write(dump_json(message) + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
            found = json.loads(line) if line.endswith(b"\n") else None
        except (OSError, ValueError):
            found = None
        if not isinstance(found, dict):
            self.close()
            return None
        if found.get("error"):
            error = found["error"]
            said = error if isinstance(error, dict) else {"message": str(error)}
            raise StepFailed(said.get("code", "invalid-input"), said["message"])
        return found
