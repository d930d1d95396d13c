"""`%%mlplat step`: the cell runs as if the mark were not there."""

import pytest

from tests.unit.magics.conftest import Prompt


def test_marked_cell_gives_its_last_value(prompt: Prompt) -> None:
    assert prompt.run("%%mlplat step --name train --cpu 2\nx = 40\nx + 2") == 42
    assert prompt.shell.user_ns["x"] == 40


def test_future_import_stays_the_first_statement(prompt: Prompt) -> None:
    assert prompt.run("%%mlplat step train\nfrom __future__ import annotations\n7") == 7


def test_marked_cell_may_await(prompt: Prompt) -> None:
    assert prompt.run("%%mlplat step train\nimport asyncio\nawait asyncio.sleep(0, 5)") == 5


def test_error_points_at_its_own_line(prompt: Prompt) -> None:
    prompt.run("%%mlplat step train\na = 1\n1/0")

    assert "----> 3 1/0" in prompt.printed()


def test_braces_and_dollars_are_the_users_own(prompt: Prompt) -> None:
    assert prompt.run("%%mlplat step train --title '{x} $HOME'\n3") == 3


def test_skipped_cell_runs_here(prompt: Prompt) -> None:
    assert prompt.run("%%mlplat skip\n1") == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "step --cpu two",
            "UsageError: 'two' is no number of cores. Write it like 2, 0.5 or 500m.",
        ),
        (
            "step --memory lots",
            "UsageError: 'lots' is no amount of bytes. Write it like 512Mi, 2Gi or 1.5GB.",
        ),
        (
            "step --cpus 2",
            "UsageError: Unrecognized arguments: --cpus. See: %%mlplat step -h",
        ),
        ("step 'open", 'UsageError: Cannot read "step \'open": no closing quotation.'),
    ],
)
def test_mark_that_is_not_understood_stops_the_cell_with_one_line(
    prompt: Prompt, line: str, message: str
) -> None:
    prompt.run(f"%%mlplat {line}\nx = 1")

    assert prompt.printed().strip() == message
    assert "x" not in prompt.shell.user_ns


def test_marks_options_are_those_the_compiler_reads() -> None:
    from jupyter_mlplat.compiler.settings import read_settings
    from jupyter_mlplat.magics.arguments import split
    from jupyter_mlplat.magics.marker import check

    line = (
        "step --name train --title 'The training' --cpu 500m --memory 2Gi --gpu 1 --no-cache "
        "--retries 3 --backoff-s 2 --timeout 60 --kernel ir --python /usr/bin/python3 "
        "--env A=1 --env B=2 --metrics auc --after load --in x,y --out z"
    )

    check(split(line))
    settings, trouble = read_settings({}, line, "")

    assert trouble is None
    assert settings.model_dump(exclude_none=True, by_alias=True) == {
        "step": "train",
        "title": "The training",
        "skip": False,
        "cpu": 0.5,
        "memory": 2 * 2**30,
        "gpu": 1,
        "cache": False,
        "retries": 3,
        "backoff_s": 2.0,
        "timeout": 60.0,
        "kernel": "ir",
        "python": "/usr/bin/python3",
        "env": {"A": "1", "B": "2"},
        "metrics": ("auc",),
        "after": ("load",),
        "in": ("x", "y"),
        "out": ("z",),
    }
