"""Launch of a two-process torch job to its barrier: `python -m benchmarks.train_launch`."""

import argparse
import json
import statistics
import subprocess
import sys
from importlib.util import find_spec

from benchmarks.peers import Aim, PeerUnavailable, machine, table, verdicts
from benchmarks.train_launch import contenders, kubeflow_sdk

LABELS = {
    "warm": "jupyter-mlplat, ranks forked from a warm worker",
    "job": "jupyter-mlplat, from the submission of a job to a running engine",
    "cold": "jupyter-mlplat, no worker there yet",
    "hand": "two processes with their variables set by hand",
    "torchrun": "torchrun --standalone",
    "kubeflow": "Kubeflow SDK, local process backend",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_launch")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-kubeflow", action="store_true", help="it installs torch anew")
    given = parser.parse_args()
    if find_spec("torch") is None:
        print("Left out: torch is not installed (python -m pip install 'torch==2.13.0+cpu').")
        return
    figures = measure(given.rounds, with_kubeflow=not given.without_kubeflow)
    if given.json:
        print(json.dumps({"machine": machine(), "seconds": figures}))
    else:
        show(figures)


def measure(rounds: int, *, with_kubeflow: bool) -> dict[str, float]:
    """Return the median seconds of each contender, taken in turn."""
    warm, job = contenders.ours(rounds, is_warm=True), contenders.job(rounds)
    cold, hand, torchrun = [], [], []
    for _ in range(rounds):
        hand.append(contenders.by_hand())
        cold += contenders.ours(1, is_warm=False)
        torchrun.append(contenders.torchrun())
    times = {"warm": warm, "job": job, "cold": cold, "hand": hand, "torchrun": torchrun}
    if with_kubeflow:
        try:
            times["kubeflow"] = [kubeflow_sdk.launch()]
        except (PeerUnavailable, subprocess.SubprocessError, RuntimeError) as error:
            print(f"Kubeflow's SDK is left out: {error}", file=sys.stderr)
    return {who: statistics.median(taken) for who, taken in times.items()}


def show(figures: dict[str, float]) -> None:
    """Print the figures and what was aimed for."""
    print(machine(), "\n")
    rows = [[LABELS[who], f"{found:.3f}"] for who, found in figures.items()]
    print(table(["s, from the launch to the gloo barrier of 2 ranks", "median"], rows), "\n")
    aims = [
        Aim("torchrun / ours, warm", figures["torchrun"] / figures["warm"], 20),
        Aim("torchrun / our job, warm", figures["torchrun"] / figures["job"], 20),
        Aim("ours, cold / by hand", figures["cold"] / figures["hand"], 1.2, False),
    ]
    if "kubeflow" in figures:
        aims += [
            Aim(
                "Kubeflow's local backend / ours, warm", figures["kubeflow"] / figures["warm"], 200
            ),
            Aim("Kubeflow's local backend / ours, cold", figures["kubeflow"] / figures["cold"], 10),
        ]
    print(verdicts(aims))


if __name__ == "__main__":
    main()
