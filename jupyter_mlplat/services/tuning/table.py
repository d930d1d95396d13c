"""The trial table as algorithms see it."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.services.tuning.problem import Problem

_OPEN = ("Pending", "Running")


@dataclass(slots=True)
class Row:
    """One trial.

    Attributes:
        state: Spelled as `TrialState`.
        loss: What is made small; None until it is known, and if it is no number.
        reports: Losses on the way, by position, in the order in which they came.
    """

    number: int
    parameters: dict[str, Any]
    state: str = "Running"
    loss: float | None = None
    label: dict[str, Any] = field(default_factory=dict)
    reports: dict[int, float] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.state in _OPEN

    @property
    def is_complete(self) -> bool:
        """It ran to its end, and its value is known."""
        return self.state == "Succeeded" and self.loss is not None

    @property
    def is_killed(self) -> bool:
        """It was ended from outside: another one is made in its place."""
        return self.state == "Killed"

    @property
    def is_stopped_early(self) -> bool:
        return self.state == "EarlyStopped"


class Table:
    """All trials by number, ascending."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._rows: dict[int, Row] = {}
        self.open = 0
        self.failed = 0
        self.killed = 0
        self.best: Row | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, number: int) -> bool:
        return number in self._rows

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    @property
    def last(self) -> int:
        """The highest number so far, 0 without trials."""
        return next(reversed(self._rows), 0)

    def get(self, number: int) -> Row:
        """Return a trial.

        Raises:
            InvalidInput: There is none of this number.
        """
        if number not in self._rows:
            raise InvalidInput(
                f"There is no trial {number!r} in the table of {len(self._rows)}. "
                "Begin anew with the whole table."
            )
        return self._rows[number]

    def add(self, row: Row) -> None:
        """Take a new trial in.

        Raises:
            InvalidInput: Its number is not above all others.
        """
        if row.number <= self.last:
            raise InvalidInput(f"Trial {row.number} comes after trial {self.last}.")
        self._rows[row.number] = row
        self._count(row)

    def tell(self, number: int, state: str, value: float | None) -> Row | None:
        """Take in how a trial stands; return it if that is news."""
        row = self.get(number)
        if not row.is_open or state in _OPEN:
            return None
        self.open -= 1
        row.state, row.loss = state, self._problem.loss_of(value)
        self._count(row)
        return row

    def report(self, number: int, position: int | None, value: float) -> Row:
        """Take in a value of the objective on the way; without a position it is the next."""
        row = self.get(number)
        loss = self._problem.loss_of(value)
        at = max(row.reports, default=0) + 1 if position is None else position
        row.reports[at] = math.inf if loss is None else loss
        return row

    def _count(self, row: Row) -> None:
        if row.is_open:
            self.open += 1
        elif row.is_killed:
            self.killed += 1
        elif row.state in ("Failed", "MetricsUnavailable"):
            self.failed += 1
        elif row.is_complete and (self.best is None or row.loss < (self.best.loss or 0.0)):  # type: ignore[operator]
            self.best = row


def read_rows(problem: Problem, trials: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Read trials as they are on the wire, in their order.

    Each may have `reports`, a list of `{"position", "value"}`.

    Raises:
        InvalidInput: One has no number or no parameters.
    """
    rows = []
    for trial in trials:
        number, parameters = trial.get("number"), trial.get("parameters")
        if not isinstance(number, int) or not isinstance(parameters, dict):
            raise InvalidInput(f"A trial needs a number and parameters; found {trial!r:.200}.")
        row = Row(
            number=number,
            parameters=parameters,
            state=trial.get("state") or "Running",
            loss=problem.loss_of(trial.get("value")),
            label=dict(trial.get("label") or {}),
        )
        for report in trial.get("reports") or ():
            loss = problem.loss_of(report["value"])
            at = report.get("position")
            at = max(row.reports, default=0) + 1 if at is None else at
            row.reports[at] = math.inf if loss is None else loss
        rows.append(row)
    return rows
