"""The engine's side of an attempt whose pod shares no disk with it: `runtime/pod.py` asks here.

What a pod says is not trusted: its token opens its own attempt alone, and it names files of that
attempt's directory only. Everything may be said twice. All of it waits for a disk: call it in a
thread.
"""

import contextlib
import hmac
import io
import json
import os
import secrets
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlplat.config import ClusterConfig
from jupyter_mlplat.errors import Conflict, InvalidInput, NotFound, Unauthenticated
from jupyter_mlplat.kit.files import write_atomically
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.launchers.kubernetes.objects import Program
from jupyter_mlplat.launchers.local.slice import PACKAGE, materialise
from jupyter_mlplat.ports.launcher import AttemptRef, StartOrder

PREFIX = "/pods/v1"
ROOT = "/mlplat"
"""Where a pod has what an attempt needs."""

LONGEST_FILE_BYTES = 2**30
_OWN = frozenset({"claim", "step.json", "result.json", "token", "stop"})
_LONGEST_PATH = 500
_TOKEN_FILE = "token"  # noqa: S105 - the name of a file
_LOG_SLACK = 4096

BOOTSTRAP = f"""
import io, os, sys, tarfile, time, urllib.error, urllib.request
root, until = sys.argv[1], time.time() + 3600
asked = urllib.request.Request(os.environ["MLPLAT_POD_ENGINE"] + "/slice",
    headers={{"Authorization": "Bearer " + os.environ["MLPLAT_POD_TOKEN"]}})
while True:
    try:
        data = urllib.request.urlopen(asked, timeout=60).read()
        break
    except OSError as error:
        code = getattr(error, "code", 500)
        if code < 500 or time.time() > until:
            sys.exit(f"Cannot fetch the step from the engine: {{error}}")
        time.sleep(1)
tarfile.open(fileobj=io.BytesIO(data)).extractall(root)
start = os.path.join(root, "slice", "{PACKAGE}", "start.py")
os.execv(sys.executable, [sys.executable, "-I", start, "pod", "fetch", root])
"""
"""What a pod's first container runs: all that its image has to have is Python."""


class HttpExchange:
    """Pods fetch what they need from the engine, and bring back what they made."""

    def __init__(self, config: ClusterConfig) -> None:
        self._config = config

    def program(self, order: StartOrder, name: str) -> Program:
        ref = order.ref
        address = (self._config.address or "").rstrip("/")
        how = ["kernel", order.kernel] if order.kernel else ["step"]
        start = f"{ROOT}/slice/{PACKAGE}/start.py"
        token = {"secretKeyRef": {"name": name, "key": _TOKEN_FILE}}
        return Program(
            command=[order.python, "-I", start, "pod", "work", ROOT, *how],
            volumes=[{"name": "mlplat", "emptyDir": {}}],
            mounts=[{"name": "mlplat", "mountPath": ROOT}],
            env=[
                {
                    "name": "MLPLAT_POD_ENGINE",
                    "value": f"{address}{PREFIX}/{ref.run}/{ref.step}/{ref.attempt}",
                },
                {"name": "MLPLAT_POD_TOKEN", "valueFrom": token},
            ],
            first=[order.python, "-I", "-c", BOOTSTRAP, ROOT],
        )

    def secrets(self, ref: AttemptRef) -> Mapping[str, str]:
        return {_TOKEN_FILE: token_of(ref)}

    def close(self, ref: AttemptRef) -> None:
        (ref.directory / _TOKEN_FILE).unlink(missing_ok=True)


def token_of(ref: AttemptRef) -> str:
    """Return what opens an attempt; made once, so that the next engine knows it as well."""
    path = ref.directory / _TOKEN_FILE
    with contextlib.suppress(FileNotFoundError):
        if found := path.read_text():
            return found
    token = secrets.token_urlsafe(32)
    write_atomically(path, token.encode())
    return token


class Receiver:
    """One attempt as its pod asks for it.

    Args:
        home: The state directory.
        ref: The attempt.
        token: What the pod has shown.

    Raises:
        Unauthenticated: It opens nothing here.
    """

    def __init__(self, home: Home, ref: AttemptRef, token: str) -> None:
        self._home = home
        self._ref = ref
        try:
            expected = (ref.directory / _TOKEN_FILE).read_text()
        except OSError:
            expected = ""
        if not expected or not hmac.compare_digest(expected.encode(), token.encode()):
            raise Unauthenticated("This token opens no attempt that is to run.")

    def order(self) -> bytes:
        return (self._ref.directory / "step.json").read_bytes()

    def slice(self) -> bytes:
        """Return the code that a step is started with, as a tar file."""
        folder = materialise(self._home.root)
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as tar:
            tar.add(folder, "slice")
        return out.getvalue()

    def module(self, path: str) -> bytes:
        """Return a local module that the step's order names.

        Raises:
            NotFound: It names no such module, or it is not there.
        """
        order = json.loads(self.order())
        if path not in (order.get("modules") or ()):
            raise NotFound(f"The step imports no local module {path!r}.")
        try:
            return (Path(order["cwd"]) / path).read_bytes()
        except OSError as error:
            raise NotFound(f"Cannot read {path!r}: {error.strerror}.") from error

    def claim(self, said: Mapping[str, Any]) -> None:
        """Let a pod have the attempt; the same one as often as it asks.

        Raises:
            Conflict: Another one has it, or nobody is to have it any more.
        """
        pod = str(said.get("pod") or "")
        content = json.dumps({"pid": 0, "pod": pod}).encode()
        draft = self._ref.directory / f"claim.{secrets.token_hex(4)}"
        write_atomically(draft, content)
        try:
            os.link(draft, self._ref.directory / "claim")
        except FileExistsError:
            found = json.loads((self._ref.directory / "claim").read_bytes())
            if found.get("pod") != pod or not pod:
                raise Conflict("The attempt is another pod's, or was revoked.") from None
        finally:
            draft.unlink(missing_ok=True)

    def append(self, name: str, offset: int, piece: bytes) -> int:
        """Put a piece at the end of a file, unless it is there already; return the file's size."""
        path = self._path(name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        handle = os.open(path, flags, 0o600)
        try:
            size = os.fstat(handle).st_size
            if offset > size:
                return size  # what lies between is told first
            piece = piece[size - offset :]
            limit = LONGEST_FILE_BYTES
            if name.endswith(".log"):
                limit = int(json.loads(self.order()).get("log_limit_bytes") or limit) + _LOG_SLACK
            piece = piece[: max(0, limit - size)]
            written = 0
            while written < len(piece):
                written += os.pwrite(handle, piece[written:], size + written)
            return size + written
        finally:
            os.close(handle)

    def put(self, name: str, content: bytes) -> None:
        """Write a file of the attempt, whole."""
        path = self._path(name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, content)

    def finish(self, content: bytes) -> None:
        """Write how the attempt ended; what it said first counts.

        Raises:
            InvalidInput: It says no such thing.
        """
        try:
            is_result = isinstance(json.loads(content), dict)
        except ValueError:
            is_result = False
        if not is_result:
            raise InvalidInput("A result is a JSON object.")
        path = self._ref.directory / "result.json"
        if not path.exists():
            write_atomically(path, content)

    def _path(self, name: str) -> Path:
        parts = Path(name).parts
        is_odd = not parts or Path(name).is_absolute() or ".." in parts or "\0" in name
        is_own = len(parts) == 1 and (parts[0] in _OWN or parts[0].startswith("claim"))
        if is_odd or is_own or len(name) > _LONGEST_PATH:
            raise InvalidInput(f"{name!r} is no file that a pod may write.")
        path = self._ref.directory / name
        if not path.parent.resolve().is_relative_to(self._ref.directory.resolve()):
            raise InvalidInput(f"{name!r} is no file that a pod may write.")
        return path
