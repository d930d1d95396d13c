"""An attempt in a pod that shares no disk with the engine: what it needs comes and goes by HTTP.

`fetch` is the pod's first container: it lays out, below one folder, what an attempt finds on the
engine's machine. `work` is its second: it claims the attempt, runs it as any step is run, and
brings what it writes to the engine as it grows. Every call may be made again: files are appended at
an offset, content goes by its digest. While the engine is away the step goes on, and what it tells
is told later.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from .files import Blobs, dump_json, write_atomically
from .process import NOT_OURS

ENGINE, TOKEN = "MLPLAT_POD_ENGINE", "MLPLAT_POD_TOKEN"
TELL_EVERY_S = 0.5
PIECE_BYTES = 4 << 20
PATIENCE_S = 3600.0
"""An engine may be away for so long; then what was made is lost, and the pod's device is freed."""

_LONGEST_PAUSE_S = 10.0
_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}")
_GROWING = (".log", ".jsonl")
_OWN = ("claim", "step.json", "result.json", "stop")
_MANIFEST_BYTES = 64 << 20  # larger blobs are no manifests


class Refused(Exception):
    """The engine does not want this: the attempt is another's, or over."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"{status}: {said}")
        self.status = status


class Engine:
    """The engine's routes for one attempt.

    Args:
        address: Up to the attempt: `http://engine:8899/pods/v1/RUN/STEP/1`.
        token: Good for this attempt.
        patience_s: How long it may be away.
    """

    def __init__(self, address: str, token: str, patience_s: float = PATIENCE_S) -> None:
        if not address.startswith(("http://", "https://")):
            raise ValueError(f"{address!r} is no address of an engine.")
        self._address = address.rstrip("/")
        self._token = token
        self._patience_s = patience_s

    def call(
        self,
        verb: str,
        path: str,
        body: bytes | None = None,
        is_patient: bool = True,
        file: str | None = None,
    ) -> bytes:
        """Ask until there is an answer; the body may be a file's, which is not read at once.

        Raises:
            Refused: The answer is no.
            OSError: The engine is away, and has been for too long.
        """
        until, pause_s = time.monotonic() + self._patience_s, 0.2
        while True:
            try:
                with self._asked(verb, path, body, file) as answer:
                    return bytes(answer.read())
            except urllib.error.HTTPError as error:
                with error:
                    said = error.read(2000).decode("utf-8", "replace")
                if error.code < 500 and error.code != 429:
                    raise Refused(error.code, said) from None
                fault: OSError = error
            except OSError as error:
                fault = error
            if not is_patient or time.monotonic() > until:
                raise fault
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)

    @contextlib.contextmanager
    def _asked(self, verb: str, path: str, body: bytes | None, file: str | None) -> Iterator[Any]:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/octet-stream",
        }
        with contextlib.ExitStack() as stack:
            data: Any = body
            if file is not None:
                data = stack.enter_context(open(file, "rb"))
                headers["Content-Length"] = str(os.fstat(data.fileno()).st_size)
            request = urllib.request.Request(  # noqa: S310 - the scheme was checked
                f"{self._address}/{path}", data=data, method=verb, headers=headers
            )
            yield stack.enter_context(urllib.request.urlopen(request, timeout=60))  # noqa: S310


class Folder:
    """Where things lie in the pod, below one root."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.attempt = os.path.join(root, "attempt")
        self.blobs = os.path.join(root, "blobs")
        self.work = os.path.join(root, "work")
        self.checkpoints = os.path.join(root, "checkpoints")

    def make(self) -> None:
        for path in (self.attempt, self.blobs, self.work, self.checkpoints):
            os.makedirs(path, mode=0o700, exist_ok=True)


def run(what: str, root: str, *arguments: str) -> int:
    """Fetch, or work; return the exit status."""
    engine = Engine(os.environ.pop(ENGINE), os.environ.pop(TOKEN))
    folder = Folder(root)
    try:
        if what == "fetch":
            fetch(engine, folder)
            return 0
        return Work(engine, folder, arguments).run()
    except Refused as refused:
        print(f"The engine refuses this attempt: {refused}", file=sys.stderr)
        return NOT_OURS


# - before the step -


def fetch(engine: Engine, folder: Folder) -> None:
    """Lay out the order, the notebook's own modules and what the attempt reads."""
    folder.make()
    order = json.loads(engine.call("GET", "order"))
    for name in order.get("modules") or ():
        path = os.path.normpath(os.path.join(folder.work, name))
        if path.startswith(folder.work + os.sep):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with contextlib.suppress(Refused):  # the step says that it is missing
                write_atomically(path, engine.call("GET", f"module?path={_quoted(name)}"))
    _fetch_blobs(engine, Blobs(folder.blobs), dump_json(order))
    here = {
        "home": folder.root,
        "blobs": folder.blobs,
        "doorbell": None,
        "cwd": folder.work,
        "flush_from_bytes": None,
    }
    if "checkpoints" in order:
        here["checkpoints"] = folder.checkpoints
    write_atomically(os.path.join(folder.attempt, "step.json"), dump_json({**order, **here}))


def _fetch_blobs(engine: Engine, blobs: Blobs, order: bytes) -> None:
    """Fetch what the order names, and what manifests among it name."""
    wanted = [match.decode() for match in _DIGEST.findall(order)]
    seen: set[str] = set()
    while wanted:
        digest = wanted.pop()
        if digest in seen:
            continue
        seen.add(digest)
        path = blobs.path(digest)
        if not os.path.exists(path):
            try:
                content = engine.call("GET", f"blobs/{digest}")
            except Refused:
                continue  # a digest of something else, such as the cache's key
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            write_atomically(path, content, 0o400)
        if os.path.getsize(path) <= _MANIFEST_BYTES:
            with open(path, "rb") as file:
                content = file.read()
            if content[:1] == b"{":
                wanted += [match.decode() for match in _DIGEST.findall(content)]


def _quoted(text: str) -> str:
    return urllib.request.quote(text, safe="")  # type: ignore[attr-defined,no-any-return]


# - beside the step -


class Work:
    """Runs the step and brings what it writes to the engine.

    Args:
        engine: Where it goes.
        folder: Where it comes from.
        how: Of `start.py`: `step`; or `kernel` and the kernel's name.
    """

    def __init__(self, engine: Engine, folder: Folder, how: tuple[str, ...]) -> None:
        self._engine = engine
        self._folder = folder
        self._how = how
        self._told: dict[str, int] = {}  # growing files: bytes the engine has
        self._stamps: dict[str, tuple[int, int]] = {}  # other files: as they were brought
        self._blobs = set(_blobs_in(folder.blobs))  # that the engine has

    def run(self) -> int:
        me = {"pid": os.getpid(), "pod": os.environ.get("HOSTNAME", "")}
        self._engine.call("POST", "claim", dump_json(me))
        start = os.path.join(os.path.dirname(os.path.abspath(__file__)), "start.py")
        how, *rest = self._how
        child = subprocess.Popen(
            [sys.executable, "-I", start, how, self._folder.attempt, *rest],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda which, _: _signal(child, which))
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(TELL_EVERY_S)
            if child.returncode is not None:
                break
            with contextlib.suppress(OSError):  # the engine is away: it is told later
                self.tell(is_patient=False)
        _signal(child, signal.SIGKILL)  # what it has left
        self.tell(is_patient=True)
        result = os.path.join(self._folder.attempt, "result.json")
        if os.path.exists(result):
            with open(result, "rb") as file:
                self._engine.call("PUT", "result", file.read())
        code = child.returncode
        return 128 - code if code < 0 else code

    def tell(self, is_patient: bool) -> None:
        """Bring what is new: content first, since what is told refers to it.

        Raises:
            OSError: The engine is away.
        """
        for digest in _blobs_in(self._folder.blobs):
            if digest not in self._blobs:
                self._bring_blob(digest, is_patient)
                self._blobs.add(digest)
        for name in sorted(_files_in(self._folder.attempt), key=_is_events):
            if name.endswith(_GROWING):
                self._append(name, is_patient)
            else:
                self._bring(name, is_patient)

    def _bring_blob(self, digest: str, is_patient: bool) -> None:
        with contextlib.suppress(Refused):
            self._engine.call("HEAD", f"blobs/{digest}", is_patient=is_patient)
            return
        path = Blobs(self._folder.blobs).path(digest)
        self._engine.call("PUT", f"blobs/{digest}", is_patient=is_patient, file=path)

    def _append(self, name: str, is_patient: bool) -> None:
        path = os.path.join(self._folder.attempt, name)
        while os.path.getsize(path) > self._told.get(name, 0):
            offset = self._told.get(name, 0)
            with open(path, "rb") as file:
                file.seek(offset)
                piece = file.read(PIECE_BYTES)
            query = f"file?path={_quoted(name)}&offset={offset}"
            said = json.loads(self._engine.call("POST", query, piece, is_patient))
            self._told[name] = int(said["size"])
            if self._told[name] <= offset:
                return  # it takes no more of this

    def _bring(self, name: str, is_patient: bool) -> None:
        path = os.path.join(self._folder.attempt, name)
        try:
            facts = os.stat(path)
            stamp = (facts.st_mtime_ns, facts.st_size)
            if self._stamps.get(name) == stamp:
                return
            with open(path, "rb") as file:
                content = file.read()
        except FileNotFoundError:
            return
        self._engine.call("PUT", f"file?path={_quoted(name)}", content, is_patient)
        self._stamps[name] = stamp


def _signal(child: subprocess.Popen[Any], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def _is_events(name: str) -> bool:
    """Order by this: what events speak of goes before them."""
    return name.endswith(".jsonl")


def _files_in(directory: str) -> Iterator[str]:
    """Give the files of an attempt that are the engine's to have, as relative paths."""
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), directory)
            is_draft = name.endswith(".tmp") or name.startswith((".", "claim."))
            if path not in _OWN and not is_draft:
                yield path


def _blobs_in(root: str) -> Iterator[str]:
    for folder in os.scandir(root) if os.path.isdir(root) else ():
        if len(folder.name) == 2:
            for entry in os.scandir(folder.path):
                if len(entry.name) == 62:
                    yield f"sha256:{folder.name}{entry.name}"


__all__ = ["Engine", "Folder", "Refused", "Work", "fetch", "run"]
