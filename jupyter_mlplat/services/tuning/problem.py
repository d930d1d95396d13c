"""A tuning job as its algorithm sees it: the spec, read and checked."""

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from jupyter_mlplat.errors import InvalidInput, Unsupported
from jupyter_mlplat.services.tuning.settings import (
    ALGORITHMS,
    EARLY_STOPPING,
    PACKAGES,
    Settings,
    read_settings,
)
from jupyter_mlplat.services.tuning.spaces import Numeric, Space, read_space


@dataclass(frozen=True, slots=True)
class Problem:
    """What is searched, by what, until when.

    Attributes:
        sign: Makes of the objective's value a loss: 1 or -1.
        goal: A loss; the job is over once a trial has reached it.
        trials: At most so many; None: no limit.
        failures: So many may fail; None: any number.
        seed: Never None: a spec without one has one of its own.
    """

    space: Space
    metric: str
    sign: float
    goal: float | None
    algorithm: str
    settings: Settings
    rule: str | None
    rule_settings: Settings
    trials: int | None
    failures: int | None
    seed: int

    def loss_of(self, value: float | None) -> float | None:
        """Return what is made small, None if there is no number to compare."""
        if value is None or not math.isfinite(value):
            return None
        return self.sign * value


def read_problem(spec: Mapping[str, Any], key: str = "") -> Problem:
    """Read a spec and check it as a whole.

    Args:
        spec: A `TuneSpec` on the wire.
        key: Of the job; jobs of the same spec without a seed differ by it.

    Raises:
        InvalidInput: The space, the algorithm, a setting or a bound makes no sense; says which.
        Unsupported: The algorithm needs a package that is not installed.
    """
    space = read_space(spec.get("space") or ())
    objective = spec.get("objective") or {}
    metric = objective.get("metric")
    if not metric:
        raise InvalidInput("Cannot tune without an objective. Say which metric: objective.metric.")
    direction = objective.get("direction", "maximize")
    if direction not in ("minimize", "maximize"):
        raise InvalidInput(
            f"The objective's direction is {direction!r}; minimize or maximize is needed."
        )
    sign = 1.0 if direction == "minimize" else -1.0
    goal = objective.get("goal")
    if goal is not None and not math.isfinite(goal):
        raise InvalidInput(f"The objective's goal is {goal!r}; a finite number is needed.")
    algorithm = spec.get("algorithm") or {}
    name = algorithm.get("name") or "tpe"
    settings = read_settings("algorithm", ALGORITHMS, name, algorithm.get("settings") or {})
    stopping = spec.get("early_stopping") or {}
    rule = stopping.get("name")
    rule_settings = (
        read_settings("early stopping rule", EARLY_STOPPING, rule, stopping.get("settings") or {})
        if rule
        else {}
    )
    _check_fit(name, settings, space)
    package = PACKAGES.get(name)
    if package and find_spec(package) is None:
        raise Unsupported(
            f"Cannot tune by {name!r}: it needs the package {package!r}, which is not installed "
            "beside the engine. Install it there, or use 'tpe'.",
            package=package,
        )
    return Problem(
        space=space,
        metric=metric,
        sign=sign,
        goal=None if goal is None else sign * goal,
        algorithm=name,
        settings=settings,
        rule=rule,
        rule_settings=rule_settings,
        trials=spec.get("trials"),
        failures=spec.get("failures"),
        seed=_seed_of(spec, settings, key),
    )


def _seed_of(spec: Mapping[str, Any], settings: Settings, key: str) -> int:
    for seed in (spec.get("seed"), settings.get("random_state"), settings.get("seed")):
        if seed is not None:
            return int(seed) % 2**63
    return zlib.crc32(f"{key} {json.dumps(spec, sort_keys=True)}".encode())


def _check_fit(name: str, settings: Settings, space: Space) -> None:
    """Refuse a space that this algorithm cannot search.

    Raises:
        InvalidInput: It cannot; says which parameter, and what to do.
    """
    if name == "grid":
        for dimension in space:
            if not dimension.count:
                raise InvalidInput(
                    f"Cannot tune by 'grid': parameter {dimension.name!r} has no step, so it has "
                    "no end of values. Give it one, or use 'random' or 'sobol'."
                )
    if name == "hyperband" and settings["resource_name"] not in space.names:
        raise InvalidInput(
            f"Cannot tune by 'hyperband': resource_name is {settings['resource_name']!r}, and "
            f"there is no such parameter. Name one of {', '.join(space.names)}."
        )
    if name == "cmaes":
        numeric = [one for one in space if isinstance(one, Numeric) and one.count != 1]
        if len(numeric) < 2:
            raise InvalidInput(
                f"Cannot tune by 'cmaes': it needs two or more parameters with a range, and there "
                f"{'is' if len(numeric) == 1 else 'are'} {len(numeric)}. Use 'tpe'."
            )
