"""Train and tuning jobs as people spell them: options of a line, short keys of cell metadata.

```json
{"mlplat": {"step": "train", "train": {"nodes": 2, "processes": 2}}}
{"mlplat": {"tune": {"space": ["lr=loguniform(1e-5,1e-1)"], "maximize": "auc", "trials": 30}}}
```
"""

import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.spaces import (
    fault_of,
    is_dimension,
    parse_dimension,
    parse_space,
)
from jupyter_mlplat.resources.training import Initializer, TrainSpec
from jupyter_mlplat.resources.tuning import SpaceParameter, TuneSpec

TRAIN_WORDS: Mapping[str, str] = {
    "nodes": "nodes",
    "nproc": "processes",
    "processes": "processes",
    "nproc-per-node": "processes",
    "runtime": "runtime",
    "dataset": "dataset",
    "model": "model",
}
"""Options that make a step a train job, and the key of each."""
TUNE_WORDS: Mapping[str, str] = {
    "trials": "trials",
    "parallel": "parallel",
    "maximize": "maximize",
    "minimize": "minimize",
    "goal": "goal",
    "algorithm": "algorithm",
    "setting": "settings",
    "early-stopping": "early_stopping",
    "stop-setting": "stop_settings",
    "failures": "failures",
    "seed": "seed",
    "warm-start": "warm_start",
    "also": "additional",
}
"""Options of a tuning job; dimensions of its space stand beside them as `lr=uniform(0,1)`."""
MANY = frozenset({"settings", "stop_settings", "warm_start", "additional"})
"""Keys whose option may stand there more than once."""

_KEYS = frozenset({*TUNE_WORDS.values(), "space", "inline", "train", "collector", "resume"})
_FULL = frozenset(TuneSpec.model_fields)

Model = TypeVar("Model", bound=BaseModel)


def split_words(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Tell names from dimensions of a space, which blanks within parentheses may have cut."""
    names: list[str] = []
    space: list[str] = []
    for word in words:
        if space and space[-1].count("(") > space[-1].count(")"):
            space[-1] += f" {word}"
        else:
            (space if is_dimension(word) else names).append(word)
    return names, space


def train_spec(said: Mapping[str, Any]) -> TrainSpec:
    """Read what is said of a train job.

    Raises:
        InvalidInput: A key is unknown, or a value is none.
    """
    values = {TRAIN_WORDS.get(key, key): value for key, value in said.items()}
    for name in ("dataset", "model"):
        if isinstance(values.get(name), str):
            values[name] = Initializer(uri=values[name])
    _refuse_unknown(values, TrainSpec.model_fields, "a train job")
    return _validated(TrainSpec, values, "train job")


def tune_spec(said: Mapping[str, Any]) -> TuneSpec:
    """Read what is said of a tuning job.

    Args:
        said: Fields of a `TuneSpec`, or in their place: `space` as words or as a mapping from names
            to what stands behind the equals sign; `maximize` or `minimize` with `goal` and
            `additional`; `algorithm` and `early_stopping` as names with `settings` and
            `stop_settings`; `inline`; `train` as `train_spec` takes it.

    Raises:
        InvalidInput: A key is unknown, or a value is none.
    """
    _refuse_unknown(said, _KEYS | _FULL, "a tuning job")
    values = {key: value for key, value in said.items() if key in _FULL and value is not None}
    values["space"] = read_space(said.get("space", ()))
    if not values["space"]:
        raise InvalidInput(
            "A tuning job needs a space to search: at least one dimension, such as "
            "lr=loguniform(1e-5,1e-1)."
        )
    if "objective" not in values:
        values["objective"] = _objective(said)
    for key, settings in (("algorithm", "settings"), ("early_stopping", "stop_settings")):
        if isinstance(said.get(key), str) or said.get(settings):
            name = said.get(key) or ("tpe" if key == "algorithm" else "medianstop")
            values[key] = {"name": name, "settings": _settings(said.get(settings) or {})}
    if said.get("inline"):
        values["is_inline"] = True
    if isinstance(said.get("train"), Mapping):
        values["train"] = train_spec(said["train"])
    if isinstance(said.get("warm_start"), str):
        values["warm_start"] = (said["warm_start"],)
    return _validated(TuneSpec, values, "tuning job")


def read_space(said: object) -> tuple[SpaceParameter, ...]:
    """Read a space: words, or names with what stands behind the equals sign, or documents.

    Raises:
        InvalidInput: One of its dimensions is none.
    """
    if isinstance(said, str):
        return parse_space(said.split())
    if isinstance(said, Mapping):
        return tuple(_dimension(str(name), value) for name, value in said.items())
    if not isinstance(said, Iterable):
        raise InvalidInput(f"Cannot read {said!r} as a search space: write lr=loguniform(1e-5,1).")
    rows = list(said)
    if all(isinstance(row, str) for row in rows):
        return parse_space(rows)
    return tuple(_checked(_validated(SpaceParameter, dict(row), "dimension")) for row in rows)


def _dimension(name: str, value: object) -> SpaceParameter:
    if isinstance(value, SpaceParameter):
        return _checked(value.model_copy(update={"name": name}))
    if isinstance(value, str):
        return parse_dimension(f"{name}={value}")
    if isinstance(value, list | tuple | set | frozenset | range):
        values = {"name": name, "type": "categorical", "values": tuple(value)}
        return _checked(_validated(SpaceParameter, values, "dimension"))
    if isinstance(value, Mapping):
        return _checked(_validated(SpaceParameter, {**value, "name": name}, "dimension"))
    raise InvalidInput(
        f"Cannot read {value!r} as dimension {name!r}: needed a text such as "
        "'loguniform(1e-5,1e-1)', or a list of values."
    )


def _checked(parameter: SpaceParameter) -> SpaceParameter:
    fault = fault_of(parameter)
    if fault is not None:
        raise InvalidInput(f"Cannot use dimension {parameter.name!r}: {fault[0]} {fault[1]}.")
    return parameter


def _objective(said: Mapping[str, Any]) -> dict[str, Any]:
    named = {way: said[way] for way in ("maximize", "minimize") if said.get(way)}
    if len(named) != 1:
        found = "both" if named else "neither"
        raise InvalidInput(
            "A tuning job needs one metric to judge trials by: --maximize METRIC or "
            f"--minimize METRIC; found {found}."
        )
    ((way, metric),) = named.items()
    additional = said.get("additional") or ()
    return {
        "metric": metric,
        "direction": way,
        "goal": said.get("goal"),
        "additional": (additional,) if isinstance(additional, str) else tuple(additional),
    }


def _settings(said: object) -> dict[str, Any]:
    """Read settings of an algorithm: a mapping, or texts `name=value`."""
    if isinstance(said, Mapping):
        return dict(said)
    found: dict[str, Any] = {}
    for text in (
        [said] if isinstance(said, str) else list(said if isinstance(said, Iterable) else ())
    ):
        name, separator, value = str(text).partition("=")
        if not separator:
            raise InvalidInput(
                f"{text!r} is no setting: NAME=VALUE is needed, such as n_startup=5."
            )
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _refuse_unknown(said: Mapping[str, Any], known: Iterable[str], what: str) -> None:
    names = sorted(known)
    for key in said:
        if key not in names:
            near = get_close_matches(key, names, n=1)
            hint = f"{near[0]!r} is the nearest" if near else f"there are {', '.join(names)}"
            raise InvalidInput(f"There is no setting {key!r} of {what}; {hint}.")


def _validated(model: type[Model], values: Mapping[str, Any], what: str) -> Model:
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(
            f"Cannot read the {what}: {place} is {first.get('input')!r}. {first['msg']}."
        ) from error
