"""What the revisions of an endpoint answered in the last minutes: a ring of the router's counters.

Nothing is done for it when a request is answered: every few seconds the counters and histograms
that there are anyway are copied, and whoever asks compares two copies.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_mlplat.serving.metrics import SECONDS

STEP_S = 5.0
"""How far apart copies are taken."""

STEPS = 60
"""How many are kept: five minutes."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What a revision had answered up to a moment.

    Attributes:
        counts: Answers by how long they took: one number for each of `metrics.SECONDS`, and one for
            what took longer.
        refused: How many of them were 4xx: the caller was at fault.
        failed: How many were 5xx.
    """

    counts: tuple[int, ...]
    refused: int
    failed: int


class Recent:
    """Copies of the tallies, the newest at the end.

    Args:
        now: When counting began, on the monotonic clock.
    """

    def __init__(self, now: float) -> None:
        self._began = now
        self._copies: deque[tuple[float, Mapping[int, Tally]]] = deque([(now, {})], STEPS + 1)

    def is_due(self, now: float) -> bool:
        return now - self._copies[-1][0] >= STEP_S

    def add(self, now: float, tallies: Mapping[int, Tally]) -> None:
        """Keep a copy; the oldest is let go when there are too many."""
        self._copies.append((now, tallies))

    def report(self, now: float, tallies: Mapping[int, Tally]) -> dict[str, Any]:
        """Return the copies and what is counted now, as JSON; moments as seconds ago."""
        return {
            "age_s": now - self._began,
            "bounds_s": SECONDS,
            "copies": [
                {
                    "age_s": now - moment,
                    "revisions": {
                        str(revision): [tally.counts, tally.refused, tally.failed]
                        for revision, tally in copy.items()
                    },
                }
                for moment, copy in (*self._copies, (now, tallies))
            ],
        }
