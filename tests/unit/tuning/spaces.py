"""Spaces and searches that tests of tuning share."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jupyter_mlplat.services.tuning.problem import read_problem
from jupyter_mlplat.services.tuning.search import Search

Spec = dict[str, Any]
Objective = Callable[[Mapping[str, Any]], float]

FIVE = [
    {"name": "a", "type": "double", "minimum": -5, "maximum": 5},
    {"name": "b", "type": "double", "minimum": -5, "maximum": 5, "step": 0.25},
    {
        "name": "c",
        "type": "double",
        "minimum": 1e-5,
        "maximum": 1,
        "distribution": "log-uniform",
    },
    {"name": "d", "type": "int", "minimum": 1, "maximum": 128, "distribution": "log-uniform"},
    {"name": "e", "type": "categorical", "values": ["x", "y", "z"]},
]


def bowl(parameters: Mapping[str, Any]) -> float:
    """The quadratic of five parameters that benchmarks use; least at 0."""
    at = parameters
    return at["a"] ** 2 + at["b"] ** 2 + at["c"] + at["d"] / 128 + (at["e"] == "x")


def branin(parameters: Mapping[str, Any]) -> float:
    """Least at 0.397887; x in [-5, 10], y in [0, 15]."""
    x, y = parameters["x"], parameters["y"]
    bend = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return bend**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


BRANIN = [
    {"name": "x", "type": "double", "minimum": -5, "maximum": 10},
    {"name": "y", "type": "double", "minimum": 0, "maximum": 15},
]


def spec(space: Sequence[Mapping[str, Any]], algorithm: str = "random", **more: Any) -> Spec:
    """A spec on the wire; `settings` are the algorithm's, the rest is its own."""
    settings = more.pop("settings", {})
    return {
        "space": list(space),
        "objective": {"metric": "loss", "direction": "minimize"},
        "algorithm": {"name": algorithm, "settings": settings},
        "seed": 7,
        **more,
    }


def run(given: Spec, objective: Objective, count: int, parallel: int = 1) -> list[Spec]:
    """Run trials in batches of so many; return the table on the wire."""
    search, table = Search(read_problem(given)), []
    while len(table) < count:
        asked = search.ask(min(parallel, count - len(table)))
        if not asked:
            break
        for number, one in asked:
            value = objective(one.parameters)
            table.append(trial(number, one.parameters, value, one.label))
            search.tell(number, "Succeeded", value)
    return table


def trial(
    number: int,
    parameters: Mapping[str, Any],
    value: float | None = None,
    label: Mapping[str, Any] | None = None,
    state: str = "Succeeded",
    **more: Any,
) -> Spec:
    """A trial on the wire."""
    return {
        "number": number,
        "parameters": dict(parameters),
        "value": value,
        "label": dict(label or {}),
        "state": state,
        **more,
    }
