"""What a trial's metrics came to: their latest, least and greatest values, and the objective."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


class Observations:
    """The metrics of one trial, grown value by value."""

    def __init__(self, objective: Mapping[str, Any]) -> None:
        self.metrics: dict[str, dict[str, float]] = {}
        self.strange: dict[str, str] = {}
        """Names whose last value is no finite number, with what it was."""
        self.asked = objective

    def take(self, name: str, value: Any) -> float | None:
        """Take a value in; return it as a number, None if it is no finite one."""
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            self.strange[name] = str(value)[:100]
            return None
        self.strange.pop(name, None)
        known = self.metrics.get(name)
        if known is None:
            self.metrics[name] = {"latest": number, "min": number, "max": number}
        else:
            known.update(
                latest=number, min=min(known["min"], number), max=max(known["max"], number)
            )
        return number

    @property
    def objective(self) -> str:
        """The name of the metric that counts."""
        return str(self.asked["metric"])

    @property
    def value(self) -> float | None:
        """The objective: of its values the one that the strategy names, by default the best."""
        objective = self.asked
        found = self.metrics.get(objective["metric"])
        if found is None:
            return None
        best = "max" if objective.get("direction", "maximize") == "maximize" else "min"
        strategy = (objective.get("strategies") or {}).get(objective["metric"], best)
        return found[strategy]

    @property
    def latest(self) -> dict[str, float]:
        """The last value of each metric."""
        return {name: values["latest"] for name, values in self.metrics.items()}


def is_better(value: float | None, than: float | None, direction: str) -> bool:
    """Tell whether one value of the objective is better than another one, if there is one."""
    if value is None:
        return False
    if than is None:
        return True
    return value > than if direction == "maximize" else value < than


def reaches(value: float | None, goal: float | None, direction: str) -> bool:
    """Tell whether a value is as good as the goal."""
    return (
        goal is not None
        and value is not None
        and (value >= goal if direction == "maximize" else value <= goal)
    )
