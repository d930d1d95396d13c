"""Which names later steps read as earlier steps left them: no step in between may change them."""

from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_mlplat.resources.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Reliance:
    """What one step must leave alone; what it saves itself is its own to change.

    Attributes:
        relied: Names, channels among them, of which a later step loads the version an earlier one
            saved.
        last: Names whose newest version an earlier step has saved.
    """

    relied: tuple[str, ...]
    last: tuple[str, ...]


def reliances(pipeline: Pipeline) -> Mapping[str, Reliance]:
    """Return what each step must leave alone."""
    position = {step.name: index for index, step in enumerate(pipeline.steps)}
    spans: dict[str, list[tuple[int, int]]] = {}  # name → (saved at, read at)
    newest: dict[str, int] = {}
    for index, step in enumerate(pipeline.steps):
        for given in step.inputs:
            spans.setdefault(given.name, []).append((position[given.step], index))
        newest.update((name, index) for name in step.outputs)
    found = {}
    for index, step in enumerate(pipeline.steps):
        relied = {
            name
            for name, pairs in spans.items()
            if name not in step.outputs and any(saved < index < read for saved, read in pairs)
        }
        last = {name for name, saved in newest.items() if saved < index and name[0] != "@"}
        found[step.name] = Reliance(tuple(sorted(relied)), tuple(sorted(last - relied)))
    return found
