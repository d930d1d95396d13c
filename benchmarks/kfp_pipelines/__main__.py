"""Both in one run, rounds taking turns: `python -m benchmarks.kfp_pipelines`."""

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.peers import Aim, PeerUnavailable, machine, peer_python, table, verdicts
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.resources.run import RunState

PROGRAM = Path(__file__).with_name("program.py")
REQUIREMENTS = ("kfp>=2.17,<3", "pip>=24")
TIMEOUT_S = 1200
WAIT_S = 0.5
SIBLINGS = 8
LOOP = 300
PEER_LOOP = 20  # kfp.local needs about 75 ms a task, two at a time
# Name of the row: (file, runner of kfp.local, its steps, what is said of it, the ratio aimed at).
CHAINS = {
    "bare": ("chain", "here", "pip off", 10.0),
    "pip": ("chain-pip", "here", "default pip", 80.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kfp_pipelines")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--steps", type=int, default=20, help="steps of a chain")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    try:
        python = peer_python("kfp-pipelines", *REQUIREMENTS)
    except PeerUnavailable as reason:
        print(f"Left out: {reason}")
        sys.exit(0)
    figures = measure(python, given.steps, given.rounds)
    if given.json:
        print(json.dumps({"machine": machine(), "figures": figures}))
    else:
        show(figures, given.steps)


def measure(python: Path, steps: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return seconds by what was run and by whom: medians over the rounds."""
    taken: dict[tuple[str, str], list[float]] = {}

    def note(what: str, who: str, times: Mapping[str, float]) -> None:
        taken.setdefault((what, who), []).append(times["first_s"])
        taken.setdefault((f"{what} again", who), []).append(times["second_s"])

    with tempfile.TemporaryDirectory(prefix="mlpk-") as folder, engine() as client:
        files = Path(folder)
        _call([python, PROGRAM, "compile", files, steps])
        for file, *_ in CHAINS.values():  # a worker is there, as in any session
            _ours(client, files / f"{file}.yaml", {"start": -1})
        for number in range(rounds):
            for name, (file, runner, _, _) in CHAINS.items():
                start = {"start": 1000 * number}
                note(name, "ours", _ours(client, files / f"{file}.yaml", start))
                note(name, "kfp.local", _theirs(python, files / f"{file}.yaml", start, runner))
            given: dict[str, Any] = {"seconds": WAIT_S + number / 1000}
            note("siblings", "ours", _ours(client, files / "siblings.yaml", given))
            note("siblings", "kfp.local", _theirs(python, files / "siblings.yaml", given, "here"))
            for count in (LOOP // 10, LOOP):
                given = {"items": list(range(number * 1000, number * 1000 + count))}
                note(f"loop of {count}", "ours", _ours(client, files / "loop.yaml", given))
            given = {"items": list(range(PEER_LOOP))}
            note("loop", "kfp.local", _theirs(python, files / "loop.yaml", given, "here"))
    found: dict[str, dict[str, float]] = {}
    for (what, who), times in taken.items():
        found.setdefault(what, {})[who] = statistics.median(times)
    return found


@contextmanager
def engine() -> Iterator[EngineClient]:
    """Start an engine in a state directory of its own, and stop it afterwards."""
    place = Path(tempfile.mkdtemp(prefix="mlpb-"))
    client = EngineClient(place / "home")
    try:
        yield client
    finally:
        client.stop_engine()
        shutil.rmtree(place, ignore_errors=True)


def _ours(client: EngineClient, file: Path, parameters: Mapping[str, Any]) -> dict[str, float]:
    """Run a pipeline with nothing of it in the cache and again; from submit to the final state."""
    times = []
    for _ in range(2):
        start = perf_counter()
        run = client.wait_for_run(client.submit(file, parameters=parameters).id)
        times.append(perf_counter() - start)
        if run.state is not RunState.SUCCEEDED:
            raise RuntimeError(f"the run ended {run.state}: {run.failure}")
    return {"first_s": times[0], "second_s": times[1]}


def _theirs(
    python: Path, file: Path, parameters: Mapping[str, Any], runner: str
) -> dict[str, float]:
    told = _call([python, PROGRAM, "run", file, json.dumps(parameters), runner])
    times: dict[str, float] = json.loads(told.splitlines()[-1])
    return times


def _call(command: list[Any]) -> str:
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=TIMEOUT_S
    )
    if done.returncode:
        raise RuntimeError(f"kfp.local failed: {(done.stdout + done.stderr).strip()[-800:]}")
    return done.stdout


def show(found: Mapping[str, Mapping[str, float]], steps: int) -> None:
    """Print the table and how the aims fared."""
    print(f"The same files, compiled by kfp; {machine()}.\n")
    rows = []
    for name, (_, _, label, _) in CHAINS.items():
        for suffix, words in (("", ""), (" again", ", cached")):
            times = found[f"{name}{suffix}"]
            cells = [f"{times[who] / steps * 1e3:.2f} ms" for who in ("ours", "kfp.local")]
            rows.append([f"a trivial step, {label}{words}", *cells])
    alone = f"{SIBLINGS} siblings that wait {WAIT_S:g} s each"
    rows.append([alone, *(f"{found['siblings'][who]:.2f} s" for who in ("ours", "kfp.local"))])
    each = [
        f"{found[f'loop of {LOOP}']['ours'] / LOOP * 1e3:.2f} ms (of {LOOP})",
        f"{found['loop']['kfp.local'] / PEER_LOOP * 1e3:.2f} ms (of {PEER_LOOP})",
    ]
    rows.append(["one item of a ParallelFor", *each])
    print(table(["", "ours", "kfp.local"], rows), "\n")
    aims = [
        Aim(f"{label}: kfp.local / ours", found[name]["kfp.local"] / found[name]["ours"], bound)
        for name, (_, _, label, bound) in CHAINS.items()
    ]
    at_least_s = WAIT_S * math.ceil(SIBLINGS / (os.cpu_count() or 1))  # a core each
    aims.append(
        Aim("siblings, ours / a core each", found["siblings"]["ours"] / at_least_s, 1.25, False)
    )
    growth = found[f"loop of {LOOP}"]["ours"] / found[f"loop of {LOOP // 10}"]["ours"]
    aims.append(Aim(f"a loop of {LOOP} / one of {LOOP // 10}, ours", growth, 12, False))
    print(verdicts(aims))


if __name__ == "__main__":
    main()
