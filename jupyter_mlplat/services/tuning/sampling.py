"""What every algorithm is: told of the trials, asked for the next."""

from dataclasses import dataclass, field
from importlib import import_module
from random import Random
from typing import Any, Protocol

from jupyter_mlplat.services.tuning.problem import Problem
from jupyter_mlplat.services.tuning.spaces import Parameters
from jupyter_mlplat.services.tuning.table import Row, Table


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The next trial."""

    parameters: Parameters
    label: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing more before a trial that runs has ended."""


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Nothing more at all."""

    why: str


Answer = Suggestion | Waiting | Exhausted


class Sampler(Protocol):
    """An algorithm: a function of the problem and the trial table, however it remembers.

    A sampler that is told the same table gives the same answer, whether it saw the table grow or
    gets it at once: chance is drawn anew for each trial, from the seed and the trial's number.
    """

    def begin(self, earlier: list[Row]) -> None:
        """Take in the trials of earlier jobs; called first."""

    def add(self, row: Row) -> None:
        """Take in a new trial, open or ended; numbers ascend."""

    def end(self, row: Row) -> None:
        """Take in that a trial has ended."""

    def ask(self, number: int) -> Answer:
        """Say what the trial with this number, the next, is to try."""


def chance(problem: Problem, number: int) -> Random:
    """Return the source of chance of one trial."""
    return Random(problem.seed * 1_000_003 + number)  # noqa: S311 (no secret is drawn)


def draw(problem: Problem, number: int) -> Parameters:
    """Draw parameters at random, each by its distribution."""
    random = chance(problem, number).random
    return problem.space.from_units([random() for _ in problem.space])


_HOMES = {
    "random": "simple:RandomSearch",
    "grid": "simple:GridSearch",
    "tpe": "parzen:TreeParzen",
    "multivariate-tpe": "parzen:TreeParzen",
    "bayesianoptimization": "bayesian:Bayesian",
    "gp": "gaussian:GaussianProcess",
    "cmaes": "evolution:CovarianceAdaptation",
    "sobol": "sobol:SobolSequence",
    "hyperband": "hyperband:Hyperband",
    "pbt": "population:Population",
}


def sampler_of(problem: Problem, table: Table) -> Sampler:
    """Return the algorithm of a problem; its libraries are imported here."""
    module, name = _HOMES[problem.algorithm].split(":")
    kind = getattr(import_module(f"jupyter_mlplat.services.tuning.{module}"), name)
    sampler: Sampler = kind(problem, table)
    return sampler
