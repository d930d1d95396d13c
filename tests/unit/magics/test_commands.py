"""`%mlplat`: commands, help, errors, and which notebook is meant."""

from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.client.runs import Run
from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.magics.arguments import list_commands
from jupyter_mlplat.resources.run import RunResult, RunState, TaskState
from tests.contracts.documents import a_pipeline, a_run, a_task
from tests.fakes.engine import Asked, FakeEngine
from tests.unit.magics.conftest import Prompt


@pytest.fixture
def notebook(prompt: Prompt, tmp_path: Path) -> Path:
    path = tmp_path / "a.ipynb"
    path.write_text("{}")
    prompt.shell.user_ns["__session__"] = str(path)
    return path


def finish(engine: FakeEngine) -> None:
    run = a_run(
        number=4,
        state=RunState.SUCCEEDED,
        duration_s=1.5,
        tasks=(a_task("load", TaskState.SUCCEEDED, attempt=1, duration_s=0.25),),
    )
    for route in ("runs.submit", "runs.get", "runs.retry"):
        engine.answers[route] = run.to_wire()
    engine.answers["runs.result"] = RunResult(run=run, outputs={}, metrics={"auc": 0.75}).to_wire()
    engine.answers["pipelines.compile"] = a_pipeline("load").to_wire()


def test_loading_twice_and_unloading_twice_is_harmless(prompt: Prompt) -> None:
    for name in ("reload_ext", "reload_ext", "unload_ext", "unload_ext", "load_ext"):
        prompt.shell.run_line_magic(name, "jupyter_mlplat")

    matchers = [m for m in prompt.shell.Completer.custom_matchers if "mlplat" in str(m.__module__)]
    transformers = [
        t for t in prompt.shell.input_transformers_cleanup if "mlplat" in str(t.__module__)
    ]
    assert (len(matchers), len(transformers)) == (1, 1)
    assert prompt.run("%%mlplat step a\n5") == 5


def test_unloaded_extension_leaves_nothing_behind(prompt: Prompt) -> None:
    prompt.shell.run_line_magic("unload_ext", "jupyter_mlplat")

    prompt.run("%mlplat runs")

    assert "Line magic function `%mlplat` not found" in prompt.printed()


@pytest.mark.parametrize("word", list_commands())
def test_every_command_explains_itself(prompt: Prompt, word: str) -> None:
    prompt.run(f"%mlplat {word} -h")

    printed = prompt.printed()
    assert printed.startswith(f"usage: %mlplat {word} ")
    assert "UsageError" not in printed


def test_commands_are_those_that_notebooks_rely_on() -> None:
    assert set(list_commands()) >= {
        *("steps", "run", "runs", "logs", "lineage", "models", "deploy", "predict", "engine"),
        *("verify", "compile", "retry", "cancel", "register", "endpoints"),
    }


def test_bare_magic_shows_the_commands(prompt: Prompt) -> None:
    prompt.run("%mlplat")

    assert "run the notebook, as it was last saved, as a pipeline" in prompt.printed()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "%mlplat runs --limit x",
            "UsageError: Argument --limit: invalid int value: 'x'. See: %mlplat runs -h",
        ),
        (
            "%mlplat run",
            "UsageError: Cannot tell which notebook this is. Save it and say: --notebook PATH",
        ),
        (
            "%mlplat predict churn [1,",
            "UsageError: '[1,' is neither a variable nor JSON: Expecting value: line 1 column 4 "
            "(char 3). Give a variable's name, or rows such as '[[1.0, 2.0]]'.",
        ),
        (
            "%%mlplat run\n1",
            "UsageError: %%mlplat marks a cell: begin with %%mlplat step or skip, train or tune. "
            "Commands are line magics: %mlplat run.",
        ),
    ],
)
def test_wrong_input_is_one_line(prompt: Prompt, line: str, message: str) -> None:
    prompt.run(line)

    assert prompt.printed().strip() == message


def test_error_of_the_engine_is_one_line(prompt: Prompt, engine: FakeEngine) -> None:
    def refuse(asked: Asked) -> Any:
        raise NotFound("There is no run '99'. List them with %mlplat runs.")

    engine.answers["runs.get"] = refuse

    prompt.run("%mlplat runs 99")

    assert prompt.printed().strip() == (
        "UsageError: There is no run '99'. List them with %mlplat runs."
    )


def test_run_is_shown_to_its_end_and_returned_as_an_object(
    prompt: Prompt, engine: FakeEngine, notebook: Path
) -> None:
    finish(engine)

    run = prompt.run("result = %mlplat run --no-cache\nresult")
    printed = prompt.printed().splitlines()

    assert isinstance(run, Run)
    assert (run.number, run.state, run.metrics) == (4, "SUCCEEDED", {"auc": 0.75})
    assert printed == [
        "Run 4 of churn: 1/1 steps (succeeded)",
        "Out[1]: ",
        "Run 4 of churn  ✓ succeeded",
        "took     1.5 s",
        "metrics  auc 0.75",
        "",
        "step  state          time  note",
        "load  ✓ succeeded  250 ms",
    ]
    (asked,) = engine.requests("runs.submit")
    assert (asked.body["path"], asked.body["cache"]) == (str(notebook), False)


def test_variables_can_stand_in_a_command(
    prompt: Prompt, engine: FakeEngine, notebook: Path
) -> None:
    finish(engine)

    prompt.run("n = 7\n%mlplat run --no-wait -p trees=$n")

    assert engine.requests("runs.submit")[0].body["parameters"] == {"trees": 7}


def test_retry_takes_the_code_of_this_notebook_for_its_own_runs_only(
    prompt: Prompt, engine: FakeEngine, notebook: Path
) -> None:
    finish(engine)
    prompt.run("%mlplat retry")
    engine.answers["runs.get"] = {**engine.answers["runs.get"], "notebook": str(notebook)}
    prompt.run("%mlplat retry 4")

    assert [asked.body["path"] for asked in engine.requests("runs.retry")] == [None, str(notebook)]


def test_rows_for_a_prediction_may_be_a_variable(prompt: Prompt, engine: FakeEngine) -> None:
    import pandas as pd

    from tests.contracts.documents import an_endpoint

    engine.answers["endpoints.get"] = an_endpoint("churn").to_wire()
    engine.answers["endpoints.predict"] = {"outputs": [1, 0], "revision": 1}
    prompt.shell.user_ns["frame"] = pd.DataFrame({"a": [1, 2]})

    assert prompt.run("%mlplat predict churn frame") == [1, 0]
    assert engine.requests("endpoints.predict")[0].body == {"inputs": [{"a": 1}, {"a": 2}]}


def test_command_inside_a_step_does_nothing(
    prompt: Prompt, engine: FakeEngine, notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlplat.client.tracking.is_inside_step", lambda: True)

    assert prompt.run("result = %mlplat run\nresult") is None
    assert engine.asked == []


def test_steps_of_an_unsaved_session_are_those_of_its_cells(
    prompt: Prompt, engine: FakeEngine
) -> None:
    engine.answers["pipelines.compile"] = a_pipeline("load").to_wire()
    prompt.run("%reload_ext jupyter_mlplat")
    prompt.run("%%mlplat step load\nx = 1")

    prompt.run("found = %mlplat steps")

    body = engine.requests("pipelines.compile")[0].body
    assert [cell["source"] for cell in body["notebook"]["cells"]] == ["%%mlplat step load\nx = 1"]


@pytest.mark.parametrize("source", ["__session__", "__vsc_ipynb_file__", "JPY_SESSION_NAME"])
def test_notebook_is_known_from_whoever_says_it(
    prompt: Prompt,
    engine: FakeEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
) -> None:
    path = tmp_path / "b.ipynb"
    path.write_text("{}")
    engine.answers["pipelines.compile"] = a_pipeline("load").to_wire()
    if source.startswith("__"):
        prompt.shell.user_ns[source] = str(path)
    else:
        monkeypatch.setenv(source, str(path))

    prompt.run("%mlplat steps")

    assert engine.requests("pipelines.compile")[0].body == {"path": str(path), "split": "auto"}


def test_file_that_was_renamed_is_not_taken_for_the_notebook(
    prompt: Prompt, engine: FakeEngine, tmp_path: Path
) -> None:
    prompt.shell.user_ns["__session__"] = str(tmp_path / "gone.ipynb")

    prompt.run("%mlplat verify")

    assert "Cannot tell which notebook this is" in prompt.printed()


def test_servers_of_clusters_are_listed_and_started(prompt: Prompt, engine: FakeEngine) -> None:
    from tests.fakes.servers import a_server

    listed = {"servers": [a_server().to_wire()], "clusters": [{"name": "team"}]}
    engine.answers["servers.list"] = listed
    engine.answers["servers.get"] = a_server(state="STOPPED", reason="Culled").to_wire()
    engine.answers["servers.start"] = a_server().to_wire()

    assert [server.name for server in prompt.run("%mlplat server")] == ["lab"]
    assert prompt.run("%mlplat server start lab --on team").state == "RUNNING"
    assert "It is running." in prompt.printed()
    (asked,) = engine.requests("servers.start")
    assert (asked.segments, asked.query) == ({"server": "lab"}, {"place": "team"})
    prompt.run("%mlplat server stop")
    assert "Say which server" in prompt.printed()
