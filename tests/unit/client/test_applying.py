"""Kubeflow's documents from Python: what is taken for what, and what is asked of the engine."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import jupyter_mlplat as mlplat
from jupyter_mlplat.client.job_handles import TrainJob
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.run import Task, TaskState
from tests.contracts.documents import a_run
from tests.fakes.engine import Asked, FakeEngine, fake_engine

JOB = {"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainJob", "metadata": {"name": "a"}}
TEXT = "kind: TrainJob\nmetadata: {name: a}\n"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with fake_engine(tmp_path) as running:
        run = a_run(kind="train", tasks=(Task(name="train", state=TaskState.RUNNING),))
        job = {"kind": "TrainJob", "name": "a", "outcome": "created", "run": run.id, "number": 3}
        running.answers["documents.apply"] = {"documents": [{**job, "notes": ["ignored: volumes"]}]}
        running.answers["runs.get"] = run.model_dump(mode="json")
        yield running


def test_documents_may_be_a_file_a_text_or_mappings(engine: FakeEngine, tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(TEXT)
    home = engine.home.root

    for what in (path, str(path), TEXT, JOB, [JOB, JOB]):
        mlplat.apply(what, home=home)

    texts = [asked.body["text"] for asked in engine.requests("documents.apply")]
    assert texts == [
        TEXT,
        TEXT,
        TEXT,
        json.dumps(JOB),
        f"{json.dumps(JOB)}\n---\n{json.dumps(JOB)}",
    ]


def test_what_has_begun_is_a_job_in_ones_hands(engine: FakeEngine) -> None:
    applied = mlplat.apply(JOB, home=engine.home.root)

    (job,) = applied.jobs
    assert isinstance(job, TrainJob)
    assert "TrainJob" in repr(applied)
    assert "a: ignored: volumes" in repr(applied)


def test_documents_may_be_checked_only(engine: FakeEngine) -> None:
    def check(asked: Asked) -> Any:
        assert asked.body["dry_run"] is True
        return {"documents": [{"kind": "TrainJob", "name": "a", "outcome": "checked"}]}

    engine.answers["documents.apply"] = check

    assert mlplat.apply(JOB, dry_run=True, home=engine.home.root).jobs == []


def test_kfp_pipeline_is_run_from_its_file(engine: FakeEngine, tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text("pipelineInfo: {name: p}\n")
    engine.answers["runs.submit"] = a_run(number=7).model_dump(mode="json")

    (one,) = mlplat.apply(path, home=engine.home.root)

    assert (one.kind, one.number) == ("Pipeline", 7)
    with pytest.raises(InvalidInput, match="from its file"):
        mlplat.apply(path.read_text(), home=engine.home.root)


@pytest.mark.parametrize("what", ["nothing.yaml", {"kind": object()}])
def test_what_cannot_be_read_is_refused(engine: FakeEngine, what: Any) -> None:
    with pytest.raises(InvalidInput, match="Cannot"):
        mlplat.apply(what, home=engine.home.root)
