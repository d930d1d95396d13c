"""Load by wrk, and the memory of a tree of processes."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

_UNITS_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    errors: int


def wrk(url: str, body: object, connections: int, seconds: int) -> Load:
    """Post the same body over so many connections for so long."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("Cannot measure: wrk is not installed. Run: apt-get install wrk.")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            'wrk.method = "POST"\n'
            'wrk.headers["Content-Type"] = "application/json"\n'
            f"wrk.body = {json.dumps(json.dumps(body))}\n"
        )
        script.flush()
        command = [program, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
        printed = subprocess.run(
            [*command, "--latency", "-s", script.name, url],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", printed)
    sockets = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", printed
    )
    errors = int(failed[1]) if failed else 0
    errors += sum(map(int, sockets.groups())) if sockets else 0
    return Load(
        float(_found(r"Requests/sec:\s+([\d.]+)", printed)[1]),
        _milliseconds(printed, 50),
        _milliseconds(printed, 99),
        errors,
    )


def _milliseconds(printed: str, percentile: int) -> float:
    match = _found(rf"{percentile}%\s+([\d.]+)(us|ms|s|m)", printed)
    return float(match[1]) * _UNITS_MS[match[2]]


def _found(pattern: str, printed: str) -> re.Match[str]:
    match = re.search(pattern, printed)
    if match is None:
        raise SystemExit(f"Cannot read what wrk printed:\n{printed}")
    return match


def memory_mb(pids: Iterable[int]) -> float:
    """Add up the proportional memory (PSS) of processes and all their children."""
    total_kb = 0
    for process in _trees(pids):
        text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
        total_kb += int(_found(r"Pss:\s+(\d+) kB", text)[1])
    return total_kb / 1024


def cpu_s(pids: Iterable[int]) -> float:
    """Add up the CPU time that processes and all their children have used."""
    times = [process.cpu_times() for process in _trees(pids)]
    return sum(used.user + used.system for used in times)


def _trees(pids: Iterable[int]) -> list[psutil.Process]:
    roots = [psutil.Process(pid) for pid in pids]
    return [p for root in roots for p in (root, *root.children(recursive=True))]
