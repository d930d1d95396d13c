"""Which option of its kind a Workspace has, and which it would have after a restart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from jupyter_mlplat.formats.notebooks.workspaces import (
    ImageOption,
    OptionStatus,
    PodOption,
    RedirectStep,
)

O = TypeVar("O", ImageOption, PodOption)  # noqa: E741 - an option


class NoOption(Exception):
    """The option cannot be resolved; in upstream's words."""


@dataclass(frozen=True, slots=True)
class Choice(Generic[O]):
    """The option that holds now, and where its redirects lead."""

    current: O
    chain: tuple[RedirectStep, ...]

    @property
    def is_pending(self) -> bool:
        """Tell whether another option is to be taken at the next restart."""
        return bool(self.chain)

    @property
    def status(self) -> OptionStatus:
        """Write it as the status has it."""
        desired = self.chain[-1].target if self.chain else self.current.id
        return OptionStatus(desired=desired, redirectChain=list(self.chain) or None)  # type: ignore[call-arg]


def choose(what: str, options: Sequence[O], wanted: str) -> Choice[O]:
    """Find an option by its id and follow its redirects.

    Raises:
        NoOption: It, or one it redirects to, is missing, or the redirects run in a circle.
    """
    known = {option.id: option for option in options}
    if wanted not in known:
        raise NoOption(f'{what} with id "{wanted}" not found')
    at, chain = known[wanted], []
    passed = {wanted}
    while at.redirect is not None:
        target = at.redirect.to
        if target in passed:
            raise NoOption(f'{what} with id "{at.id}" has a circular redirect')
        if target not in known:
            raise NoOption(f'{what} with id "{target}" not found, was redirected from "{at.id}"')
        chain.append(RedirectStep(source=at.id, target=target))
        at = known[target]
        passed.add(target)
    return Choice(known[wanted], tuple(chain))
