"""What users say about a cell or step: metadata `mlplat`, `%%mlplat step …`, `# mlplat: …`.

```json
{"mlplat": {"step": "train", "cpu": 2, "memory": "2Gi", "gpu": 1, "cache": false, "retries": 2,
            "timeout_s": 600, "kernel": "python3", "python": "/path", "env": {"KEY": "value"},
            "skip": false, "metrics": ["auc"], "after": ["prepare"], "in": ["x"], "out": ["y"],
            "train": {"nodes": 2, "processes": 2}, "tune": {"space": ["lr=uniform(0,1)"], …}}}
```
"""

import re
import shlex
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.kit.quantities import parse_bytes, parse_cpu
from jupyter_mlplat.resources.base import NAME_PATTERN, Gpus
from jupyter_mlplat.resources.pipeline import Resources, Retry, StepSettings
from jupyter_mlplat.resources.spelling import (
    MANY,
    TRAIN_WORDS,
    TUNE_WORDS,
    split_words,
    train_spec,
    tune_spec,
)
from jupyter_mlplat.resources.training import TrainSpec
from jupyter_mlplat.resources.tuning import TuneSpec

_COMMENT = re.compile(r"^\s*#\s*mlplat:\s*(?P<rest>.+)$", re.MULTILINE)
_QUANTITY = r"^\d+(\.\d+)?([kKMGT]i?)?$"  # how a form asks for it; `parse_bytes` takes more
_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
_SLUG = re.compile(r"[^a-z0-9]+")


class CellSettings(BaseModel):
    """The schema of cell metadata `mlplat`. Unknown keys are refused, so that typos are seen."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    step: str | None = Field(
        default=None,
        description="Name of the step the cell belongs to.",
        json_schema_extra={
            "anyOf": [{"type": "string", "pattern": NAME_PATTERN}, {"type": "null"}]
        },
    )
    title: str | None = Field(default=None, description="How the step is shown to people.")
    skip: bool = Field(default=False, description="Leave the cell out of the pipeline.")
    cpu: float | None = Field(default=None, gt=0, le=1024, description="Cores.")
    memory_bytes: int | None = Field(
        default=None,
        gt=0,
        alias="memory",
        description="Limit, such as 512Mi or 2Gi.",
        json_schema_extra={"anyOf": [{"type": "string", "pattern": _QUANTITY}, {"type": "null"}]},
    )
    gpu: Gpus | None = Field(default=None, description="Whole devices, or a share of one below 1.")
    cache: bool | None = Field(default=None, description="Take results of an equal earlier run.")
    retries: int | None = Field(default=None, ge=0, le=100, description="Further attempts.")
    backoff_s: float | None = Field(default=None, ge=0, description="Wait before the first one.")
    timeout_s: float | None = Field(default=None, gt=0, alias="timeout")
    kernel: str | None = Field(default=None, description="Name of another Jupyter kernel.")
    python: str | None = Field(default=None, description="Path of another Python interpreter.")
    env: dict[str, str] = Field(
        default={},
        description="Environment variables.",
        json_schema_extra={"propertyNames": {"pattern": _VARIABLE}},
    )
    metrics: tuple[str, ...] = Field(default=(), description="Names that are metrics of the run.")
    after: tuple[str, ...] = Field(default=(), description="Steps that must end first.")
    reads: tuple[str, ...] | None = Field(default=None, alias="in")
    writes: tuple[str, ...] | None = Field(default=None, alias="out")
    train: TrainSpec | None = Field(default=None, description="The step runs as many processes.")
    tune: TuneSpec | None = Field(default=None, description="The step runs as many trials.")

    @property
    def is_job(self) -> bool:
        """Tell whether the cell runs in processes of its own, as ranks or trials."""
        return self.train is not None or self.tune is not None

    @field_validator("train", mode="before")
    @classmethod
    def _train(cls, value: object) -> object:
        return _spelled(train_spec, value)

    @field_validator("tune", mode="before")
    @classmethod
    def _tune(cls, value: object) -> object:
        return _spelled(tune_spec, value)

    @field_validator("memory_bytes", mode="before")
    @classmethod
    def _memory(cls, value: object) -> object:
        return parse_bytes(value) if isinstance(value, str) else value

    @field_validator("cpu", mode="before")
    @classmethod
    def _cpu(cls, value: object) -> object:
        return parse_cpu(value) if isinstance(value, str) else value

    @field_validator("metrics", "after", "reads", "writes", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part for part in re.split(r"[,\s]+", value) if part)
        return value


def _spelled(read: Callable[[Mapping[str, Any]], object], value: object) -> object:
    """Read what is said of a job; a fault is told in the words it is told in everywhere."""
    if not isinstance(value, dict):
        return value
    try:
        return read(value)
    except InvalidInput as error:
        raise ValueError(error.message) from error


def read_settings(
    metadata: Mapping[str, Any], line: str | None, source: str
) -> tuple[CellSettings, str | None]:
    """Return what is said about a cell, and why part of it cannot be understood."""
    said = metadata.get("mlplat")
    values: dict[str, Any] = dict(said) if isinstance(said, dict) else {}
    values.pop("observed", None)
    values.update(_from_comments(source))
    trouble: list[str] = []
    if line is not None:
        try:
            values.update(_from_line(line))
        except ValueError as error:
            trouble.append(str(error))
    try:
        return CellSettings(**values), "; ".join(trouble) or None
    except ValidationError as error:
        bad = {str(item["loc"][0]): item for item in error.errors() if item["loc"]}
        trouble += [_explain(key, values.get(key), item) for key, item in bad.items()]
        aliases = {"memory": "memory_bytes", "timeout": "timeout_s"}
        kept = {
            key: value
            for key, value in values.items()
            if key not in bad and aliases.get(key) not in bad
        }
        try:
            return CellSettings(**kept), "; ".join(trouble)
        except ValidationError:
            return CellSettings(), "; ".join(trouble)


_NEEDS = {
    "step": "a name in quotes",
    "title": "a text in quotes",
    "skip": "true or false",
    "cpu": "a number of cores above 0, such as 2, 0.5 or '500m'",
    "memory": "an amount above 0, such as '512Mi' or '2Gi'",
    "gpu": "a whole number of devices from 0 to 64, or a share of one such as 0.5",
    "cache": "true or false",
    "retries": "a whole number from 0 to 100",
    "backoff_s": "a number of seconds from 0 up",
    "timeout_s": "a number of seconds above 0",
    "kernel": "the name of a Jupyter kernel",
    "python": "the path of a Python interpreter",
    "env": "names with texts, such as {'KEY': 'value'}",
    "metrics": "names, such as ['auc']",
    "after": "names of steps, such as ['prepare']",
    "in": "names of values, such as ['x']",
    "out": "names of values, such as ['y']",
    "train": "what a train job is, such as {'nodes': 2, 'processes': 2}",
    "tune": "what a tuning job is, such as {'space': ['lr=uniform(0,1)'], 'maximize': 'auc'}",
}
_ALIASES = {
    "memory_bytes": "memory",
    "timeout": "timeout_s",
    "reads": "in",
    "writes": "out",
    "name": "step",
}


def _explain(key: str, value: object, item: Mapping[str, Any]) -> str:
    """Say what is wrong with one setting, in the words of those who write it."""
    fault = item["type"]
    if key in ("train", "tune") and fault == "value_error":
        return f"`{key}`: {str(item['ctx']['error']).rstrip('.')}"
    if fault != "extra_forbidden":
        return f"`{key}` needs {_NEEDS[_ALIASES.get(key, key)]}, found {value!r}"
    near = get_close_matches(key.lower(), [*_NEEDS, *_ALIASES], n=1)
    if near:
        return f"there is no setting `{key}`; `{_ALIASES.get(near[0], near[0])}` is the nearest"
    return f"there is no setting `{key}`; there are {', '.join(_NEEDS)}"


_KERNEL_ONLY = frozenset({"no-wait", "no-values", "as", "experiment", "tag", "note"})
"""Options of `%%mlplat train` and `%%mlplat tune` that only concern the kernel that submits."""
_FLAGS = frozenset({"no-cache", "cache", "skip", "inline", "no-wait", "no-values"})


def _from_line(line: str) -> dict[str, Any]:
    """Read `step --name train --cpu 2 --no-cache`, `train --nproc 2`, `tune lr=uniform(0,1)`."""
    words = shlex.split(line)
    if not words or words[0] not in ("step", "skip", "train", "tune"):
        return {}
    values: dict[str, Any] = {"skip": True} if words[0] == "skip" else {}
    train: dict[str, Any] = {}
    tune: dict[str, Any] = {}
    said: list[str] = []
    position = 1
    while position < len(words):
        word = words[position]
        position += 1
        if not word.startswith("--"):
            said.append(word)
            continue
        key, equals, value = word[2:].partition("=")
        if key in _FLAGS and not equals:
            _set_flag(key, values, tune)
            continue
        if not equals:
            if position >= len(words):
                raise ValueError(f"`{word}` needs a value after it")
            value = words[position]
            position += 1
        if key in _KERNEL_ONLY:
            continue
        if key in TRAIN_WORDS:
            train[TRAIN_WORDS[key]] = value
        elif key in TUNE_WORDS:
            name = TUNE_WORDS[key]
            tune[name] = [*tune.get(name, ()), value] if name in MANY else value
        else:
            _set_option(key, value, values)
    names, space = split_words(said)
    if names:
        values["step"] = names[-1]
    if space:
        tune["space"] = space
    if words[0] == "tune" or tune:
        values["tune"] = {**tune, "train": train} if train else tune
    elif words[0] == "train" or train:
        values["train"] = train
    return values


def _set_flag(key: str, values: dict[str, Any], tune: dict[str, Any]) -> None:
    if key == "inline":
        tune["inline"] = True
    elif key not in _KERNEL_ONLY:
        values["cache" if "cache" in key else key] = key != "no-cache"


def _set_option(key: str, value: str, values: dict[str, Any]) -> None:
    key = {"name": "step", "timeout-s": "timeout_s", "retry": "retries"}.get(key, key)
    if key == "env":
        name, _, content = value.partition("=")
        values.setdefault("env", {})[name] = content
    elif key in ("metrics", "after", "in", "out") and key in values:
        values[key] = f"{values[key]},{value}"
    else:
        values[key.replace("-", "_")] = value


def _from_comments(source: str) -> dict[str, Any]:
    """Read `# mlplat: in=a,b out=c`."""
    values: dict[str, Any] = {}
    for comment in _COMMENT.finditer(source):
        for key, value in re.findall(r"(\w+)=([\w,.\-]*)", comment["rest"]):
            if key in ("in", "out", "after", "metrics", "step"):
                values[key] = value
    return values


def step_settings(cells: list[CellSettings], is_cacheable: bool = True) -> StepSettings:
    """Merge what the cells of a step say; the last one that says something wins.

    `is_cacheable` is what caching is where no cell says anything.
    """

    def last(name: str) -> Any:
        said = [value for cell in cells if (value := getattr(cell, name)) is not None]
        return said[-1] if said else None

    env: dict[str, str] = {}
    for cell in cells:
        env |= cell.env
    defaults = StepSettings()
    cache = last("cache")
    return StepSettings(
        resources=Resources(
            cpu=last("cpu") or defaults.resources.cpu,
            memory_bytes=last("memory_bytes"),
            gpu=last("gpu") or 0,
        ),
        retry=Retry(
            limit=last("retries") or 0,
            backoff_s=defaults.retry.backoff_s if last("backoff_s") is None else last("backoff_s"),
        ),
        cache=is_cacheable if cache is None else cache,
        timeout_s=last("timeout_s"),
        kernel=last("kernel"),
        python=last("python"),
        env=env,
    )


def jobs_of(cells: list[CellSettings]) -> tuple[TrainSpec | None, TuneSpec | None]:
    """Return what the cells of a step say of it as a job; the last one that says something wins."""
    train = next((cell.train for cell in reversed(cells) if cell.train is not None), None)
    tune = next((cell.tune for cell in reversed(cells) if cell.tune is not None), None)
    if tune is not None and train is not None and tune.train is None:
        return None, tune.model_copy(update={"train": train})
    return (None if tune is not None else train), tune


def step_name(text: str) -> str:
    """Keep a name that is one as it stands, else make one of it."""
    return text if re.fullmatch(NAME_PATTERN, text) else slug(text)


def slug(text: str, *, fallback: str = "step") -> str:
    """Turn a heading or name into a step name: lower case, digits and hyphens."""
    name = _SLUG.sub("-", text.lower()).strip("-")[:63].strip("-")
    return name or fallback


def unique(name: str, taken: set[str]) -> str:
    """Return the name, with a number behind it if it is taken; and take it."""
    found, count = name, 2
    while found in taken:
        tail = f"-{count}"
        found = name[: 63 - len(tail)].rstrip("-") + tail
        count += 1
    taken.add(found)
    return found
