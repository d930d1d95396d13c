"""Garbage collection over real stores."""

import json
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jupyter_mlplat.errors import Conflict, InvalidInput, NotFound
from jupyter_mlplat.kit.clock import utc_now
from jupyter_mlplat.ports.metadata import Change
from jupyter_mlplat.resources.engine import GcReport, GcRequest
from jupyter_mlplat.resources.run import Run, RunState, TaskState
from jupyter_mlplat.services.gc import GarbageCollector
from jupyter_mlplat.stores.blobs import LocalBlobStore
from jupyter_mlplat.stores.folders import LocalRunFolders
from jupyter_mlplat.stores.metadata import SqlMetadataStore
from tests.contracts.documents import (
    a_cache_entry,
    a_pipeline,
    a_run,
    a_task,
    a_version,
    an_artifact,
    an_execution,
    an_output,
    made,
)

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC).timestamp()


class House:
    """A state directory with runs in it."""

    def __init__(self, home: Path, store: SqlMetadataStore) -> None:
        self.store = store
        self.blobs = LocalBlobStore(home / "blobs")
        self.runs = home / "runs"
        self.collector = GarbageCollector(store, self.blobs, LocalRunFolders(self.runs))

    def blob(self, content: bytes) -> str:
        """Store content that nobody has wanted for long."""
        digest = self.blobs.put_bytes(content)
        os.utime(self.blobs.path(digest), (LONG_AGO, LONG_AGO))
        return digest

    def finished_run(self, value: bytes, state: RunState = RunState.SUCCEEDED) -> Run:
        """Return a run whose one step saved a bundle, with a cache entry and a folder."""
        leaf = self.blob(value)
        bundle = self.blob(json.dumps({"version": 1, "names": {"x": {"digest": leaf}}}).encode())
        run, _ = self.store.create_run(
            a_run("load", state=state, created_at=utc_now()), a_pipeline("load"), None, "d", []
        )
        execution, artifact = an_execution(run_id=run.id), an_artifact("x", digest=leaf)
        self.store.apply(
            Change(
                tasks=[(run.id, a_task("load", TaskState.SUCCEEDED, bundle=bundle))],
                executions=[execution],
                artifacts=[artifact],
                lineage=[made(execution, artifact)],
                outputs=[(run.id, an_output("x", digest=leaf, artifact_id=artifact.id))],
                cache=[a_cache_entry(f"key of {run.id}", run, bundle=bundle)],
            )
        )
        folder = self.runs / run.id / "load" / "1"
        folder.mkdir(parents=True)
        (folder / "stdout.log").write_bytes(b"x" * 100)
        return run

    def contents(self) -> set[bytes]:
        return {self.blobs.get_bytes(blob.digest) for blob in self.blobs.list()}

    def values(self) -> set[bytes]:
        return {content for content in self.contents() if not content.startswith(b"{")}

    def collect(self, **request: object) -> GcReport:
        return self.collector.collect(GcRequest(**request), utc_now())  # type: ignore[arg-type]


@pytest.fixture
def house(tmp_path: Path, store: SqlMetadataStore) -> House:
    return House(tmp_path / "home", store)


def test_a_run_beyond_the_newest_goes_with_its_cache_values_bundle_and_folder(
    house: House,
) -> None:
    old, new = house.finished_run(b"old"), house.finished_run(b"new")

    report = house.collect(keep_runs=1)

    assert (report.runs_deleted, report.artifacts_deleted, report.dry_run) == (1, 1, False)
    assert report.bytes_freed > 100 + len(b"old")
    assert house.values() == {b"new"}
    assert len(house.contents()) == 2
    assert house.store.find_cached(f"key of {old.id}") is None
    assert house.store.find_cached(f"key of {new.id}") is not None
    assert [path.name for path in house.runs.iterdir()] == [new.id]
    with pytest.raises(NotFound):
        house.store.get_run(old.id)


def test_a_dry_run_promises_what_the_collection_then_does(house: House) -> None:
    house.finished_run(b"old")
    house.blob(b"orphan")

    promised = house.collect(keep_runs=0, dry_run=True)

    assert house.values() == {b"old", b"orphan"}
    assert promised.dry_run
    assert house.collect(keep_runs=0) == promised.model_copy(update={"dry_run": False})
    assert house.contents() == set()


def test_without_a_policy_only_what_nothing_refers_to_goes(house: House) -> None:
    house.finished_run(b"kept")
    house.blob(b"orphan")

    report = house.collect()

    assert report == GcReport(runs_deleted=0, artifacts_deleted=0, bytes_freed=len(b"orphan"))
    assert house.values() == {b"kept"}


def test_a_value_that_a_kept_run_has_too_stays(house: House) -> None:
    house.finished_run(b"same")
    house.finished_run(b"same")

    house.collect(keep_runs=1)

    assert house.values() == {b"same"}


def test_a_registered_model_keeps_its_run_and_its_content(house: House) -> None:
    run = house.finished_run(b"weights")
    (artifact,) = house.store.artifacts_of_run(run.id)
    house.store.add_model_version(a_version(artifact, run_id=run.id), [])

    kept = house.collect(keep_runs=0)
    house.store.delete_model("churn-model")
    gone = house.collect(keep_runs=0)

    assert (kept.runs_deleted, gone.runs_deleted) == (0, 1)
    assert house.contents() == set()


def test_content_of_a_run_that_goes_on_is_safe_before_it_is_recorded(house: House) -> None:
    house.store.create_run(
        a_run(state=RunState.RUNNING, created_at=utc_now() - timedelta(hours=3)),
        a_pipeline(),
        None,
        "d",
        [],
    )
    digest = house.blobs.put_bytes(b"stored two hours ago, by a step that is not done yet")
    stored = (utc_now() - timedelta(hours=2)).timestamp()
    os.utime(house.blobs.path(digest), (stored, stored))
    house.blob(b"older than the run")

    house.collect(keep_runs=0)

    assert house.contents() == {b"stored two hours ago, by a step that is not done yet"}


def test_folders_an_interrupted_collection_left_go_with_the_next(house: House) -> None:
    run = house.finished_run(b"x")
    house.store.delete_run(run.id)

    house.collect()

    assert list(house.runs.iterdir()) == []


def test_a_link_in_a_run_folder_is_removed_and_not_followed(house: House, tmp_path: Path) -> None:
    run = house.finished_run(b"x")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine")
    (house.runs / run.id / "load" / "link").symlink_to(outside)

    house.collect(keep_runs=0)

    assert (outside / "precious").read_text() == "mine"


def test_nothing_but_a_run_id_becomes_a_folder(tmp_path: Path) -> None:
    folders = LocalRunFolders(tmp_path)

    for name in ("", "..", "../x", "/etc", "run-", "run-0123456789/..", "run-0123456789\n"):
        with pytest.raises(InvalidInput, match="as a run id"):
            folders.delete(name)


def test_beside_a_damaged_database_nothing_is_called_garbage(house: House, tmp_path: Path) -> None:
    aside = tmp_path / "home" / "damaged" / "metadata-20261120T120000.000000Z.db"
    aside.parent.mkdir()
    aside.write_bytes(b"damaged")
    house.blob(b"perhaps referred to from there")

    with pytest.raises(Conflict, match="Cannot collect garbage: the damaged database") as raised:
        house.collect(keep_runs=0)

    assert str(aside) in raised.value.message
    assert house.contents() == {b"perhaps referred to from there"}


def test_nothing_a_writer_commits_during_collections_is_lost(house: House) -> None:
    """A run goes on and stores values, half of them old ones, while collections go round."""
    run, _ = house.store.create_run(
        a_run(state=RunState.RUNNING, created_at=utc_now()), a_pipeline(), None, "d", []
    )
    values = [f"value {number % 20}".encode() for number in range(60)]
    for value in values[::2]:
        house.blob(value)
    committed: list[str] = []

    def write() -> None:
        for number, value in enumerate(values):
            digest = house.blobs.put_bytes(value)
            execution = an_execution(run_id=run.id)
            artifact = an_artifact(f"x{number}", digest=digest)
            house.store.apply(
                Change(
                    executions=[execution],
                    artifacts=[artifact],
                    lineage=[made(execution, artifact)],
                )
            )
            committed.append(digest)

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        house.collect(keep_runs=0)
    writer.join()

    assert len(committed) == len(values)
    assert house.contents() == set(values)
