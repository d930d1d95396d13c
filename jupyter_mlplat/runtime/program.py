"""A program that a step, a rank or a trial runs instead of cells: a Python function, or a command.

The function comes by cloudpickle from the blob store. A command is found as a shell with the
step's Python in front would find it, so `python` and `torchrun` are those of the environment.
"""

from __future__ import annotations

import asyncio
import errno
import inspect
import os
import pickle
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .failures import StepFailed
from .files import Blobs

_PYTHONS = ("python", "python3")
_HERE = os.path.dirname(os.path.abspath(__file__))


def load_function(digest: str, blobs: Blobs) -> Callable[..., Any]:
    """Return the function that was stored under a digest.

    Raises:
        StepFailed: It cannot be loaded here: made by another Python, or in need of a package.
        files.BlobError: It is missing or damaged.
    """
    try:
        function = pickle.loads(blobs.get(digest))  # noqa: S301  it is the user's own
    except Exception as error:
        if type(error).__name__ == "BlobError":
            raise
        python = "{}.{}".format(*sys.version_info[:2])
        raise StepFailed(
            "import-error",
            f"Cannot load the function: {type(error).__name__}: {error}. It runs in Python "
            f"{python} ({sys.executable}); it must be made by the same Python, and what it "
            "imports must be installed there.",
            name=type(error).__name__,
            value=str(error),
        ) from error
    if not callable(function):
        message = f"Cannot call what was given as a function: it is a {type(function).__name__}."
        raise StepFailed("import-error", message)
    return function  # type: ignore[no-any-return]


def call(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Call a function with arguments by name; one that is `async` is waited for.

    Raises:
        StepFailed: It does not take these arguments, or it has raised.
    """
    _refuse_arguments(function, arguments)
    try:
        value = function(**arguments)
        if inspect.iscoroutine(value):
            value = asyncio.run(value)
    except Exception as error:
        raise StepFailed(**describe(error)) from error
    except SystemExit as exited:
        if exited.code in (None, 0):
            return None
        message = f"The function ended its process: sys.exit({exited.code!r})."
        raise StepFailed("task-error", message, name="SystemExit") from None
    return value


def _refuse_arguments(function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # written in C: calling it will tell
    try:
        signature.bind(**arguments)
    except TypeError as error:
        name = getattr(function, "__name__", type(function).__name__)
        given = ", ".join(arguments) or "none"
        raise StepFailed(
            "bad-arguments",
            f"Cannot call {name}{signature}: {error}. Given were: {given}.",
            name="TypeError",
            value=str(error),
        ) from None


def describe(error: BaseException) -> dict[str, Any]:
    """Say what a function has raised, and where; our own frames are left out."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_HERE + os.sep)]
    calls = traceback.StackSummary.from_list(own).format()
    lines = ["Traceback (most recent call last):\n", *calls]
    lines += traceback.format_exception_only(type(error), error)
    name, value = type(error).__name__, str(error)
    line = own[-1].lineno if own else None
    where = f"{own[-1].name}, line {line}: " if own else ""
    return {
        "code": "task-error",
        "message": f"{where}{name}: {value}" if value else f"{where}{name}",
        "name": name,
        "value": value,
        "line": line,
        "traceback": "".join(lines).splitlines(),
    }


def find_command(command: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return a command with its program as a path: the environment's own programs come first.

    Raises:
        StepFailed: There is no such program.
    """
    program, *rest = command
    if program in _PYTHONS:
        return [sys.executable, *rest]
    found = shutil.which(program, path=path_of(env))
    if found is None:
        raise StepFailed(
            "not-started",
            f"Cannot start {program!r}: there is no such program in {os.getcwd()!r}, beside "
            f"{sys.executable!r} or on PATH. Install it there, or give its whole path.",
        )
    return [found, *rest]


def path_of(env: Mapping[str, str]) -> str:
    """Return a PATH on which the programs of this Python's environment come first."""
    return os.pathsep.join([os.path.dirname(sys.executable), env.get("PATH") or os.defpath])


def run_command(command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
    """Run a command to its end; what it prints goes where this process prints.

    Raises:
        StepFailed: It cannot be started, or has not ended well.
    """
    variables = dict(os.environ if env is None else env)
    words = find_command(command, variables)
    variables["PATH"] = path_of(variables)
    before = signal.signal(signal.SIGTERM, lambda *_: None)  # it goes to the command as well
    try:
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, env=variables) as process:
            status = process.wait()
    except OSError as error:
        raise cannot_start(command[0], error) from error
    finally:
        signal.signal(signal.SIGTERM, before)
    if status:
        raise StepFailed(**describe_status(command[0], status))


def become_command(command: Sequence[str]) -> None:
    """Go on as a command: this process is the command from now on.

    Raises:
        StepFailed: It cannot be started.
    """
    words = find_command(command, os.environ)
    os.environ["PATH"] = path_of(os.environ)
    try:
        os.execv(words[0], words)  # noqa: S606
    except OSError as error:
        raise cannot_start(command[0], error) from error


def cannot_start(program: str, error: OSError) -> StepFailed:
    """Say why a program could not be started."""
    why = "it is no program" if error.errno == errno.ENOEXEC else error.strerror or str(error)
    return StepFailed("not-started", f"Cannot start {program!r}: {why}.")


def describe_status(program: str, status: int) -> dict[str, Any]:
    """Say how a command ended that did not end well; negative: by a signal."""
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else "unknown"
        hint = " Perhaps the system was out of memory." if -status == signal.SIGKILL else ""
        message = f"The command {program!r} was ended by signal {-status}, {name}.{hint}"
        return {"code": "killed", "message": message}
    message = f"The command {program!r} exited with status {status}. Its log says more."
    return {"code": "task-error", "message": message}


__all__ = [
    "become_command",
    "call",
    "cannot_start",
    "describe",
    "describe_status",
    "find_command",
    "load_function",
    "path_of",
    "run_command",
]
