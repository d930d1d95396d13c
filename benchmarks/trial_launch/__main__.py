"""Trials that do nothing, each in a process of its own: `python -m benchmarks.trial_launch`."""

import argparse
import json
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.peers import Aim, PeerUnavailable, machine, peer_python, table, verdicts
from jupyter_mlplat.client.engine import EngineClient

PEER = Path(__file__).with_name("peer.py")
OURS, INLINE, RAY = "ours, a process a trial", "ours, inline", "Ray Tune"
_LIMIT_S = 600


def ours(trials: int, parallel: int, *, is_inline: bool = False) -> float:
    """Return trials per second, from the first one's start to the last one's end, durable."""
    with tempfile.TemporaryDirectory(prefix="mlpt-") as folder:
        client = EngineClient(Path(folder) / "home")
        spec = {
            "objective": {"metric": "score", "direction": "maximize"},
            "space": [{"name": "x", "type": "double", "minimum": -5, "maximum": 5}],
            "algorithm": {"name": "random"},
            "trials": trials,
            "parallel": parallel,
            "is_inline": is_inline,
        }
        try:
            client.get_engine()  # starts it
            run = client.tune({"payload": {"cell": "score = -((x - 1) ** 2)"}, "tune": spec})
            client.wait_for_run(run.id, _LIMIT_S)
            made = client.list_trials(run.id, state="Succeeded", limit=10_000).trials
        finally:
            client.stop_engine()
    if len(made) != trials:
        raise RuntimeError(f"{len(made)} of {trials} trials have succeeded.")
    began = min(trial.started_at for trial in made if trial.started_at)
    ended = max(trial.finished_at for trial in made if trial.finished_at)
    return trials / (ended - began).total_seconds()


def ray_tune(python: Path, trials: int, parallel: int) -> float:
    """Return the same of Ray Tune, without its start."""
    done = subprocess.run(
        [python, PEER, str(trials), str(parallel)],
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
    )
    if done.returncode:
        raise PeerUnavailable(f"Ray Tune: {' '.join(done.stderr.split())[-300:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return float(found["trials"] / found["took_s"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trial_launch", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--peer-trials", type=int, default=20, help="they take a second each")
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    contenders: dict[str, Callable[[], float]] = {
        OURS: lambda: ours(given.trials, given.parallel),
        INLINE: lambda: ours(given.trials * 10, 1, is_inline=True),
    }
    try:
        python = peer_python("ray", "ray[tune]>=2.50")
        contenders[RAY] = lambda: ray_tune(python, given.peer_trials, given.parallel)
    except PeerUnavailable as error:
        print(f"Left out: {error}\n")
    rates: dict[str, list[float]] = {}
    for _ in range(given.rounds):  # in turns, so that what disturbs one disturbs all
        for name, contender in contenders.items():
            try:
                rates.setdefault(name, []).append(contender())
            except PeerUnavailable as error:
                print(f"Left out: {error}\n")
    medians = {name: statistics.median(found) for name, found in rates.items() if found}
    if given.json:
        print(json.dumps({"machine": machine(), "trials_per_s": rates}, indent=1))
        return
    print(machine(), "\n")
    rows = [(name, f"{rate:,.1f}", str(len(rates[name]))) for name, rate in medians.items()]
    print(table(("", "trials/s", "rounds"), rows), "\n")
    if RAY in medians:
        print(verdicts([Aim(f"{OURS} / {RAY}", medians[OURS] / medians[RAY], 50)]))


if __name__ == "__main__":
    main()
