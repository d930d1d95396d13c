"""Search spaces as people type them: `lr=loguniform(1e-5,1e-1) depth=int(2,12) c=choice(a,b)`.

One word a dimension; spaces inside parentheses are allowed. `lr=loguniform:1e-5,1e-1` is the same
for shells, which take parentheses for themselves. What is wrong with a dimension is told alike
wherever it was written.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.tuning import SpaceParameter

_WORD = re.compile(r"([^\W\d][\w.-]*)=([a-z_]+)(?:\((.*)\)|:(.*))", re.DOTALL)
_BEGINS = re.compile(r"[^\W\d][\w.-]*=[a-z_]+[(:]")
_OPEN, _CLOSE = "([{", ")]}"


class _Shape(NamedTuple):
    type: str
    distribution: str
    form: str


_SHAPES = {
    "uniform": _Shape("double", "uniform", "uniform(0,1) or uniform(0,1,0.1)"),
    "loguniform": _Shape("double", "log-uniform", "loguniform(1e-5,1e-1)"),
    "normal": _Shape("double", "normal", "normal(-1,1)"),
    "lognormal": _Shape("double", "log-normal", "lognormal(1e-3,10)"),
    "int": _Shape("int", "uniform", "int(2,12) or int(32,256,32)"),
    "logint": _Shape("int", "log-uniform", "logint(1,1000)"),
    "choice": _Shape("categorical", "uniform", "choice(adam,sgd)"),
    "discrete": _Shape("discrete", "uniform", "discrete(0.1,0.5,0.9)"),
}


def is_dimension(word: str) -> bool:
    """Tell whether a word begins like a dimension, right or wrong, and not like a file's name."""
    return _BEGINS.match(word) is not None


def parse_space(words: Iterable[str]) -> tuple[SpaceParameter, ...]:
    """Read the dimensions of a space.

    Args:
        words: As a shell or a magic cut them; words of one pair of parentheses belong together.

    Raises:
        InvalidInput: A word is no dimension, has bounds that make no sense, or repeats a name.
    """
    found: dict[str, SpaceParameter] = {}
    for word in _joined(words):
        parameter = parse_dimension(word)
        if parameter.name in found:
            raise InvalidInput(f"Parameter {parameter.name!r} is given twice. Give it once.")
        found[parameter.name] = parameter
    return tuple(found.values())


def parse_dimension(word: str) -> SpaceParameter:
    """Read one dimension, such as `lr=loguniform(1e-5,1e-1)`.

    Raises:
        InvalidInput: It is none, or its bounds make no sense.
    """
    match = _WORD.fullmatch(word.strip())
    if match is None:
        raise InvalidInput(
            f"{word!r} is no dimension of a search space: needed NAME=KIND(…), such as "
            f"lr=loguniform(1e-5,1e-1). The kinds: {', '.join(_SHAPES)}."
        )
    name, kind = match[1], match[2]
    shape = _SHAPES.get(kind)
    if shape is None:
        raise InvalidInput(
            f"Cannot read {word!r}: there is no kind {kind!r}. The kinds: {', '.join(_SHAPES)}."
        )
    given = _split(match[3] if match[3] is not None else match[4])
    if shape.type in ("discrete", "categorical"):
        facts: dict[str, Any] = {"values": tuple(map(_value, given))}
    else:
        facts = _bounds(word, shape, given)
    parameter = SpaceParameter.model_validate(
        {"name": name, "type": shape.type, "distribution": shape.distribution, **facts}
    )
    if (fault := fault_of(parameter)) is not None:
        field, what = fault
        raise InvalidInput(
            f"Cannot use {word!r}: {field} {what}. Write it like {name}={shape.form}."
        )
    return parameter


def format_dimension(parameter: SpaceParameter) -> str:
    """Write a dimension as it would be typed."""
    if parameter.values:
        kind = "choice" if parameter.type == "categorical" else "discrete"
        return f"{parameter.name}={kind}({','.join(map(_text, parameter.values))})"
    kind = parameter.distribution.replace("-", "")
    if parameter.type == "int":
        kind = {"uniform": "int", "loguniform": "logint"}.get(kind, kind)
    numbers = (parameter.minimum, parameter.maximum, parameter.step)
    bounds = ",".join(f"{number:.12g}" for number in numbers if number is not None)
    return f"{parameter.name}={kind}({bounds})"


def _bounds(word: str, shape: _Shape, given: list[str]) -> dict[str, float]:
    texts = dict(zip(("minimum", "maximum", "step"), given, strict=False))
    for text in given[2:3]:
        texts["step"] = re.sub(r"^step\s*=\s*", "", text)
    if not 2 <= len(given) <= 3:
        raise InvalidInput(
            f"Cannot read {word!r}: needed two bounds, and a step if need be, found "
            f"{len(given)} values. Write it like {shape.form}."
        )
    numbers = {}
    for field, text in texts.items():
        try:
            numbers[field] = float(text)
        except ValueError as error:
            raise InvalidInput(
                f"Cannot read {word!r}: {text!r} is no number. Write it like {shape.form}."
            ) from error
    return numbers


def _joined(words: Iterable[str]) -> Iterator[str]:
    """Put words together again that a space within parentheses has cut."""
    held = ""
    for word in words:
        held = f"{held} {word}" if held else word
        if _depth(held) <= 0:
            yield held
            held = ""
    if held:
        raise InvalidInput(f"Cannot read {held!r}: a parenthesis is left open.")


def _depth(text: str) -> int:
    return sum((letter in _OPEN) - (letter in _CLOSE) for letter in text)


def _split(text: str) -> list[str]:
    """Cut at the commas that lie in no brackets and no quotes."""
    parts, depth, quote, begin = [], 0, "", 0
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter == "," and not depth:
            parts.append(text[begin:at].strip())
            begin = at + 1
        else:
            depth += (letter in _OPEN) - (letter in _CLOSE)
    last = text[begin:].strip()
    return [*parts, last] if last or parts else []


_SPELLED: dict[str, Any] = {"True": True, "False": False, "None": None}


def _value(text: str) -> Any:
    if text in _SPELLED:
        return _SPELLED[text]
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1]
    try:
        return json.loads(text)
    except ValueError:
        return text


def _text(value: object) -> str:
    if isinstance(value, str) and _value(value) == value and not set(value) & set(",()[]{}\"' "):
        return value
    return json.dumps(value)


def fault_of(parameter: SpaceParameter) -> tuple[str, str] | None:
    """Say which field of a dimension is wrong, and what is wrong with it; None where nothing is.

    Source:
        Katib's webhook (`pkg/webhook/v1beta1/experiment/validator`), and what its suggestion
        services refuse: a minimum above the maximum, logarithms of what is not above zero.
    """
    if parameter.type in ("discrete", "categorical"):
        return _fault_of_values(parameter)
    low, high, step = parameter.minimum, parameter.maximum, parameter.step
    if low is None or high is None:
        return ("minimum" if low is None else "maximum"), "is needed"
    if not (math.isfinite(low) and math.isfinite(high)):
        return "minimum" if not math.isfinite(low) else "maximum", "has to be a finite number"
    if low > high:
        return "minimum", f"{low:g} is above the maximum, {high:g}"
    if parameter.type == "int":
        for name, value in (("minimum", low), ("maximum", high), ("step", step)):
            if value is not None and value != int(value):
                return name, f"{value:g} is no whole number, as type int needs"
    if parameter.distribution in ("log-uniform", "log-normal") and low <= 0:
        return "minimum", f"{low:g} has no logarithm: {parameter.distribution} needs one above 0"
    if step is not None and not (math.isfinite(step) and step > 0):
        return "step", f"{step:g} is no step: it has to be above 0"
    return None


def _fault_of_values(parameter: SpaceParameter) -> tuple[str, str] | None:
    values = parameter.values
    if not values:
        return "values", "are needed: at least one"
    seen: list[tuple[type, object]] = []
    for value in values:
        key = (type(value), value)
        if key in seen:
            return "values", f"{value!r} stands there twice"
        seen.append(key)
    if parameter.type == "discrete":
        for value in values:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not math.isfinite(float(str(value))):
                return "values", f"{value!r} is no number, as type discrete needs"
    return None
