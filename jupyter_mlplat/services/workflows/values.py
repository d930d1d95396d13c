"""Parameters of a KFP pipeline: their types, defaults, and how one type becomes another.

In the IR every number is a double: one without a fraction is an integer here, inside lists and
structs as well, so that code that was promised `int` finds an `int`. A parameter that is not set is
absent; so is one that was given as null, for `Optional[int]` cannot tell them apart either.
"""

import json
import math
import re
from collections.abc import Collection, Mapping

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kfp.document import Document
from jupyter_mlplat.formats.kfp.reading import parse_json
from jupyter_mlplat.formats.kfp.spec import InputParameter, ParameterType
from jupyter_mlplat.resources.base import JsonValue

_TRUE = frozenset({"true", "t", "1"})
_FALSE = frozenset({"false", "f", "0"})
_WHOLE = re.compile(r"[+-]?[0-9]+")
_EXACT = 2.0**53
"""Up to here a double tells every integer from the next."""

_NEEDED: Mapping[ParameterType, str] = {
    ParameterType.NUMBER_DOUBLE: "a number",
    ParameterType.NUMBER_INTEGER: "a whole number",
    ParameterType.STRING: "a text",
    ParameterType.BOOLEAN: "true or false",
    ParameterType.LIST: "a list",
    ParameterType.STRUCT: "an object",
    ParameterType.TASK_FINAL_STATUS: "an object",
    ParameterType.TASK_CONFIG: "an object",
}


def arguments(document: Document, given: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the parameters a pipeline starts with: what a user gave, else its defaults.

    Texts are understood where another type is needed ("3", "true", "[1, 2]"). What is absent in the
    result was neither given nor has a default.

    Raises:
        InvalidInput: A parameter is unknown, missing, of another type or none of the choices; or
            the pipeline needs an artifact, which no run can be given.
    """
    for name, artifact in document.root.input_definitions.artifacts.items():
        if not artifact.is_optional:
            raise InvalidInput(
                f"Cannot run {document.name!r}: it needs an artifact as input {name!r}, and a run "
                "is given parameters only. Import the artifact inside the pipeline "
                "(kfp.dsl.importer), or use it inside another pipeline.",
                artifact=name,
            )
    known = document.root.input_definitions.parameters
    values = {**document.given, **given}
    for name in values:
        if name not in known:
            has = f"It has {', '.join(map(repr, sorted(known)))}." if known else "It has none."
            raise InvalidInput(
                f"Cannot run {document.name!r}: {name!r} is not one of its parameters. {has}",
                parameter=name,
            )
    result: dict[str, JsonValue] = {}
    for name, definition in known.items():
        what = f"Cannot run {document.name!r}: parameter {name!r}"
        value = values.get(name, definition.default_value)
        if value is not None:
            result[name] = checked(what, definition, value, from_user=True)
        elif definition.is_required:
            raise InvalidInput(
                f"{what} is missing: it has no default. Needed {_NEEDED[definition.kind]}.",
                parameter=name,
            )
    return result


def settled(
    what: str,
    definitions: Mapping[str, InputParameter],
    values: Mapping[str, JsonValue],
    *,
    but: Collection[str] = (),
) -> dict[str, JsonValue]:
    """Return what a task is given, each value as the component's definition wants it.

    Values the component does not define are kept: constants refer to them. Defaults are not filled
    in, see `with_defaults`.

    Args:
        what: For messages: "task 'train'".
        definitions: The component's input parameters.
        values: What the task's inputs came to.
        but: Inputs that are not looked for: the item of a loop while it has not begun.

    Raises:
        InvalidInput: A required one is missing, or one is of another type or none of the choices.
    """
    result: dict[str, JsonValue] = {}
    for name, value in values.items():
        definition = definitions.get(name)
        if definition is None or name in but:
            result[name] = normal(value)
        elif value is not None:
            result[name] = checked(f"{what}: input parameter {name!r}", definition, value)
    for name, definition in definitions.items():
        is_ours = definition.kind is ParameterType.TASK_CONFIG
        if name not in result and name not in but and definition.is_required and not is_ours:
            raise InvalidInput(
                f"{what}: input parameter {name!r} has neither a value nor a default. "
                f"Needed {_NEEDED[definition.kind]}.",
                parameter=name,
            )
    return result


def with_defaults(
    definitions: Mapping[str, InputParameter], values: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """Return values, and the defaults of those that are absent."""
    result = dict(values)
    for name, definition in definitions.items():
        default = definition.default_value
        if name not in result and default is not None:
            if isinstance(default, str):  # older compilers wrote any default as a text
                default = value_of_text(f"default of {name!r}", default, definition.kind)
            result[name] = normal(default)
    return result


def checked(
    what: str, definition: InputParameter, value: JsonValue, *, from_user: bool = False
) -> JsonValue:
    """Return a value as its definition wants it.

    Between tasks anything may become a text and nothing else changes its type; what a user wrote is
    read as the type that is needed.

    Raises:
        InvalidInput: It is of another type, or none of the definition's literals.
    """
    kind = definition.kind
    result = normal(value)
    if kind is ParameterType.STRING:
        result = text_of(result)
    elif from_user and isinstance(result, str):
        result = value_of_text(what, result, kind)
    elif not _fits(kind, result):
        raise _mistyped(what, kind, value)
    if definition.literals and result not in [normal(literal) for literal in definition.literals]:
        choices = ", ".join(json.dumps(literal) for literal in definition.literals)
        raise InvalidInput(f"{what} is {json.dumps(result)}; it must be one of {choices}.")
    return result


def normal(value: JsonValue) -> JsonValue:
    """Return a value with its integral doubles as integers, at every depth."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    if isinstance(value, list):
        return [normal(item) for item in value]
    if isinstance(value, dict):
        return {key: normal(item) for key, item in value.items()}
    return value


def text_of(value: JsonValue) -> str:
    """Return a value as the text that stands for it in a command, a text parameter or a selector.

    Source:
        `PbValueToText` in upstream's backend/src/v2/metadata/converter.go.
    """
    value = normal(value)
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _plain(value)
        case _:
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _plain(number: float) -> str:
    """Without an exponent, the fewest digits that read back as the same number."""
    text = repr(number)
    if "e" not in text:
        return text
    digits, exponent = text.removeprefix("-").split("e")
    whole, _, fraction = digits.partition(".")
    point = len(whole) + int(exponent)
    digits = whole + fraction
    if point <= 0:
        digits, point = "0" * (1 - point) + digits, 1
    digits = digits.ljust(point, "0")
    text = digits[:point] + ("." + digits[point:] if digits[point:] else "")
    return "-" + text if number < 0 else text


def value_of_text(what: str, text: str, kind: ParameterType) -> JsonValue:
    """Return what a text stands for: an output parameter's file, or what a user typed.

    Source:
        `TextToPbValue` in upstream's backend/src/v2/metadata/converter.go.

    Raises:
        InvalidInput: It does not stand for a value of this type.
    """
    value: JsonValue
    try:
        match kind:
            case ParameterType.STRING:
                return text
            case ParameterType.NUMBER_INTEGER:
                word = text.strip()
                value = int(word) if _WHOLE.fullmatch(word) else float(word)
            case ParameterType.NUMBER_DOUBLE:
                value = float(text)
            case ParameterType.BOOLEAN:
                word = text.strip().lower()
                if word not in _TRUE | _FALSE:
                    raise _mistyped(what, kind, text)
                return word in _TRUE
            case _:
                value = parse_json(text)
    except ValueError as error:
        raise _mistyped(what, kind, text) from error
    if isinstance(value, float) and not math.isfinite(value):
        raise _mistyped(what, kind, text)
    value = normal(value)
    if not _fits(kind, value):
        raise _mistyped(what, kind, text)
    return value


def items_of(what: str, value: JsonValue) -> list[JsonValue]:
    """Return what a loop goes over: a list, or a text that holds one as JSON.

    Raises:
        InvalidInput: It is neither.
    """
    found: JsonValue = value
    if isinstance(value, str):
        try:
            found = parse_json(value)
        except ValueError as error:
            raise _no_list(what, value) from error
    if not isinstance(found, list):
        raise _no_list(what, value)
    return [normal(item) for item in found]


def _no_list(what: str, value: JsonValue) -> InvalidInput:
    return InvalidInput(f"{what} loops over {_shown(value)}; needed a list.")


def _fits(kind: ParameterType, value: JsonValue) -> bool:
    match kind:
        case ParameterType.NUMBER_DOUBLE:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case ParameterType.NUMBER_INTEGER:
            return isinstance(value, int) and not isinstance(value, bool)
        case ParameterType.STRING:
            return isinstance(value, str)
        case ParameterType.BOOLEAN:
            return isinstance(value, bool)
        case ParameterType.LIST:
            return isinstance(value, list)
        case _:
            return isinstance(value, dict)


def _mistyped(what: str, kind: ParameterType, value: JsonValue) -> InvalidInput:
    return InvalidInput(f"{what} is {_shown(value)}; needed {_NEEDED[kind]} ({kind}).")


def _shown(value: JsonValue) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"
