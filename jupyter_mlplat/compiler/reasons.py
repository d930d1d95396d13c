"""Edges with their reasons, for people: which name, made where, read where, how it is known."""

from collections.abc import Sequence

from jupyter_mlplat.compiler.facts import CellFacts, Change
from jupyter_mlplat.compiler.plan import StepPlan
from jupyter_mlplat.resources.pipeline import Channel, Edge, EdgeReason, Proof

_CHANNELS = {
    "@rng": "the state of the random number generators",
    "@env": "environment variables",
    "@cwd": "the working directory or the module search path",
    "@modules": "settings kept in imported modules",
    "@patch": "an imported module that was changed",
}


def build_edges(
    steps: Sequence[StepPlan], names: Sequence[str], after: Sequence[Sequence[str]]
) -> list[Edge]:
    """Return the edges between planned steps, in order.

    Args:
        steps: The plan.
        names: Of the steps.
        after: For each step, the steps the user wants to end first.
    """
    edges: list[Edge] = []
    for number, step in enumerate(steps):
        told = {names.index(name) for name in after[number] if name in names[:number]}
        sources = sorted({*step.inputs.values(), *step.order, *told})
        for source in sources:
            passed = sorted(name for name, held in step.inputs.items() if held == source)
            reasons = [_value_reason(steps[source], step, name) for name in passed]
            if source in step.order:
                reasons.append(_order_reason(*step.order[source]))
            if source in told:
                reasons.append(_told_reason(steps[source], step))
            edges.append(
                Edge.model_validate(
                    {
                        "from": names[source],
                        "to": names[number],
                        "names": tuple(passed),
                        "reasons": tuple(reasons),
                    }
                )
            )
    return edges


def _told_reason(source: StepPlan, target: StepPlan) -> EdgeReason:
    return EdgeReason(
        name="after",
        source_cell=source.cells[-1].id,
        target_cell=target.cells[0].id,
        proof=Proof.PROVED,
        why="The step is told to run after it.",
    )


def _value_reason(source: StepPlan, target: StepPlan, name: str) -> EdgeReason:
    cell, change = _maker(source, name)
    reader, through, is_assumed = _reader(target, name)
    shown = _CHANNELS.get(name, f"`{name}`")
    made, proof = _making(shown, name, cell, change)
    if name in target.carried:
        read = f"kept together with what cell {reader.index + 1} changes or passes on"
    elif through:
        read = f"read in cell {reader.index + 1} by {through}() when it is called"
    elif is_assumed:
        read = f"may be read by code in cell {reader.index + 1} that cannot be seen"
        proof = Proof.ASSUMED
    else:
        read = f"read in cell {reader.index + 1}"
    return EdgeReason(
        name=name,
        source_cell=cell.id,
        target_cell=reader.id,
        proof=proof,
        why=f"{made}, and {read}.",
    )


def _maker(source: StepPlan, name: str) -> tuple[CellFacts, Change | None]:
    """Return the last cell of a step that bound or changed a name, and the change."""
    for cell in reversed(source.cells):
        mask = cell.reach.get(name, 0) & cell.mutated
        if name in cell.binds:
            return cell, None
        if mask:
            bit = mask & -mask
            return cell, cell.changes.get(bit)
    return source.cells[-1], None


def _making(shown: str, name: str, cell: CellFacts, change: Change | None) -> tuple[str, Proof]:
    """Say where a version of a name was made, and how that is known."""
    where = f"in cell {cell.index + 1}"
    if change is not None and change.is_observed:
        return f"{shown} was seen to change {where}", Proof.OBSERVED
    if change is not None:
        where += f" (line {change.line} {change.what})"
        if change.is_assumed:
            return f"{shown} may be changed {where}", Proof.ASSUMED
        return f"{shown} is changed {where}", Proof.PROVED
    if cell.binds.get(name):
        return f"{shown} is bound {where}", Proof.PROVED
    if name in cell.seen_bound:
        return f"{shown} was seen to be bound {where}", Proof.OBSERVED
    return f"{shown} may be bound {where}", Proof.ASSUMED


def _reader(target: StepPlan, name: str) -> tuple[CellFacts, str, bool]:
    if name in target.reads:
        cell, use = target.reads[name]
        return cell, use.through, use.is_assumed
    return target.cells[0], "", False


def _order_reason(source: CellFacts, target: CellFacts, channel: str) -> EdgeReason:
    path = next((use.path for use in source.files if use.writes and use.path), None)
    known = path is not None and any(use.path == path for use in target.files)
    what = f"{path!r}" if path else "files"
    return EdgeReason(
        name=Channel.FILES if channel == "@files" else channel,
        source_cell=source.id,
        target_cell=target.id,
        proof=Proof.PROVED if known else Proof.ASSUMED,
        why=f"Cell {source.index + 1} and cell {target.index + 1} both use {what}, and at least "
        "one of them writes.",
    )
