"""Which names later steps read as earlier steps left them: no step in between may change them."""

from collections.abc import Mapping

from jupyter_mlplat.resources.pipeline import Pipeline


def relied_on(pipeline: Pipeline) -> Mapping[str, tuple[str, ...]]:
    """Return for each step the names it must leave alone, channels among them.

    A name is relied on past a step when a later step loads the version that an earlier one saved,
    or when that version is the last one there is. What the step itself saves is its own to change.
    """
    position = {step.name: index for index, step in enumerate(pipeline.steps)}
    spans: dict[str, list[tuple[int, int]]] = {}  # name → (saved at, read at)
    last: dict[str, int] = {}
    for index, step in enumerate(pipeline.steps):
        for given in step.inputs:
            spans.setdefault(given.name, []).append((position[given.step], index))
        for name in step.outputs:
            last[name] = index
    for name, saved in last.items():
        if not name.startswith("@"):
            spans.setdefault(name, []).append((saved, len(pipeline.steps)))
    return {
        step.name: tuple(
            sorted(
                name
                for name, pairs in spans.items()
                if name not in step.outputs and any(saved < index < read for saved, read in pairs)
            )
        )
        for index, step in enumerate(pipeline.steps)
    }
