"""The conductor without processes: ends are told to it by hand."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.engine.batch import Deed, FinalDeed, ReplyDeed, StartDeed
from jupyter_mlplat.engine.conductor import Conductor
from jupyter_mlplat.engine.environments import Environments
from jupyter_mlplat.engine.facts import Facts, ModuleDigests
from jupyter_mlplat.engine.interpreters import Interpreters
from jupyter_mlplat.engine.items import Cancel, Item, Submit
from jupyter_mlplat.engine.notebooks import Notebooks
from jupyter_mlplat.errors import Conflict, NotFound, Unavailable
from jupyter_mlplat.kit.clock import utc_now
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.ports.launcher import AttemptRef, Ended
from jupyter_mlplat.ports.metadata import Change
from jupyter_mlplat.resources.engine import Event
from jupyter_mlplat.resources.pipeline import Pipeline
from jupyter_mlplat.resources.run import RunState, SubmitRequest, TaskState
from jupyter_mlplat.services.pipelines.admission import Inventory
from jupyter_mlplat.services.pipelines.submission import new_run
from jupyter_mlplat.stores.blobs import LocalBlobStore
from jupyter_mlplat.stores.metadata.store import SqlMetadataStore

MACHINE = Inventory(cpu=2, memory_bytes=2**30)


class FullDisk(SqlMetadataStore):
    """Refuses a number of commits, as a full disk would."""

    refusals = 0

    def apply(self, change: Change) -> Sequence[Event]:
        if self.refusals:
            self.refusals -= 1
            raise Unavailable("the disk is full")
        return super().apply(change)


class Theatre:
    """A conductor, and what its deeds came to."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.store = FullDisk(self.home.database)
        self.store.open()
        blobs = LocalBlobStore(self.home.blobs)
        git: Future[Mapping[str, Any]] = Future()
        git.set_result({"commit": "abc", "dirty": True, "remote": None})
        facts = Facts(
            interpreters=Interpreters(),
            environments=Environments(),
            modules=ModuleDigests(),
            has_blob=lambda digest: True,
            is_whole=lambda digest: digest not in self.damaged,
            put_blob=blobs.put_bytes,
            read_git=lambda pipeline: git,
            inventory=MACHINE,
        )
        self.naps: list[float] = []
        self.damaged: set[str] = set()
        self.flushed_at: list[RunState] = []
        self.conductor = Conductor(
            self.store,
            self.home,
            facts,
            MACHINE,
            flush=lambda: self.flushed_at.append(self.store.get_run("latest").state),
            sleep=self.naps.append,
        )
        self.running: list[AttemptRef] = []
        self.over: list[str] = []

    def tell(self, *items: Item) -> Sequence[Deed]:
        deeds, _ = self.conductor.process(items)
        for deed in deeds:
            match deed:
                case StartDeed(order):
                    self.running.append(order.ref)
                case FinalDeed(run):
                    self.over.append(run)
                case ReplyDeed(reply, make):
                    reply.set_result(make())
        return deeds

    def submit(self, pipeline: Pipeline) -> Any:
        request = SubmitRequest(path="/nowhere/book.ipynb")
        run = new_run(pipeline, request, MACHINE, utc_now())
        reply: Future[Any] = Future()
        self.tell(
            Submit(
                reply=reply,
                run=run,
                pipeline=pipeline,
                idempotency_key=None,
                request_digest="d",
            )
        )
        return reply.result(0)

    def end(self, result: Mapping[str, Any]) -> None:
        self.tell(Ended(self.running.pop(0), result, "ended", "ended"))


@pytest.fixture
def theatre(tmp_path: Path) -> Iterator[Theatre]:
    theatre = Theatre(tmp_path)
    yield theatre
    theatre.store.close()


def _pipeline(*sources: str) -> Pipeline:
    cells = [
        {
            "cell_type": "code",
            "id": f"c{index}",
            "metadata": {"mlplat": {"step": f"s{index}"}},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for index, source in enumerate(sources)
    ]
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    return Notebooks().compile(None, content, "auto")


def _saved(*names: str, digest: str = "1") -> dict[str, Any]:
    facts = {"type": "int", "codec": "json", "size_bytes": 1, "preview": "1"}
    return {
        "state": "succeeded",
        "bundle": "sha256:" + digest * 64,
        "outputs": {name: {**facts, "digest": "sha256:" + digest * 64} for name in names},
        "unbound": [],
        "started_at": 1_800_000_000.0,
        "finished_at": 1_800_000_001.0,
    }


def test_the_end_of_a_step_and_the_start_of_the_next_are_one_commit(theatre: Theatre) -> None:
    theatre.submit(_pipeline("x = 1", "y = x"))
    before = theatre.store.last_event()

    theatre.end(_saved("x"))

    kinds = [(event.kind, event.subject) for event in theatre.store.events_after(before)]
    run = theatre.store.get_run("latest")
    assert kinds == [
        ("task.updated", "s0"),
        ("task.updated", "s1"),
        ("run.updated", run.id),
    ]
    assert [task.state.value for task in run.tasks] == ["SUCCEEDED", "RUNNING"]
    assert [ref.step for ref in theatre.running] == ["s1"]


def test_a_cached_chain_is_one_commit_however_long(theatre: Theatre) -> None:
    sources = ["x0 = 0", *(f"x{i} = x{i - 1} + 1" for i in range(1, 40))]
    pipeline = _pipeline(*sources)
    theatre.submit(pipeline)
    for number in range(40):
        theatre.end(_saved(f"x{number}"))
    commits = 0
    apply = theatre.store.apply

    def count(change: Change) -> Sequence[Event]:
        nonlocal commits
        commits += 1
        return apply(change)

    theatre.store.apply = count  # type: ignore[method-assign]
    run = theatre.submit(pipeline)

    assert run.state is RunState.SUCCEEDED
    assert all(task.cached for task in run.tasks)
    assert commits == 1


def test_a_full_disk_stops_nothing_but_time(theatre: Theatre) -> None:
    theatre.submit(_pipeline("x = 1", "y = x"))
    theatre.store.refusals = 3

    theatre.end(_saved("x"))

    assert theatre.naps == [1.0, 1.0, 1.0]
    assert [ref.step for ref in theatre.running] == ["s1"]
    assert theatre.conductor.trouble is None


def test_an_engine_that_has_to_end_does_not_wait_for_the_disk(theatre: Theatre) -> None:
    theatre.submit(_pipeline("x = 1", "y = x"))
    theatre.store.refusals = 3
    theatre.conductor.is_closing = True

    with pytest.raises(Unavailable):
        theatre.end(_saved("x"))

    assert theatre.store.get_run("latest").tasks[0].state is TaskState.RUNNING


def test_a_submit_on_a_full_disk_is_refused_at_once(theatre: Theatre) -> None:
    def refuse(*arguments: Any) -> Any:
        raise Unavailable("the disk is full")

    theatre.store.create_run = refuse  # type: ignore[method-assign]

    with pytest.raises(Unavailable, match="disk is full"):
        theatre.submit(_pipeline("x = 1"))


def test_an_engine_that_was_taken_over_stops_at_once(theatre: Theatre) -> None:
    theatre.submit(_pipeline("x = 1"))
    newer = SqlMetadataStore(theatre.home.database)
    newer.open()

    with pytest.raises(Conflict, match="has taken it over"):
        theatre.end(_saved("x"))

    newer.close()


def test_one_bad_request_harms_nobody_else(theatre: Theatre) -> None:
    bad: Future[Any] = Future()
    theatre.submit(_pipeline("x = 1", "y = x"))
    ref = theatre.running.pop()

    theatre.tell(Cancel(reply=bad, run="nothing"), Ended(ref, _saved("x"), "ended", "ended"))

    assert isinstance(bad.exception(0), NotFound)
    assert [ref.step for ref in theatre.running] == ["s1"]


@pytest.mark.parametrize(
    "break_it",
    [
        lambda result: result["outputs"]["x"].pop("digest"),
        lambda result: result.update(outputs=[1]),
        lambda result: result["outputs"]["x"].update(digest="../../etc/passwd"),
    ],
    ids=["no digest", "no object", "a path"],
)
def test_a_result_that_cannot_be_read_fails_its_step_alone(
    theatre: Theatre, break_it: Callable[[dict[str, Any]], object]
) -> None:
    theatre.submit(_pipeline("x = 1", "y = x"))
    result = _saved("x")
    break_it(result)

    theatre.end(result)

    run = theatre.store.get_run("latest")
    assert run.state is RunState.FAILED
    assert [task.state.value for task in run.tasks] == ["FAILED", "SKIPPED"]
    assert run.failure is not None
    assert run.failure.code == "bad-result"


def test_recovery_takes_up_what_was_left(theatre: Theatre, tmp_path: Path) -> None:
    theatre.submit(_pipeline("x = 1", "y = x"))
    theatre.end(_saved("x"))
    theatre.store.close()

    after = Theatre(tmp_path)
    deeds, _ = after.conductor.recover()
    (adopted,) = deeds
    after.tell(Ended(adopted.ref, _saved("y", digest="2"), "ended", "ended"))  # type: ignore[union-attr]

    run = after.store.get_run("latest")
    assert run.state is RunState.SUCCEEDED
    assert [task.attempt for task in run.tasks] == [1, 1]
    assert after.over == [run.id]
    after.store.close()


def test_a_run_that_cannot_be_read_does_not_stop_the_others(
    theatre: Theatre, tmp_path: Path
) -> None:
    broken = theatre.submit(_pipeline("x = 1"))
    sound = theatre.submit(_pipeline("y = 1"))
    theatre.store.close()
    with sqlite3.connect(theatre.home.database) as database:
        database.execute("UPDATE run_pipeline SET doc = '{}' WHERE run = ?", (broken.number,))
    database.close()

    after = Theatre(tmp_path)
    deeds, _ = after.conductor.recover()

    assert [deed.ref.run for deed in deeds] == [sound.id]  # type: ignore[union-attr]
    ended = after.store.get_run(broken.id)
    assert ended.state is RunState.FAILED
    assert ended.failure is not None
    assert "could not be taken up again" in ended.failure.message
    after.store.close()


def test_code_inputs_and_environment_are_written_down_with_each_step(theatre: Theatre) -> None:
    theatre.submit(_pipeline("x = 1", "y = x"))
    theatre.end(_saved("x"))
    theatre.end(_saved("y", digest="2"))

    run = theatre.store.get_run("latest")
    (made,) = [value for value in theatre.store.outputs_of(run.id) if value.name == "y"]
    assert made.artifact_id is not None
    lineage = theatre.store.lineage(made.artifact_id, "upstream", 10)

    by_name = {execution.name: execution for execution in lineage.executions}
    assert by_name["s1"].code.git_commit == "abc"
    assert by_name["s1"].code.git_dirty is True
    environment = by_name["s1"].code.environment
    assert environment is not None
    assert "numpy==" in LocalBlobStore(theatre.home.blobs).get_bytes(environment).decode()
    assert {(link.kind, link.name) for link in lineage.events} == {
        ("output", "x"),
        ("input", "x"),
        ("output", "y"),
    }


def test_what_lies_in_a_new_attempts_folder_is_from_a_start_that_was_undone(
    theatre: Theatre,
) -> None:
    run = theatre.submit(_pipeline("x = 1", "y = x"))
    folder = theatre.home.attempt(run.id, "s1", 1)
    folder.mkdir(parents=True)
    (folder / "claim").write_text("{}")
    (folder / "result.json").write_text('{"state": "succeeded", "bundle": null}')

    theatre.end(_saved("x"))

    assert [path.name for path in folder.iterdir()] == ["step.json"]


def test_a_run_is_not_over_before_what_it_has_stored_is_flushed(theatre: Theatre) -> None:
    theatre.submit(_pipeline("x = 1", "y = x"))
    theatre.end(_saved("x"))
    assert theatre.flushed_at == []

    theatre.end(_saved("y"))

    assert theatre.flushed_at == [RunState.RUNNING]
    assert theatre.store.get_run("latest").state is RunState.SUCCEEDED


def test_a_run_that_was_all_in_the_cache_has_nothing_to_flush(theatre: Theatre) -> None:
    theatre.submit(_pipeline("x = 1"))
    theatre.end(_saved("x"))

    theatre.submit(_pipeline("x = 1"))

    assert theatre.store.get_run("latest").tasks[0].cached
    assert theatre.flushed_at == [RunState.RUNNING]


def test_who_made_a_damaged_value_runs_again_but_only_once(theatre: Theatre) -> None:
    theatre.submit(_pipeline("x = 1", "y = x"))
    theatre.end(_saved("x"))
    theatre.damaged.add("sha256:" + "1" * 64)
    unreadable = {"state": "failed", "error": {"code": "missing-input", "message": "gone"}}

    theatre.end(unreadable)
    assert [(ref.step, ref.attempt) for ref in theatre.running] == [("s0", 2)]

    theatre.end(_saved("x"))
    assert [(ref.step, ref.attempt) for ref in theatre.running] == [("s1", 2)]
    theatre.end(unreadable)
    run = theatre.store.get_run("latest")
    assert (run.state, run.failure and run.failure.message) == (RunState.FAILED, "gone")
