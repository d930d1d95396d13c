"""What users say about a cell or step: metadata `mlplat`, `%%mlplat step …`, `# mlplat: …`.

```json
{"mlplat": {"step": "train", "cpu": 2, "memory": "2Gi", "gpu": 1, "cache": false, "retries": 2,
            "timeout_s": 600, "kernel": "python3", "python": "/path", "env": {"KEY": "value"},
            "skip": false, "metrics": ["auc"], "after": ["prepare"], "in": ["x"], "out": ["y"]}}
```
"""

import re
import shlex
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from jupyter_mlplat.kit.quantities import parse_bytes, parse_cpu
from jupyter_mlplat.resources.base import NAME_PATTERN
from jupyter_mlplat.resources.pipeline import Resources, Retry, StepSettings

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
    gpu: int | None = Field(default=None, ge=0, le=64, description="Whole devices.")
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
        trouble += [_explain(key, values.get(key), item["type"]) for key, item in bad.items()]
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
    "gpu": "a whole number of devices from 0 to 64",
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
}
_ALIASES = {
    "memory_bytes": "memory",
    "timeout": "timeout_s",
    "reads": "in",
    "writes": "out",
    "name": "step",
}


def _explain(key: str, value: object, fault: str) -> str:
    """Say what is wrong with one setting, in the words of those who write it."""
    if fault != "extra_forbidden":
        return f"`{key}` needs {_NEEDS[_ALIASES.get(key, key)]}, found {value!r}"
    near = get_close_matches(key.lower(), [*_NEEDS, *_ALIASES], n=1)
    if near:
        return f"there is no setting `{key}`; `{_ALIASES.get(near[0], near[0])}` is the nearest"
    return f"there is no setting `{key}`; there are {', '.join(_NEEDS)}"


def _from_line(line: str) -> dict[str, Any]:
    """Read `step --name train --cpu 2 --no-cache`."""
    words = shlex.split(line)
    if not words or words[0] not in ("step", "skip"):
        return {}
    values: dict[str, Any] = {"skip": True} if words[0] == "skip" else {}
    position = 1
    while position < len(words):
        word = words[position]
        position += 1
        if not word.startswith("--"):
            values["step"] = word
            continue
        key, equals, value = word[2:].partition("=")
        key = {"name": "step", "timeout-s": "timeout_s", "retry": "retries"}.get(key, key)
        if key in ("no-cache", "cache", "skip") and not equals:
            values["cache" if "cache" in key else key] = key != "no-cache"
            continue
        if not equals:
            if position >= len(words):
                raise ValueError(f"`{word}` needs a value after it")
            value = words[position]
            position += 1
        if key == "env":
            name, _, content = value.partition("=")
            values.setdefault("env", {})[name] = content
        elif key in ("metrics", "after", "in", "out") and key in values:
            values[key] = f"{values[key]},{value}"
        else:
            values[key.replace("-", "_")] = value
    return values


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
