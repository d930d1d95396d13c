"""Logs, models, endpoints and the engine from a terminal."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.responses import Response

from jupyter_mlplat.resources.lineage import RegisteredModel
from jupyter_mlplat.resources.run import TaskState
from jupyter_mlplat.resources.serving import Endpoint, EndpointState, Revision, Traffic
from tests.contracts.documents import (
    NOON,
    a_run,
    a_task,
    a_version,
    an_artifact,
    an_endpoint,
)
from tests.fakes.engine import FakeEngine
from tests.unit.cli.conftest import Done

Call = Callable[..., Done]

WRITTEN = bytes(range(256)) + b"\x1b]0;title\x07\xff no newline at the end"


def serving(state: str = "READY") -> Endpoint:
    return an_endpoint("churn").model_copy(
        update={
            "state": EndpointState(state),
            "url": "http://127.0.0.1:4000",
            "message": "" if state == "READY" else "It cannot be loaded.",
            "revisions": (
                Revision(number=1, model="churn", version=2, state="READY", created_at=NOON),
            ),
            "traffic": (Traffic(revision=1, percent=100),),
        }
    )


def test_log_of_a_step_is_printed_byte_for_byte(
    engine: FakeEngine, mlplat: Call, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    engine.answers["steps.log"] = Response(WRITTEN, media_type="text/plain")

    done = mlplat("logs", "3", "--step", "train", "--stream", "stderr")

    assert done.out.encode(errors="surrogateescape") == WRITTEN
    (asked,) = engine.requests("steps.log")
    assert (asked.segments, asked.query) == ({"run": "3", "step": "train"}, {"stream": "stderr"})


def test_log_of_a_run_is_that_of_the_steps_that_have_run(mlplat: Call, engine: FakeEngine) -> None:
    engine.answers["runs.get"] = a_run(
        tasks=(
            a_task("load", TaskState.SUCCEEDED, cached=True),
            a_task("train", TaskState.SUCCEEDED, attempt=2),
            a_task("late"),
        )
    ).to_wire()
    engine.answers["steps.log"] = lambda asked: Response(f"{asked.segments['step']}\n")

    assert mlplat("logs", "latest").out == "load\ntrain\n"


def test_log_is_followed_to_its_end(mlplat: Call, engine: FakeEngine) -> None:
    lines = [
        {"step": step, "attempt": 1, "stream": "stdout", "text": text}
        for step, text in (("load", "a\n"), ("train", "b"), ("train", "c\n"))
    ]
    engine.answers["runs.logs"] = Response("".join(f"{json.dumps(line)}\n" for line in lines))

    assert mlplat("logs", "latest", "--follow").out == "a\nbc\n"
    assert mlplat("logs", "latest", "--follow", "--step", "load").out == "a\n"
    assert engine.requests("runs.logs")[0].query == {"follow": "1"}


def test_model_is_registered_from_the_latest_run(mlplat: Call, engine: FakeEngine) -> None:
    run, artifact = a_run(), an_artifact()
    version = a_version(artifact, "churn")
    engine.answers["runs.get"] = run.to_wire()
    engine.answers["models.register"] = version.to_wire()

    done = mlplat("models", "register", "churn", "--run", "latest", "--alias", "champion", "--json")

    assert (done.code, done.json["version"]) == (0, version.version)
    assert engine.requests("models.register")[0].body == {
        "model": "churn",
        "run_id": run.id,
        "aliases": ["champion"],
    }


@pytest.mark.parametrize(
    ("typed", "node"),
    [
        ("churn", "models:churn:3"),
        ("churn/1", "models:churn:1"),
        ("churn@champion", "models:churn:2"),
        ("art-01m7x88ngt4c2nvwxfjvqd782c", "art-01m7x88ngt4c2nvwxfjvqd782c"),
        ("models:churn:7", "models:churn:7"),
    ],
)
def test_lineage_finds_what_is_meant(
    mlplat: Call, engine: FakeEngine, typed: str, node: str
) -> None:
    model = RegisteredModel(
        name="churn", created_at=NOON, aliases={"champion": 2}, latest_version=3
    )
    engine.answers["models.get"] = model.to_wire()
    engine.answers["lineage.get"] = {
        "root": an_artifact().id,
        "direction": "both",
        "depth": 2,
        "executions": [],
        "artifacts": [],
        "events": [],
    }

    done = mlplat("lineage", typed, "--direction", "both", "--depth", "2", "--json")

    assert done.code == 0
    (asked,) = engine.requests("lineage.get")
    assert (asked.segments, asked.query) == ({"id": node}, {"direction": "both", "depth": "2"})


def test_alias_that_is_not_there_is_named_with_those_that_are(
    mlplat: Call, engine: FakeEngine
) -> None:
    engine.answers["models.get"] = {
        "name": "churn",
        "created_at": "2026-11-20T12:00:00Z",
        "aliases": {"champion": 2},
    }

    assert mlplat("lineage", "churn@chalenger") == Done(
        2, "", "jupyter mlplat: Model 'churn' has no alias 'chalenger'. Its aliases: champion.\n"
    )


def test_history_of_a_model_says_who_moved_what(mlplat: Call, engine: FakeEngine) -> None:
    change = {
        "model": "churn",
        "kind": "alias",
        "alias": "champion",
        "from_version": 1,
        "to_version": 2,
        "by": "ana",
        "at": "2026-11-20T12:00:00Z",
    }
    engine.answers["models.history"] = {"changes": [change]}

    done = mlplat("models", "show", "churn", "--history")

    assert "moved champion from version 1 to version 2" in done.out
    assert "ana" in done.out


@pytest.mark.parametrize(
    ("typed", "route", "query"),
    [
        (("churn",), "models.delete", {"force": "false"}),
        (("churn/2", "--force"), "models.delete_version", {"force": "true"}),
    ],
)
def test_delete_takes_a_model_or_a_version(
    mlplat: Call, engine: FakeEngine, typed: tuple[str, ...], route: str, query: dict[str, str]
) -> None:
    engine.answers["models.delete_version"] = {
        "name": "churn",
        "created_at": "2026-11-20T12:00:00Z",
    }

    done = mlplat("models", "delete", *typed)

    assert done.code == 0
    (asked,) = engine.requests(route)
    assert asked.query == query


def test_deploy_answers_with_url_state_and_traffic(mlplat: Call, engine: FakeEngine) -> None:
    engine.answers["endpoints.deploy"] = serving().to_wire()

    done = mlplat("deploy", "churn@champion", "--name", "churn", "--traffic", "10", "--json")

    endpoint = done.json["endpoint"]
    assert done.code == 0
    assert {key: endpoint[key] for key in ("name", "url", "state", "traffic")} == {
        "name": "churn",
        "url": "http://127.0.0.1:4000",
        "state": "READY",
        "traffic": [{"revision": 1, "percent": 100}],
    }
    assert engine.requests("endpoints.deploy")[0].body == {
        "model": "churn@champion",
        "name": "churn",
        "traffic": 10,
        "port": None,
        "trust_pickle": False,
    }


def test_model_that_does_not_come_up_exits_1(mlplat: Call, engine: FakeEngine) -> None:
    engine.answers["endpoints.deploy"] = serving("FAILED").to_wire()

    done = mlplat("deploy", "churn", "--json")

    assert (done.code, done.err) == (1, "jupyter mlplat: It cannot be loaded.\n")


@pytest.mark.parametrize("way", ["positional", "--data", "--file", "-"])
def test_rows_reach_the_endpoint_whichever_way_they_come(
    mlplat: Call,
    engine: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    import io

    rows = '[{"a": 1}]'
    Path("rows.json").write_text(rows)
    monkeypatch.setattr("sys.stdin", io.StringIO(rows))
    argv = {
        "positional": [rows],
        "--data": ["--data", rows],
        "--file": ["--file", "rows.json"],
        "-": ["-"],
    }[way]
    engine.answers["endpoints.predict"] = {"outputs": [1], "revision": 2}

    done = mlplat("predict", "churn", *argv)

    assert done.out == "[1]\n"
    assert engine.requests("endpoints.predict")[0].body == {"inputs": [{"a": 1}]}


def test_traffic_is_set_as_a_whole(mlplat: Call, engine: FakeEngine) -> None:
    engine.answers["endpoints.set_traffic"] = serving().to_wire()

    assert mlplat("traffic", "churn", "1=90", "2=10").code == 0
    assert engine.requests("endpoints.set_traffic")[0].body == {
        "traffic": [{"revision": 1, "percent": 90}, {"revision": 2, "percent": 10}]
    }


def test_garbage_collection_says_what_it_would_delete(mlplat: Call, engine: FakeEngine) -> None:
    engine.answers["gc.run"] = lambda asked: {
        "runs_deleted": 3,
        "artifacts_deleted": 9,
        "bytes_freed": 2**21,
        "dry_run": asked.body["dry_run"],
    }

    done = mlplat("gc", "--keep-runs", "5", "--dry-run")

    assert done.out == "Would delete 3 runs and 9 artifacts: 2.0 MiB.\n"
    assert engine.requests("gc.run")[0].body == {
        "keep_runs": 5,
        "older_than_days": None,
        "dry_run": True,
    }


def test_engine_that_does_not_run_is_not_started_by_asking(
    mlplat: Call, engine: FakeEngine, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"

    done = mlplat("engine", "status", "--home", str(elsewhere), "--json")

    assert (done.code, done.json) == (0, {"engine": None})
    assert not elsewhere.exists()


def test_requests_of_one_command_look_for_the_engine_once(mlplat: Call, engine: FakeEngine) -> None:
    engine.answers["models.list"] = {"models": []}

    mlplat("models")

    assert [asked.route for asked in engine.asked] == ["engine.get", "models.list"]


def test_empty_lists_teach_what_to_do(mlplat: Call, engine: FakeEngine) -> None:
    engine.answers["models.list"] = {"models": []}
    engine.answers["runs.list"] = {"runs": [], "next": None}

    assert "jupyter mlplat models register NAME --run latest" in mlplat("models").out
    assert "jupyter mlplat run NOTEBOOK" in mlplat("runs").out


def test_names_that_no_terminal_can_spell_end_no_command(mlplat: Call, engine: FakeEngine) -> None:
    engine.answers["endpoints.predict"] = Response(
        b'{"outputs": ["\\ud800 \\u2713"], "revision": 1}'
    )

    assert mlplat("predict", "churn", "[1]", "--json").json["outputs"] == ["\ud800 \u2713"]
    assert mlplat("predict", "churn", "[1]").out == '["\\ud800 \u2713"]\n'
