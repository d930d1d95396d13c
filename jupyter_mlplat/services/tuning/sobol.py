"""Sobol's sequence: points that fill the space more evenly than chance does."""

from scipy.stats import qmc

from jupyter_mlplat.services.tuning.problem import Problem
from jupyter_mlplat.services.tuning.sampling import Answer, Suggestion
from jupyter_mlplat.services.tuning.table import Row, Table


class SobolSequence:
    """Trial n has point n - 1 of the sequence, whatever became of the others."""

    def __init__(self, problem: Problem, table: Table) -> None:
        self._problem = problem
        self._sequence = self._begun()
        self._next = 1

    def begin(self, earlier: list[Row]) -> None:
        """Earlier jobs have sequences of their own."""

    def add(self, row: Row) -> None:
        """A point depends on its number alone."""

    def end(self, row: Row) -> None:
        """Nor on how a trial ends."""

    def ask(self, number: int) -> Answer:
        if number < self._next:
            self._sequence, self._next = self._begun(), 1
        if number > self._next:
            self._sequence.fast_forward(number - self._next)
        self._next = number + 1
        return Suggestion(self._problem.space.from_units(self._sequence.random(1)[0].tolist()))

    def _begun(self) -> "qmc.Sobol":
        return qmc.Sobol(
            len(self._problem.space),
            scramble=self._problem.settings["scramble"],
            rng=self._problem.seed,
        )
