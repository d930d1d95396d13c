"""1,000 trials of a function of five parameters: `python -m benchmarks.tuning`."""

import argparse
import json
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers import Aim, PeerUnavailable, machine, peer_python, table, verdicts
from benchmarks.tuning import ours

PEER = Path(__file__).with_name("peer.py")
OURS = {"ours, TPE": "tpe", "ours, multivariate TPE": "multivariate-tpe", "ours, random": "random"}
THEIRS = {
    "Optuna in memory, TPE": ("memory", "tpe"),
    "Optuna in memory, random": ("memory", "random"),
    "Optuna on SQLite, TPE": ("sqlite", "tpe"),
    "Optuna on SQLite, random": ("sqlite", "random"),
}
Contender = Callable[[int, int], dict[str, float]]


@contextmanager
def contenders() -> Iterator[dict[str, Contender]]:
    """Give all by name; without Optuna's where it cannot be installed."""
    with ours.engine() as run:
        found: dict[str, Contender] = {name: _ours(run, one) for name, one in OURS.items()}
        try:
            python = peer_python("optuna", "optuna>=5.0")
            found |= {name: _theirs(python, *one) for name, one in THEIRS.items()}
        except PeerUnavailable as error:
            print(f"Left out: {error}\n")
        yield found


def _ours(run: ours.Run, algorithm: str) -> Contender:
    return lambda trials, seed: run(algorithm, trials, seed)


def _theirs(python: Path, storage: str, sampler: str) -> Contender:
    def run(trials: int, seed: int) -> dict[str, float]:
        with tempfile.TemporaryDirectory(prefix="mlpt-") as folder:
            done = subprocess.run(
                [python, PEER, storage, sampler, str(trials), str(seed), folder],
                capture_output=True,
                text=True,
                check=True,
            )
        found: dict[str, float] = json.loads(done.stdout)
        return found

    return run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tuning", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--sqlite-trials", type=int, default=200, help="of Optuna on SQLite, which grows slower"
    )
    given = parser.parse_args()
    rates: dict[str, list[float]] = {}
    bests: dict[str, list[float]] = {}
    counts: dict[str, int] = {}
    with contenders() as all_of_them:
        for seed in range(given.rounds):
            for name, contender in all_of_them.items():
                trials = given.sqlite_trials if "SQLite" in name else given.trials
                counts[name] = trials
                found = contender(trials, seed)
                rates.setdefault(name, []).append(trials / found["took_s"])
                bests.setdefault(name, []).append(found["best"])
    medians = {name: statistics.median(found) for name, found in rates.items()}
    if given.json:
        print(json.dumps({"machine": machine(), "trials_per_s": rates, "best": bests}, indent=1))
        return
    print(machine(), "\n")
    rows = [
        (name, f"{rate:,.0f}", f"{statistics.median(bests[name]):.4f}", f"{counts[name]:,}")
        for name, rate in medians.items()
    ]
    print(table(("", "trials/s", "median best", "trials"), rows), "\n")
    print(verdicts(aims(medians)))


def aims(rates: dict[str, float]) -> Iterator[Aim]:
    """Hold the rates against what is aimed for, as far as the peer is here."""
    wanted = (
        ("ours, TPE", "Optuna on SQLite, TPE", 10),
        ("ours, TPE", "Optuna in memory, TPE", 3),
        ("ours, multivariate TPE", "Optuna in memory, TPE", 3),
        ("ours, random", "Optuna on SQLite, random", 100),
    )
    for our, their, bound in wanted:
        if their in rates:
            yield Aim(f"{our} / {their}", rates[our] / rates[their], bound)


if __name__ == "__main__":
    main()
