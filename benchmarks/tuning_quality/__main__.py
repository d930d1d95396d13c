"""Our algorithms and rules beside Optuna's: `python -m benchmarks.tuning_quality`."""

import argparse
import json
import statistics
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass

import optuna
from scipy.stats import mannwhitneyu

from benchmarks.peers import Aim, machine, table, verdicts
from benchmarks.tuning.functions import FUNCTIONS, Function
from benchmarks.tuning_quality.learning import LINEAR, SUPPORT_VECTORS, learner
from benchmarks.tuning_quality.searches import (
    Plan,
    ours,
    ours_stopping,
    their_stopping,
    theirs,
)

TRIALS = {"five mixed parameters": 100, "Branin": 60, "Hartmann-6": 120, "SVC on digits": 40}
ALGORITHMS = ("random", "tpe", "multivariate-tpe", "cmaes", "sobol")
NUMERIC_ONLY = ("cmaes",)
PLAN = Plan(trials=40, epochs=27)
FIRST = 3  # epochs before a rule may stop a trial
SURE = 0.05  # two results differ where chance alone would part them so seldom

RULES: dict[str, dict[str, object] | None] = {
    "none": None,
    "medianstop": {"name": "medianstop", "settings": {"start_step": FIRST}},
    "asha": {"name": "asha", "settings": {"min_resource": FIRST, "reduction_factor": 3}},
    "hyperband": {
        "name": "hyperband",
        "settings": {"min_resource": FIRST, "max_resource": PLAN.epochs},
    },
}
PRUNERS: dict[str, Callable[[], optuna.pruners.BasePruner]] = {
    "none": optuna.pruners.NopPruner,
    "medianstop": lambda: optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=2),
    "asha": lambda: optuna.pruners.SuccessiveHalvingPruner(FIRST, reduction_factor=3),
    "hyperband": lambda: optuna.pruners.HyperbandPruner(FIRST, PLAN.epochs),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The best values of both over all seeds; lower is better.

    Attributes:
        chance: That two samples of one distribution differ as much (Mann-Whitney, two-sided).
    """

    function: str
    algorithm: str
    trials: int
    ours: list[float]
    theirs: list[float]

    @property
    def chance(self) -> float:
        if set(self.ours) == set(self.theirs):
            return 1.0
        return float(mannwhitneyu(self.ours, self.theirs).pvalue)

    @property
    def is_worse(self) -> bool:
        """Ours is worse, and not by chance."""
        worse = statistics.fmean(self.ours) > statistics.fmean(self.theirs)
        return worse and self.chance < SURE

    def row(self) -> tuple[str, ...]:
        verdict = "worse" if self.is_worse else "better" if self.chance < SURE else "alike"
        return (
            self.function,
            self.algorithm,
            str(self.trials),
            _spread(self.ours),
            _spread(self.theirs),
            f"{self.chance:.2f}",
            verdict,
        )


def compare(seeds: int, names: list[str], algorithms: list[str]) -> list[Comparison]:
    """Run all, ours and theirs in turns."""
    functions: dict[str, Function] = {**FUNCTIONS, "SVC on digits": SUPPORT_VECTORS}
    found = []
    for name in names:
        has_categories = any(one["type"] == "categorical" for one in functions[name].space)
        for algorithm in algorithms:
            if algorithm in NUMERIC_ONLY and has_categories:
                continue
            pairs = [
                (
                    ours(algorithm, functions[name], TRIALS[name], seed),
                    theirs(algorithm, functions[name], TRIALS[name], seed + 1000),
                )
                for seed in range(seeds)
            ]
            own, other = (list(one) for one in zip(*pairs, strict=True))
            found.append(Comparison(name, algorithm, TRIALS[name], own, other))
    return found


@dataclass(frozen=True, slots=True)
class Stopped:
    """A rule's best losses and epochs, ours beside Optuna's pruner of the kind."""

    rule: str
    ours: list[tuple[float, int]]
    theirs: list[tuple[float, int]]

    def row(self, whole: int) -> tuple[str, ...]:
        cells = [self.rule]
        for found in (self.ours, self.theirs):
            epochs = statistics.median(epochs for _, epochs in found)
            cells += [_spread([loss for loss, _ in found]), f"{epochs:,.0f}"]
        return (*cells, f"{self.epochs / whole:.2f}")

    @property
    def epochs(self) -> float:
        return statistics.median(epochs for _, epochs in self.ours)

    @property
    def loss(self) -> float:
        return statistics.median(loss for loss, _ in self.ours)


def stop(seeds: int) -> list[Stopped]:
    """Train a linear classifier under each rule."""
    return [
        Stopped(
            rule,
            [ours_stopping(spec, learner, LINEAR, PLAN, seed) for seed in range(seeds)],
            [their_stopping(PRUNERS[rule](), learner, LINEAR, PLAN, seed) for seed in range(seeds)],
        )
        for rule, spec in RULES.items()
    ]


def _spread(values: list[float]) -> str:
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.4g} ({low:.4g} – {high:.4g})"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tuning_quality", description=__doc__
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--seeds", type=int, default=15)
    parser.add_argument("--stopping-seeds", type=int, default=5)
    parser.add_argument("--functions", nargs="*", default=list(TRIALS))
    parser.add_argument("--algorithms", nargs="*", default=list(ALGORITHMS))
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    compared = compare(given.seeds, given.functions, given.algorithms)
    if not given.json:
        print(machine(), "\n")
        header = ("function", "algorithm", "trials", "ours", "Optuna", "chance", "")
        print(table(header, [one.row() for one in compared]), "\n", flush=True)
    stopped = stop(given.stopping_seeds) if given.stopping_seeds else []
    if given.json:
        facts = {"compared": [asdict(one) for one in compared]}
        print(json.dumps({**facts, "stopped": [asdict(one) for one in stopped]}, indent=1))
        return
    if stopped:
        whole = PLAN.trials * PLAN.epochs
        header = ("rule", "ours: loss", "epochs", "Optuna: loss", "epochs", "share of all epochs")
        print(table(header, [one.row(whole) for one in stopped]), "\n")
    aims = [Aim("searches in which ours is worse", sum(one.is_worse for one in compared), 0, False)]
    for one in stopped[1:]:
        aims.append(Aim(f"{one.rule}: epochs / all", one.epochs / stopped[0].epochs, 0.7, False))
        aims.append(Aim(f"{one.rule}: loss more", one.loss - stopped[0].loss, 0.01, False))
    print(verdicts(aims))


if __name__ == "__main__":
    main()
