"""What schedules wait for other than time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.engine.watching import FileWatch, happenings_of
from jupyter_mlplat.ports.metadata import Change
from jupyter_mlplat.resources.engine import Event
from jupyter_mlplat.resources.schedule import ArtifactTrigger, ModelTrigger, PipelineTrigger
from jupyter_mlplat.stores.metadata import SqlMetadataStore
from tests.contracts.documents import (
    NOON,
    a_pipeline,
    a_run,
    a_schedule,
    a_version,
    an_artifact,
    an_execution,
    made,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlMetadataStore]:
    store = SqlMetadataStore(tmp_path / "metadata.db")
    store.open()
    yield store
    store.close()


def told(kind: str, subject: str, seq: int = 1, **data: Any) -> Event:
    return Event(seq=seq, kind=kind, subject=subject, data=data, time=NOON)


def test_each_new_version_of_a_model_is_told_once(store: SqlMetadataStore) -> None:
    schedule = a_schedule(trigger=ModelTrigger(model="churn"))
    for _ in range(3):
        store.add_model_version(a_version(an_artifact(), "churn"), [])

    found, state = happenings_of(store, schedule, {"version": 1}, told("model.updated", "churn"))

    assert [one.facts["version"] for one in found] == [2, 3]
    assert [one.key for one in found] == ["version 2", "version 3"]
    assert happenings_of(store, schedule, state, told("model.updated", "churn")) == ([], state)
    assert happenings_of(store, schedule, {}, told("model.updated", "other")) == ([], {})


def test_an_alias_is_told_of_whenever_it_points_elsewhere(store: SqlMetadataStore) -> None:
    schedule = a_schedule(trigger=ModelTrigger(model="churn", alias="champion"))
    for _ in range(2):
        store.add_model_version(a_version(an_artifact(), "churn"), [])
    state: dict[str, Any] = {"version": 0}
    versions = []
    for seq, version in enumerate((1, 1, 2, None, 2, 1)):
        store.set_alias("churn", "champion", version)
        event = told("model.updated", "churn", seq)
        found, state = happenings_of(store, schedule, state, event)
        versions += [one.facts["version"] for one in found]

    assert versions == [1, 2, 2, 1]


def test_an_artifact_with_new_content_is_told_of(store: SqlMetadataStore) -> None:
    schedule = a_schedule(trigger=ArtifactTrigger(artifact="rows"))
    digest = an_artifact().digest
    state: dict[str, Any] = {}
    found_in = []
    for content, name in ((digest, "rows"), (digest, "rows"), (None, "other"), ("new", "rows")):
        run, _ = store.create_run(a_run(), a_pipeline(), None, "d", [])
        execution = an_execution(run_id=run.id)
        given = {"digest": content} if content == digest else {}
        artifact = an_artifact(name, **given)
        store.apply(
            Change(
                executions=[execution],
                artifacts=[artifact],
                lineage=[made(execution, artifact)],
            )
        )
        event = told("run.updated", run.id, state="SUCCEEDED")
        found, new = happenings_of(store, schedule, state, event)
        state.update(new)
        found_in.append(bool(found))

    assert found_in == [True, False, False, True]


def test_only_the_success_of_another_pipeline_is_told_of(store: SqlMetadataStore) -> None:
    schedule = a_schedule(trigger=PipelineTrigger(pipeline="etl"))

    def has_happened(**data: Any) -> bool:
        event = told("run.updated", "run-1", **{"pipeline": "etl", "state": "SUCCEEDED", **data})
        return bool(happenings_of(store, schedule, {}, event)[0])

    assert has_happened()
    assert not has_happened(state="FAILED")
    assert not has_happened(pipeline="other")
    assert not has_happened(tags={"schedule": schedule.name}), "it would go round for ever"


def test_a_file_counts_when_its_content_has_changed_and_come_to_rest(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("1")
    watch = FileWatch(str(path))
    state = watch.first_state()

    def look() -> str | None:
        found, new = watch.look(state)
        state.update(new)
        return None if found is None else found.key

    assert [look(), look()] == [None, None]
    path.write_text("22")
    assert [look(), look(), look()] == [None, "change 1", None]
    path.write_text("22")  # written anew, with the same content
    assert [look(), look()] == [None, None]
    path.unlink()
    assert [look(), look()] == [None, None]
    path.write_text("1")
    assert [look(), look()] == [None, "change 2"]


def test_a_folder_is_all_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a").write_text("1")
    (folder / "link").symlink_to("/etc/passwd")
    watch = FileWatch(str(folder))
    state = watch.first_state()
    watch.look(state)
    watch.look(state)

    (folder / "deep" / "b").write_text("")

    assert watch.look(state)[0] is None
    found, _ = watch.look(state)
    assert found is not None
    assert found.facts["path"] == str(folder)
