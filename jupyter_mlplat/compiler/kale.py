"""Kale's cell tags, read as Kale reads them: the same steps, in the same order.

`step:NAME` (or `block:NAME`), `prev:NAME`, `imports`, `functions`, `pipeline-parameters`,
`pipeline-metrics`, `skip`, `limit:RESOURCE:AMOUNT`. An untagged cell continues what the cell before
it was. Imports and functions go in front of every step; metrics are the names printed by the
metrics cell.
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlplat.compiler.settings import CellSettings, step_name
from jupyter_mlplat.compiler.steps import Code, Draft
from jupyter_mlplat.kit.quantities import parse_bytes, parse_cpu

_STEP = re.compile(r"^(?:step|block):([_a-z][_a-z0-9]*)$")
_PREV = re.compile(r"^prev:([_a-z][_a-z0-9]*)$")
_LIMIT = re.compile(r"^limit:([_a-z./-]+):([\w.]+)$")
_ROLES = frozenset({"imports", "functions", "pipeline-parameters", "pipeline-metrics", "skip"})


@dataclass(slots=True)
class KaleNotebook:
    """A notebook's cells by the part they play."""

    shared: list[Code] = field(default_factory=list)
    """Imports, then functions: in front of every step."""
    parameters: list[Code] = field(default_factory=list)
    steps: list[Draft] = field(default_factory=list)
    metrics: tuple[str, ...] = ()


def is_kale(codes: Sequence[Code]) -> bool:
    """Tell whether a notebook is tagged for Kale; our own metadata goes first."""
    if any(code.settings.step for code in codes):
        return False
    return any(_STEP.match(tag) for code in codes for tag in code.cell.tags)


def read_kale(codes: Sequence[Code]) -> KaleNotebook:
    """Give each cell the part that Kale gives it."""
    found = KaleNotebook()
    functions: list[Code] = []
    drafts: dict[str, Draft] = {}
    metrics: list[Code] = []
    current = "imports"  # cells above the first tag: Kale drops them, their names are still needed
    for code in codes:
        role = _role(code)
        if role == "skip":
            continue
        current = role or current
        match current:
            case "imports":
                found.shared.append(code)
            case "functions":
                functions.append(code)
            case "pipeline-parameters":
                found.parameters.append(code)
            case "pipeline-metrics":
                metrics.append(code)
            case _:
                _add(drafts, current, code)
    found.shared += functions
    found.steps = list(drafts.values())
    found.metrics = _printed(metrics)
    return found


def _role(code: Code) -> str | None:
    for tag in code.cell.tags:
        if tag in _ROLES:
            return tag
        step = _STEP.match(tag)
        if step is not None:
            return f"step:{step[1]}"
    return None


def _add(drafts: dict[str, Draft], current: str, code: Code) -> None:
    name = current.removeprefix("step:")
    if name not in drafts:
        previous = [found[1] for tag in code.cell.tags if (found := _PREV.match(tag))]
        drafts[name] = Draft(
            step_name(name), name, "kale", after=tuple(step_name(item) for item in previous)
        )
    code.settings = _with_limits(code)
    drafts[name].cells.append(code)


def _with_limits(code: Code) -> CellSettings:
    """Read `limit:` tags, which Kale understands for GPUs only."""
    update: dict[str, Any] = {}
    for tag in code.cell.tags:
        limit = _LIMIT.match(tag)
        if limit is None:
            continue
        try:
            match limit[1]:
                case "cpu":
                    update["cpu"] = parse_cpu(limit[2])
                case "memory":
                    update["memory_bytes"] = parse_bytes(limit[2])
                case resource if resource.endswith("gpu"):
                    update["gpu"] = int(limit[2])
        except ValueError:
            continue  # an amount Kubernetes would refuse as well: the step runs without a limit
    return code.settings.model_copy(update=update)


def _printed(codes: Sequence[Code]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for code in codes:
        for node in ast.walk(code.normal.tree) if code.normal.tree is not None else ():
            match node:
                case ast.Call(func=ast.Name(id="print"), args=[ast.Name(id=name)]):
                    names[name] = None
    return tuple(names)
