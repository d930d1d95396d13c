import ast

import pytest

from jupyter_mlplat.compiler.parameters import read_parameters
from jupyter_mlplat.resources.base import JsonValue


@pytest.mark.parametrize(
    ("line", "choices", "help"),
    [
        ("kind: Literal['a', 'b'] = 'a'  # which", ("a", "b"), "which"),
        ("kind: typing.Literal[1, 2, None] = 2", (1, 2, None), ""),
        ("kind: Literal['a'] = 'a'", ("a",), ""),
        ("kind = 'a'  # @param ['a', 'b']", ("a", "b"), ""),
        ("kind = 'a'  # @param {type: 'string'}", (), ""),
        ("kind: Literal['b'] = 'a'", (), ""),
        ("kind: Literal[X] = 'a'", (), ""),
        ("kind: str = 'a'  # ['a', 'b']", (), "['a', 'b']"),
    ],
)
def test_choices_are_read_from_a_literal_or_a_form(
    line: str, choices: tuple[JsonValue, ...], help: str
) -> None:
    (parameter,), rest = read_parameters(line, ast.parse(line))

    assert (parameter.choices, parameter.help, rest) == (choices, help, [])
