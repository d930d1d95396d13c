"""Builds the environment that a step asks for: once, by the first step that needs it.

Others that need the same one wait for it. What the installer says goes to the step's log.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from .task_failures import TaskFailed

READY = "ready.json"
"""Is there once an environment is whole."""

_LAST_LINES = 12


def python_of(folder: str) -> str:
    """Return the interpreter of an environment."""
    return os.path.join(folder, "bin", "python")


def build(wanted: Mapping[str, Any]) -> str:
    """Build an environment unless it is there; returns its interpreter.

    Args:
        wanted: `folder`, `python`, `requirements`, `options` (of the installer), `system` (whether
            packages of `python` are seen in it).

    Raises:
        TaskFailed: It cannot be built.
    """
    folder = wanted["folder"]
    os.makedirs(os.path.dirname(folder), mode=0o700, exist_ok=True)
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(folder, READY)):
            shutil.rmtree(folder, ignore_errors=True)
            try:
                _build(wanted, folder)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
    return python_of(folder)


def _build(wanted: Mapping[str, Any], folder: str) -> None:
    from .files import dump_json, write_atomically

    began = time.monotonic()
    names = ", ".join(wanted["requirements"]) or "no packages"
    say(f"Building an environment with {names} (once; later steps find it in {folder})")
    beside = os.path.dirname(wanted["python"])
    uv = shutil.which("uv") or shutil.which("uv", path=beside)
    system = ["--system-site-packages"] if wanted.get("system") else []
    if uv is not None:
        seed = [*system, "--seed"] if system else []  # a command may call pip
        _run([uv, "venv", "--quiet", "--python", wanted["python"], *seed, folder], names)
        installer = [uv, "pip", "install", "--python", python_of(folder)]
    else:
        venv = [wanted["python"], "-m", "venv", *system]
        has_pip = _has_pip(wanted["python"])
        _run([*venv, *(["--without-pip"] if has_pip and not system else []), folder], names)
        pip = [wanted["python"], "-m", "pip", "--python", python_of(folder)]
        if not has_pip or system:
            pip = [python_of(folder), "-m", "pip"]
        installer = [*pip, "install", "--disable-pip-version-check", "--no-input"]
    if wanted["requirements"]:
        _run([*installer, *wanted["options"], *wanted["requirements"]], names)
    write_atomically(os.path.join(folder, READY), dump_json(dict(wanted)))
    say(f"The environment is ready ({time.monotonic() - began:.1f} s)")


def _has_pip(python: str) -> bool:
    """Tell whether an interpreter has a pip that can install for another one (22.3 or newer)."""
    probe = "import pip; print(int(tuple(map(int, pip.__version__.split('.')[:2])) >= (22, 3)))"
    done = subprocess.run([python, "-c", probe], capture_output=True, check=False)
    return done.stdout.strip() == b"1"


def _run(command: Sequence[str], names: str) -> None:
    """Run an installer; its words go to the log as they come."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
        environment.pop(name, None)
    last: list[str] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            say(line.rstrip("\n"))
            last = [*last, line.strip()][-_LAST_LINES:]
    if process.returncode:
        faults = [line for line in last if line.lower().startswith(("error", "× ", "x "))]
        why = " ".join(faults or last[-3:]) or f"it exited with status {process.returncode}"
        raise TaskFailed(
            "environment-failed",
            f"Cannot install {names}: {why} Correct the component's packages_to_install, or "
            "name another index (pip_index_urls).",
        )


def say(text: str) -> None:
    """Write a line of ours to the step's log."""
    print(f"[mlplat] {text}", file=sys.stderr, flush=True)
