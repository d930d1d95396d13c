"""What each of our nouns has to show: documents in, views out."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from jupyter_mlplat.client.views import graph
from jupyter_mlplat.client.views.text import join_names
from jupyter_mlplat.client.views.view import Cell, Mood, Table, View
from jupyter_mlplat.kit.quantities import format_bytes
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.engine import EngineStatus
from jupyter_mlplat.resources.lineage import Lineage, ModelVersion, RegisteredModel
from jupyter_mlplat.resources.pipeline import Edge, Pipeline, Proof, Severity, Step, VerifyReport
from jupyter_mlplat.resources.run import OutputValue, Run, RunSummary, Task, TaskState
from jupyter_mlplat.resources.serving import Endpoint

_MOODS = {
    "PENDING": Mood.QUIET,
    "QUEUED": Mood.QUIET,
    "RUNNING": Mood.BUSY,
    "SUCCEEDED": Mood.GOOD,
    "FAILED": Mood.BAD,
    "SKIPPED": Mood.QUIET,
    "CANCELING": Mood.WARNING,
    "CANCELED": Mood.WARNING,
    "READY": Mood.GOOD,
    "LOADING": Mood.BUSY,
    "DEGRADED": Mood.WARNING,
    "STOPPED": Mood.QUIET,
}
_MARKS = {
    "PENDING": "·",
    "QUEUED": "·",
    "RUNNING": "●",
    "SUCCEEDED": "✓",
    "FAILED": "✗",
    "SKIPPED": "–",
    "CANCELING": "◌",
    "CANCELED": "◌",
    "READY": "✓",
    "LOADING": "●",
    "DEGRADED": "!",
    "STOPPED": "◌",
}
_SEVERITIES = {
    Severity.ERROR: Mood.BAD,
    Severity.WARNING: Mood.WARNING,
    Severity.INFO: Mood.QUIET,
}


def state_cell(state: str) -> Cell:
    """Show a state as a mark and a word, so that colour alone says nothing."""
    return Cell(f"{_MARKS.get(state, '?')} {state.lower()}", _MOODS.get(state, Mood.PLAIN))


def format_duration(seconds: float | None) -> str:
    """Write a duration for people: `12 ms`, `3.4 s`, `2 min 05 s`, `1 h 02 min`."""
    if seconds is None:
        return ""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def format_age(moment: datetime | None, now: datetime | None = None) -> str:
    """Say how long ago something was: `just now`, `5 min ago`, `2026-11-20`."""
    if moment is None:
        return ""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    for limit, size, unit in ((60, 0, ""), (3600, 60, "min"), (86400, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds // size)} {unit} ago" if size else "just now"
    return moment.astimezone().date().isoformat()


def format_number(value: float) -> str:
    """Write a metric: short, and exact enough."""
    return f"{value:.6g}"


def view_pipeline(pipeline: Pipeline) -> View:
    """Show steps, edges with their reasons, parameters and problems."""
    steps = Table(
        ("step", "cells", "needs", "gives"),
        tuple(_step_row(pipeline, step) for step in pipeline.steps),
    )
    edges = Table(
        ("from", "to", "values", "known", "why"),
        tuple(_edge_row(edge) for edge in pipeline.edges),
    )
    notes = [
        Cell(_place(problem.message, problem.cell, problem.line), _SEVERITIES[problem.severity])
        for problem in pipeline.problems
    ]
    notes += [
        Cell(
            _place(f"Unknown: {unknown.what}. {unknown.consequence}", unknown.cell, unknown.line),
            Mood.WARNING,
        )
        for unknown in pipeline.unknown
    ]
    parameters = ", ".join(f"{p.name}={p.expression}" for p in pipeline.parameters)
    return View(
        title=f"Pipeline {pipeline.name}",
        facts=(("parameters", Cell(parameters)),) if parameters else (),
        tables=(steps, edges),
        notes=tuple(notes),
        empty="No steps: the notebook has no code cells.",
    )


def view_verification(report: VerifyReport) -> View:
    """Show what came out otherwise as steps."""
    verdict = (
        Cell("✓ equal", Mood.GOOD)
        if report.equal
        else Cell("✗ refused" if report.refused else "✗ different", Mood.BAD)
    )
    return View(
        title="Verify: top to bottom against steps in fresh processes",
        state=verdict,
        facts=(
            ("steps", Cell(str(len(report.steps)))),
            ("took", Cell(format_duration(report.duration_s))),
        ),
        tables=(
            Table(
                ("step", "cell", "difference"),
                tuple((Cell(d.step), Cell(d.cell or ""), Cell(d.what)) for d in report.differences),
            ),
        ),
        notes=tuple(
            Cell(_place(problem.message, problem.cell, problem.line), Mood.BAD)
            for problem in report.refused
        ),
    )


def view_run(run: Run, metrics: dict[str, float] | None = None) -> View:
    """Show a run with its steps; light enough to be drawn again at every change."""
    done = sum(task.state.is_final for task in run.tasks)
    facts = []
    if run.parameters:
        shown = ", ".join(f"{name}={value!r}" for name, value in run.parameters.items())
        facts.append(("parameters", Cell(shown)))
    if run.duration_s is not None:
        facts.append(("took", Cell(format_duration(run.duration_s))))
    if metrics:
        shown = ", ".join(f"{name} {format_number(value)}" for name, value in metrics.items())
        facts.append(("metrics", Cell(shown)))
    return View(
        title=f"Run {run.number} of {run.pipeline}",
        state=state_cell(run.state),
        facts=tuple(facts),
        progress=None if run.state.is_final else done / max(1, len(run.tasks)),
        tables=(
            Table(
                ("step", "state", "time", "note"),
                tuple(_task_row(task) for task in run.tasks),
                right=frozenset({"time"}),
            ),
        ),
        notes=tuple(Cell(message, Mood.BAD) for message in failure_messages(run)),
        empty="No steps yet.",
    )


def failure_messages(run: Run) -> list[str]:
    """Say why a run did not succeed, each reason once."""
    messages = [
        f"Step {task.name!r}, {task.failure.message}"
        if task.failure.cell
        else f"Step {task.name!r}: {task.failure.message}"
        for task in run.tasks
        if task.failure and task.state.is_final
    ]
    if run.failure and not any(run.failure.message in message for message in messages):
        messages.append(run.failure.message)
    return messages


def view_runs(runs: Sequence[RunSummary]) -> View:
    """Show runs as rows."""
    rows = tuple(
        (
            Cell(str(run.number)),
            Cell(run.pipeline),
            state_cell(run.state),
            Cell(f"{run.tasks_done}/{run.tasks_total}" + _cached_note(run)),
            Cell(format_duration(run.duration_s)),
            Cell(format_age(run.created_at)),
            Cell(_metrics_note(run)),
        )
        for run in runs
    )
    headers = ("run", "pipeline", "state", "steps", "took", "created", "metrics")
    return View(
        title="Runs",
        tables=(Table(headers, rows, right=frozenset({"run", "took"})),),
        empty="No runs yet. Start one with: jupyter mlplat run NOTEBOOK",
    )


def view_outputs(outputs: Iterable[OutputValue]) -> View:
    """Show what steps saved."""
    rows = tuple(
        (
            Cell(output.name),
            Cell(output.type),
            Cell(format_bytes(output.size_bytes)),
            Cell(output.step),
            Cell(output.preview),
        )
        for output in outputs
    )
    headers = ("name", "type", "size", "step", "preview")
    return View(
        title="Outputs",
        tables=(Table(headers, rows, right=frozenset({"size"})),),
        empty="Nothing was saved.",
    )


def view_lineage(lineage: Lineage) -> View:
    """Show a piece of the graph as a tree, below what it says in few words."""
    counts = f"{len(lineage.executions)} executions, {len(lineage.artifacts)} artifacts"
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
    )


def view_models(models: Sequence[RegisteredModel]) -> View:
    """Show registered models as rows."""
    rows = tuple(
        (
            Cell(model.name),
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
            Cell(", ".join(f"{n} {format_number(v)}" for n, v in version.metrics.items())),
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
    )


def view_version(version: ModelVersion) -> View:
    """Show one version of a model."""
    facts = [
        ("format", Cell(version.format)),
        ("artifact", Cell(version.artifact_id)),
        ("run", Cell(version.run_id or "")),
        ("aliases", Cell(", ".join(version.aliases))),
        ("metrics", Cell(", ".join(f"{n} {format_number(v)}" for n, v in version.metrics.items()))),
        ("inputs", Cell(join_names(spec.name for spec in version.signature.inputs))),
        ("description", Cell(version.description)),
    ]
    return View(
        title=f"Model {version.model}, version {version.version}",
        facts=tuple((label, cell) for label, cell in facts if cell.text),
    )


def view_endpoints(endpoints: Sequence[Endpoint]) -> View:
    """Show endpoints as rows."""
    rows = tuple(
        (Cell(e.name), state_cell(e.state), Cell(e.url), Cell(_traffic_note(e)), Cell(e.message))
        for e in endpoints
    )
    return View(
        title="Endpoints",
        tables=(Table(("endpoint", "state", "url", "traffic", "message"), rows),),
        empty="No endpoints yet. Deploy a model with: jupyter mlplat deploy MODEL",
    )


def view_endpoint(endpoint: Endpoint) -> View:
    """Show one endpoint with its revisions."""
    shares = {traffic.revision: traffic.percent for traffic in endpoint.traffic}
    rows = tuple(
        (
            Cell(str(revision.number)),
            Cell(f"{revision.model}/{revision.version}"),
            state_cell(revision.state),
            Cell(f"{shares.get(revision.number, 0)} %"),
            Cell(str(revision.restarts)),
            Cell(revision.message),
        )
        for revision in endpoint.revisions
    )
    headers = ("revision", "model", "state", "traffic", "restarts", "message")
    return View(
        title=f"Endpoint {endpoint.name}",
        state=state_cell(endpoint.state),
        facts=(("url", Cell(endpoint.url)),),
        tables=(Table(headers, rows, frozenset({"revision", "traffic", "restarts"})),),
        notes=(Cell(endpoint.message, Mood.WARNING),) if endpoint.message else (),
    )


def view_engine(status: EngineStatus) -> View:
    """Show who answers behind the socket."""
    return View(
        title="Engine",
        state=Cell("✓ running", Mood.GOOD),
        facts=(
            ("home", Cell(status.home)),
            ("version", Cell(status.version)),
            ("process", Cell(str(status.pid))),
            ("since", Cell(format_age(status.started_at))),
            ("runs", Cell(f"{status.running_runs} running, {status.running_tasks} steps")),
            ("endpoints", Cell(str(status.endpoints))),
            (
                "machine",
                Cell(
                    f"{status.cpu_total:g} CPUs, {format_bytes(status.memory_total_bytes)}, "
                    f"{status.gpu_total} GPUs"
                ),
            ),
        ),
    )


def _step_row(pipeline: Pipeline, step: Step) -> tuple[Cell, ...]:
    needs = dict.fromkeys(edge.source for edge in pipeline.edges if edge.target == step.name)
    return (
        Cell(step.name),
        Cell(", ".join(str(cell.index + 1) for cell in step.cells)),
        Cell(join_names(needs)),
        Cell(join_names(step.outputs)),
    )


def _edge_row(edge: Edge) -> tuple[Cell, ...]:
    proofs = {reason.proof for reason in edge.reasons}
    weakest = next((p for p in (Proof.ASSUMED, Proof.OBSERVED) if p in proofs), Proof.PROVED)
    return (
        Cell(edge.source),
        Cell(edge.target),
        Cell(join_names(edge.names)),
        Cell(weakest, Mood.WARNING if weakest is Proof.ASSUMED else Mood.PLAIN),
        Cell(edge.reasons[0].why if edge.reasons else "", Mood.QUIET),
    )


def _task_row(task: Task) -> tuple[Cell, ...]:
    note = ""
    if task.cache and (task.cache.hit or task.cache.changed):
        note = f"cached: {task.cache.reason}" if task.cache.hit else task.cache.reason
    if task.state is TaskState.QUEUED and task.waiting_for:
        note = f"waits for {task.waiting_for}"
    elif task.attempt > 1:
        note = f"attempt {task.attempt}"
    elif task.cached and not note:
        note = "cached"
    if task.failure and task.failure.cell_index is not None:
        note = f"cell {task.failure.cell_index + 1}"
    return (
        Cell(task.name),
        state_cell(task.state),
        Cell(format_duration(task.duration_s)),
        Cell(note, Mood.QUIET),
    )


def _cached_note(run: RunSummary) -> str:
    return f" ({run.tasks_cached} cached)" if run.tasks_cached else ""


def _metrics_note(run: RunSummary) -> str:
    if run.failed_step:
        return f"failed in {run.failed_step}"
    return join_names((f"{n} {format_number(v)}" for n, v in run.metrics.items()), limit=3)


def _traffic_note(endpoint: Endpoint) -> str:
    return ", ".join(f"{share.percent} % → {share.revision}" for share in endpoint.traffic)


def _parameters_note(by_step: dict[str, dict[str, JsonValue]]) -> str:
    used = {name: value for values in by_step.values() for name, value in values.items()}
    return ", ".join(f"{name}={value!r}" for name, value in used.items())


def _place(message: str, cell: str | None, line: int | None) -> str:
    if cell is None:
        return message
    return f"cell {cell}" + (f", line {line}" if line else "") + f": {message}"
