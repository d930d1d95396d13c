"""What is said about a notebook that cannot run as it stands."""

import pytest

from tests.unit.compiler.conftest import Compile


@pytest.mark.parametrize(
    ("settings", "trouble"),
    [
        ({"chache": True}, "there is no setting `chache`; `cache` is the nearest"),
        ({"timeouts": 3}, "there is no setting `timeouts`; `timeout_s` is the nearest"),
        (
            {"colour": "red"},
            "there is no setting `colour`; there are step, title, skip, cpu, memory, gpu, cache, "
            "retries, backoff_s, timeout_s, kernel, python, env, metrics, after, in, out, train, "
            "tune",
        ),
        (
            {"cpu": "lots"},
            "`cpu` needs a number of cores above 0, such as 2, 0.5 or '500m', found 'lots'",
        ),
        (
            {"memory": "2 dogs", "retries": -1},
            "`memory` needs an amount above 0, such as '512Mi' or '2Gi', found '2 dogs'; "
            "`retries` needs a whole number from 0 to 100, found -1",
        ),
        (
            {"env": {"A": 1}},
            "`env` needs names with texts, such as {'KEY': 'value'}, found {'A': 1}",
        ),
    ],
)
def test_setting_that_cannot_be_used_is_named_with_what_is_needed(
    compiled: Compile, settings: dict[str, object], trouble: str
) -> None:
    pipeline = compiled({"cell_type": "code", "source": "x = 1", "metadata": {"mlplat": settings}})

    assert [problem.message for problem in pipeline.problems] == [
        f"Cannot use all settings of cell 1: {trouble}. Correct its metadata `mlplat`, its first "
        "line `%%mlplat step …` or its comment `# mlplat: …`."
    ]


def test_misspelt_option_of_a_mark_names_the_nearest(compiled: Compile) -> None:
    pipeline = compiled("%%mlplat step --name a --retires 2\nx = 1")

    assert "there is no setting `retires`; `retries` is the nearest" in pipeline.problems[0].message


def test_names_that_a_cell_with_a_syntax_error_may_bind_are_not_called_undefined(
    compiled: Compile,
) -> None:
    pipeline = compiled("rows = [1, 2", "total = sum(rows)", "print(total, other)")

    assert [(problem.code, problem.cell, problem.name) for problem in pipeline.problems] == [
        ("syntax-error", "c0", None),
        ("undefined-name", "c2", "other"),
    ]
