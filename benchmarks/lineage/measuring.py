"""Each store measured in a process of its own, in the environment of its own."""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.lineage.plan import Work
from benchmarks.peers import PeerUnavailable

HERE = Path(__file__).parent
OURS = "platform_store"
FLOOR = "bare_store"
TIMEOUT_S = 900


def side_by_side(
    work: Work, pythons: Mapping[str, Path], folder: str
) -> dict[str, dict[str, float]]:
    """Let all stores do the work in turns; return the median of each figure by store."""
    taken: dict[str, list[dict[str, float]]] = {store: [] for store in pythons}
    for _ in range(work.rounds):
        for store, python in pythons.items():
            name = work.floor_name if store == FLOOR else work.name
            taken[store].append(do(python, name, store, work.count, folder))
    return {
        store: {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
        for store, rounds in taken.items()
    }


def do(
    python: Path, work: str, store: str, count: int, folder: str, under: tuple[str, ...] = ()
) -> dict[str, float]:
    """Let one store do the work; return what it took.

    Raises:
        PeerUnavailable: The store is not ours, and fails.
    """
    done = subprocess.run(
        [*under, python, HERE / "workload.py", work, store, str(count)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env={
            **os.environ,
            "DO_NOT_TRACK": "true",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "TMPDIR": folder,
        },
    )
    if done.returncode:
        words = f"{store} could not do {work!r}: {done.stderr.strip()[-1000:]}"
        raise SystemExit(words) if store in (OURS, FLOOR) else PeerUnavailable(words)
    taken: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return taken


def flushes(python: Path, work: str, store: str, folder: str) -> float | None:
    """Count how often one call makes the disk flush; None where there is no strace to count."""
    strace = shutil.which("strace")
    if strace is None:
        return None
    report = Path(folder) / f"flushes-{os.getpid()}"
    under = (strace, "-f", "-e", "trace=fsync,fdatasync", "-o", str(report))
    counts = []
    for count in (24, 124):  # the difference is without what it takes to make the store
        do(python, work, store, count, folder, under)
        counts.append(len(re.findall(r" f(?:data)?sync\(", report.read_text())))
    report.unlink()
    return (counts[1] - counts[0]) / 100


def api_answer(folder: str) -> dict[str, float]:
    """Ask a running engine; this has no peer, but a bound of its own."""
    done = subprocess.run(
        [sys.executable, HERE / "api_answer.py"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env={**os.environ, "TMPDIR": folder},
    )
    if done.returncode:
        raise SystemExit(f"the engine did not answer:\n{done.stderr[-2000:]}")
    answer: dict[str, float] = json.loads(done.stdout)
    return answer
