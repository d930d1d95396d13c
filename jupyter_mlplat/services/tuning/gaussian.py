"""Optuna's Gaussian process sampler, over our table."""

from optuna.samplers import GPSampler

from jupyter_mlplat.services.tuning.problem import Problem
from jupyter_mlplat.services.tuning.sampling import Answer, Suggestion, chance, draw
from jupyter_mlplat.services.tuning.studies import distributions_of, parameters_of, study_of
from jupyter_mlplat.services.tuning.table import Row, Table


class GaussianProcess:
    """Asks a study made of the table, each time anew."""

    def __init__(self, problem: Problem, table: Table) -> None:
        self._problem = problem
        self._startup: int = problem.settings["n_startup_trials"]
        self._rows: list[Row] = []

    def begin(self, earlier: list[Row]) -> None:
        self._rows = list(earlier)

    def add(self, row: Row) -> None:
        self._rows.append(row)

    def end(self, row: Row) -> None:
        """A row knows itself how it ended."""

    def ask(self, number: int) -> Answer:
        if sum(row.is_complete for row in self._rows) < self._startup:
            return Suggestion(draw(self._problem, number))
        seed = chance(self._problem, number).getrandbits(31)
        sampler = GPSampler(seed=seed, n_startup_trials=self._startup)
        study = study_of(self._problem, self._rows, sampler)
        trial = study.ask(fixed_distributions=distributions_of(self._problem))
        return Suggestion(parameters_of(self._problem, trial.params))
