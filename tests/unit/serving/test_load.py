"""Counting what revisions answer, and reading rates and quantiles from it."""

from datetime import UTC, datetime, timedelta

import pytest

from jupyter_mlplat.ports.serving import LoadReport, Tally
from jupyter_mlplat.services.serving.load import describe_load
from jupyter_mlplat.serving import recent

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BOUNDS = (0.01, 0.1, 1.0)


def test_rates_look_back_a_minute_and_totals_to_the_beginning():
    report = LoadReport(
        600.0,
        BOUNDS,
        [
            (65.0, {1: Tally((100, 0, 0, 0), 5, 2)}),
            (60.0, {1: Tally((100, 0, 0, 0), 5, 2)}),
            (5.0, {1: Tally((100, 60, 0, 0), 5, 2)}),
            (0.0, {1: Tally((100, 120, 0, 0), 5, 32)}),
        ],
        unrouted=7,
    )

    stats = describe_load("m", report, NOW)

    assert (stats.since, stats.window_s) == (NOW - timedelta(minutes=10), 60.0)
    assert (stats.rps, stats.error_rate, stats.unrouted) == (2.0, 0.25, 7)
    (revision,) = stats.revisions
    assert (revision.requests, revision.refused, revision.errors) == (220, 5, 32)
    assert (revision.rps, revision.error_rate) == (2.0, 0.25)
    assert revision.p50_ms == pytest.approx(55.0)  # the middle of 10 to 100 ms
    assert [round(point.rps, 2) for point in revision.series] == [0.0, 1.09, 12.0]
    assert revision.series[-1].error_rate == 0.5
    assert revision.series[0].p95_ms is None


def test_revision_that_is_new_is_compared_with_nothing():
    report = LoadReport(20.0, BOUNDS, [(20.0, {}), (0.0, {2: Tally((0, 0, 10, 0))})])

    (revision,) = describe_load("m", report, NOW).revisions

    assert (revision.revision, revision.rps, revision.error_rate) == (2, 0.5, 0.0)
    assert revision.p99_ms == pytest.approx(100 + 900 * 0.99)


def test_slower_than_every_bound_is_shown_as_the_last_bound():
    report = LoadReport(10.0, BOUNDS, [(10.0, {}), (0.0, {1: Tally((0, 0, 0, 4))})])

    (revision,) = describe_load("m", report, NOW).revisions

    assert revision.p50_ms == 1000.0


def test_without_a_router_nothing_is_counted():
    stats = describe_load("m", None, NOW)

    assert (stats.since, stats.rps, stats.revisions) == (None, 0.0, ())


def test_ring_keeps_five_minutes_of_copies():
    ring = recent.Recent(0.0)
    tally = recent.Tally((1,), 0, 0)
    moment = 0.0
    for _ in range(200):
        moment += 1.0
        if ring.is_due(moment):
            ring.add(moment, {1: tally})
    for _ in range(100):
        moment += recent.STEP_S
        ring.add(moment, {1: tally})

    report = ring.report(moment + 1.0, {1: tally})

    ages = [copy["age_s"] for copy in report["copies"]]
    assert ages[0] == 1.0 + recent.STEPS * recent.STEP_S
    assert ages[-2:] == [1.0, 0.0]
    assert report["copies"][0]["revisions"] == {"1": [(1,), 0, 0]}
