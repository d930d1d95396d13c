"""Early stopping: which running trial is not worth going on with."""

import math
from bisect import bisect_left, bisect_right, insort
from statistics import median
from typing import Protocol

from jupyter_mlplat.services.tuning.problem import Problem
from jupyter_mlplat.services.tuning.table import Row


class Rule(Protocol):
    """A rule of early stopping, told of all that is reported."""

    def take(self, row: Row) -> None:
        """Take in a trial of the table with its reports, without a verdict."""

    def end(self, row: Row) -> None:
        """Take in that a trial has ended."""

    def is_hopeless(self, row: Row) -> bool:
        """Tell whether a running trial is to stop, after its newest report."""


class Median:
    """Stops a trial whose best is worse than the median of what others had on average by then.

    Source:
        Golovin et al., "Google Vizier" (2017), the median stopping rule; Katib's `medianstop`.
    """

    def __init__(self, problem: Problem) -> None:
        self._least: int = problem.rule_settings["min_trials_required"]
        self._start: int = problem.rule_settings["start_step"]
        self._others: list[tuple[list[int], list[float]]] = []

    def take(self, row: Row) -> None:
        self.end(row)

    def end(self, row: Row) -> None:
        if row.state != "Succeeded" or not row.reports:
            return
        positions, averages, total = sorted(row.reports), [], 0.0
        for count, position in enumerate(positions, 1):
            total += row.reports[position]
            averages.append(total / count)
        self._others.append((positions, averages))

    def is_hopeless(self, row: Row) -> bool:
        if len(row.reports) < self._start:
            return False
        position = max(row.reports)
        by_then = []
        for positions, averages in self._others:
            count = bisect_right(positions, position)
            if count:
                by_then.append(averages[count - 1])
        if len(by_then) < self._least:
            return False
        return min(row.reports.values()) > median(by_then)


class Halving:
    """Asynchronous successive halving: at each rung only the best part of those so far goes on.

    With several brackets, as in hyperband, a trial belongs to one, which begins at a later rung;
    it is compared with its own bracket.

    Source:
        Li et al., "A System for Massively Parallel Hyperparameter Tuning" (2020);
        `optuna/pruners/_successive_halving.py` and `_hyperband.py`.
    """

    def __init__(self, problem: Problem) -> None:
        settings = problem.rule_settings
        self._least: int = settings["min_resource"]
        self._factor: int = settings["reduction_factor"]
        self._rate: int = settings.get("min_early_stopping_rate", 0)
        self._shares = [1.0]
        if problem.rule == "hyperband":
            most = max(settings["max_resource"] / self._least, 1.0)
            brackets = int(math.log(most) / math.log(self._factor) + 1e-9) + 1
            self._shares = [
                math.ceil(brackets * self._factor ** (brackets - 1 - index) / (brackets - index))
                for index in range(brackets)
            ]
        self._rungs: dict[tuple[int, int], list[float]] = {}
        self._reached: dict[int, int] = {}

    def take(self, row: Row) -> None:
        self._climb(row)

    def end(self, row: Row) -> None:
        self._reached.pop(row.number, None)

    def is_hopeless(self, row: Row) -> bool:
        return self._climb(row)

    def _climb(self, row: Row) -> bool:
        """Enter a trial at each rung that it has newly reached; tell whether it lost at one."""
        bracket = self._bracket_of(row.number)
        rung, has_lost = self._reached.get(row.number, 0), False
        positions = sorted(row.reports)
        while True:
            needed = self._least * self._factor ** (rung + self._rate + bracket)
            at = bisect_left(positions, needed)
            if at == len(positions):
                break
            loss = row.reports[positions[at]]
            others = self._rungs.setdefault((bracket, rung), [])
            insort(others, loss)
            has_lost = has_lost or loss > others[max(len(others) // self._factor, 1) - 1]
            rung += 1
        self._reached[row.number] = rung
        return has_lost

    def _bracket_of(self, number: int) -> int:
        """Return the bracket of a trial: in each round of all shares, each as often as its own."""
        at = number * 7_919 % int(sum(self._shares))  # a prime mixes them
        for bracket, share in enumerate(self._shares):
            at -= int(share)
            if at < 0:
                return bracket
        return 0


def rule_of(problem: Problem) -> Rule | None:
    """Return the rule of a problem, None if its trials all run to their end."""
    if problem.rule is None:
        return None
    return Median(problem) if problem.rule == "medianstop" else Halving(problem)
