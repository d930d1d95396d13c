"""Random expressions, written and reckoned at once: the oracle knows no parser and no tokens."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.services.workflows import cel

ERROR = object()
Drawn = tuple[str, Any]
"""An expression as text, brackets around every operation, and what it comes to."""

INTS = st.integers(-(2**63), 2**63 - 1) | st.integers(-9, 9)
DOUBLES = st.floats(allow_nan=False, allow_infinity=False, width=32)
WORDS = st.text(st.sampled_from("ab'\"\\\n\u00e9{$ "), max_size=4)


def quoted(text: str) -> str:
    inner = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{inner}'"


def double(number: float) -> str:
    text = repr(number)
    return text if "." in text or "e" in text else text + ".0"


LITERALS: st.SearchStrategy[Drawn] = st.one_of(
    INTS.map(lambda n: (str(n), n)),
    DOUBLES.map(lambda n: (double(n), n)),
    WORDS.map(lambda w: (quoted(w), w)),
    st.booleans().map(lambda b: (str(b).lower(), b)),
    st.just(("null", None)),
)


def kind(value: Any) -> type | None:
    return None if value is ERROR else type(value)


def in_range(number: int) -> Any:
    return number if -(2**63) <= number < 2**63 else ERROR


def reckon(sign: str, left: Any, right: Any) -> Any:
    kinds = (kind(left), kind(right))
    numbers = all(k in (int, float) for k in kinds)
    if sign in ("==", "!="):
        same = left == right if numbers or kinds[0] is kinds[1] else False
        return same is (sign == "==")
    if sign in ("<", "<=", ">", ">="):
        if not numbers and (kinds[0] is not kinds[1] or kinds[0] not in (str, bool)):
            return ERROR
        table: dict[str, Callable[[], bool]] = {
            "<": lambda: left < right,
            "<=": lambda: left <= right,
            ">": lambda: left > right,
            ">=": lambda: left >= right,
        }
        return table[sign]()
    if kinds == (str, str):
        return left + right if sign == "+" else ERROR
    if kinds == (float, float) and sign != "%":
        if sign == "/":
            if right != 0:
                return left / right
            if left == 0 or math.isnan(left):
                return math.nan
            return math.copysign(math.inf, left) * math.copysign(1, right)
        return {"+": left + right, "-": left - right, "*": left * right}[sign]
    if kinds == (int, int):
        if sign in "/%":
            if right == 0:
                return ERROR
            quotient = int(math.copysign(1, left) * math.copysign(1, right)) * (
                abs(left) // abs(right)
            )
            return in_range(quotient) if sign == "/" else left - quotient * right
        return in_range({"+": left + right, "-": left - right, "*": left * right}[sign])
    return ERROR


def operation(sign: str, left: Drawn, right: Drawn) -> Drawn:
    text = f"({left[0]} {sign} {right[0]})"
    if sign in ("&&", "||"):
        decisive = sign == "||"
        if left[1] is decisive or right[1] is decisive:
            return text, decisive
        is_fine = left[1] is (not decisive) and right[1] is (not decisive)
        return text, (not decisive) if is_fine else ERROR
    if left[1] is ERROR or right[1] is ERROR:
        return text, ERROR
    return text, reckon(sign, left[1], right[1])


def negation(operand: Drawn) -> Drawn:
    return f"!({operand[0]})", not operand[1] if isinstance(operand[1], bool) else ERROR


def choice(condition: Drawn, then: Drawn, otherwise: Drawn) -> Drawn:
    text = f"(({condition[0]}) ? ({then[0]}) : ({otherwise[0]}))"
    if not isinstance(condition[1], bool):
        return text, ERROR
    return text, then[1] if condition[1] else otherwise[1]


def member(item: Drawn, others: list[Drawn]) -> Drawn:
    text = f"({item[0]} in [{', '.join(text for text, _ in others)}])"
    if item[1] is ERROR or any(value is ERROR for _, value in others):
        return text, ERROR
    return text, any(reckon("==", item[1], value) for _, value in others)


SIGNS = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "&&", "||"])
EXPRESSIONS: st.SearchStrategy[Drawn] = st.recursive(
    LITERALS,
    lambda inner: st.one_of(
        st.builds(operation, SIGNS, inner, inner),
        st.builds(negation, inner),
        st.builds(choice, inner, inner, inner),
        st.builds(member, inner, st.lists(inner, max_size=3)),
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS)
def test_an_expression_comes_to_what_it_was_made_to_come_to(drawn: Drawn) -> None:
    text, expected = drawn
    if isinstance(expected, float) and not math.isfinite(expected):
        expected = ERROR
    expression = cel.compile(text)

    if expected is ERROR:
        with pytest.raises(InvalidInput):
            expression.evaluate({})
    else:
        found = expression.evaluate({})
        assert found == expected
        assert isinstance(found, bool) == isinstance(expected, bool)


LEVELS = [["||"], ["&&"], ["==", "!=", "<", ">="], ["+", "-"], ["*", "/", "%"]]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_without_brackets_the_stronger_operator_binds_first(data: st.DataObject) -> None:
    def chain(level: int) -> tuple[str, str]:
        """Return the same expression without and with all its brackets."""
        if level == len(LEVELS):
            literal, _ = data.draw(LITERALS)
            return literal, literal
        bare, full = chain(level + 1)
        for _ in range(data.draw(st.integers(0, 1))):
            sign = data.draw(st.sampled_from(LEVELS[level]))
            right, right_full = chain(level + 1)
            bare, full = f"{bare} {sign} {right}", f"({full} {sign} {right_full})"
        return bare, full

    def outcome(text: str) -> object:
        try:
            return cel.compile(text).evaluate({})
        except InvalidInput:
            return ERROR

    bare, full = chain(0)
    assert outcome(bare) == outcome(full)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab1.0'\"\\[](){}!&|=<>+-*/%?:, \n_$intrue"), max_size=30))
def test_no_text_does_anything_but_compile_or_be_refused(text: str) -> None:
    try:
        expression = cel.compile(text)
        expression.evaluate({})
    except InvalidInput as refused:
        assert refused.message  # noqa: PT017  any other exception fails the test
