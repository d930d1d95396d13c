"""How an endpoint does, read from what its router counted: rates, errors and quantiles. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from jupyter_mlplat.ports.serving import LoadReport, Tally
from jupyter_mlplat.resources.serving import EndpointStats, LoadPoint, RevisionStats

WINDOW_S = 60.0
SLACK_S = 2.5
"""Copies are some seconds apart: one that is nearly as old as the window begins it."""

SHORTEST_S = 1.0
"""A shorter span says nothing yet."""

Copy = tuple[float, Mapping[int, Tally]]


@dataclass(frozen=True, slots=True)
class _Span:
    """What was answered between two moments."""

    seconds: float
    counts: Sequence[int]
    failed: int

    @property
    def requests(self) -> int:
        return sum(self.counts)

    @property
    def rps(self) -> float:
        return self.requests / self.seconds if self.seconds > 0 else 0.0

    @property
    def error_rate(self) -> float | None:
        return self.failed / self.requests if self.requests else None


def describe_load(name: str, report: LoadReport | None, now: datetime) -> EndpointStats:
    """Show what the router counted; without a router nothing is counted."""
    if report is None:
        return EndpointStats(
            endpoint=name, since=None, window_s=0.0, unrouted=0, rps=0.0, error_rate=None
        )
    now_copy = report.copies[-1]
    first = next(copy for copy in report.copies if copy[0] <= WINDOW_S + SLACK_S)
    numbers = sorted(now_copy[1])
    minute = {number: _span(number, first, now_copy) for number in numbers}
    requests = sum(span.requests for span in minute.values())
    failed = sum(span.failed for span in minute.values())
    return EndpointStats(
        endpoint=name,
        since=now - timedelta(seconds=report.age_s),
        window_s=first[0],
        unrouted=report.unrouted,
        rps=sum(span.rps for span in minute.values()),
        error_rate=failed / requests if requests else None,
        revisions=tuple(_revision(number, minute[number], report, now) for number in numbers),
    )


def _revision(number: int, minute: _Span, report: LoadReport, now: datetime) -> RevisionStats:
    total = report.copies[-1][1][number]
    bounds = report.bounds_s
    series = tuple(
        _point(_span(number, begin, end), bounds, now - timedelta(seconds=end[0]))
        for begin, end in pairwise(report.copies)
        if begin[0] - end[0] >= SHORTEST_S
    )
    return RevisionStats(
        revision=number,
        requests=sum(total.counts),
        refused=total.refused,
        errors=total.failed,
        rps=minute.rps,
        error_rate=minute.error_rate,
        p50_ms=_quantile_ms(minute.counts, bounds, 0.5),
        p95_ms=_quantile_ms(minute.counts, bounds, 0.95),
        p99_ms=_quantile_ms(minute.counts, bounds, 0.99),
        series=series,
    )


def _point(span: _Span, bounds_s: Sequence[float], at: datetime) -> LoadPoint:
    return LoadPoint(
        at=at,
        rps=span.rps,
        error_rate=span.error_rate,
        p50_ms=_quantile_ms(span.counts, bounds_s, 0.5),
        p95_ms=_quantile_ms(span.counts, bounds_s, 0.95),
    )


def _span(number: int, begin: Copy, end: Copy) -> _Span:
    """Compare two copies; a revision that is in neither answered nothing."""
    after = end[1].get(number, Tally(()))
    before = begin[1].get(number, Tally((0,) * len(after.counts)))
    return _Span(
        begin[0] - end[0],
        [later - earlier for earlier, later in zip(before.counts, after.counts, strict=True)],
        after.failed - before.failed,
    )


def _quantile_ms(counts: Sequence[int], bounds_s: Sequence[float], share: float) -> float | None:
    """Estimate a quantile from buckets, as if values lay evenly in theirs.

    What lies above the last bound is taken to lie on it. None: there are no values.
    """
    rank = share * sum(counts)
    if rank == 0:
        return None
    below, lower = 0, 0.0
    for bound, count in zip(bounds_s, counts, strict=False):
        if below + count >= rank:
            return 1000 * (lower + (bound - lower) * (rank - below) / count)
        below, lower = below + count, bound
    return 1000 * lower
