"""Pipelines compiled by kfp, each with the output it must have. Sources: kfp/pipelines.py."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlplat.resources.images import ImageRule
from jupyter_mlplat.resources.run import RunState
from jupyter_mlplat.stores.images import LocalImageMap
from tests.integration.engine.conftest import EngineProcess

FOLDER = Path(__file__).with_name("kfp")
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
FAILING = {"exits", "ignoring"}  # a task of theirs fails: the run says so, whatever follows it


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineProcess]:
    root = Path(tempfile.mkdtemp(prefix="mlp-"))
    engine = EngineProcess(root / "home")
    LocalImageMap(engine.home.images).write([ImageRule(pattern="alpine*")])
    engine.start()
    yield engine
    engine.client.stop_engine()
    shutil.rmtree(root, ignore_errors=True)


def test_every_pipeline_has_an_expectation() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_pipeline_gives_what_it_must_give(
    engine: EngineProcess, name: str, tmp_path: Path
) -> None:
    parameters = {"path": str(tmp_path / "count")} if name == "retried" else {}
    run = engine.client.submit(FOLDER / f"{name}.yaml", parameters=parameters)

    run = engine.client.wait_for_run(run.id, 120)

    state = RunState.FAILED if name in FAILING else RunState.SUCCEEDED
    failures = [task.failure.message for task in run.tasks if task.failure]
    assert run.state is state, failures
    made = run.results.parameters if run.results else {}
    assert next(iter(made.values()), None) == EXPECTED[name]
