"""What a step must leave alone, and what it does not have.

Names that later steps read as earlier steps left them: no step in between may change them. Names
that earlier steps bound and that it is not given: reading one was not foreseen.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_mlplat.resources.pipeline import Channel, Pipeline


@dataclass(frozen=True, slots=True)
class Reliance:
    """What one step must leave alone; what it saves itself is its own to change.

    Attributes:
        relied: Names, channels among them, of which a later step loads the version an earlier one
            saved.
        last: Names whose newest version an earlier step has saved.
        elsewhere: Names that it is not given, and the earlier step that bound each last.
        unseen: It runs code that cannot be seen, which might even bind what is relied on anew.
    """

    relied: tuple[str, ...]
    last: tuple[str, ...]
    elsewhere: Mapping[str, str]
    unseen: bool


def reliances(pipeline: Pipeline) -> Mapping[str, Reliance]:
    """Return what each step must leave alone."""
    position = {step.name: index for index, step in enumerate(pipeline.steps)}
    spans: dict[str, list[tuple[int, int]]] = {}  # name → (saved at, read at)
    newest: dict[str, int] = {}
    for index, step in enumerate(pipeline.steps):
        for given in step.inputs:
            spans.setdefault(given.name, []).append((position[given.step], index))
        newest.update((name, index) for name in step.outputs)
    bound: dict[str, str] = {}
    found = {}
    for index, step in enumerate(pipeline.steps):
        relied = {
            name
            for name, pairs in spans.items()
            if name not in step.outputs and any(saved < index < read for saved, read in pairs)
        }
        last = {name for name, saved in newest.items() if saved < index and name[0] != "@"}
        given_names = {given.name for given in step.inputs}
        elsewhere = {name: made for name, made in bound.items() if name not in given_names}
        found[step.name] = Reliance(
            relied=tuple(sorted(relied)),
            last=tuple(sorted(last - relied)),
            elsewhere=elsewhere,
            unseen=Channel.UNKNOWN in step.effects,
        )
        bound |= dict.fromkeys(step.binds, step.name)
        for name in step.deletes:
            bound.pop(name, None)
    return found
