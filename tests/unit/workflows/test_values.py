"""Parameters of KFP pipelines: what is given, what becomes of it, what is refused."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kfp.document import Document, load
from jupyter_mlplat.formats.kfp.spec import InputParameter, ParameterType
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.services.workflows.describing import name_of, pipeline_of
from jupyter_mlplat.services.workflows.values import (
    arguments,
    items_of,
    normal,
    settled,
    text_of,
    value_of_text,
    with_defaults,
)

DEFINITIONS = {
    "rows": {"parameterType": "NUMBER_INTEGER"},
    "rate": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 1.0},
    "word": {"parameterType": "STRING", "defaultValue": "a", "literals": ["a", "b"]},
    "dry": {"parameterType": "BOOLEAN", "isOptional": True},
    "sizes": {"parameterType": "LIST", "defaultValue": [1.0, 2.5, [3.0]]},
    "more": {"parameterType": "STRUCT", "isOptional": True, "defaultValue": None},
}


def document(definitions: object = None, **inputs: object) -> Document:
    task = {"componentRef": {"name": "comp-a"}, "taskInfo": {"name": "A step"}}
    return load(
        json.dumps(
            {
                "pipelineInfo": {"name": "My Pipeline"},
                "schemaVersion": "2.1.0",
                "components": {"comp-a": {"executorLabel": "exec-a"}},
                "deploymentSpec": {"executors": {"exec-a": {"container": {"image": "i"}}}},
                "root": {
                    "dag": {"tasks": {"a": task, "a_b": {**task, "dependentTasks": ["a"]}}},
                    "inputDefinitions": {"parameters": definitions or DEFINITIONS, **inputs},
                },
            }
        )
    )


def parameter(kind: str, **more: object) -> InputParameter:
    return InputParameter.model_validate({"parameterType": kind, **more})


def test_defaults_fill_what_was_not_given_and_integral_doubles_are_integers() -> None:
    found = arguments(document(), {"rows": 3.0})

    assert found == {"rows": 3, "rate": 1, "word": "a", "sizes": [1, 2.5, [3]]}
    assert [type(value) for value in (found["rows"], found["rate"])] == [int, int]


def test_texts_are_read_as_the_type_that_is_needed() -> None:
    given_values: dict[str, JsonValue] = {
        "rows": "7",
        "rate": "1e-3",
        "dry": "True",
        "sizes": "[1, 2]",
        "more": '{"a": 1.0}',
    }

    found = arguments(document(), given_values)

    assert found == {
        "rows": 7,
        "rate": 0.001,
        "word": "a",
        "dry": True,
        "sizes": [1, 2],
        "more": {"a": 1},
    }


def test_null_is_the_same_as_not_set_whatever_the_default() -> None:
    assert "rate" not in arguments(document(), {"rows": 1, "rate": None})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "'rows' is missing"),
        ({"rows": None}, "'rows' is missing"),
        ({"rows": 1.5}, "'rows' is 1.5; needed a whole number"),
        ({"rows": True}, "'rows' is true; needed a whole number"),
        ({"rows": "many"}, "'rows' is \"many\"; needed a whole number"),
        ({"rows": 1, "rate": "nan"}, "needed a number"),
        ({"rows": 1, "dry": 1}, "needed true or false"),
        ({"rows": 1, "sizes": {"a": 1}}, "needed a list"),
        ({"rows": 1, "sizes": "[NaN]"}, "needed a list"),
        ({"rows": 1, "sizes": "[1e999]"}, "needed a list"),
        ({"rows": 1, "sizes": "[" * 100_000}, "needed a list"),
        ({"rows": 1, "sizes": '{"a": 1}'}, "needed a list"),
        ({"rows": 1, "more": [1]}, "needed an object"),
        ({"rows": 1, "word": "c"}, 'must be one of "a", "b"'),
        ({"rows": 1, "rowz": 2}, "'rowz' is not one of its parameters. It has 'dry', 'more'"),
    ],
)
def test_what_does_not_fit_is_refused(values: dict[str, JsonValue], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        arguments(document(), values)

    assert message in refused.value.message


def test_a_pipeline_that_needs_an_artifact_is_refused() -> None:
    schema = {"artifactType": {"schemaTitle": "system.Model"}}

    with pytest.raises(InvalidInput, match="it needs an artifact as input 'model'"):
        arguments(document(artifacts={"model": schema}), {"rows": 1})
    arguments(document(artifacts={"model": {**schema, "isOptional": True}}), {"rows": 1})


def test_between_tasks_anything_becomes_text_and_nothing_else_changes_its_type() -> None:
    definitions = {"text": parameter("STRING"), "number": parameter("NUMBER_INTEGER")}

    found = settled("task 'a'", definitions, {"text": [1.0, "x"], "number": 2.0, "channel": 1.0})

    assert found == {"text": '[1,"x"]', "number": 2, "channel": 1}
    with pytest.raises(InvalidInput, match="'number' is \"2\"; needed a whole number"):
        settled("task 'a'", definitions, {"text": "", "number": "2"})
    with pytest.raises(InvalidInput, match="'number' has neither a value nor a default"):
        settled("task 'a'", definitions, {"text": ""})
    assert settled("task 'a'", definitions, {"text": ""}, but={"number"}) == {"text": ""}


def test_an_unset_optional_stays_absent_until_its_default_is_asked_for() -> None:
    definitions = {
        "maybe": parameter("STRING", isOptional=True),
        "usual": parameter("NUMBER_DOUBLE", isOptional=True, defaultValue=2.0),
        "old": parameter("NUMBER_INTEGER", isOptional=True, defaultValue="1000"),
    }

    found = settled("task 'a'", definitions, {"maybe": None})

    assert found == {}
    assert with_defaults(definitions, found) == {"usual": 2, "old": 1000}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("a b", "a b"),
        (True, "true"),
        (3.0, "3"),
        (-0.5, "-0.5"),
        (1e-7, "0.0000001"),
        (1.5e300, "15" + "0" * 299),
        (1234567.25, "1234567.25"),
        ({"a": [1.0, None]}, '{"a":[1,null]}'),
    ],
)
def test_text_of_a_value(value: JsonValue, text: str) -> None:
    assert text_of(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_text_of_a_number_reads_back_as_the_number(number: float) -> None:
    text = text_of(number)

    assert "e" not in text
    assert float(text) == number
    assert value_of_text("it", text, ParameterType.NUMBER_DOUBLE) == number


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_normal_keeps_values_equal_and_leaves_no_small_integral_double(value: JsonValue) -> None:
    def doubles(item: JsonValue) -> list[float]:
        if isinstance(item, float):
            return [item]
        inner = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        return [number for part in inner for number in doubles(part)]

    found = normal(value)

    assert found == value
    assert not any(number.is_integer() and abs(number) < 1e15 for number in doubles(found))
    assert all(math.isfinite(number) for number in doubles(found))


@pytest.mark.parametrize("value", ["5", 5, {"a": 1}, "no json", None])
def test_a_loop_over_no_list_is_refused(value: JsonValue) -> None:
    with pytest.raises(InvalidInput, match=r"loops over .*; needed a list"):
        items_of("task 'loop'", value)


def test_a_loop_goes_over_a_list_or_a_text_of_one() -> None:
    assert items_of("it", [1.0, "a"]) == items_of("it", '[1.0, "a"]') == [1, "a"]


def test_pipeline_of_a_document() -> None:
    found = pipeline_of(document())

    assert found.name == "my-pipeline"
    assert [(step.name, step.title, step.after) for step in found.steps] == [
        ("a", "A step", ()),
        ("a_b", "A step", ("a",)),
    ]
    parameters = {p.name: p for p in found.parameters}
    assert [p.type for p in found.parameters] == ["int", "float", "str", "bool", "list", "dict"]
    assert parameters["rows"].is_required
    assert not parameters["dry"].is_required
    assert parameters["word"].choices == ("a", "b")
    assert parameters["sizes"].expression == "[1, 2.5, [3]]"
    assert found.ir == document().raw
    assert found.digest == pipeline_of(document()).digest


def test_names_are_ours_and_differ_where_they_were_shortened() -> None:
    long = "for-loop-1-" * 10

    assert name_of("Train_it 2") == "train_it-2"
    assert len(name_of(long)) == 63
    assert name_of(long) == name_of(long)
    assert name_of(long) != name_of(long + "x")
    assert name_of("---") == "pipeline"


def test_an_expression_that_is_not_understood_is_refused_with_its_place() -> None:
    raw = dict(document().raw)["pipeline_spec"]
    assert isinstance(raw, dict)
    text = json.dumps(raw).replace(
        '"taskInfo"', '"triggerPolicy": {"condition": "now() > 1"}, "taskInfo"', 1
    )

    with pytest.raises(InvalidInput) as refused:
        pipeline_of(load(text))

    assert refused.value.details["path"] == "root.dag.tasks['a'].triggerPolicy.condition"
    assert "'now' is no known function" in refused.value.message
