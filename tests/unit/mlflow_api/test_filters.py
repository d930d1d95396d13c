"""MLflow's filter language."""

import pytest

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.ports.tracking import Comparison, Ordering
from jupyter_mlplat.resources.run import RunState
from jupyter_mlplat.services.mlflow_api.filters import for_runs, matches, parse, parse_order


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("metrics.auc > 0.9", [Comparison("metric", "auc", ">", 0.9)]),
        ("metrics.`a b` <= -1e-3", [Comparison("metric", "a b", "<=", -0.001)]),
        ('params."model.depth" = "3"', [Comparison("param", "model.depth", "=", "3")]),
        ("params.model.depth != '3'", [Comparison("param", "model.depth", "!=", "3")]),
        ("tags.mlflow.user LIKE 'a%'", [Comparison("tag", "mlflow.user", "LIKE", "a%")]),
        ("tags.a IS NOT NULL", [Comparison("tag", "a", "IS NOT NULL", None)]),
        ("run_id IN ('a', 'b')", [Comparison("attribute", "run_id", "IN", ("a", "b"))]),
        ("attr.run_id not in ('a')", [Comparison("attribute", "run_id", "NOT IN", ("a",))]),
        ("start_time >= 12", [Comparison("attribute", "start_time", ">=", 12.0)]),
        ("name = 'with and in it'", [Comparison("attribute", "name", "=", "with and in it")]),
        ("  ", []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_conditions_are_read(text: str, expected: list[Comparison]) -> None:
    assert parse(text) == expected


def test_all_conditions_have_to_hold() -> None:
    found = parse("metrics.a > 1 and params.b = '2' AND tags.c ILIKE '%x'")

    assert [(it.side, it.key) for it in found] == [("metric", "a"), ("param", "b"), ("tag", "c")]


@pytest.mark.parametrize(
    "text",
    [
        "metrics.a is big",
        "metrics.a > 'x'",
        "metrics.a LIKE '1'",
        "params.a > '1'",
        "params.a = 1",
        "metrics.a > 1 or metrics.b > 2",
        "metrics.a >",
        "wrong.a = '1'",
        "run_id IN ()",
        "metrics.a > 1 metrics.b > 2",
        "'; drop table run; --",
    ],
)
def test_what_is_no_filter_is_refused_in_words(text: str) -> None:
    with pytest.raises(InvalidInput):
        for_runs(parse(text))


def test_states_of_runs_are_spelled_as_here() -> None:
    (finished,) = for_runs(parse("attributes.status = 'FINISHED'"))
    (running,) = for_runs(parse("status != 'running'"))

    assert (finished.key, finished.value) == ("state", (RunState.SUCCEEDED,))
    assert running.operator == "NOT IN"
    assert RunState.RUNNING in (running.value or ())  # type: ignore[operator]


def test_orders_are_read() -> None:
    assert parse_order(["metrics.auc DESC", "start_time", "params.`a b` asc"]) == [
        Ordering("metric", "auc", True),
        Ordering("attribute", "start_time"),
        Ordering("param", "a b"),
    ]
    with pytest.raises(InvalidInput):
        parse_order(["metrics.auc sideways"])


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("name LIKE 'Churn%'", "Churn, first", True),
        ("name LIKE 'churn%'", "Churn, first", False),
        ("name ILIKE 'churn%'", "Churn, first", True),
        ("name LIKE '10% [x]'", "10 and more [x]", True),
        ("name != 'a'", None, False),
        ("name IS NULL", None, True),
        ("name NOT IN ('a')", "b", True),
    ],
)
def test_values_are_compared(condition: str, value: str | None, expected: bool) -> None:
    assert matches(parse(condition)[0], value) is expected
