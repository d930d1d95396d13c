"""The port to whoever knows what people may do in a profile."""

from dataclasses import dataclass
from typing import Protocol

GROUP = "mlplat.jupyter.org"
"""What the engine keeps belongs to this API group, for a cluster's roles."""


@dataclass(frozen=True, slots=True)
class Review:
    """May a user do this to such things in a profile?"""

    user: str
    groups: tuple[str, ...]
    namespace: str
    resource: str
    verb: str


class Reviewer(Protocol):
    """Answers for the cluster. Belongs to the event loop."""

    async def may(self, review: Review) -> bool:
        """Answer; whatever it raises means that nobody knows."""

    async def close(self) -> None:
        """Hang up."""
