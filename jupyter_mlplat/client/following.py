"""How a thing that is shown can be seen again, and acted upon, while it is on display."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mlplat.client.documents import Shown
    from jupyter_mlplat.client.engine import EngineClient
    from jupyter_mlplat.resources.engine import Event


@dataclass(frozen=True, slots=True)
class Action:
    """What a user may do to a thing; one that cannot be undone is asked about."""

    name: str
    label: str
    do: Callable[[], "Shown"]
    question: str = ""


@dataclass(frozen=True, slots=True)
class Following:
    """The engine a thing came from, how to ask for it anew, and which events mean a change."""

    client: "EngineClient"
    look: Callable[[], "Shown"]
    concerns: Callable[["Event"], bool]
    is_final: bool = False  # nothing will happen to it by itself any more
    actions: tuple[Action, ...] = field(default=())


def concerns_kind(prefix: str) -> Callable[["Event"], bool]:
    """Choose events by their kind: `concerns_kind("model.")`."""
    return lambda event: event.kind.startswith(prefix)


def concerns_model(name: str) -> Callable[["Event"], bool]:
    """Choose the events about one registered model."""
    return lambda event: event.kind.startswith("model.") and event.subject == name
