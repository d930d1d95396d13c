"""The stock kfp.Client and the kfp program, unmodified, do what they do with Kubeflow."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers import PeerUnavailable, peer_python
from tests.integration.engine.conftest import EngineProcess

PROGRAM = Path(__file__).with_name("stock_client.py")


@pytest.fixture(scope="module")
def python() -> Path:
    """An interpreter that has the newest kfp of the index, and nothing of ours."""
    try:
        return peer_python("kfp-client", "kfp", is_timed=False)
    except PeerUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def seen(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """What the client saw, from the first call to the last."""
    folder = tmp_path_factory.mktemp("client")
    engine = EngineProcess(folder / "home").start()
    try:
        door = engine.client.open_kfp()
        done = subprocess.run(
            [python, PROGRAM, door.host, door.token, folder],
            capture_output=True,
            text=True,
            timeout=500,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        )
        assert done.returncode == 0, done.stderr[-4000:] + engine.log()[-2000:]
        yield json.loads(done.stdout.splitlines()[-1])
    finally:
        engine.stop()


def test_a_function_becomes_a_run_that_is_waited_for(seen: Any) -> None:
    assert seen["multi_user"] is False
    assert seen["runs"] == {
        "state": "SUCCEEDED",
        "name": "five",
        "parameters": {"a": 5},
        "is_in": True,
        "tasks": {"add": "SUCCEEDED", "add-2": "SUCCEEDED"},
        "spec": "adding",
        "storage": ["ARCHIVED", "AVAILABLE", "ARCHIVED"],
        "left": None,
    }


def test_versions_are_uploaded_run_and_deleted(seen: Any) -> None:
    assert seen["versions"] == {
        "id": True,
        "description": "adds",
        "names": ["second", "sums"],
        "left": ["sums"],
        "state": "SUCCEEDED",
        "reference": True,
    }


def test_lists_have_pages_orders_and_filters(seen: Any) -> None:
    assert seen["lists"] == {
        "pages": [["run 4", "run 3"], ["run 2", "run 1"], ["run 0"]],
        "total": 5,
        "one": ["run 3"],
    }


def test_runs_are_terminated_and_retried(seen: Any) -> None:
    ends = seen["ends"]

    assert ends.pop("message").count("the first time") == 1
    assert ends == {
        "terminated": "CANCELED",
        "failed": ["FAILED", "FAILED"],
        "retried": "SUCCEEDED",
    }


def test_recurring_runs_fire_and_stop(seen: Any) -> None:
    assert seen["recurring"] == {
        "made": ["ENABLED", "* * * * * *", "2", True],
        "of": True,
        "times": True,
        "parameters": {"a": 7},
        "disabled": ["DISABLED", 0],
        "listed": [["every hour", "ENABLED", "ENABLE"], ["every second", "DISABLED", "DISABLE"]],
        "period": "3600",
        "left": ["every hour"],
    }


def test_the_kfp_program_works(seen: Any) -> None:
    assert seen["program"] == {"created": "SUCCEEDED", "pipeline": "typed"}


def test_errors_are_those_of_the_server(seen: Any) -> None:
    assert seen["errors"] == {"stranger": [401, 16], "missing": [404, 5], "mistyped": [400, 3]}
