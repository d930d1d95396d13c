"""What may be typed, and what is said about the rest."""

import argparse
import subprocess
import sys
from collections.abc import Callable

import pytest

from jupyter_mlplat.cli.arguments import list_commands
from tests.fakes.engine import FakeEngine
from tests.unit.cli.conftest import Done

Call = Callable[..., Done]
COMMANDS = list_commands()


def test_commands_are_those_that_scripts_rely_on() -> None:
    assert set(COMMANDS) >= {
        *("compile", "verify", "run", "runs", "logs", "lineage", "models", "deploy", "predict"),
        *("endpoints", "gc", "engine", "engine start", "engine stop", "engine status"),
        *("cancel", "retry", "traffic", "rollback", "models register", "endpoints show"),
    }


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_takes_json_and_explains_itself(words: str) -> None:
    parser = COMMANDS[words]
    options = {option for action in parser._actions for option in action.option_strings}

    assert {"--json", "--home", "--help"} <= options
    assert parser.description
    assert f"jupyter mlplat {words}" in (parser.epilog or "")


@pytest.mark.parametrize("words", COMMANDS)
def test_every_argument_has_a_word_of_help(words: str) -> None:
    unexplained = [
        action.dest
        for action in COMMANDS[words]._actions
        if not action.help and not isinstance(action, argparse._SubParsersAction)
    ]

    assert unexplained == []


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ((), "The following arguments are required: COMMAND. See: jupyter mlplat --help"),
        (("logs",), "The following arguments are required: RUN. See: jupyter mlplat logs --help"),
        (
            ("runs", "--limit", "many"),
            "Argument --limit: invalid int value: 'many'. See: jupyter mlplat runs --help",
        ),
        (
            ("run", "a.ipynb", "-p", "n"),
            "'n' is no parameter: name=value is needed, such as -p trees=200.",
        ),
        (
            ("traffic", "churn", "1=x"),
            "'1=x' is no share of traffic: REVISION=PERCENT is needed, such as 2=10.",
        ),
        (
            ("predict", "churn", "[1,"),
            "The rows for 'churn' are no JSON: Expecting value: line 1 column 4 (char 3). "
            "Write lists, or objects with the feature names.",
        ),
        (
            ("predict", "churn"),
            "Cannot ask 'churn': rows are needed once, as DATA, --data or --file. "
            "Such as: jupyter mlplat predict churn '[[1.0, 2.0]]'",
        ),
        (
            ("predict", "churn", "--file", "none.json"),
            "Cannot read 'none.json': No such file or directory.",
        ),
        (
            ("models", "register", "churn"),
            "Cannot register 'churn': either a run or an artifact is needed. "
            "Give --run latest, or --artifact ID.",
        ),
    ],
)
def test_wrong_arguments_are_one_message_and_exit_2(
    mlplat: Call, engine: FakeEngine, argv: tuple[str, ...], message: str
) -> None:
    from tests.unit.cli.test_pipelines import PIPELINE

    engine.answers["pipelines.compile"] = PIPELINE.to_wire()

    assert mlplat(*argv) == Done(2, "", f"jupyter mlplat: {message}\n")


@pytest.mark.parametrize("place", [0, 1], ids=["before the command", "after it"])
def test_options_of_every_command_stand_before_it_or_after_it(
    mlplat: Call, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    monkeypatch.delenv("MLPLAT_HOME")
    engine.answers["models.list"] = {"models": []}
    argv = ["models"]
    argv[place:place] = ["--home", str(engine.home.root), "--json"]

    done = mlplat(*argv)

    assert (done.code, done.json, done.err) == (0, {"models": []}, "")


def test_program_is_a_module_as_well() -> None:
    command = [sys.executable, "-m", "jupyter_mlplat.cli", "logs"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "jupyter mlplat: The following arguments are required: RUN. "
        "See: jupyter mlplat logs --help\n"
    )
