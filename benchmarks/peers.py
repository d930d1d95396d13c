"""Environments of the peers, and the tables in which they stand beside us."""

import os
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parents[1]
ENVIRONMENTS = ROOT / ".bench"


class PeerUnavailable(Exception):
    """A peer could not be installed here; its rows are left out, with the installer's words."""


def peer_python(name: str, *requirements: str) -> Path:
    """Return the interpreter of an environment that holds these requirements, made on first use.

    Raises:
        PeerUnavailable: The installer refused.
    """
    home = ENVIRONMENTS / name
    python, stamp = home / "bin" / "python", home / ".requirements"
    wanted = "\n".join(requirements)
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(home, ignore_errors=True)
    uv = Path(sys.executable).with_name("uv")
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, home],
        [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *requirements],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise PeerUnavailable(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    stamp.write_text(wanted)
    return python


def seconds(action: Callable[[], object], rounds: int = 3) -> float:
    """Return the median wall time of a few rounds, in seconds."""
    times = []
    for _ in range(rounds):
        start = perf_counter()
        action()
        times.append(perf_counter() - start)
    return statistics.median(times)


def machine() -> str:
    """Say on what the figures were measured, for the line above a table."""
    cpu = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return f"{os.cpu_count()} cores, {cpu}, Python {platform.python_version()}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
