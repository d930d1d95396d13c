"""One tuning job's search: trials told, trials asked for, trials stopped, and when it is over."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jupyter_mlplat.services.tuning.problem import Problem
from jupyter_mlplat.services.tuning.sampling import Exhausted, Suggestion, sampler_of
from jupyter_mlplat.services.tuning.stopping import rule_of
from jupyter_mlplat.services.tuning.table import Row, Table, read_rows

Outcome = Literal["goal", "budget", "exhausted", "failures"]


@dataclass(frozen=True, slots=True)
class Over:
    """Why no more trials are made.

    Attributes:
        outcome: `goal`: reached, trials that still run are of no use; `budget`: all trials were
            made (those that were killed do not count); `exhausted`: the algorithm has no more;
            `failures`: too many failed.
        why: For people.
    """

    outcome: Outcome
    why: str


class Search:
    """What to try next: a function of a problem and its trial table.

    Its whole state can be made again from the table, at any moment.
    """

    def __init__(
        self,
        problem: Problem,
        trials: Iterable[Mapping[str, Any]] = (),
        earlier: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        """Begin with a table.

        Args:
            problem: What is searched.
            trials: Those of this job so far, as on the wire, each perhaps with `reports`.
            earlier: Those of the jobs it starts warm from, oldest first.

        Raises:
            InvalidInput: A trial makes no sense.
        """
        self._problem = problem
        self._table = Table(problem)
        self._sampler = sampler_of(problem, self._table)
        self._rule = rule_of(problem)
        self._exhausted: str | None = None
        self._sampler.begin([row for row in read_rows(problem, earlier) if not row.is_open])
        for row in sorted(read_rows(problem, trials), key=lambda row: row.number):
            self._table.add(row)
            self._sampler.add(row)
            if self._rule and row.reports:
                self._rule.take(row)

    def tell(
        self,
        number: int,
        state: str,
        value: float | None,
        parameters: Mapping[str, Any] | None = None,
        label: Mapping[str, Any] | None = None,
    ) -> None:
        """Take in how a trial stands; an end that is known already is no news.

        One that an earlier tuner suggested, and the table did not have when this one began, is told
        with its parameters.

        Raises:
            InvalidInput: There is no such trial, and it is told without parameters.
        """
        if parameters is not None and number > self._table.last:
            new = Row(number=number, parameters=dict(parameters), label=dict(label or {}))
            self._table.add(new)
            self._sampler.add(new)
        row = self._table.tell(number, state, value)
        if row is not None:
            self._sampler.end(row)
            if self._rule:
                self._rule.end(row)

    def report(self, number: int, position: int | None, value: float) -> bool:
        """Take in a value on the way; tell whether the trial is to stop early.

        Of a trial that is not in the table (yet, see `tell`) nothing can be said.
        """
        if number not in self._table:
            return False
        row = self._table.report(number, position, value)
        return bool(self._rule and row.is_open and self._rule.is_hopeless(row))

    def ask(self, count: int) -> list[tuple[int, Suggestion]]:
        """Return the next trials, by number; fewer if it is over, or if others must end first."""
        found: list[tuple[int, Suggestion]] = []
        while len(found) < count and self.over() is None:
            number = self._table.last + 1
            answer = self._sampler.ask(number)
            if isinstance(answer, Exhausted):
                self._exhausted = answer.why
            elif isinstance(answer, Suggestion):
                row = Row(number=number, parameters=answer.parameters, label=answer.label)
                self._table.add(row)
                self._sampler.add(row)
                found.append((number, answer))
            elif self._table.open:
                break
            else:
                self._exhausted = "No trial is left that another could follow."
        return found

    def over(self) -> Over | None:
        """Say why no more trials are made, None while there may be more."""
        problem, table = self._problem, self._table
        loss = table.best.loss if table.best else None
        if problem.goal is not None and loss is not None and loss <= problem.goal:
            goal, value = problem.sign * problem.goal, problem.sign * loss
            return Over(
                "goal",
                f"Trial {table.best and table.best.number} reached the goal: {problem.metric} is "
                f"{value:g}, {goal:g} was wanted.",
            )
        if problem.failures is not None and table.failed > problem.failures:
            return Over(
                "failures", f"{table.failed} trials failed, and {problem.failures} were allowed to."
            )
        if problem.trials is not None and len(table) - table.killed >= problem.trials:
            return Over("budget", f"All {problem.trials} trials were made.")
        if self._exhausted:
            return Over("exhausted", self._exhausted)
        return None
