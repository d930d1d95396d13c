"""Environments of the peers, and the tables in which they stand beside us."""

import os
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parents[1]
ENVIRONMENTS = ROOT / ".bench"
INSTALL_S = 900


class PeerUnavailable(Exception):
    """A peer could not be installed here; its rows are left out, with the installer's words."""


def peer_python(name: str, *requirements: str, is_timed: bool = True) -> Path:
    """Return the interpreter of an environment that holds these requirements, made on first use.

    Args:
        name: Of the environment.
        requirements: What it holds.
        is_timed: All of it is compiled now, so that no measurement does it.

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
    if not uv.exists():
        raise PeerUnavailable(f"{name}: {str(uv)!r} is needed to install it. Run: make setup.")
    install = [uv, "pip", "install", "--quiet", *(["--compile-bytecode"] if is_timed else [])]
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, home],
        [*install, "--python", python, *requirements],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S)
        except subprocess.TimeoutExpired:
            raise PeerUnavailable(f"{name}: installing it took over {INSTALL_S} s.") from None
        if done.returncode:
            raise PeerUnavailable(f"{name}: {' '.join(done.stderr.split())[-300:]}")
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


@dataclass(frozen=True, slots=True)
class Aim:
    """A figure and what it should be: at least the bound, or at most."""

    what: str
    found: float
    bound: float
    is_least: bool = True

    def row(self) -> tuple[str, str, str, str]:
        """Say what was found and whether that is enough."""
        is_met = self.found >= self.bound if self.is_least else self.found <= self.bound
        words = f"{'at least' if self.is_least else 'at most'} {self.bound:g}"
        found = f"{self.found:.3g}" if self.found < 1000 else f"{self.found:,.0f}"
        return self.what, found, words, "met" if is_met else "missed"


def verdicts(aims: Iterable[Aim]) -> str:
    """Lay out figures beside what was aimed for."""
    return table(("figure", "found", "aim", ""), [aim.row() for aim in aims])
