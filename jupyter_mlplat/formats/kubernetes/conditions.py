"""Conditions and times of objects, as documents have them."""

from datetime import UTC, datetime

from jupyter_mlplat.resources.base import JsonValue


def time_of(moment: datetime) -> str:
    """Write a moment as Kubernetes does: whole seconds, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def condition(
    kind: str, reason: str, message: str, at: datetime | None, status: bool = True
) -> dict[str, JsonValue]:
    """Write one condition."""
    found: dict[str, JsonValue] = {
        "type": kind,
        "status": "True" if status else "False",
        "reason": reason,
        "message": message,
    }
    return found | ({"lastTransitionTime": time_of(at)} if at is not None else {})


def number(value: float) -> str:
    """Write a number as the text that observations and metrics have; the shortest that is right."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
