"""Models, their versions and their lineage."""

from collections import defaultdict
from collections.abc import Sequence

from jupyter_mlplat.client.views import graph
from jupyter_mlplat.client.views.nouns.formats import format_age, format_count, format_metrics
from jupyter_mlplat.client.views.text import join_names
from jupyter_mlplat.client.views.view import Cell, Table, View
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.lineage import Lineage, ModelVersion, RegisteredModel
from jupyter_mlplat.resources.registry import ModelChange


def view_lineage(lineage: Lineage) -> View:
    """Show a piece of the graph as a tree, below what it says in few words."""
    executions, artifacts = _count_executions(lineage), len(lineage.artifacts)
    counts = f"{format_count(executions, 'execution')}, {format_count(artifacts, 'artifact')}"
    facts = [
        ("direction", lineage.direction),
        ("found", counts + (", cut off" if lineage.truncated else "")),
    ]
    if made_by := lineage.provenance:
        facts += [
            ("code", join_names(f"{cell.step}/{cell.cell}" for cell in made_by.cells)),
            (
                "git",
                join_names(git.commit[:8] + ("+changes" * bool(git.dirty)) for git in made_by.git),
            ),
            ("parameters", _parameters_note(made_by.parameters)),
            ("environment", join_names(digest[7:19] for digest in made_by.environments)),
        ]
    name = next((a.name for a in lineage.artifacts if a.id == lineage.root), "")
    return View(
        title=f"Lineage of {name} ({lineage.root})" if name else f"Lineage of {lineage.root}",
        facts=tuple((label, Cell(text)) for label, text in facts if text),
        block=graph.draw(lineage),
        link=f"lineage/{lineage.root}",
    )


def view_models(models: Sequence[RegisteredModel]) -> View:
    """Show registered models as rows."""
    rows = tuple(
        (
            Cell(model.name, link=f"model/{model.name}"),
            Cell(str(model.latest_version or "")),
            Cell(", ".join(f"{alias} → {number}" for alias, number in model.aliases.items())),
            Cell(format_age(model.created_at)),
        )
        for model in models
    )
    return View(
        title="Models",
        tables=(Table(("model", "latest", "aliases", "created"), rows, frozenset({"latest"})),),
        empty="No models yet. Register one with: jupyter mlplat models register NAME --run latest",
    )


def view_model(model: RegisteredModel) -> View:
    """Show one model with its versions."""
    rows = tuple(
        (
            Cell(str(version.version)),
            Cell(version.format),
            Cell(", ".join(version.aliases)),
            Cell(format_metrics(version.metrics)),
            Cell(version.step or ""),
            Cell(format_age(version.created_at)),
        )
        for version in reversed(model.versions)
    )
    headers = ("version", "format", "aliases", "metrics", "step", "created")
    return View(
        title=f"Model {model.name}",
        facts=(("description", Cell(model.description)),) if model.description else (),
        tables=(Table(headers, rows, right=frozenset({"version"})),),
        empty="It has no versions.",
        link=f"model/{model.name}",
    )


def view_model_history(model: str, changes: Sequence[ModelChange]) -> View:
    """Show who changed what about a model, as rows."""
    rows = tuple(
        (Cell(format_age(change.at)), Cell(change.by), Cell(_what(change))) for change in changes
    )
    return View(
        title=f"History of model {model}",
        tables=(Table(("when", "who", "what"), rows),),
        empty="Nothing has been noted yet.",
    )


def _what(change: ModelChange) -> str:
    match change.kind:
        case "registered":
            return f"registered version {change.to_version}"
        case "deleted":
            return f"deleted version {change.from_version}"
        case "described":
            return "changed the description"
    before, after = change.from_version, change.to_version
    if after is None:
        return f"removed {change.alias} from version {before}"
    moved = "" if before is None else f" from version {before}"
    return f"{'set' if before is None else 'moved'} {change.alias}{moved} to version {after}"


def view_version(version: ModelVersion) -> View:
    """Show one version of a model."""
    facts = [
        ("format", Cell(version.format)),
        ("artifact", Cell(version.artifact_id)),
        ("run", Cell(version.run_id or "")),
        ("aliases", Cell(", ".join(version.aliases))),
        ("metrics", Cell(format_metrics(version.metrics))),
        ("inputs", Cell(join_names(spec.name for spec in version.signature.inputs))),
        ("description", Cell(version.description)),
    ]
    return View(
        title=f"Model {version.model}, version {version.version}",
        facts=tuple((label, cell) for label, cell in facts if cell.text),
        link=f"model/{version.model}",
    )


def _count_executions(lineage: Lineage) -> int:
    """Count what ran; one taken from the cache counts only where what it was taken from is gone."""
    made_by: dict[str, set[str]] = defaultdict(set)
    for event in lineage.events:
        if event.kind == "output":
            made_by[event.execution_id].add(event.artifact_id)
    ran = [execution.id for execution in lineage.executions if execution.state != "CACHED"]
    known = set().union(*(made_by[execution] for execution in ran))
    cached = (execution.id for execution in lineage.executions if execution.state == "CACHED")
    return len(ran) + sum(not (made_by[execution] & known) for execution in cached)


def _parameters_note(by_step: dict[str, dict[str, JsonValue]]) -> str:
    used = {name: value for values in by_step.values() for name, value in values.items()}
    return ", ".join(f"{name}={value!r}" for name, value in used.items())
