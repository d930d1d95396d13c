"""Ours: a tuner of its own process, every trial in a journal before the next is asked for."""

import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.tuning.functions import FUNCTIONS


def run(algorithm: str, trials: int, seed: int, folder: Path) -> dict[str, float]:
    """Return how long so many trials took, the tuner's start included, and the best value."""
    function = FUNCTIONS["five mixed parameters"]
    spec = {
        "space": function.space,
        "objective": {"metric": "loss", "direction": "minimize"},
        "algorithm": {"name": algorithm},
        "trials": trials,
        "seed": seed,
    }
    best = float("inf")
    start = perf_counter()
    with (
        (folder / "events.jsonl").open("a", buffering=1) as journal,
        subprocess.Popen(
            [sys.executable, "-I", "-m", "jupyter_mlplat.tuner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as tuner,
    ):

        def ask(request: dict[str, Any]) -> Any:
            assert tuner.stdin
            assert tuner.stdout
            tuner.stdin.write(json.dumps(request).encode() + b"\n")
            tuner.stdin.flush()
            return json.loads(tuner.stdout.readline())

        def tell(**facts: Any) -> None:
            journal.write(json.dumps({"kind": "trial", **facts}) + "\n")

        ask({"op": "begin", "spec": spec})
        answer = ask({"op": "exchange", "ask": 1})
        while answer["trials"]:
            (trial,) = answer["trials"]
            tell(state="Running", **trial)
            value = function.call(trial["parameters"])
            best = min(best, value)
            tell(number=trial["number"], state="Succeeded", value=value)
            told = {"number": trial["number"], "state": "Succeeded", "value": value}
            answer = ask({"op": "exchange", "tell": [told], "ask": 1})
        took_s = perf_counter() - start
        assert tuner.stdin
        tuner.stdin.close()
    return {"took_s": took_s, "best": best}
