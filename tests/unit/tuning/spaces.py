"""Spaces and searches that tests of tuning share."""

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

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


@st.composite
def parameters(draw: st.DrawFn) -> dict[str, Any]:
    """Any one parameter of a space, named p."""
    kind = draw(st.sampled_from(["double", "int", "discrete", "categorical"]))
    if kind == "categorical":
        values = draw(st.lists(st.text("abc", max_size=5), min_size=1, max_size=6, unique=True))
        return {"name": "p", "type": kind, "values": values}
    if kind == "discrete":
        values = draw(st.lists(st.integers(-99, 99), min_size=1, max_size=6, unique=True))
        return {"name": "p", "type": kind, "values": values}
    distribution = draw(st.sampled_from(["uniform", "log-uniform", "normal", "log-normal"]))
    is_log = distribution.startswith("log")
    if kind == "int":
        low = draw(st.integers(1 if is_log else -1000, 1000))
        high = low + draw(st.integers(0, 2000))
        step: Any = draw(st.one_of(st.none(), st.integers(1, 50)))
    else:
        cents = draw(st.integers(1 if is_log else -10_000, 10_000))
        low, high = cents / 100, (cents + draw(st.integers(0, 20_000))) / 100
        step = draw(st.one_of(st.none(), st.integers(1, 500).map(lambda n: n / 100)))
    return {
        "name": "p",
        "type": kind,
        "minimum": low,
        "maximum": high,
        "step": step,
        "distribution": distribution,
    }


def lies_in(parameter: dict[str, Any], value: Any) -> bool:
    """Tell it from the parameter alone, in exact numbers."""
    if parameter["type"] in ("discrete", "categorical"):
        return value in parameter["values"]
    if not parameter["minimum"] <= value <= parameter["maximum"]:
        return False
    if parameter["type"] == "int" and not isinstance(value, int):
        return False
    step = parameter["step"] or (1 if parameter["type"] == "int" else None)
    if step is None or value == parameter["minimum"]:
        return True
    away = Decimal(str(value)) - Decimal(str(parameter["minimum"]))
    return away % Decimal(str(step)) == 0
