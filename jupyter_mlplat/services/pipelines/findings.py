"""What a step that was refused has shown of its cells, and whether a new plan can use it."""

from collections.abc import Iterable

from jupyter_mlplat.kit.digests import digest_text
from jupyter_mlplat.resources.pipeline import Finding, Pipeline
from jupyter_mlplat.resources.run import Failure


def finding_of(pipeline: Pipeline, failure: Failure | None) -> Finding | None:
    """Return what a failure has shown, if it is of the kind that shows something."""
    if failure is None or not (failure.changes or failure.reads or failure.ties):
        return None
    source = next(
        (
            cell.source
            for step in pipeline.steps
            if step.name == failure.step
            for cell in step.cells
            if cell.id == failure.cell
        ),
        None,
    )
    if source is None:
        return None
    return Finding(
        source=digest_text(source),
        changes=failure.changes,
        reads=failure.reads,
        ties=failure.ties,
    )


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Join what is known of the same source."""
    found: dict[str, Finding] = {}
    for finding in findings:
        known = found.get(finding.source)
        if known is not None:
            finding = Finding(
                source=finding.source,
                changes=tuple(sorted({*known.changes, *finding.changes})),
                reads=tuple(sorted({*known.reads, *finding.reads})),
                ties=tuple(sorted({*known.ties, *finding.ties})),
            )
        found[finding.source] = finding
    return tuple(found.values())


def heeds(pipeline: Pipeline, finding: Finding) -> bool:
    """Tell whether a plan routes through each such step what it changes, as the objects they are.

    Names that were found to change together share objects. Saved by different steps they would
    arrive as copies of each other, and a change of one would leave the other as it was. What is
    tied must not arrive at all, but be made there.
    """
    names = {name for name in finding.changes if not name.startswith("@")}
    for step in pipeline.steps:
        if all(digest_text(cell.source) != finding.source for cell in step.cells):
            continue
        made = {given.step for given in step.inputs if given.name in names}
        loaded = {given.name for given in step.inputs}
        if loaded.intersection(finding.ties):
            return False
        if len(made) > 1 or (made and not names <= loaded | set(step.binds)):
            return False
    return True
