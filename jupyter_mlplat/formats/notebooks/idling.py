"""When a server is stopped by itself: what its kind says, and what its user asked for within it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from jupyter_mlplat.formats.notebooks import CULL_AFTER, LAST_ACTIVITY, MAX_LIFETIME, STARTED_AT
from jupyter_mlplat.formats.notebooks.documents import moment_of
from jupyter_mlplat.kit.quantities import parse_duration
from jupyter_mlplat.resources.servers import KindIdle, seconds_of


@dataclass(frozen=True, slots=True)
class IdleRule:
    """Lengths of time in seconds; None: never, no limit.

    Attributes:
        cull_s: Idle for so long, a server is stopped.
        warn_s: So long before, its user is told.
        lifetime_s: So long after its start it is stopped in any case.
        faults: What of the user's wishes cannot be had, in words.
    """

    cull_s: float | None
    warn_s: float
    lifetime_s: float | None
    faults: tuple[str, ...] = ()

    def culls_at(self, annotations: Mapping[str, str]) -> datetime | None:
        """Return when it is stopped if it stays idle from when it was last active."""
        return _later(moment_of(annotations.get(LAST_ACTIVITY)), self.cull_s)

    def ends_at(self, annotations: Mapping[str, str]) -> datetime | None:
        """Return when it is stopped in any case."""
        return _later(moment_of(annotations.get(STARTED_AT)), self.lifetime_s)


def idle_rule(kind: KindIdle, annotations: Mapping[str, str]) -> IdleRule:
    """Put a kind's rule and a user's wishes together: shorter always, longer where it is let."""
    faults: list[str] = []
    cull = _wished(annotations.get(CULL_AFTER), kind.cull, kind.longer, CULL_AFTER, faults)
    lifetime = _wished(
        annotations.get(MAX_LIFETIME), kind.lifetime, kind.longer, MAX_LIFETIME, faults
    )
    return IdleRule(cull, parse_duration(kind.warn), lifetime, tuple(faults))


def _wished(
    wish: str | None, most: str | None, longer: bool, name: str, faults: list[str]
) -> float | None:
    most_s = seconds_of(most)
    if not wish:
        return most_s
    try:
        wished_s = seconds_of(wish)
    except ValueError as error:
        faults.append(f"{name}: {error}")
        return most_s
    is_longer = most_s is not None and (wished_s is None or wished_s > most_s)
    if is_longer and not longer:
        faults.append(f"{name}: {wish} is longer than this kind lets, {most}. {most} holds.")
        return most_s
    return wished_s


def _later(moment: datetime | None, seconds: float | None) -> datetime | None:
    if moment is None or seconds is None:
        return None
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return None
