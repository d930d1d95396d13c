"""Conditions and selectors of KFP pipelines: a strict subset of the Common Expression Language.

Understood: literals, lists, maps, names, `.field`, `[index]`, the operators `! - * / % +`,
`< <= > >= == != in`, `&& ||` and `?:`, `has()`, `size()`, conversions `int() double() string()
bool()`, `startsWith()`, `endsWith()`, `contains()`, and KFP's own `parseJson()`. Refused:
everything else, at its place.

Types are CEL's: nothing is true but `true`, an integer and a double do not add up, an overflow is
an error. Numbers that come in with names, or out of `parseJson`, are doubles, as in a
`google.protobuf.Value`.

Source:
    https://github.com/google/cel-spec/blob/master/doc/langdef.md, and
    backend/src/v2/expression/expression.go of kubeflow/pipelines.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn, TypeAlias, TypeGuard, TypeVar

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kfp.reading import parse_json
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.services.workflows.values import normal, text_of

CONDITION_NAMES = frozenset({"inputs", "outputs"})
"""What a condition may name: the fields of `ExecutorInput`."""
SELECTOR_NAMES = frozenset(
    {"string_value", "number_value", "bool_value", "null_value", "list_value", "struct_value"}
)
"""What a selector may name: the fields of `google.protobuf.Value`."""

_MAX_TOKENS = 5_000
_MAX_DEPTH = 32
"""Brackets in brackets; the CEL specification asks for twelve."""
_MAX_CHAIN = 100
"""Operators or fields in a row, but for && and ||."""
_MIN_INT, _MAX_INT = -(2**63), 2**63 - 1

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*)
  | (?P<float>[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)
  | (?P<int>0[xX][0-9a-fA-F]+|[0-9]+)
  | (?P<string>[rR]?(?:'''(?s:(?:\\.|[^\\])*?)'''|\"\"\"(?s:(?:\\.|[^\\])*?)\"\"\"
               |'(?:\\.|[^'\\\r\n])*'|"(?:\\.|[^"\\\r\n])*"))
  | (?P<name>[_a-zA-Z][_a-zA-Z0-9]*)
  | (?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%!<>?:.,()\[\]{}])
    """,
    re.VERBOSE,
)
T = TypeVar("T")

_RESERVED = re.compile(
    "as|break|const|continue|else|for|function|if|import|in|let|loop|namespace|package|return|"
    "var|void|while"
)
_RELATIONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))", re.DOTALL
)
_ESCAPES = dict(zip("abfnrtv\\?\"'`", "\a\b\f\n\r\t\v\\?\"'`", strict=True))

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
"""A value while it is reckoned with: `int` is CEL's int, `float` its double."""


class _Failed(Exception):
    """An evaluation came to an error; `&&`, `||` may still do without it."""


@dataclass(frozen=True, slots=True)
class _Literal:
    value: Value


@dataclass(frozen=True, slots=True)
class _Name:
    name: str


@dataclass(frozen=True, slots=True)
class _Field:
    target: "_Node"
    name: str


@dataclass(frozen=True, slots=True)
class _Index:
    target: "_Node"
    index: "_Node"


@dataclass(frozen=True, slots=True)
class _Call:
    function: str
    arguments: "tuple[_Node, ...]"


@dataclass(frozen=True, slots=True)
class _Unary:
    sign: str
    operand: "_Node"


@dataclass(frozen=True, slots=True)
class _Binary:
    sign: str
    left: "_Node"
    right: "_Node"


@dataclass(frozen=True, slots=True)
class _Logic:
    """`&&` or `||` over all its operands; the order does not matter."""

    sign: str
    operands: "tuple[_Node, ...]"


@dataclass(frozen=True, slots=True)
class _Choice:
    condition: "_Node"
    then: "_Node"
    otherwise: "_Node"


@dataclass(frozen=True, slots=True)
class _List:
    items: "tuple[_Node, ...]"


@dataclass(frozen=True, slots=True)
class _Map:
    entries: "tuple[tuple[_Node, _Node], ...]"


_Operation: TypeAlias = "_Unary | _Binary | _Logic | _Choice"
_Node: TypeAlias = "_Literal | _Name | _Field | _Index | _Call | _Operation | _List | _Map"


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression."""

    text: str
    root: _Node

    def evaluate(self, names: Mapping[str, JsonValue]) -> JsonValue:
        """Return what the expression comes to.

        Args:
            names: What it may name, as JSON values.

        Raises:
            InvalidInput: A key is missing, types do not go together, a number is out of range …
        """
        try:
            given = {name: _double(value) for name, value in names.items()}
            return normal(_finite(_evaluate(self.root, given)))
        except _Failed as failed:
            raise InvalidInput(f"Cannot evaluate {_shown(self.text)}: {failed}.") from failed
        except RecursionError as error:
            raise InvalidInput(
                f"Cannot evaluate {_shown(self.text)}: it is nested too deeply."
            ) from error

    def holds(self, names: Mapping[str, JsonValue]) -> bool:
        """Return whether a condition holds.

        Raises:
            InvalidInput: As `evaluate`, or it comes to something else than true or false.
        """
        value = self.evaluate(names)
        if not isinstance(value, bool):
            raise InvalidInput(
                f"Cannot evaluate {_shown(self.text)}: it comes to {_kind(value)}; "
                "needed true or false."
            )
        return value


def compile(text: str, names: frozenset[str] | None = None) -> Expression:
    """Compile an expression.

    Args:
        text: The expression.
        names: What it may name; None: anything.

    Raises:
        InvalidInput: It is no expression of the subset; the message has the column.
    """
    return Expression(text, _Parser(text, names).parse())


def condition_holds(
    text: str,
    parameters: Mapping[str, JsonValue],
    artifacts: Mapping[str, JsonValue] | None = None,
) -> bool:
    """Return whether a task's `triggerPolicy.condition` holds for its inputs.

    Args:
        text: The condition.
        parameters: Input parameters of the task by name.
        artifacts: Input artifacts by name: `{"artifacts": [{"uri": …, "metadata": {…}}]}` each.

    Raises:
        InvalidInput: It is no expression, or cannot be evaluated.
    """
    inputs: JsonValue = {
        "parameter_values": dict(parameters),
        "artifacts": dict(artifacts or {}),
    }
    return compile(text, CONDITION_NAMES).holds({"inputs": inputs})


def select(text: str, value: JsonValue) -> JsonValue:
    """Return what a `parameterExpressionSelector` selects from a parameter's value.

    Raises:
        InvalidInput: It is no expression, or cannot be evaluated for this value.
    """
    names: dict[str, JsonValue] = {"string_value": text_of(value)}
    match value:
        case bool():
            names["bool_value"] = value
        case int() | float():
            names["number_value"] = value
        case list():
            names["list_value"] = value
        case dict():
            names["struct_value"] = value
        case None:
            names["null_value"] = value
    return compile(text, SELECTOR_NAMES).evaluate(names)


class _Parser:
    """Recursive descent over CEL's grammar; what it does not know is refused where it stands."""

    def __init__(self, text: str, names: frozenset[str] | None) -> None:
        self.text = text
        self.names = names
        self.tokens = self._split()
        self.position = 0
        self.depth = 0

    def parse(self) -> _Node:
        node = self._expression()
        if self._kind() != "end":
            self._refuse("is not expected here")
        return node

    def _split(self) -> list[tuple[str, str, int]]:
        tokens, at = [], 0
        while at < len(self.text):
            found = _TOKEN.match(self.text, at)
            if found is None or found.lastgroup is None:
                raise self._fault(at, f"{self.text[at]!r} is not understood")
            if found.lastgroup != "space":
                tokens.append((found.lastgroup, found[0], at))
            at = found.end()
            if len(tokens) > _MAX_TOKENS:
                raise self._fault(at, f"it has more than {_MAX_TOKENS} words and signs")
        return [*tokens, ("end", "the end", len(self.text))]

    def _kind(self) -> str:
        return self.tokens[self.position][0]

    def _next(self) -> tuple[str, str, int]:
        token = self.tokens[self.position]
        self.position += token[0] != "end"
        return token

    def _is(self, sign: str) -> bool:
        kind, text, _ = self.tokens[self.position]
        return kind in ("sign", "name") and text == sign

    def _take(self, sign: str) -> bool:
        found = self._is(sign)
        self.position += found
        return found

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            self._refuse(f"stands where {sign!r} is needed")

    def _refuse(self, what: str) -> NoReturn:
        kind, text, at = self.tokens[self.position]
        raise self._fault(at, f"{text if kind == 'end' else repr(text)} {what}")

    def _fault(self, at: int, what: str) -> InvalidInput:
        return InvalidInput(
            f"Cannot understand the expression {_shown(self.text)}: {what} (column {at + 1}).",
            column=at + 1,
        )

    def _expression(self) -> _Node:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            self._refuse(f"is nested deeper than {_MAX_DEPTH} levels")
        node = self._logic("||", lambda: self._logic("&&", self._relation))
        if self._take("?"):
            then = self._logic("||", lambda: self._logic("&&", self._relation))
            self._need(":")
            node = _Choice(node, then, self._expression())
        self.depth -= 1
        return node

    def _logic(self, sign: str, operand: Callable[[], _Node]) -> _Node:
        operands = [operand()]
        while self._take(sign):
            operands.append(operand())
        return operands[0] if len(operands) == 1 else _Logic(sign, tuple(operands))

    def _relation(self) -> _Node:
        return self._chain(_RELATIONS, self._sum)

    def _sum(self) -> _Node:
        return self._chain(frozenset("+-"), self._product)

    def _product(self) -> _Node:
        return self._chain(frozenset("*/%"), self._unary)

    def _chain(self, signs: frozenset[str], operand: Callable[[], _Node]) -> _Node:
        node, length = operand(), 0
        while self.tokens[self.position][0] in ("sign", "name") and (
            self.tokens[self.position][1] in signs
        ):
            length += 1
            if length > _MAX_CHAIN:
                self._refuse(f"is one of more than {_MAX_CHAIN} operators in a row")
            _, sign, _ = self._next()
            node = _Binary(sign, node, operand())
        return node

    def _unary(self) -> _Node:
        signs: list[str] = []
        while self._is("!") or self._is("-"):
            signs.append(self._next()[1])
            if signs[0] != signs[-1]:
                self.position -= 1
                self._refuse("cannot follow another sign")
            if len(signs) > _MAX_CHAIN:
                self._refuse(f"is one of more than {_MAX_CHAIN} signs in a row")
        if signs[-1:] == ["-"] and self._kind() in ("int", "float"):
            signs.pop()
            node = self._member(self._number(-1))
        else:
            node = self._member(self._primary())
        for sign in signs:
            node = _Unary(sign, node)
        return node

    def _number(self, factor: int) -> _Node:
        kind, text, at = self._next()
        if self._kind() == "name" and self.tokens[self.position][2] == at + len(text):
            self._refuse("directly behind a number is not understood")
        if kind == "float":
            return _Literal(factor * float(text))
        number = factor * int(text, 16 if text[:2] in ("0x", "0X") else 10)
        if not _MIN_INT <= number <= _MAX_INT:
            raise self._fault(at, f"{text} is no number of 64 bits")
        return _Literal(number)

    def _member(self, node: _Node) -> _Node:
        for _ in range(_MAX_CHAIN):
            if self._take("."):
                if self._kind() != "name":
                    self._refuse("is no name of a field")
                _, name, _ = self._next()
                node = self._method(node, name) if self._is("(") else _Field(node, name)
            elif self._take("["):
                node = _Index(node, self._expression())
                self._need("]")
            else:
                return node
        self._refuse(f"follows more than {_MAX_CHAIN} fields")

    def _method(self, target: _Node, name: str) -> _Node:
        if name not in _METHODS:
            self.position -= 1
            self._refuse(f"is no known method; there are {', '.join(sorted(_METHODS))}")
        return _Call(name, (target, *self._arguments(name, _METHODS[name])))

    def _primary(self) -> _Node:
        kind, text, at = self.tokens[self.position]
        match kind:
            case "int" | "float":
                return self._number(1)
            case "string":
                self._next()
                return _Literal(self._string(text, at))
            case "name":
                return self._named(text)
        if self._take("("):
            node = self._expression()
            self._need(")")
            return node
        if self._take("["):
            return _List(tuple(self._items("]", self._expression)))
        if self._take("{"):
            return _Map(tuple(self._items("}", self._entry)))
        self._refuse("stands where a value is needed")

    def _named(self, text: str) -> _Node:
        if text in ("true", "false", "null"):
            self._next()
            return _Literal(None if text == "null" else text == "true")
        if _RESERVED.fullmatch(text):
            self._refuse("is a reserved word")
        follows = self.tokens[self.position + 1]
        if follows[1] == "(" and follows[0] == "sign":
            if text not in _FUNCTIONS:
                self._refuse(f"is no known function; there are {', '.join(sorted(_FUNCTIONS))}")
            self._next()
            arguments = self._arguments(text, 1)
            if text == "has" and not isinstance(arguments[0], _Field):
                self._refuse("ends a has() of something that is no field")
            return _Call(text, tuple(arguments))
        if follows[0] == "string" and follows[2] == self.tokens[self.position][2] + len(text):
            self._refuse("before a text is not understood")
        if self.names is not None and text not in self.names:
            self._refuse(f"is no known name; there are {', '.join(sorted(self.names))}")
        self._next()
        return _Name(text)

    def _arguments(self, name: str, count: int) -> Sequence[_Node]:
        self._need("(")
        found = self._items(")", self._expression)
        if len(found) != count:
            self.position -= 1
            self._refuse(f"ends {name}() with {len(found)} arguments; it takes {count}")
        return found

    def _entry(self) -> tuple[_Node, _Node]:
        key = self._expression()
        self._need(":")
        return key, self._expression()

    def _items(self, end: str, item: Callable[[], T]) -> list[T]:
        found: list[T] = []
        while not self._take(end):
            if found:
                self._need(",")
                if self._take(end):
                    break
            found.append(item())
        return found

    def _string(self, text: str, at: int) -> str:
        is_raw = text[0] in "rR"
        body = text[1:] if is_raw else text
        quotes = 3 if body[:3] in ("'''", '"""') and len(body) >= 6 else 1
        body = body[quotes:-quotes]
        if is_raw:
            return body

        def unescape(found: re.Match[str]) -> str:
            digits = found[1] or found[2] or found[3]
            code = int(digits, 16) if digits else int(found[4], 8) if found[4] else None
            if code is not None and code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF:
                return chr(code)
            if found[5] in _ESCAPES:
                return _ESCAPES[found[5]]
            raise self._fault(at + quotes + found.start(), f"{found[0]!r} is no known escape")

        return _ESCAPE.sub(unescape, body)


def _evaluate(node: _Node, names: Mapping[str, Value]) -> Value:
    match node:
        case _Literal(value):
            return value
        case _Name(name):
            if name not in names:
                raise _Failed(f"there is no {name!r} here")
            return names[name]
        case _Field(target, name):
            return _field(_evaluate(target, names), name)
        case _Index(target, index):
            return _item(_evaluate(target, names), _evaluate(index, names))
        case _Call("has", (_Field(target, name),)):
            found = _evaluate(target, names)
            if not isinstance(found, dict):
                raise _Failed(f"has() looks for field {name!r} in {_kind(found)}")
            return name in found
        case _Call(function, arguments):
            return _call(function, [_evaluate(argument, names) for argument in arguments])
        case _Unary(sign, operand):
            return _unary(sign, _evaluate(operand, names))
        case _Binary(sign, left, right):
            return _binary(sign, _evaluate(left, names), _evaluate(right, names))
        case _Logic(sign, operands):
            return _logic(sign == "||", operands, names)
        case _Choice(condition, then, otherwise):
            chosen = _evaluate(condition, names)
            if not isinstance(chosen, bool):
                raise _Failed(f"{_kind(chosen)} stands before '?'; needed true or false")
            return _evaluate(then if chosen else otherwise, names)
        case _List(items):
            return [_evaluate(item, names) for item in items]
        case _Map(entries):
            made: dict[str, Value] = {}
            for key_node, value_node in entries:
                key = _evaluate(key_node, names)
                if not isinstance(key, str):
                    raise _Failed(f"{_kind(key)} is a key of a map; needed a text")
                if key in made:
                    raise _Failed(f"the key {key!r} stands in a map twice")
                made[key] = _evaluate(value_node, names)
            return made


def _field(target: Value, name: str) -> Value:
    if not isinstance(target, dict):
        raise _Failed(f"{_kind(target)} has no field {name!r}")
    if name not in target:
        raise _Failed(f"there is no key {name!r}")
    return target[name]


def _item(target: Value, index: Value) -> Value:
    if isinstance(target, dict) and isinstance(index, str):
        return _field(target, index)
    if isinstance(target, list) and _is_number(index):
        if index != math.floor(index) or not 0 <= index < len(target):
            raise _Failed(f"there is no item {index} in a list of {len(target)}")
        return target[int(index)]
    raise _Failed(f"{_kind(target)} cannot be indexed with {_kind(index)}")


def _logic(decisive: bool, operands: Sequence[_Node], names: Mapping[str, Value]) -> bool:
    """One decisive operand decides, whatever the others are: an error, or no truth value."""
    failed: _Failed | None = None
    for operand in operands:
        try:
            value = _evaluate(operand, names)
            if not isinstance(value, bool):
                sign = "||" if decisive else "&&"
                raise _Failed(f"{_kind(value)} stands beside {sign}; needed true or false")
        except _Failed as error:
            failed = failed or error
        else:
            if value is decisive:
                return decisive
    if failed is not None:
        raise failed
    return not decisive


def _unary(sign: str, value: Value) -> Value:
    if sign == "!" and isinstance(value, bool):
        return not value
    if sign == "-" and _is_number(value):
        return -value if isinstance(value, float) else _in_range(-value)
    raise _Failed(f"{sign} cannot be applied to {_kind(value)}")


def _binary(sign: str, left: Value, right: Value) -> Value:
    match sign:
        case "==":
            return _equal(left, right)
        case "!=":
            return not _equal(left, right)
        case "in":
            if isinstance(right, list):
                return any(_equal(left, item) for item in right)
            if isinstance(right, dict) and isinstance(left, str):
                return left in right
        case "<" | "<=" | ">" | ">=":
            if _is_number(left) and _is_number(right):
                return _ordered(sign, left, right)
            if isinstance(left, str) and isinstance(right, str):
                return _ordered(sign, left, right)
            if isinstance(left, bool) and isinstance(right, bool):
                return _ordered(sign, int(left), int(right))
        case _:
            if _is_int(left) and _is_int(right):
                return _in_range(_of_ints(sign, left, right))
            if isinstance(left, float) and isinstance(right, float) and sign != "%":
                return _of_doubles(sign, left, right)
            if sign == "+" and isinstance(left, str) and isinstance(right, str):
                return left + right
            if sign == "+" and isinstance(left, list) and isinstance(right, list):
                return [*left, *right]
    raise _Failed(f"{_kind(left)} {sign} {_kind(right)}: no such operation")


def _ordered(sign: str, left: object, right: object) -> bool:
    less: bool = left < right  # type: ignore[operator]
    more: bool = left > right  # type: ignore[operator]
    same = left == right
    return {"<": less, "<=": less or same, ">": more, ">=": more or same}[sign]


def _of_ints(sign: str, left: int, right: int) -> int:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    if right == 0:
        raise _Failed("division by zero")
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    return quotient if sign == "/" else left - quotient * right


def _of_doubles(sign: str, left: float, right: float) -> float:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    if right != 0:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def _equal(left: Value, right: Value) -> bool:
    if _is_number(left) and _is_number(right):
        return left == right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[k], right[k]) for k in left)
    return type(left) is type(right) and left == right


def _call(function: str, arguments: Sequence[Value]) -> Value:
    match function, arguments:
        case "size", [str() | list() | dict() as value]:
            return len(value)
        case "startsWith", [str() as text, str() as part]:
            return text.startswith(part)
        case "endsWith", [str() as text, str() as part]:
            return text.endswith(part)
        case "contains", [str() as text, str() as part]:
            return part in text
        case "parseJson", [str() as text]:
            return _parse_json(text)
        case "int" | "double" | "string" | "bool", [value]:
            return _convert(function, value)
    kinds = ", ".join(map(_kind, arguments))
    raise _Failed(f"{function}() of {kinds}: no such function")


def _parse_json(text: str) -> Value:
    try:
        return _double(parse_json(text))
    except ValueError as error:
        raise _Failed(f"parseJson() of {_shown(text)}: it is no JSON ({error})") from error


_TRUTHS = {
    **dict.fromkeys(("true", "True", "TRUE", "t", "T", "1"), True),
    **dict.fromkeys(("false", "False", "FALSE", "f", "F", "0"), False),
}


def _convert(function: str, value: Value) -> Value:
    match function, value:
        case "bool", bool():
            return value
        case "bool", str() if value in _TRUTHS:
            return _TRUTHS[value]
        case "string", bool():
            return "true" if value else "false"
        case "string", str():
            return value
        case "string", int():
            return str(value)
        case "string", float():
            return _text_of_double(value)
        case "int", int() | float() if _is_number(value) and math.isfinite(value):
            return _in_range(math.trunc(value))
        case "int", str() if re.fullmatch(r"[+-]?[0-9]{1,30}", value):
            return _in_range(int(value))
        case "double", int() | float() if _is_number(value):
            return float(value)
        case "double", str():
            try:
                return float(value) if "_" not in value and value == value.strip() else 1 / 0
            except (ValueError, ZeroDivisionError):
                pass
    raise _Failed(f"{function}() of {_kind(value)} {_shown(json.dumps(value))}: no such conversion")


def _text_of_double(value: float) -> str:
    """As Go's strconv.FormatFloat(value, 'g', -1, 64), which cel-go uses."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    if 1e-4 <= abs(value) < 1e6:
        return text_of(value)
    digits, _, exponent = f"{Decimal(repr(value)).normalize():e}".partition("e")
    return f"{digits}e{int(exponent):+03d}"


def _in_range(number: int) -> int:
    if not _MIN_INT <= number <= _MAX_INT:
        raise _Failed("a number is out of the range of 64 bits")
    return number


def _is_int(value: Value) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Value) -> TypeGuard[int | float]:
    return isinstance(value, float) or _is_int(value)


def _finite(value: Value) -> JsonValue:
    if isinstance(value, float) and not math.isfinite(value):
        raise _Failed(f"it comes to {value}, which is no number of JSON")
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return value


def _double(value: JsonValue) -> Value:
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, list):
        return [_double(item) for item in value]
    if isinstance(value, dict):
        return {key: _double(item) for key, item in value.items()}
    return value


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a bool"
        case int():
            return "an int"
        case float():
            return "a double"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "a map"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 100 else text[:99] + "…")


_FUNCTIONS = frozenset({"int", "double", "string", "bool", "size", "has", "parseJson"})
_METHODS: Mapping[str, int] = {"startsWith": 1, "endsWith": 1, "contains": 1, "size": 0}
