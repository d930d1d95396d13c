"""Which runs a policy lets go."""

from datetime import timedelta

import pytest

from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.resources.engine import GcRequest
from jupyter_mlplat.resources.run import RunState, RunSummary
from jupyter_mlplat.services.gc.policy import WRITING_MARGIN, runs_to_delete, wanted_since
from tests.contracts.documents import NOON


def a_summary(days_old: float, state: RunState = RunState.SUCCEEDED) -> RunSummary:
    ended = NOON - timedelta(days=days_old)
    return RunSummary(
        id=new_id("run"),
        number=1,
        pipeline="churn",
        state=state,
        created_at=ended - timedelta(hours=1),
        finished_at=ended if state.is_final else None,
        tasks_total=1,
        tasks_done=1,
    )


RUNS = [
    a_summary(0, RunState.RUNNING),
    a_summary(1),
    a_summary(2, RunState.FAILED),
    a_summary(3, RunState.PENDING),
    a_summary(4, RunState.CANCELED),
]


@pytest.mark.parametrize(
    ("request_", "gone"),
    [
        (GcRequest(), []),
        (GcRequest(keep_runs=0), [1, 2, 4]),
        (GcRequest(keep_runs=2), [2, 4]),
        (GcRequest(keep_runs=9), []),
        (GcRequest(older_than_days=1.5), [2, 4]),
        (GcRequest(older_than_days=0), [1, 2, 4]),
        (GcRequest(keep_runs=3, older_than_days=1.5), [4]),
        (GcRequest(keep_runs=1, older_than_days=3.5), [4]),
    ],
)
def test_only_final_runs_beyond_the_newest_and_old_enough_go(
    request_: GcRequest, gone: list[int]
) -> None:
    assert runs_to_delete(RUNS, request_, NOON) == tuple(RUNS[place].id for place in gone)


def test_content_may_be_wanted_since_the_oldest_run_that_goes_on_began() -> None:
    assert wanted_since(RUNS, NOON) == RUNS[3].created_at - WRITING_MARGIN
    assert wanted_since(RUNS[1:3], NOON) == NOON - WRITING_MARGIN
