"""From submitting a notebook to its first statement: `python -m benchmarks.first_statement`.

Through the client and the engine: compiled, checked, stored, admitted, started. With an engine that
is up, and with none, so that the client has to start it.
"""

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.peers import Aim, machine, verdicts
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.resources.run import RunState

WARM_S, COLD_S = 0.05, 1.5
PAUSE_S = 0.3  # as far apart as a user's clicks at least


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_statement")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    figures = measure(given.rounds)
    if given.json:
        print(json.dumps({"machine": machine(), "seconds": figures}))
        return
    print(machine(), "\n")
    print(
        verdicts(
            [
                Aim("submit to first statement, engine up, s", figures["warm"], WARM_S, False),
                Aim("submit to first statement, engine down, s", figures["cold"], COLD_S, False),
            ]
        )
    )


def measure(rounds: int) -> dict[str, float]:
    """Return the medians in seconds; the first cold start, which compiles bytecode, is left out."""
    place = Path(tempfile.mkdtemp(prefix="mlpf-"))
    client = EngineClient(place / "home")
    cold, warm = [], []
    try:
        for _ in range(max(3, rounds // 3) + 1):
            client.stop_engine()
            cold.append(_submit(client, place))
        for _ in range(rounds):
            warm.append(_submit(client, place))
    finally:
        client.stop_engine()
        shutil.rmtree(place, ignore_errors=True)
    return {"warm": statistics.median(warm), "cold": statistics.median(cold[1:])}


def _submit(client: EngineClient, place: Path) -> float:
    """Submit a notebook that nobody has seen before; return the seconds to its first statement."""
    time.sleep(PAUSE_S)
    source = f"import time\n# {time.time_ns()}\nprint(time.clock_gettime(time.CLOCK_MONOTONIC))"
    path = place / "book.ipynb"
    cell = {
        "cell_type": "code",
        "id": "cell",
        "metadata": {"mlplat": {"step": "only", "cache": False}},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }
    path.write_text(
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]})
    )
    began = time.clock_gettime(time.CLOCK_MONOTONIC)
    run = client.submit(path)
    run = client.wait_for_run(run.id)
    if run.state is not RunState.SUCCEEDED:
        raise RuntimeError(f"the run ended {run.state}: {run.failure}")
    return float(client.read_step_log(run.id, "only", "stdout")) - began


if __name__ == "__main__":
    main()
