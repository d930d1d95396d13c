"""Tracked runs whose program was not heard of for long."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jupyter_mlplat.ports.tracking import Point
from jupyter_mlplat.resources.run import RunState
from jupyter_mlplat.services.tracking.service import Tracking
from jupyter_mlplat.stores.metadata.store import SqlMetadataStore

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Clock:
    now = BEGAN

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlMetadataStore]:
    store = SqlMetadataStore(tmp_path / "metadata.db")
    store.open()
    yield store
    store.close()


def test_a_run_of_which_nothing_is_heard_is_given_up_and_may_come_back(
    store: SqlMetadataStore,
) -> None:
    clock = Clock()
    tracking = Tracking(store, clock, silence_s=3600.0)
    gone = tracking.create("default", "gone", {"team": "a", "mlflow.user": "me"}, None)
    there = tracking.create("default", "there", {}, None)
    tracking.log(gone, [Point("loss", 0.5, 1, BEGAN.timestamp())])
    assert tracking.end_silent() == []

    clock.now = BEGAN + timedelta(hours=2)
    tracking.hear(there)
    (ended,) = tracking.end_silent()

    assert (ended.id, ended.state, ended.finished_at) == (gone.id, RunState.FAILED, BEGAN)
    assert ended.failure is not None
    assert "since 2026-01-01 12:00 UTC" in ended.failure.message
    assert store.get_execution(tracking.execution_of(ended)).state == "FAILED"
    assert tracking.end_silent() == []

    revived = tracking.revive(store.get_run(gone.id))

    assert (revived.state, revived.failure, revived.finished_at) == (RunState.RUNNING, None, None)
    assert tracking.end_silent() == []
    assert store.get_run(gone.id).tags == {"team": "a"}
    assert store.facts_of([gone.id], "tag")[gone.id] == {"mlflow.user": "me"}


def test_deleting_a_run_forgets_what_it_told(store: SqlMetadataStore) -> None:
    tracking = Tracking(store, Clock(), silence_s=3600.0)
    run = tracking.create("default", "short", {"mlflow.user": "me"}, None)
    store.put_facts(run.id, "param", {"depth": "3"})
    assert store.get_run(run.id).parameters == {"depth": "3"}
    tracking.end(run, RunState.SUCCEEDED)

    store.delete_run(run.id)

    assert store.facts_of([run.id], "param") == {run.id: {}}
    assert store.find_tracked(run.id) is None
