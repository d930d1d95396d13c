"""When a server is warned, stopped and woken. Never because nothing is known of it.

A server is idle since the last sign of work: a kernel, a terminal, a request to its files, work
that an engine runs for it. One that does not answer is of unknown activity: only the end of its
lifetime stops it. It is asked right before it is stopped, so that what began a moment ago counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from jupyter_mlplat.formats.kubernetes.conditions import time_of
from jupyter_mlplat.formats.notebooks import (
    LAST_ACTIVITY,
    LAST_CHECK,
    RUNNING_WORK,
    STARTED_AT,
    STOP_REASON,
    STOPPED,
    WAKE_REQUESTED,
    WARNED_AT,
)
from jupyter_mlplat.formats.notebooks.documents import moment_of
from jupyter_mlplat.formats.notebooks.idling import IdleRule
from jupyter_mlplat.kit.quantities import format_duration
from jupyter_mlplat.resources.servers import ServerReason

Changes = Mapping[str, str | None]
"""Annotations to write; None: to take away."""

_FAULTS_TOLD = 3  # a server that has just come up does not answer at once
_COARSEST_S = 300.0


@dataclass(frozen=True, slots=True)
class Activity:
    """What a server answered when it was asked what it does.

    Attributes:
        at: When it was asked.
        busy: What runs, in words; empty: nothing.
        last: When something last happened, as it says.
        fault: Why it could not be asked; empty: it answered.
        faults: How often in a row it could not.
    """

    at: datetime
    busy: str = ""
    last: datetime | None = None
    fault: str = ""
    faults: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a server's activity.

    Attributes:
        changes: Annotations to write.
        warning: What its user is told; empty: nothing.
        unknown: Why it is not known whether it is idle; empty: it is.
        ask: Whether the server is to be asked now.
        again_s: When to look again; None: nothing is due.
    """

    changes: Changes
    warning: str = ""
    unknown: str = ""
    ask: bool = False
    again_s: float | None = None


def tidy(annotations: Mapping[str, str]) -> Changes:
    """Say which annotations no longer hold: those of a server that was stopped, or was woken."""
    stopped, wake = annotations.get(STOPPED), annotations.get(WAKE_REQUESTED)
    gone: list[str] = []
    if stopped is not None and wake is not None and _is_later(wake, stopped):
        gone = [STOPPED, STOP_REASON, WAKE_REQUESTED]
    elif stopped is not None:
        gone = [LAST_ACTIVITY, LAST_CHECK, STARTED_AT, WARNED_AT, WAKE_REQUESTED]
    else:
        gone = [STOP_REASON, WAKE_REQUESTED]
    return {name: None for name in gone if name in annotations}


def decide(
    annotations: Mapping[str, str],
    rule: IdleRule,
    activity: Activity | None,
    ready_at: datetime,
    now: datetime,
    every_s: float,
) -> Decision:
    """Decide about a server that runs.

    Args:
        annotations: Of its Notebook.
        rule: When it is stopped.
        activity: What it last answered; None: it was not asked yet.
        ready_at: Since when its pod is ready.
        now: The present.
        every_s: How often it is asked.
    """
    if rule.cull_s is None and rule.lifetime_s is None:
        gone = [name for name in (WARNED_AT,) if name in annotations]
        return Decision(dict.fromkeys(gone))
    changes: dict[str, str | None] = {}
    if moment_of(annotations.get(STARTED_AT)) is None:
        changes[STARTED_AT] = time_of(ready_at)
    notes = {**annotations, **{name: text for name, text in changes.items() if text}}
    ends_at, warnings = rule.ends_at(notes), []
    if ends_at is not None:
        warning = _due(annotations, ends_at, rule.warn_s, rule.lifetime_s or 0, now)
        if warning.stop:
            return _stop(annotations, ServerReason.LIFETIME_OVER, now)
        if warning.warn:
            warnings.append(f"Its time is over at {_clock(ends_at)}: it is stopped then.")
    is_due = activity is None or (now - activity.at).total_seconds() >= every_s
    if rule.cull_s is None:
        return _told(annotations, changes, warnings, "", False, every_s, now)
    if is_due or activity is None:
        unknown = activity.fault if activity and activity.faults >= _FAULTS_TOLD else ""
        return _told(annotations, {}, warnings, unknown, True, None, now)  # written with its answer
    if activity.fault:
        unknown = activity.fault if activity.faults >= _FAULTS_TOLD else ""
        if LAST_ACTIVITY not in annotations:
            changes[LAST_ACTIVITY] = time_of(now)
        return _told(annotations, changes, warnings, unknown, False, every_s, now)
    work = moment_of(annotations.get(RUNNING_WORK))
    is_busy = bool(activity.busy) or (work is not None and work > now)
    known = moment_of(annotations.get(LAST_ACTIVITY))
    last = _last(known, activity, is_busy, ready_at, now)
    grain = every_s if not is_busy else min(max(rule.cull_s / 10, every_s), _COARSEST_S)
    if known is None or known > now or (last - known).total_seconds() >= grain:
        changes[LAST_ACTIVITY] = changes[LAST_CHECK] = time_of(last)
        changes[LAST_CHECK] = time_of(now)
    culls_at = last + timedelta(seconds=min(rule.cull_s, 1e9))
    if not is_busy:
        warning = _due(annotations, culls_at, rule.warn_s, rule.cull_s, now)
        if warning.stop:
            return _stop(annotations, ServerReason.CULLED, now)
        if warning.warn:
            idle = format_duration((now - last).total_seconds())
            stop_at = max(culls_at, warning.earliest)
            warnings.append(
                f"It has been idle for {idle} and is stopped at {_clock(stop_at)} unless it is "
                "used. What is on its volumes stays."
            )
    left = (culls_at - now).total_seconds()
    again_s = max(1.0, min(every_s, left)) if left > 0 else every_s
    return _told(annotations, changes, warnings, "", False, again_s, now)


@dataclass(frozen=True, slots=True)
class _Due:
    stop: bool
    warn: bool
    earliest: datetime


def _due(
    annotations: Mapping[str, str], end: datetime, warn_s: float, whole_s: float, now: datetime
) -> _Due:
    """Say whether an end is near, and whether it is there: never before a warning was heard."""
    ahead_s = min(warn_s, whole_s / 2)
    warned_at = moment_of(annotations.get(WARNED_AT))
    earliest = (min(warned_at, now) if warned_at else now) + timedelta(seconds=ahead_s)
    is_warned = ahead_s == 0 or (warned_at is not None and earliest <= now)
    return _Due(
        stop=now >= end and is_warned,
        warn=now >= end - timedelta(seconds=ahead_s),
        earliest=earliest,
    )


def _told(
    annotations: Mapping[str, str],
    changes: dict[str, str | None],
    warnings: list[str],
    unknown: str,
    ask: bool,
    again_s: float | None,
    now: datetime,
) -> Decision:
    if warnings and moment_of(annotations.get(WARNED_AT)) is None:
        changes[WARNED_AT] = time_of(now)
    if not warnings and WARNED_AT in annotations and not ask and not unknown:
        changes[WARNED_AT] = None
    return Decision(changes, " ".join(warnings), unknown, ask, again_s)


def _stop(annotations: Mapping[str, str], reason: ServerReason, now: datetime) -> Decision:
    gone = {
        name: None
        for name in (LAST_ACTIVITY, LAST_CHECK, STARTED_AT, WARNED_AT)
        if name in annotations
    }
    return Decision({**gone, STOPPED: time_of(now), STOP_REASON: str(reason)})


def _last(
    known: datetime | None, activity: Activity, is_busy: bool, ready_at: datetime, now: datetime
) -> datetime:
    """Return when something last happened; clocks of servers that run ahead are not believed."""
    if is_busy:
        return activity.at
    said = [moment for moment in (known, activity.last, ready_at) if moment is not None]
    return min(max(said), now)


def _is_later(wake: str, stopped: str) -> bool:
    woken, ended = moment_of(wake), moment_of(stopped)
    return woken is not None and (ended is None or woken >= ended)


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
