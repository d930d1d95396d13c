"""Our records as the API's messages, errors as its statuses."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from jupyter_mlplat.errors import Conflict, InvalidInput, NotFound, PlatformError, Unauthenticated
from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.resources.kfp.recurring_runs import (
    ListRecurringRunsResponse,
    PeriodicSchedule,
    RecurringRun,
)
from jupyter_mlplat.resources.run import Failure, Run, RunState, TaskState
from jupyter_mlplat.resources.schedule import CronTrigger, Firing, Schedule, SubmitRequest
from jupyter_mlplat.resources.workflow import ArtifactValue, KfpFacts, Values
from jupyter_mlplat.services.kfp_api.recurring_runs import recurring_run_message
from jupyter_mlplat.services.kfp_api.runs import run_message
from jupyter_mlplat.services.kfp_api.statuses import status_of
from tests.contracts.documents import NOON, a_run, a_task

IR = {"pipeline_spec": {"root": {}}}


def told(run: Run, ir: dict[str, object] | None = None, **given: object) -> dict[str, object]:
    firing = given.get("firing")
    assert firing is None or isinstance(firing, Firing)
    return run_message(run, "experiment-1", ir, firing, with_tasks=True).to_wire()


def test_what_has_its_default_is_not_written() -> None:
    wire = told(a_run(tasks=()))

    assert wire == {
        "experiment_id": "experiment-1",
        "run_id": wire["run_id"],
        "display_name": "churn",
        "storage_state": "AVAILABLE",
        "created_at": "2026-11-20T12:00:00Z",
        "scheduled_at": "2026-11-20T12:00:00Z",
        "finished_at": "1970-01-01T00:00:00Z",
        "state": "PENDING",
        "state_history": [{"update_time": "2026-11-20T12:00:00Z", "state": "PENDING"}],
        "run_details": {},
    }


def test_a_pipeline_is_told_or_named_never_both() -> None:
    version, pipeline = new_id("version"), new_id("pipeline")
    facts = KfpFacts(pipeline_id=pipeline, version_id=version)

    assert told(a_run(), IR)["pipeline_spec"] == {"root": {}}
    both = IR | {"platform_spec": {"platforms": {}}}
    assert told(a_run(), both)["pipeline_spec"] == both
    named = told(a_run(kfp=facts), IR)
    assert "pipeline_spec" not in named
    assert named["pipeline_version_reference"] == {
        "pipeline_id": pipeline,
        "pipeline_version_id": version,
    }


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (TaskState.PENDING, "PENDING"),
        (TaskState.QUEUED, "PENDING"),
        (TaskState.RUNNING, "RUNNING"),
        (TaskState.SUCCEEDED, "SUCCEEDED"),
        (TaskState.FAILED, "FAILED"),
        (TaskState.SKIPPED, "SKIPPED"),
        (TaskState.CANCELED, "CANCELED"),
    ],
)
def test_tasks_have_the_states_of_the_api(ours: TaskState, theirs: str) -> None:
    (task,) = told(a_run(tasks=(a_task("load", ours),)))["run_details"]["task_details"]

    assert (task["state"], task["display_name"]) == (theirs, "Load")


def test_tasks_lie_in_each_other_and_name_their_artifacts() -> None:
    data = ArtifactValue(name="data-1", type="system.Dataset", uri="file:///data")
    inner = a_task("loop-0-train", parent="loop", results=Values(artifacts={"data": (data,)}))
    run = a_run(tasks=(a_task("loop", kind="loop"), inner))

    loop, train = told(run)["run_details"]["task_details"]

    assert loop["child_tasks"] == [{"task_id": train["task_id"]}]
    assert train["parent_task_id"] == loop["task_id"]
    assert train["outputs"] == {"data": {"artifact_ids": ["data-1"]}}


def test_a_failure_is_a_status() -> None:
    later = NOON + timedelta(minutes=1)
    failure = Failure(code="cell-error", message="ValueError: x")
    run = a_run(state=RunState.FAILED, started_at=NOON, finished_at=later, failure=failure)

    wire = told(run)

    assert wire["error"] == {"code": 13, "message": "ValueError: x"}
    assert [one["state"] for one in wire["state_history"]] == ["PENDING", "RUNNING", "FAILED"]
    assert wire["finished_at"] == "2026-11-20T12:01:00Z"


def test_a_run_of_a_schedule_names_it() -> None:
    planned = NOON - timedelta(seconds=5)
    firing = Firing(
        schedule_id=new_id("schedule"),
        schedule="nightly",
        key="k",
        planned_at=planned,
        cause="time",
        state="RUNNING",
    )

    wire = told(a_run(), firing=firing)

    assert wire["recurring_run_id"] == firing.schedule_id
    assert wire["scheduled_at"] == "2026-11-20T11:59:55Z"


def test_a_schedule_of_ours_is_a_recurring_run() -> None:
    schedule = Schedule(
        id=new_id("schedule"),
        name="nightly",
        work=SubmitRequest(path="/book.ipynb", parameters={"n": 1}),
        trigger=CronTrigger(expression="0 3 * * *"),
        paused=True,
        created_at=NOON,
        updated_at=NOON,
    )

    wire = ListRecurringRunsResponse(
        recurring_runs=(recurring_run_message(schedule, ""),), total_size=1
    ).to_wire()

    (told,) = wire["recurringRuns"]
    assert told == {
        "recurring_run_id": schedule.id,
        "display_name": "nightly",
        "runtime_config": {"parameters": {"n": 1}},
        "max_concurrency": "1",
        "trigger": {"cron_schedule": {"cron": "0 3 * * *"}},
        "mode": "DISABLE",
        "status": "DISABLED",
        "created_at": "2026-11-20T12:00:00Z",
        "updated_at": "2026-11-20T12:00:00Z",
        "no_catchup": True,
    }


def test_messages_are_read_in_both_spellings_and_times_in_any_zone() -> None:
    for given in (
        {"interval_second": "5", "start_time": "2026-11-20T13:00:00+01:00"},
        {"intervalSecond": 5, "startTime": "2026-11-20T12:00:00"},
    ):
        read = PeriodicSchedule.model_validate(given)
        assert read.interval_second == 5
        assert read.start_time == datetime(2026, 11, 20, 12, tzinfo=UTC)
    moment = datetime(2026, 11, 20, 13, tzinfo=timezone(timedelta(hours=1)))
    wire = RecurringRun(created_at=moment).to_wire()
    assert wire == {"created_at": "2026-11-20T12:00:00Z"}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InvalidInput("x"), (400, 3)),
        (NotFound("x"), (404, 5)),
        (Conflict("x", exists="id"), (409, 6)),
        (Conflict("x"), (400, 9)),
        (Unauthenticated("x"), (401, 16)),
        (PlatformError("x"), (500, 13)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_are_statuses(error: PlatformError, expected: tuple[int, int]) -> None:
    http, status = status_of(error)

    assert (http, status.code) == expected
    assert status.message == "x"
