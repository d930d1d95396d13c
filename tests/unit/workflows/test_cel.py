"""Conditions and selectors: CEL's types, and nothing that is not known."""

import pytest

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.services.workflows import cel

INPUTS: dict[str, JsonValue] = {
    "inputs": {
        "parameter_values": {
            "num": 1,
            "rate": 0.5,
            "word": "foo",
            "yes": True,
            "items": [1, "a", {"b": 2.5}],
            "pipelinechannel--flip-Output": "heads",
        },
        "artifacts": {"model": {"artifacts": [{"metadata": {"accuracy": 0.95}}]}},
    }
}
P = "inputs.parameter_values"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # what the SDK's compiler emits
        (f"{P}['pipelinechannel--flip-Output'] == 'heads'", True),
        (f"!({P}['pipelinechannel--flip-Output'] == 'heads')", False),
        (f"int({P}['num']) == 1 && {P}['yes'] == true", True),
        (f"!({P}['yes'] == true) && int({P}['num']) > 0", False),
        (f"double(int({P}['num'])) < 1.5", True),
        (f"{P}['rate'] <= 0.5", True),
        # the cases of upstream's expression_test.go
        (f"{P}['num'] == 1", True),
        (f"{P}['word']=='foo' && {P}['num'] == 1.0", True),
        ("inputs.artifacts['model'].artifacts[0].metadata['accuracy']*100.0 > 90.0", True),
        ("inputs.artifacts['model'].artifacts[0].metadata['accuracy']*100.0 <= 90.0", False),
        # literals
        ("1", 1),
        ("-9223372036854775808", -(2**63)),
        ("0x1F", 31),
        (".5", 0.5),
        ("1e3", 1000),
        ("'it\\'s'", "it's"),
        ('"\\u00e9\\x41\\101\\n"', "\u00e9AA\n"),
        ("r'\\n'", "\\n"),
        ("'''a'b\n'''", "a'b\n"),
        ("null", None),
        ("[1, 'a', [true],]", [1, "a", [True]]),
        ("{'a': 1, 'b': {}}", {"a": 1, "b": {}}),
        # precedence and association
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 3 - 2", 5),
        ("-7 / 2", -3),
        ("-7 % 3", -1),
        ("7 % -3", 1),
        ("--5", 5),
        ("!!true", True),
        ("true || false && false", True),
        ("1 < 2 == true", True),
        ("false ? 1 : true ? 2 : 3", 2),
        # equality over types; no truthiness
        ("1 == 1.0", True),
        ("1 == '1'", False),
        ("true == 1", False),
        ("null == false", False),
        ("[1, 2] == [1.0, 2.0]", True),
        ("{'a': 1} == {'a': 1.0}", True),
        ("'a' != 'b'", True),
        ("false < true", True),
        ("'B' < 'a'", True),
        # an error beside a decisive operand does not matter
        (f"{P}['none'] == 1 || true", True),
        (f"false && {P}['none'] == 1", False),
        ("1 && false", False),
        # functions
        ("2 in [1, 2]", True),
        ("'a' in {'a': 1}", True),
        (f"'num' in {P}", True),
        (f"has({P}.num)", True),
        (f"has({P}.none)", False),
        ("size('h\u00e9') + size([1]) + size({}) + 'ab'.size()", 5),
        ("'abc'.startsWith('a') && 'abc'.endsWith('c') && 'abc'.contains('b')", True),
        ("int('-12') + int(2.9) + int(-2.9)", -12),
        ("double('1.5') + double(1)", 2.5),
        ("string(1) + string(1.0) + string(0.1) + string(true) + string('x')", "110.1truex"),
        ("string(1234567.0) + string(1e-7) + string(-1.5e300)", "1.234567e+061e-07-1.5e+300"),
        ("bool('true') || bool('f')", True),
        (f"{P}.items[0] == 1 && {P}['items'][2].b == 2.5", True),
        ('parseJson(\'{"a": [1, {"b": "c"}]}\').a[1][\'b\']', "c"),
        ("parseJson('3') == 3", True),
        ("'a' + 'b' + 'c' // a comment", "abc"),
        ("[1] + [2]", [1, 2]),
    ],
)
def test_value_of_an_expression(text: str, value: JsonValue) -> None:
    found = cel.compile(text, cel.CONDITION_NAMES).evaluate(INPUTS)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{P}['none'] == 1", "there is no key 'none'"),
        ("outputs.x", "there is no 'outputs' here"),
        ("1 + 1.0", "an int + a double: no such operation"),
        (f"{P}['num'] + 1", "a double + an int: no such operation"),
        ("1.5 % 2.0", "a double % a double"),
        ("1 < 'a'", "an int < a string"),
        ("true + true", "a bool + a bool"),
        ("'a' * 2", "a string * an int"),
        ("!1", "! cannot be applied to an int"),
        ("-'a'", "- cannot be applied to a string"),
        ("1 && true", "an int stands beside &&"),
        ("'a' || false", "a string stands beside ||"),
        ("1 ? 2 : 3", "an int stands before '?'"),
        ("1 / 0", "division by zero"),
        ("1 % 0", "division by zero"),
        ("1.0 / 0.0", "which is no number of JSON"),
        ("9223372036854775807 + 1", "out of the range of 64 bits"),
        ("int(1e30)", "out of the range of 64 bits"),
        ("int('1.5')", "no such conversion"),
        ("int(true)", "no such conversion"),
        ("double(' 1')", "no such conversion"),
        ("bool('yes')", "no such conversion"),
        ("string([1])", "no such conversion"),
        ("size(1)", "size() of an int: no such function"),
        ("[1][1]", "there is no item 1 in a list of 1"),
        ("[1][-1]", "there is no item"),
        ("'abc'[0]", "a string cannot be indexed"),
        ("'abc'.length", "a string has no field 'length'"),
        ("1 in 'abc'", "an int in a string"),
        ("parseJson('{')", "it is no JSON"),
        ("parseJson(1)", "parseJson() of an int"),
        ("{1: 2}", "needed a text"),
        ("{'a': 1, 'a': 2}", "twice"),
        ("has(inputs.none.x)", "there is no key 'none'"),
    ],
)
def test_what_cannot_be_evaluated_is_an_error(text: str, reason: str) -> None:
    expression = cel.compile(text, cel.CONDITION_NAMES)

    with pytest.raises(InvalidInput) as refused:
        expression.evaluate(INPUTS)

    assert reason in refused.value.message


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        ("1 +", 4),
        ("1 2", 3),
        ("a = 1", 3),
        ("unknown == 1", 1),
        ("inputs.x.matches('a*')", 10),
        ("now() > 1", 1),
        ("inputs.all(x, x > 1)", 8),
        ("size(1, 2)", 10),
        ("has(inputs)", 12),
        ("'open", 1),
        ("'two\nlines'", 1),
        ("'\\q'", 2),
        ("b'bytes'", 1),
        ("1u", 2),
        ("9223372036854775808", 1),
        ("!-1", 2),
        ("if", 1),
        ("inputs.", 8),
        ("inputs['a'", 11),
        ("(1", 3),
        ("1)", 2),
        ("{'a'}", 5),
        ("[,]", 2),
        ("__import__('os')", 1),
        ("lambda: 1", 1),
        ("1 if true else 2", 3),
        ("true and true", 6),
        ("\u00e9 == 1", 1),
        ("(" * 50 + "1" + ")" * 50, 33),
        (" + ".join(["1"] * 200), 403),
        ("1,2", 2),
    ],
)
def test_what_is_not_of_the_subset_is_refused_at_its_column(text: str, column: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        cel.compile(text, cel.CONDITION_NAMES)

    assert refused.value.details["column"] == column, refused.value.message


def test_a_condition_must_come_to_true_or_false() -> None:
    assert cel.condition_holds(f"{P}['a'] == 1", {"a": 1})
    with pytest.raises(InvalidInput, match="it comes to a string; needed true or false"):
        cel.condition_holds(f"{P}['a']", {"a": "x"})


@pytest.mark.parametrize(
    ("text", "value", "selected"),
    [
        ("string_value", "Hello", "Hello"),
        ("parseJson(string_value)[0]", "[1.1,1.2]", 1.1),
        ('parseJson(string_value)["a"]', {"a": 10, "b": 20}, 10),
        ('parseJson(string_value)["a"]', '{"a": [1, 2.5]}', [1, 2.5]),
        ("string_value", None, ""),
        ("struct_value.a", {"a": "A"}, "A"),
        ("list_value[1]", [1, 2], 2),
        ("number_value", 3, 3),
        ("size(string_value)", "abc", 3),
        ("bool_value", True, True),
        ("string_value", True, "true"),
    ],
)
def test_a_selector_selects(text: str, value: JsonValue, selected: JsonValue) -> None:
    assert cel.select(text, value) == selected


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ("parseJson(string_value)", "invalidjson", "it is no JSON"),
        ("struct_value", "Hello", "there is no 'struct_value' here"),
        ("struct_value.c", {"a": 1}, "there is no key 'c'"),
        ("inputs", "a", "'inputs' is no known name"),
    ],
)
def test_a_selector_that_finds_nothing_is_an_error(
    text: str, value: JsonValue, reason: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        cel.select(text, value)

    assert reason in refused.value.message
