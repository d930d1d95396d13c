"""All contenders in one run, rounds taking turns: `python -m benchmarks.pipeline_overhead`."""

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.peers import Aim, PeerUnavailable, machine, peer_python, table, verdicts
from benchmarks.pipeline_overhead import ours

PROGRAM = Path(__file__).with_name("program.py")
TIMEOUT_S = 1200

# Requirements, and how many steps are enough where a hundred would take minutes.
PEERS: Mapping[str, tuple[str, tuple[str, ...], int]] = {
    "fork": ("", (), 100),
    "bare": ("", (), 100),
    "prefect": ("prefect", ("prefect>=3.4", "fastapi<0.118"), 100),
    "dagster": ("dagster", ("dagster>=1.12",), 100),
    "kfp_local": ("kfp", ("kfp>=2.14", "pip>=24"), 100),
    "kfp_local_pip": ("kfp", ("kfp>=2.14", "pip>=24"), 5),
    "metaflow": ("metaflow", ("metaflow>=2.18", "setuptools<81"), 10),
}
LABELS = {
    "ours": "jupyter-mlplat, a process per step, durable",
    "fork": "fork of a warm process, nothing kept (floor)",
    "bare": "`python -c`, nothing recorded",
    "prefect": "Prefect, in the flow's process",
    "dagster": "Dagster, in the caller's process",
    "kfp_local": "kfp.local, pip off",
    "kfp_local_pip": "kfp.local, as it is by default",
    "metaflow": "Metaflow, again: its resume",
}
# By peer: the ratio of its time to ours that is aimed at.
AIMS = {
    "kfp_local": ("kfp.local, pip off", 10.0),
    "kfp_local_pip": ("kfp.local by default", 80.0),
    "bare": ("bare `python -c`", 2.5),
    "prefect": ("Prefect in process", 1.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline_overhead")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--steps", type=int, default=100, help="steps of our own runs")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    figures, missing = measure(given.peers, given.steps, given.rounds)
    if given.json:
        print(json.dumps({"machine": machine(), "ms_per_step": figures, "missing": missing}))
    else:
        show(figures, missing, given.steps)


def measure(
    peers: list[str], steps: int, rounds: int
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Return milliseconds per step by contender, medians over the rounds, and who is missing."""
    pythons: dict[str, Path] = {}
    missing = []
    for peer in peers:
        name, requirements, _ = PEERS[peer]
        try:
            pythons[peer] = peer_python(name, *requirements) if name else Path(sys.executable)
        except PeerUnavailable as error:
            missing.append(str(error))
    taken: dict[str, dict[str, list[float]]] = {}
    with ours.engine() as (client, place):
        for _ in range(rounds):
            for shape in ("chain", "fan"):
                for peer, python in list(pythons.items()):
                    count = min(PEERS[peer][2], steps)
                    try:
                        _note(taken, peer, shape, count, _run(python, peer, shape, count))
                    except PeerUnavailable as error:
                        missing.append(str(error))
                        del pythons[peer]
                        taken.pop(peer, None)
                times = ours.measure(client, place, shape, steps)
                _note(taken, "ours", shape, steps, times)
    medians = {
        contender: {what: statistics.median(values) for what, values in by_what.items()}
        for contender, by_what in taken.items()
    }
    return medians, missing


def _note(
    taken: dict[str, dict[str, list[float]]],
    contender: str,
    shape: str,
    count: int,
    times: Mapping[str, float],
) -> None:
    for key, what in (("first_s", shape), ("second_s", f"{shape} again")):
        taken.setdefault(contender, {}).setdefault(what, []).append(times[key] / count * 1e3)


def _run(python: Path, peer: str, shape: str, count: int) -> dict[str, float]:
    with tempfile.TemporaryFile("w+") as told, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [python, PROGRAM, peer, shape, str(count)],
            stdout=told,
            stderr=errors,
            start_new_session=True,
        )
        try:
            status = process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise PeerUnavailable(f"{peer} took over {TIMEOUT_S} s for {count} steps.") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # servers that outlive their caller
            process.wait()
        told.seek(0)
        errors.seek(0)
        if status:
            raise PeerUnavailable(f"{peer} failed: {errors.read().strip()[-500:]}")
        times: dict[str, float] = json.loads(told.read().splitlines()[-1])
    return times


def show(figures: dict[str, dict[str, float]], missing: list[str], steps: int) -> None:
    """Print the table and how the aims fared."""
    print(f"Milliseconds per trivial step; {machine()}.\n")
    columns = ["chain", "chain again", "fan", "fan again"]
    rows = [
        [label, *(f"{figures[name][column]:.2f}" for column in columns)]
        for name, label in LABELS.items()
        if name in figures
    ]
    print(table(["", *columns], rows), "\n")
    own = figures["ours"]
    aims = [
        Aim(f"chain: {label} / ours", figures[peer]["chain"] / own["chain"], bound)
        for peer, (label, bound) in AIMS.items()
        if peer in figures
    ]
    aims.append(Aim("fan / chain, ours", own["fan"] / own["chain"], 0.8, False))
    again_s = own["chain again"] * steps / 1e3
    aims.append(Aim(f"cached re-run of {steps}, seconds", again_s, 0.1, False))
    print(verdicts(aims))
    for reason in missing:
        print(f"\nLeft out: {reason}")


if __name__ == "__main__":
    main()
