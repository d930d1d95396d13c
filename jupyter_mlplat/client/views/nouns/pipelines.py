"""Pipelines and what verifying found."""

from collections.abc import Iterator

from jupyter_mlplat.client.views.nouns.formats import format_duration, place
from jupyter_mlplat.client.views.text import join_names
from jupyter_mlplat.client.views.view import Cell, Mood, Table, View
from jupyter_mlplat.resources.pipeline import Edge, Pipeline, Proof, Severity, Step, VerifyReport

_SEVERITIES = {
    Severity.ERROR: Mood.BAD,
    Severity.WARNING: Mood.WARNING,
    Severity.INFO: Mood.QUIET,
}


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
    numbers = {cell.id: str(cell.index + 1) for step in pipeline.steps for cell in step.cells}
    notes = [
        Cell(
            place(problem.message, numbers.get(problem.cell or "", problem.cell), problem.line),
            _SEVERITIES[problem.severity],
        )
        for problem in pipeline.problems
    ]
    notes += [
        Cell(
            place(
                f"Unknown: {unknown.what}. {unknown.consequence}",
                numbers.get(unknown.cell, unknown.cell),
                unknown.line,
            ),
            Mood.WARNING,
        )
        for unknown in pipeline.unknown
    ]
    parameters = ", ".join(f"{p.name}={p.expression or '?'}" for p in pipeline.parameters)
    return View(
        title=f"Pipeline {pipeline.name}",
        facts=(("parameters", Cell(parameters)),) if parameters else (),
        tables=(steps, edges),
        notes=tuple(notes),
        empty="No steps: the notebook has no code cells.",
    )


def view_verification(report: VerifyReport) -> View:
    """Show what came out otherwise as steps."""
    if report.equal:
        verdict = Cell("✓ equal", Mood.GOOD)
    elif report.unfinished:
        verdict = Cell("✗ did not end in time", Mood.BAD)
    else:
        verdict = Cell("✗ refused" if report.refused else "✗ different", Mood.BAD)
    return View(
        title="Verify: top to bottom against steps in fresh processes",
        state=verdict,
        facts=(
            ("steps", Cell(str(len(report.steps)))),
            ("took", Cell(format_duration(report.duration_s))),
            *_learned(report),
        ),
        tables=(
            Table(
                ("step", "cell", "difference"),
                tuple((Cell(d.step), Cell(d.cell or ""), Cell(d.what)) for d in report.differences),
            ),
        ),
        notes=tuple(
            Cell(place(problem.message, problem.cell, problem.line), Mood.BAD)
            for problem in report.refused
        )
        + tuple(Cell(place.what, Mood.BAD) for place in report.unfinished),
    )


def _learned(report: VerifyReport) -> Iterator[tuple[str, Cell]]:
    changes = {name for finding in report.learned for name in finding.changes}
    reads = {name for finding in report.learned for name in finding.reads}
    words = [f"cells change {join_names(sorted(changes))}"] * bool(changes)
    words += [f"cells read {join_names(sorted(reads))}"] * bool(reads)
    ties = {name for finding in report.learned for name in finding.ties}
    words += [f"{join_names(sorted(ties))} cannot leave the process"] * bool(ties)
    if words:
        yield "learned by running", Cell("; ".join(words))


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
