"""When servers are warned, stopped and woken."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jupyter_mlplat.formats.kubernetes.conditions import time_of
from jupyter_mlplat.formats.notebooks import (
    LAST_ACTIVITY,
    RUNNING_WORK,
    STARTED_AT,
    STOP_REASON,
    STOPPED,
    WAKE_REQUESTED,
    WARNED_AT,
)
from jupyter_mlplat.formats.notebooks.idling import IdleRule
from jupyter_mlplat_controller.activity import activity_of
from jupyter_mlplat_controller.notebooks.culling import Activity, Decision, decide, tidy

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
HOUR = IdleRule(cull_s=3600, warn_s=600, lifetime_s=None)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def decided(
    notes: dict[str, str], activity: Activity | None = None, rule: IdleRule = HOUR
) -> Decision:
    said = {STARTED_AT: time_of(ago(600)), **notes}
    return decide(said, rule, activity or Activity(NOW), ago(600), NOW, 60)


def test_a_server_without_a_rule_is_not_even_asked() -> None:
    assert decided({}, None, IdleRule(None, 600, None)) == Decision({})


def test_a_server_is_asked_before_anything_is_decided() -> None:
    stale = Activity(ago(2))
    decision = decided({LAST_ACTIVITY: time_of(ago(120)), WARNED_AT: time_of(ago(60))}, stale)

    assert decision.ask
    assert STOPPED not in decision.changes


def test_an_idle_server_is_warned_first_and_stopped_after_the_warning() -> None:
    idle = {LAST_ACTIVITY: time_of(ago(120))}

    first = decided(idle)
    assert "is stopped at" in first.warning
    assert first.changes[WARNED_AT] == time_of(NOW)
    assert STOPPED not in first.changes
    early = decided({**idle, WARNED_AT: time_of(ago(9))})
    assert STOPPED not in early.changes
    late = decided({**idle, WARNED_AT: time_of(ago(11))})
    assert late.changes[STOPPED] == time_of(NOW)
    assert late.changes[STOP_REASON] == "Culled"
    assert late.changes[LAST_ACTIVITY] is None


@pytest.mark.parametrize(
    ("activity", "notes"),
    [
        (Activity(NOW, busy="1 kernel at work"), {}),
        (Activity(NOW, last=ago(1)), {}),
        (Activity(NOW), {RUNNING_WORK: time_of(NOW + timedelta(minutes=5))}),
    ],
)
def test_work_of_any_kind_withdraws_the_warning(activity: Activity, notes: dict[str, str]) -> None:
    idle = {LAST_ACTIVITY: time_of(ago(120)), WARNED_AT: time_of(ago(30)), **notes}

    decision = decided(idle, activity)

    assert STOPPED not in decision.changes
    assert decision.changes[WARNED_AT] is None
    assert decision.warning == ""


def test_a_server_that_cannot_be_asked_is_not_stopped_for_being_idle() -> None:
    idle = {LAST_ACTIVITY: time_of(ago(1200)), WARNED_AT: time_of(ago(600))}

    decision = decided(idle, Activity(NOW, fault="it does not answer", faults=3))

    assert STOPPED not in decision.changes
    assert decision.unknown == "it does not answer"


def test_the_end_of_a_lifetime_stops_even_the_busy_after_a_warning() -> None:
    rule = IdleRule(None, 600, 36_000)
    busy = Activity(NOW, busy="1 kernel at work")

    assert "Its time is over" in decided({}, busy, rule).warning
    over = decided({WARNED_AT: time_of(ago(15))}, busy, rule)
    assert over.changes[STOP_REASON] == "LifetimeOver"


def test_a_busy_server_is_written_down_seldom() -> None:
    busy = Activity(NOW, busy="1 kernel at work")

    assert LAST_ACTIVITY not in decided({LAST_ACTIVITY: time_of(ago(4))}, busy).changes
    assert LAST_ACTIVITY in decided({LAST_ACTIVITY: time_of(ago(6))}, busy).changes


def test_a_clock_that_runs_ahead_is_not_believed() -> None:
    ahead = Activity(NOW, last=NOW + timedelta(days=300))

    decision = decided({LAST_ACTIVITY: time_of(NOW + timedelta(days=300))}, ahead)

    assert decision.changes[LAST_ACTIVITY] == time_of(NOW)


@pytest.mark.parametrize(
    ("notes", "gone"),
    [
        ({STOPPED: "t1"}, []),
        ({STOPPED: "2026-01-05T10:00:00Z", WAKE_REQUESTED: "2026-01-05T11:00:00Z"}, None),
        ({STOPPED: "true", WAKE_REQUESTED: "2026-01-05T11:00:00Z"}, None),
        (
            {STOPPED: "2026-01-05T12:00:00Z", WAKE_REQUESTED: "2026-01-05T11:00:00Z"},
            [WAKE_REQUESTED],
        ),
        ({STOPPED: "t", LAST_ACTIVITY: "t", WARNED_AT: "t"}, [LAST_ACTIVITY, WARNED_AT]),
        ({STOP_REASON: "Culled"}, [STOP_REASON]),
        ({WAKE_REQUESTED: "x"}, [WAKE_REQUESTED]),
    ],
)
def test_annotations_that_no_longer_hold_are_taken_away(
    notes: dict[str, str], gone: list[str] | None
) -> None:
    expected = [STOPPED, WAKE_REQUESTED] if gone is None else gone

    assert tidy(notes) == dict.fromkeys(expected)


def test_kernels_terminals_and_requests_are_activity() -> None:
    def at(minutes: float) -> str:
        return ago(minutes).isoformat()

    idle = {"execution_state": "idle", "last_activity": at(50)}
    said = activity_of([idle], [{"last_activity": at(20)}], {"last_activity": at(30)}, None, NOW)
    assert (said.busy, said.last) == ("", ago(20))
    busy = activity_of([idle, {"execution_state": "busy"}], None, None, None, NOW)
    assert busy.busy == "1 kernel at work"
    dead = activity_of([{"execution_state": "dead"}], None, None, None, NOW)
    assert dead.busy == ""
    runs = activity_of([], None, None, {"running_runs": 2}, NOW)
    assert runs.busy == "2 runs going"


@pytest.mark.parametrize("value", [None, 3, "x", {}, [3], [{"last_activity": 3}]])
def test_answers_of_any_shape_are_borne(value: Any) -> None:
    activity_of(value, value, value, value, NOW)
