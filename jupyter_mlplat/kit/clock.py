"""Time: always UTC, always aware."""

from datetime import UTC, datetime, timedelta


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def from_unix(seconds: float) -> datetime:
    """Turn seconds since 1970 into a moment."""
    return datetime.fromtimestamp(seconds, UTC)


def seconds_between(start: datetime, end: datetime) -> float:
    """Return how long it took, never less than nothing: a wall clock may step back."""
    return max(0.0, (end - start).total_seconds())


def after(moment: datetime, seconds: float) -> datetime:
    """Return the moment that lies `seconds` later."""
    return moment + timedelta(seconds=seconds)
