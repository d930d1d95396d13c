"""Beside MLflow's client on SQLite: `python -m benchmarks.mlflow_metrics`."""

import json
import statistics
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep

from benchmarks.peers import Aim, PeerUnavailable, machine, peer_python, table, verdicts
from benchmarks.pipeline_overhead.ours import engine
from jupyter_mlplat.client.engine import EngineClient

POINTS = 100_000
CHART_POINTS = 500
PEER_POINTS = 300
STUTTER_MS = 100.0
"""Above it, a chart that is drawn anew ten times a second misses a drawing."""

CELL = """
import json
import math
from time import perf_counter

from jupyter_mlplat import log_metric

log_metric("warm", 0.0)
start = perf_counter()
for number in range({count}):
    log_metric("loss", math.exp(-number / 30_000) + (number * 7919 % 1000) / 10_000, number)
log_metric("took_s", perf_counter() - start)
"""


@dataclass(slots=True)
class Seen:
    """What somebody who watches the run waits for."""

    chart_ms: list[float] = field(default_factory=list)
    other_ms: list[float] = field(default_factory=list)
    points: list[int] = field(default_factory=list)


def watch(client: EngineClient, run: str, seen: Seen, is_over: threading.Event) -> None:
    """Ask for the curve as a panel does, and for something else, until the run is over."""
    while not is_over.is_set():
        start = perf_counter()
        answer = client.sample_metrics(run, CHART_POINTS, "loss")
        seen.chart_ms.append((perf_counter() - start) * 1000)
        seen.points.append(answer.total)
        start = perf_counter()
        client.get_run(run)
        seen.other_ms.append((perf_counter() - start) * 1000)
        sleep(0.1)


def ours(count: int) -> tuple[float, float, Seen]:
    """Return how long a call of a cell takes, how long until all is there, and what was seen."""
    with engine() as (client, place):
        notebook = place / "metrics.ipynb"
        cell = {"cell_type": "code", "id": "log", "metadata": {}, "outputs": []}
        cell |= {"source": CELL.format(count=count), "execution_count": None}
        notebook.write_text(
            json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]})
        )
        seen, is_over = Seen(), threading.Event()
        start = perf_counter()
        run = client.submit(notebook)
        watcher = threading.Thread(
            target=watch, args=(EngineClient(place / "home"), run.id, seen, is_over)
        )
        watcher.start()
        run = client.wait_for_run(run.id)
        took = perf_counter() - start
        is_over.set()
        watcher.join()
        if run.failure is not None:
            raise RuntimeError(run.failure.message)
        last = client.sample_metrics(run.id, CHART_POINTS, "loss")
        if last.total != count or len(last.metrics) > CHART_POINTS:
            raise RuntimeError(f"{last.total} of {count} points are there.")
        (inside,) = client.sample_metrics(run.id, CHART_POINTS, "took_s").metrics
        return inside.value / count, took, seen


def peer(count: int) -> dict[str, float]:
    """Return what MLflow's client takes for a value.

    Raises:
        PeerUnavailable: It cannot be installed here.
    """
    python = peer_python("mlflow", "mlflow>=3.1")
    program = Path(__file__).with_name("peer.py")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, program, str(count), folder], capture_output=True, text=True, timeout=600
        )
    if done.returncode:
        raise PeerUnavailable(done.stderr[-300:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> int:
    """Measure, and say what was aimed for."""
    print(f"Measured on {machine()}\n")
    call_s, took, seen = ours(POINTS)
    rows = [
        ("log_metric in a cell", f"{call_s * 1e6:.1f} µs", f"{1 / call_s:,.0f}"),
        (f"{POINTS:,} points logged, taken in and recorded, with the run", f"{took:.2f} s", ""),
    ]
    aims = []
    try:
        theirs = peer(PEER_POINTS)
        for name, key in (("mlflow.log_metric, SQLite", "one_s"), ("… log_batch", "batched_s")):
            rows.append((name, f"{theirs[key] * 1e6:,.0f} µs", f"{1 / theirs[key]:,.0f}"))
        aims.append(Aim("log_metric against MLflow's, times", theirs["one_s"] / call_s, 50))
    except PeerUnavailable as error:
        print(f"Left out: {error}\n")
    chart = sorted(seen.chart_ms)
    rows += [
        (
            f"curve of {CHART_POINTS} points while it grows, median",
            f"{statistics.median(chart):.1f} ms",
            "",
        ),
        ("… slowest", f"{chart[-1]:.1f} ms", ""),
        ("another answer of the engine meanwhile, slowest", f"{max(seen.other_ms):.1f} ms", ""),
    ]
    aims.append(Aim("slowest curve while 100,000 points come in, ms", chart[-1], STUTTER_MS, False))
    print(table(("", "", "a second"), rows) + "\n")
    print(verdicts(aims))
    return 0


if __name__ == "__main__":
    sys.exit(main())
