"""The algorithms by name, and the settings that each takes, spelled as in Katib."""

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_mlplat.errors import InvalidInput

Settings = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: how it is read, and what it is when it is not given."""

    read: Callable[[Any], Any]
    default: Any = None
    is_needed: bool = False


def _whole(least: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        number = _float(value)
        if number != int(number) or number < least:
            raise ValueError(f"a whole number of at least {least} is needed")
        return int(number)

    return read


def _number(least: float, most: float = math.inf, is_open: bool = False) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        number = _float(value)
        if not least <= number <= most or (is_open and number in (least, most)):
            bounds = f"above {least:g}" if is_open else f"of at least {least:g}"
            until = "" if most == math.inf else f" and {'below' if is_open else 'at most'} {most:g}"
            raise ValueError(f"a number {bounds}{until} is needed")
        return number

    return read


def _float(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError("a number is needed")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError("a number is needed") from None
    if not math.isfinite(number):
        raise ValueError("a finite number is needed")
    return number


def _one_of(*names: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in names:
            raise ValueError(f"one of {', '.join(names)} is needed")
        return str(value)

    return read


def _flag(value: Any) -> bool:
    if str(value).lower() in ("true", "1", "yes"):
        return True
    if str(value).lower() in ("false", "0", "no"):
        return False
    raise ValueError("true or false is needed")


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text is needed")
    return value


_SEED = {"random_state": Setting(_whole(0)), "seed": Setting(_whole(0))}
_TPE = {
    "n_startup_trials": Setting(_whole(0), 10),
    "n_ei_candidates": Setting(_whole(1), 24),
    "gamma": Setting(_number(0, 1, is_open=True)),
    "prior_weight": Setting(_number(0, is_open=True), 1.0),
    "constant_liar": Setting(_flag, True),
    **_SEED,
}

ALGORITHMS: dict[str, dict[str, Setting]] = {
    "random": _SEED,
    "grid": _SEED,
    "tpe": _TPE,
    "multivariate-tpe": _TPE,
    "bayesianoptimization": {
        "base_estimator": Setting(_one_of("GP", "RF", "ET", "GBRT"), "GP"),
        "n_initial_points": Setting(_whole(0), 10),
        "acq_func": Setting(_one_of("gp_hedge", "LCB", "EI", "PI"), "gp_hedge"),
        "acq_optimizer": Setting(_one_of("auto", "sampling", "lbfgs"), "auto"),
        **_SEED,
    },
    "gp": {"n_startup_trials": Setting(_whole(1), 10), **_SEED},
    "cmaes": {
        "restart_strategy": Setting(_one_of("none", "None", "ipop"), "none"),
        "sigma": Setting(_number(0, is_open=True)),
        "popsize": Setting(_whole(2)),
        **_SEED,
    },
    "sobol": {"scramble": Setting(_flag, True), **_SEED},
    "hyperband": {
        "r_l": Setting(_number(1), is_needed=True),
        "resource_name": Setting(_text, is_needed=True),
        "eta": Setting(_number(1, is_open=True), 3.0),
        **_SEED,
    },
    "pbt": {
        "suggestion_trial_dir": Setting(_text),
        "n_population": Setting(_whole(5), is_needed=True),
        "truncation_threshold": Setting(_number(0, 1), is_needed=True),
        "resample_probability": Setting(_number(0, 1)),
        **_SEED,
    },
}
"""Each algorithm's settings."""

PACKAGES = {
    "bayesianoptimization": "sklearn",
    "gp": "torch",
    "cmaes": "cmaes",
    "sobol": "scipy",
}
"""What an algorithm imports, beside numpy."""

_RUNGS = {
    "min_resource": Setting(_whole(1), 1),
    "reduction_factor": Setting(_whole(2), 4),
}
EARLY_STOPPING: dict[str, dict[str, Setting]] = {
    "medianstop": {
        "min_trials_required": Setting(_whole(1), 3),
        "start_step": Setting(_whole(1), 4),
    },
    "asha": {**_RUNGS, "min_early_stopping_rate": Setting(_whole(0), 0)},
    "hyperband": {
        **_RUNGS,
        "reduction_factor": Setting(_whole(2), 3),
        "max_resource": Setting(_whole(1), is_needed=True),
    },
}
"""Each early stopping rule's settings."""

_OTHER_NAMES = {
    "n_EI_candidates": "n_ei_candidates",
    "sigma0": "sigma",
    "n_startup_jobs": "n_startup_trials",
    "eta": "reduction_factor",
    "max_epochs": "max_resource",
}
_NOT_HERE = ("enas", "darts")


def read_settings(
    what: str, kinds: Mapping[str, Mapping[str, Setting]], name: str, given: Mapping[str, Any]
) -> Settings:
    """Read the settings of an algorithm or of a rule; the defaults of those not given included.

    Args:
        what: What it is, for messages: algorithm, early stopping rule.
        kinds: All there are, with their settings.
        name: Which is meant.
        given: Its settings, as documents spell them: numbers may be text.

    Raises:
        InvalidInput: There is no such algorithm or setting (with the nearest), a setting that is
            needed is missing, or a value makes no sense.
    """
    if name in _NOT_HERE:
        raise InvalidInput(
            f"Cannot tune by {name!r}: neural architecture search is not supported. "
            f"Use one of {', '.join(kinds)}."
        )
    if name not in kinds:
        raise InvalidInput(f"There is no {what} {name!r}. {_nearest(name, kinds)}")
    known = kinds[name]
    found: Settings = {key: setting.default for key, setting in known.items()}
    for key, value in given.items():
        own = key if key in known else _OTHER_NAMES.get(key, key)
        if own not in known:
            raise InvalidInput(
                f"The {what} {name!r} has no setting {key!r}. {_nearest(key, known)}", setting=key
            )
        if value is None:
            continue
        try:
            found[own] = known[own].read(value)
        except ValueError as error:
            raise InvalidInput(
                f"The setting {key!r} of the {what} {name!r} is {value!r}; {error}.", setting=key
            ) from None
    missing = [key for key, setting in known.items() if setting.is_needed and found[key] is None]
    if missing:
        raise InvalidInput(
            f"The {what} {name!r} needs the setting{'s' * (len(missing) > 1)} "
            f"{' and '.join(map(repr, missing))}. Give {'them' if len(missing) > 1 else 'it'}."
        )
    return found


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return f"{hint}Known: {', '.join(known)}."
