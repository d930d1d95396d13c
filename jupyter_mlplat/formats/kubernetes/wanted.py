"""What a document asks for in our own terms, before this machine has added what it has."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from jupyter_mlplat.formats.kubernetes.objects import Object
from jupyter_mlplat.formats.kubernetes.pods import Demand, FromStore
from jupyter_mlplat.resources.training import TrainRequest
from jupyter_mlplat.resources.tuning import TuneRequest

_LONGEST_TAG = 256
_MOST_TAGS = 64


@dataclass(frozen=True, slots=True)
class Wanted:
    """A job, and what has to be found for it.

    Attributes:
        request: The job; its interpreter, stored variables and resources are still to be set.
        image: What has to be stood in for; None where the runtime stands for it.
        stored: Variables that secrets and config maps of this machine have.
        demand: What it asks of the machine, all nodes together.
        notes: What was asked for and is not honoured here, for people.
    """

    request: TrainRequest | TuneRequest
    image: str | None
    stored: tuple[FromStore, ...] = ()
    demand: Demand = field(default_factory=Demand)
    notes: tuple[str, ...] = ()


def tags_of(document: Object) -> dict[str, str]:
    """Return labels as tags of a run, as far as they can be ones."""
    fitting = (
        (name, value)
        for name, value in document.labels.items()
        if 0 < len(name) <= 63 and len(value) <= _LONGEST_TAG
    )
    return dict(list(fitting)[:_MOST_TAGS])


def unique(notes: Iterable[str]) -> tuple[str, ...]:
    """Return notes without those that were said before."""
    return tuple(dict.fromkeys(notes))
