"""One search of each kind: ours by `Search`, Optuna's by ask and tell; both return the best."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import optuna

from benchmarks.tuning.functions import Function, suggest
from jupyter_mlplat.services.tuning.problem import read_problem
from jupyter_mlplat.services.tuning.search import Search

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)

SAMPLERS: dict[str, Callable[[int], optuna.samplers.BaseSampler]] = {
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=False),
    "multivariate-tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "cmaes": lambda seed: optuna.samplers.CmaEsSampler(seed=seed),
    "sobol": lambda seed: optuna.samplers.QMCSampler(seed=seed, scramble=True),
}


def ours(algorithm: str, function: Function, trials: int, seed: int) -> float:
    """Return the best value that our algorithm finds."""
    spec = {
        "space": function.space,
        "objective": {"metric": "loss", "direction": "minimize"},
        "algorithm": {"name": algorithm},
        "seed": seed,
    }
    search, best = Search(read_problem(spec)), float("inf")
    for _ in range(trials):
        ((number, one),) = search.ask(1)
        value = function.call(one.parameters)
        best = min(best, value)
        search.tell(number, "Succeeded", value)
    return best


def theirs(algorithm: str, function: Function, trials: int, seed: int) -> float:
    """Return the best value that Optuna's sampler of the kind finds."""
    study = optuna.create_study(sampler=SAMPLERS[algorithm](seed))
    for _ in range(trials):
        trial = study.ask()
        study.tell(trial, function.call(suggest(trial, function.space)))
    return study.best_value


Learner = Callable[[Mapping[str, Any]], Callable[[], float]]


def ours_stopping(
    rule: Mapping[str, Any] | None, learner: Learner, function: Function, plan: "Plan", seed: int
) -> tuple[float, int]:
    """Return the best last loss under an early stopping rule, and the epochs it took."""
    spec = {
        "space": function.space,
        "objective": {"metric": "loss", "direction": "minimize"},
        "algorithm": {"name": "random"},
        "early_stopping": rule,
        "seed": seed,
    }
    search, best, spent = Search(read_problem(spec)), float("inf"), 0
    for _ in range(plan.trials):
        ((number, one),) = search.ask(1)
        step, state, loss = learner(one.parameters), "Succeeded", float("inf")
        for epoch in range(1, plan.epochs + 1):
            loss, spent = step(), spent + 1
            if search.report(number, epoch, loss):
                state = "EarlyStopped"
                break
        best = min(best, loss)
        search.tell(number, state, loss)
    return best, spent


def their_stopping(
    pruner: optuna.pruners.BasePruner,
    learner: Learner,
    function: Function,
    plan: "Plan",
    seed: int,
) -> tuple[float, int]:
    """Return the same for one of Optuna's pruners."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed), pruner=pruner)
    best, spent = float("inf"), 0
    for _ in range(plan.trials):
        trial = study.ask()
        step, loss = learner(suggest(trial, function.space)), float("inf")
        state = optuna.trial.TrialState.COMPLETE
        for epoch in range(1, plan.epochs + 1):
            loss, spent = step(), spent + 1
            trial.report(loss, epoch)
            if trial.should_prune():
                state = optuna.trial.TrialState.PRUNED
                break
        best = min(best, loss)
        study.tell(trial, loss if state.name == "COMPLETE" else None, state)
    return best, spent


class Plan:
    """How many trials of how many epochs."""

    def __init__(self, trials: int, epochs: int) -> None:
        self.trials, self.epochs = trials, epochs
