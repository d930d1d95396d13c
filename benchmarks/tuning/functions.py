"""Functions with known minima, and their spaces: what is tuned where only the tuning counts."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Function:
    """A function, its space as on the wire, its least value."""

    call: Callable[[Mapping[str, Any]], float]
    space: tuple[dict[str, Any], ...]
    least: float


def bowl(at: Mapping[str, Any]) -> float:
    return float(at["a"] ** 2 + at["b"] ** 2 + at["c"] + at["d"] / 128 + (at["e"] == "x"))


def branin(at: Mapping[str, Any]) -> float:
    x, y = at["x"], at["y"]
    bend = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return float(bend**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10)


_ALPHA = (1.0, 1.2, 3.0, 3.2)
_A = (
    (10, 3, 17, 3.5, 1.7, 8),
    (0.05, 10, 17, 0.1, 8, 14),
    (3, 3.5, 1.7, 10, 17, 8),
    (17, 8, 0.05, 10, 0.1, 14),
)
_P = (
    (0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886),
    (0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991),
    (0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650),
    (0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381),
)


def hartmann(at: Mapping[str, Any]) -> float:
    x = [at[f"x{index}"] for index in range(6)]
    return -sum(
        alpha * math.exp(-sum(a * (v - p) ** 2 for a, v, p in zip(row, x, centre, strict=True)))
        for alpha, row, centre in zip(_ALPHA, _A, _P, strict=True)
    )


def _double(name: str, low: float, high: float, distribution: str = "uniform") -> dict[str, Any]:
    return {
        "name": name,
        "type": "double",
        "minimum": low,
        "maximum": high,
        "distribution": distribution,
    }


FUNCTIONS = {
    "five mixed parameters": Function(
        bowl,
        (
            _double("a", -5, 5),
            _double("b", -5, 5),
            _double("c", 1e-5, 1, "log-uniform"),
            {**_double("d", 1, 128, "log-uniform"), "type": "int"},
            {"name": "e", "type": "categorical", "values": ["x", "y", "z"]},
        ),
        1e-5 + 1 / 128,
    ),
    "Branin": Function(branin, (_double("x", -5, 10), _double("y", 0, 15)), 0.397887),
    "Hartmann-6": Function(
        hartmann, tuple(_double(f"x{index}", 0, 1) for index in range(6)), -3.32237
    ),
}


def suggest(trial: Any, space: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    """Ask a trial of Optuna's for each parameter."""
    found = {}
    for one in space:
        name, is_log = one["name"], one.get("distribution") == "log-uniform"
        if one["type"] == "categorical":
            found[name] = trial.suggest_categorical(name, one["values"])
        elif one["type"] == "int":
            found[name] = trial.suggest_int(name, one["minimum"], one["maximum"], log=is_log)
        else:
            found[name] = trial.suggest_float(name, one["minimum"], one["maximum"], log=is_log)
    return found
