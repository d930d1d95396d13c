"""Which runs a policy no longer keeps. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from jupyter_mlplat.resources.engine import GcRequest
from jupyter_mlplat.resources.run import RunSummary

WRITING_MARGIN = timedelta(seconds=60)
"""Clocks of file systems and of processes may differ by this much."""


def runs_to_delete(
    runs: Sequence[RunSummary], request: GcRequest, now: datetime
) -> tuple[str, ...]:
    """Choose the runs that may go: final, beyond the newest, and old enough.

    Args:
        runs: All runs, newest first.
        request: Without `keep_runs` and `older_than_days` no run goes; with both, a run must be
            beyond the newest as well as old enough.
        now: The present.
    """
    if request.keep_runs is None and request.older_than_days is None:
        return ()
    oldest_kept = None
    if request.older_than_days is not None:
        oldest_kept = now - timedelta(days=request.older_than_days)
    return tuple(
        run.id
        for run in runs[request.keep_runs or 0 :]
        if run.state.is_final
        and (oldest_kept is None or (run.finished_at or run.created_at) < oldest_kept)
    )


def wanted_since(runs: Sequence[RunSummary], now: datetime) -> datetime:
    """Return since when content may have been stored for something not yet recorded.

    A step stores content before its result is recorded, so while a run goes on, whatever was stored
    since it began may belong to it.
    """
    beginnings = [run.created_at for run in runs if not run.state.is_final]
    return min([now, *beginnings]) - WRITING_MARGIN
