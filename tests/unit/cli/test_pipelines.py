"""compile, verify and run: shapes, exit codes, messages."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_mlplat.errors import InvalidInput, Unavailable
from jupyter_mlplat.resources.pipeline import (
    Edge,
    EdgeReason,
    Parameter,
    Problem,
    Step,
    StepCell,
    VerifyReport,
)
from jupyter_mlplat.resources.run import Failure, RunResult, TaskState
from tests.contracts.documents import a_pipeline, a_run, a_task, an_artifact, an_output
from tests.fakes.engine import Asked, FakeEngine
from tests.unit.cli.conftest import Done

Call = Callable[..., Done]

PIPELINE = a_pipeline().model_copy(
    update={
        "steps": (
            Step(name="load", title="Load", cells=(StepCell(id="a", index=1, source="x = n"),)),
            Step(name="train", title="Train", cells=(StepCell(id="b", index=2, source="x"),)),
        ),
        "edges": (
            Edge(
                source="load",
                target="train",
                names=("x",),
                reasons=(
                    EdgeReason(
                        name="x",
                        source_cell="a",
                        target_cell="b",
                        proof="proved",
                        why="It reads x.",
                    ),
                ),
            ),
        ),
        "parameters": (
            Parameter(name="n", type="int", default=1, expression="1"),
            Parameter(name="who", type="str", default="a", expression="'a'"),
        ),
    }
)


def finished(engine: FakeEngine, state: str = "SUCCEEDED", **given: Any) -> RunResult:
    """Let the engine answer every question about one run that has ended."""
    run = a_run(number=4, state=state, duration_s=1.5, **given)
    artifact = an_artifact("best")
    result = RunResult(
        run=run,
        outputs={
            "best": an_output(
                "best",
                type="str",
                codec="json",
                size_bytes=5,
                artifact_id=artifact.id,
                preview="'lr'",
            ),
            "model": an_output("model", type="Forest", codec="pickle", size_bytes=9),
        },
        metrics={"auc": 0.75},
    )
    for route in ("runs.submit", "runs.get", "runs.wait", "runs.retry"):
        engine.answers[route] = run.to_wire()
    engine.answers["runs.result"] = result.to_wire()
    engine.answers["artifacts.content"] = "lr"
    return result


def test_compile_names_steps_cells_edges_and_parameters(mlplat: Call, engine: FakeEngine) -> None:
    engine.answers["pipelines.compile"] = PIPELINE.to_wire()

    done = mlplat("compile", "a.ipynb", "--cell-steps", "--json")

    document = done.json
    assert (done.code, done.err) == (0, "")
    assert [(s["name"], s["cells"]) for s in document["steps"]] == [
        ("load", ["a"]),
        ("train", ["b"]),
    ]
    assert [(e["from"], e["to"], e["names"]) for e in document["edges"]] == [
        ("load", "train", ["x"])
    ]
    assert document["unknown"] == []
    assert [p["name"] for p in document["parameters"]] == ["n", "who"]
    assert engine.requests("pipelines.compile")[0].body == {
        "path": str(Path.cwd() / "a.ipynb"),
        "split": "cell",
    }


def test_compile_draws_a_table(mlplat: Call, engine: FakeEngine) -> None:
    engine.answers["pipelines.compile"] = PIPELINE.to_wire()

    assert mlplat("compile", "a.ipynb").out.splitlines() == [
        "Pipeline churn",
        "parameters  n=1, who='a'",
        "",
        "step   cells  needs  gives",
        "load   2",
        "train  3      load",
        "",
        "from  to     values  known   why",
        "load  train  x       proved  It reads x.",
    ]


def test_compile_of_a_notebook_that_cannot_run_is_told_and_exits_2(
    mlplat: Call, engine: FakeEngine
) -> None:
    problem = Problem(
        code="syntax-error", severity="error", message="Cell 2 is no Python.", cell="a", line=1
    )
    engine.answers["pipelines.compile"] = PIPELINE.model_copy(
        update={"problems": (problem,)}
    ).to_wire()

    done = mlplat("compile", "a.ipynb", "--json")

    assert done.code == 2
    assert done.json["problems"][0]["message"] == "Cell 2 is no Python."
    assert done.err == ("jupyter mlplat: It cannot be run as it stands: Cell 2 is no Python.\n")


def test_verify_exits_0_when_both_ways_are_equal(mlplat: Call, engine: FakeEngine) -> None:
    engine.answers["pipelines.verify"] = VerifyReport(equal=True, differences=()).to_wire()

    done = mlplat("verify", "a.ipynb", "--json")

    assert (done.code, done.json["equal"], done.json["differences"]) == (0, True, [])


def test_verify_exits_1_and_lists_differences(mlplat: Call, engine: FakeEngine) -> None:
    engine.answers["pipelines.verify"] = {
        "equal": False,
        "differences": [{"step": "train", "cell": "b", "what": "y is 1, as steps 2"}],
    }

    done = mlplat("verify", "a.ipynb", "--json")

    assert (done.code, done.err) == (1, "")
    assert done.json["differences"] == [
        {"step": "train", "cell": "b", "what": "y is 1, as steps 2"}
    ]


def test_run_waits_and_prints_what_came_out(mlplat: Call, engine: FakeEngine) -> None:
    tasks = (a_task("load", TaskState.SUCCEEDED, cached=True, duration_s=0.25),)
    result = finished(engine, tasks=tasks)

    done = mlplat("run", "a.ipynb", "--json")

    document = done.json
    assert (done.code, done.err) == (0, "")
    assert (document["run"]["id"], document["run"]["state"]) == (result.run.id, "SUCCEEDED")
    assert {
        key: document["run"]["tasks"][0][key] for key in ("name", "state", "cached", "duration_s")
    } == {"name": "load", "state": "SUCCEEDED", "cached": True, "duration_s": 0.25}
    assert document["metrics"] == {"auc": 0.75}
    assert document["outputs"]["best"]["value"] == "lr"
    assert document["outputs"]["best"]["type"] == "str"
    assert "value" not in document["outputs"]["model"]


def test_run_sends_parameters_as_their_types(mlplat: Call, engine: FakeEngine) -> None:
    finished(engine)
    engine.answers["pipelines.compile"] = PIPELINE.to_wire()

    mlplat(
        "run",
        "a.ipynb",
        "-p",
        "n=3",
        "-p",
        "who=3",
        "--no-cache",
        "--until",
        "load",
        "--tag",
        "a=b",
    )

    (asked,) = engine.requests("runs.submit")
    assert asked.body == {
        "path": str(Path.cwd() / "a.ipynb"),
        "notebook": None,
        "parameters": {"n": 3, "who": "3"},
        "split": "auto",
        "experiment": "default",
        "cache": False,
        "literal": False,
        "tags": {"a": "b"},
        "until": "load",
        "from_step": None,
        "reuse": "equal",
        "whole": False,
        "reports": ["html"],
        "folder": None,
        "run_on": None,
    }
    assert len(asked.headers["idempotency-key"]) == 32


def test_run_in_a_log_file_is_one_line_a_step(mlplat: Call, engine: FakeEngine) -> None:
    tasks = (a_task("load", TaskState.SUCCEEDED, attempt=1, duration_s=0.25),)
    result = finished(engine, tasks=tasks)

    done = mlplat("run", "a.ipynb")

    assert done.out.splitlines() == [
        f"Run 4 ({result.run.id})",
        "  ✓ succeeded load in 250 ms",
        "Run 4 of churn  ✓ succeeded",
        "took     1.5 s",
        "metrics  auc 0.75",
    ]


def test_failed_run_exits_1_with_the_cells_traceback(mlplat: Call, engine: FakeEngine) -> None:
    failure = Failure(
        code="cell-error",
        message="cell 3, line 1: ZeroDivisionError: division by zero",
        cell="b",
        cell_index=2,
        traceback=("\x1b[31mZeroDivisionError\x1b[0m", "division by zero"),
    )
    finished(
        engine, "FAILED", tasks=(a_task("train", TaskState.FAILED, failure=failure, attempt=1),)
    )

    done = mlplat("run", "a.ipynb", "--json")

    assert (done.code, done.json["run"]["state"]) == (1, "FAILED")
    assert done.err == (
        "ZeroDivisionError\ndivision by zero\n"
        "jupyter mlplat: Step 'train', cell 3, line 1: ZeroDivisionError: division by zero\n"
    )


def test_run_that_is_not_waited_for_is_only_named(mlplat: Call, engine: FakeEngine) -> None:
    result = finished(engine)

    assert mlplat("run", "a.ipynb", "--no-wait").out == f"{result.run.id}\n"
    assert mlplat("run", "a.ipynb", "--no-wait", "--json").json["run"]["id"] == result.run.id


def test_wrong_input_exits_2_with_one_message(mlplat: Call, engine: FakeEngine) -> None:
    def refuse(asked: Asked) -> Any:
        raise InvalidInput("Cannot run 'a': parameter 'n' takes int.", parameter="n")

    engine.answers["runs.submit"] = refuse

    done = mlplat("run", "a.ipynb", "--json")

    assert done == Done(2, done.out, "jupyter mlplat: Cannot run 'a': parameter 'n' takes int.\n")
    assert done.json == {
        "error": {
            "code": "invalid-input",
            "message": "Cannot run 'a': parameter 'n' takes int.",
            "details": {"parameter": "n"},
        }
    }


def test_engine_that_cannot_serve_exits_1(mlplat: Call, engine: FakeEngine) -> None:
    def refuse(asked: Asked) -> Any:
        raise Unavailable("The disk is full. Free some space.")

    engine.answers["runs.submit"] = refuse

    assert mlplat("run", "a.ipynb") == Done(
        1, "", "jupyter mlplat: The disk is full. Free some space.\n"
    )


def test_retry_goes_on_and_waits(mlplat: Call, engine: FakeEngine) -> None:
    finished(engine)

    done = mlplat("retry", "latest", "--notebook", "a.ipynb", "--from-step", "load", "--json")

    assert (done.code, done.json["run"]["state"]) == (0, "SUCCEEDED")
    assert engine.requests("runs.retry")[0].body == {
        "path": str(Path.cwd() / "a.ipynb"),
        "notebook": None,
        "from_step": "load",
    }
