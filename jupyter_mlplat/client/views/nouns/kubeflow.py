"""Kubeflow's objects as rows: jobs, trials, runtimes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from jupyter_mlplat.client.views.nouns.formats import format_duration
from jupyter_mlplat.client.views.view import Cell, Mood, Table, View
from jupyter_mlplat.kit.quantities import format_count
from jupyter_mlplat.resources.documents import AppliedDocument

_MOODS = {
    "Complete": Mood.GOOD,
    "Succeeded": Mood.GOOD,
    "Failed": Mood.BAD,
    "MetricsUnavailable": Mood.BAD,
    "Killed": Mood.WARNING,
    "Suspended": Mood.WARNING,
    "Running": Mood.BUSY,
    "Created": Mood.BUSY,
}


def view_objects(objects: Sequence[Mapping[str, Any]], state_of: Callable[[Any], str]) -> View:
    """Show objects, one a row."""
    rows = tuple(
        (
            Cell(str(one.get("kind", ""))),
            Cell(_name(one)),
            Cell(state := state_of(one), _MOODS.get(state, Mood.PLAIN)),
            Cell(_detail(one)),
            Cell(_age(one), Mood.QUIET),
        )
        for one in objects
    )
    return View(
        title="Objects",
        tables=(Table(("kind", "name", "state", "", "age"), rows),),
        empty="There is none. Make one: jupyter mlplat apply -f FILE, train or tune.",
    )


def view_applied(documents: Sequence[AppliedDocument]) -> View:
    """Show what became of documents, one a row; below, what of them is not honoured."""
    rows = tuple(
        (
            Cell(one.kind),
            Cell(one.name),
            Cell(one.outcome, Mood.QUIET if one.outcome == "unchanged" else Mood.GOOD),
            Cell("" if one.number is None else str(one.number), link=f"run/{one.run}")
            if one.run is not None
            else Cell(""),
        )
        for one in documents
    )
    return View(
        title="Applied",
        tables=(Table(("kind", "name", "", "run"), rows, right=frozenset({"run"})),),
        notes=tuple(
            Cell(f"{one.name}: {note}", Mood.WARNING) for one in documents for note in one.notes
        ),
        empty="There was no document.",
    )


def _name(one: Mapping[str, Any]) -> str:
    return str((one.get("metadata") or {}).get("name", ""))


def _detail(one: Mapping[str, Any]) -> str:
    status, spec = one.get("status") or {}, one.get("spec") or {}
    match one.get("kind"):
        case "Experiment":
            best = (status.get("currentOptimalTrial") or {}).get("observation") or {}
            most = f" of {spec['maxTrialCount']}" if "maxTrialCount" in spec else ""
            return f"{status.get('trials', 0)}{most} trials{_metrics(best)}"
        case "OptimizationJob":
            found = (status.get("result") or {}).get("parameters") or ()
            return _pairs(found)
        case "Trial":
            given = spec.get("parameterAssignments") or ()
            return f"{_pairs(given)}{_metrics(status.get('observation') or {})}"
        case "TrainJob":
            trainer = spec.get("trainer") or {}
            done = (status.get("trainerStatus") or {}).get("progressPercentage")
            nodes = format_count(trainer.get("numNodes", 1), "node")
            return nodes if done is None else f"{nodes}, {done} %"
        case "ClusterTrainingRuntime":
            policy = spec.get("mlPolicy") or {}
            return ", ".join(name for name in policy if name != "numNodes") or "plain"
    return ""


def _pairs(found: Sequence[Mapping[str, Any]]) -> str:
    return "  ".join(f"{pair['name']}={_short(pair['value'])}" for pair in found)


def _metrics(observation: Mapping[str, Any]) -> str:
    found = observation.get("metrics") or ()
    return "".join(f"  {metric['name']}={_short(metric['latest'])}" for metric in found)


def _short(text: str) -> str:
    try:
        return f"{float(text):.6g}"
    except ValueError:
        return text


def _age(one: Mapping[str, Any]) -> str:
    begun = (one.get("metadata") or {}).get("creationTimestamp") or (one.get("status") or {}).get(
        "startTime"
    )
    if not isinstance(begun, str):
        return ""
    moment = datetime.fromisoformat(begun)
    return format_duration(max(0.0, (datetime.now(UTC) - moment).total_seconds()))
