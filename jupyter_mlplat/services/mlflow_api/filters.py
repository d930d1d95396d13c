"""MLflow's filter language: `metrics.auc > 0.9 and params.depth = '3' and tags.team LIKE 'a%'`."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from fnmatch import translate
from typing import Literal, get_args

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.ports.tracking import Comparison, Ordering, Side, Value
from jupyter_mlplat.resources.run import RunState

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`)"
    r"|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))"
    r"|(?P<operator>!=|<>|<=|>=|=|<|>)"
    r"|(?P<mark>[(),.])"
    r"|(?P<word>[^\s'\"`=<>!(),.]+))"
)
_SIDES: Mapping[str, Side] = {
    "metric": "metric",
    "metrics": "metric",
    "param": "param",
    "params": "param",
    "parameter": "param",
    "parameters": "param",
    "tag": "tag",
    "tags": "tag",
    "attribute": "attribute",
    "attributes": "attribute",
    "attr": "attribute",
    "run": "attribute",
    "dataset": "dataset",
    "datasets": "dataset",
}
_NUMERIC = frozenset({"start_time", "end_time", "creation_time", "last_update_time", "version"})
_NUMERIC |= {"creation_timestamp", "last_updated_timestamp", "version_number"}
_TEXT_OPERATORS = frozenset({"=", "!=", "LIKE", "ILIKE", "IN", "NOT IN", "IS NULL", "IS NOT NULL"})
_NUMBER_OPERATORS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_RUN_ATTRIBUTES: Mapping[str, str] = {
    "run_id": "run_id",
    "run_uuid": "run_id",
    "run_name": "run_name",
    "Run Name": "run_name",
    "status": "state",
    "start_time": "start_time",
    "created": "start_time",
    "Created": "start_time",
    "end_time": "end_time",
    "user_id": "user_id",
    "experiment_id": "experiment",
}
STATUSES: Mapping[str, tuple[RunState, ...]] = {
    "SCHEDULED": (RunState.PENDING,),
    "FINISHED": (RunState.SUCCEEDED,),
    "FAILED": (RunState.FAILED,),
    "KILLED": (RunState.CANCELED,),
}

Token = tuple[Literal["text", "number", "operator", "mark", "word"], str]


def parse(text: str) -> list[Comparison]:
    """Read a filter; names without a side are attributes.

    Raises:
        InvalidInput: It is no filter of this language.
    """
    tokens = list(_tokens(text))
    found: list[Comparison] = []
    position = 0
    while position < len(tokens):
        if found:
            _expect(tokens, position, "AND", text)
            position += 1
        comparison, position = _comparison(tokens, position, text)
        found.append(comparison)
    return found


def parse_order(clauses: Sequence[str]) -> list[Ordering]:
    """Read what to sort by: `metrics.auc DESC`.

    Raises:
        InvalidInput: It names nothing, or a direction there is none of.
    """
    return [_ordering(clause) for clause in clauses if clause.strip()]


def _ordering(clause: str) -> Ordering:
    tokens = list(_tokens(clause))
    side, key, position = _identifier(tokens, 0, clause)
    rest = [word.upper() for _, word in tokens[position:]]
    if rest not in ([], ["ASC"], ["DESC"]):
        raise InvalidInput(f"Cannot sort by {clause!r}: needed a name, then ASC or DESC.")
    return Ordering(side, key, rest == ["DESC"])


def for_runs(conditions: Sequence[Comparison]) -> list[Comparison]:
    """Spell conditions on attributes as runs have them.

    Raises:
        InvalidInput: A run has no such attribute.
    """
    return [
        _state(comparison) if comparison.side == "attribute" else comparison
        for comparison in conditions
    ]


def order_for_runs(order: Sequence[Ordering]) -> list[Ordering]:
    return [
        Ordering(it.side, _attribute(it.key), it.is_descending) if it.side == "attribute" else it
        for it in order
    ]


def _state(comparison: Comparison) -> Comparison:
    key, value = _attribute(comparison.key), comparison.value
    if key != "state" or comparison.operator not in ("=", "!="):
        return Comparison("attribute", key, comparison.operator, value)
    final = {state for states in STATUSES.values() for state in states}
    going_on = tuple(state for state in RunState if state not in final)
    states = STATUSES.get(str(value).upper(), going_on if str(value).upper() == "RUNNING" else ())
    operator = "IN" if comparison.operator == "=" else "NOT IN"
    return Comparison("attribute", key, operator, tuple(states))


def _attribute(key: str) -> str:
    if key not in _RUN_ATTRIBUTES:
        raise InvalidInput(
            f"Cannot look for runs by attribute {key!r}: known are "
            f"{', '.join(sorted(set(_RUN_ATTRIBUTES)))}."
        )
    return _RUN_ATTRIBUTES[key]


def matches(comparison: Comparison, found: Value) -> bool:
    """Tell whether a value is as a condition wants it; a missing one only is null."""
    operator, wanted = comparison.operator, comparison.value
    if operator in ("IS NULL", "IS NOT NULL"):
        return (found is None) == (operator == "IS NULL")
    if found is None:
        return False
    if operator in ("IN", "NOT IN"):
        return (found in (wanted or ())) == (operator == "IN")  # type: ignore[operator]
    if operator in ("LIKE", "ILIKE"):
        flags = re.IGNORECASE if operator == "ILIKE" else 0
        return re.fullmatch(_like(str(wanted)), str(found), flags) is not None
    return _PLAIN[operator](found, wanted)


_PLAIN: Mapping[str, Callable[[object, object], bool]] = {
    "=": lambda found, wanted: found == wanted,
    "!=": lambda found, wanted: found != wanted,
    "<": lambda found, wanted: found < wanted,  # type: ignore[operator]
    "<=": lambda found, wanted: found <= wanted,  # type: ignore[operator]
    ">": lambda found, wanted: found > wanted,  # type: ignore[operator]
    ">=": lambda found, wanted: found >= wanted,  # type: ignore[operator]
}


def _like(pattern: str) -> str:
    spelled = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
    return translate("".join(spelled.get(letter, letter) for letter in pattern))


def _tokens(text: str) -> Iterator[Token]:
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise _unreadable(text, text[position:].strip()[:20])
        yield match.lastgroup, match[match.lastgroup]  # type: ignore[misc]
        position = match.end()


def _comparison(tokens: Sequence[Token], position: int, text: str) -> tuple[Comparison, int]:
    side, key, position = _identifier(tokens, position, text)
    operator, position = _operator(tokens, position, text)
    is_numeric = side == "metric" or (side == "attribute" and key in _NUMERIC)
    allowed = _NUMBER_OPERATORS if is_numeric else _TEXT_OPERATORS
    if operator not in allowed:
        raise InvalidInput(
            f"Cannot compare {side} {key!r} by {operator}: possible are "
            f"{', '.join(sorted(allowed))}."
        )
    if operator in ("IS NULL", "IS NOT NULL"):
        return Comparison(side, key, operator, None), position
    if operator in ("IN", "NOT IN"):
        values, position = _list(tokens, position, text)
        return Comparison(side, key, operator, values), position
    kind, value = _at(tokens, position, text)
    if is_numeric:
        if kind not in ("number", "text"):
            raise _unreadable(text, value)
        return Comparison(side, key, operator, _number(value, text)), position + 1
    if kind != "text":
        raise InvalidInput(
            f"Cannot compare {side} {key!r} with {value}: write a text between quotes, "
            f"{side}.{key} {operator} '{value}'."
        )
    return Comparison(side, key, operator, _unquote(value)), position + 1


def _identifier(tokens: Sequence[Token], position: int, text: str) -> tuple[Side, str, int]:
    kind, word = _at(tokens, position, text)
    if kind not in ("word", "text"):
        raise _unreadable(text, word)
    is_sided = position + 1 < len(tokens) and tokens[position + 1] == ("mark", ".")
    if kind == "word" and is_sided and word.lower() in _SIDES:
        side, position = _SIDES[word.lower()], position + 2
    elif is_sided and kind == "word":
        raise InvalidInput(
            f"Cannot read {text!r}: {word!r} is none of {', '.join(sorted(get_args(Side)))}."
        )
    else:
        return "attribute", _unquote(word), position + 1
    parts = []
    while True:
        kind, word = _at(tokens, position, text)
        if kind == "text":
            parts.append(_unquote(word))
        elif kind in ("word", "number"):
            parts.append(word)
        else:
            raise _unreadable(text, word)
        position += 1
        if position < len(tokens) and tokens[position] == ("mark", "."):
            position += 1
            continue
        return side, ".".join(parts), position


def _operator(tokens: Sequence[Token], position: int, text: str) -> tuple[str, int]:
    kind, word = _at(tokens, position, text)
    if kind == "operator":
        return ("!=" if word == "<>" else word), position + 1
    words = [word.upper()]
    if words == ["IS"] or words == ["NOT"]:
        words.append(_at(tokens, position + 1, text)[1].upper())
    if words == ["IS", "NOT"]:
        words.append(_at(tokens, position + 2, text)[1].upper())
    operator = " ".join(words)
    if operator not in _TEXT_OPERATORS:
        raise _unreadable(text, word)
    return operator, position + len(words)


def _list(tokens: Sequence[Token], position: int, text: str) -> tuple[tuple[str, ...], int]:
    if _at(tokens, position, text) != ("mark", "("):
        raise _unreadable(text, tokens[position][1])
    values = []
    while True:
        kind, value = _at(tokens, position + 1, text)
        if kind != "text":
            raise _unreadable(text, value)
        values.append(_unquote(value))
        end = _at(tokens, position + 2, text)[1]
        position += 2
        if end == ")":
            return tuple(values), position + 1
        if end != ",":
            raise _unreadable(text, end)


def _at(tokens: Sequence[Token], position: int, text: str) -> Token:
    if position >= len(tokens):
        raise InvalidInput(f"Cannot read {text!r}: it ends too soon.")
    return tokens[position]


def _expect(tokens: Sequence[Token], position: int, word: str, text: str) -> None:
    if _at(tokens, position, text)[1].upper() != word:
        raise _unreadable(text, tokens[position][1])


def _unquote(text: str) -> str:
    return text[1:-1] if text[:1] in "'\"`" and len(text) > 1 else text


def _number(text: str, whole: str) -> float:
    try:
        return float(_unquote(text))
    except ValueError as error:
        raise _unreadable(whole, text) from error


def _unreadable(text: str, at: str) -> InvalidInput:
    return InvalidInput(
        f"Cannot read the filter {text!r} from {at!r} on. Write conditions with AND between, such "
        "as: metrics.auc > 0.9 AND params.depth = '3' AND tags.team LIKE 'a%'."
    )


def keep(conditions: Collection[Comparison], value_of: Callable[[Side, str], Value]) -> bool:
    """Tell whether something fulfils all conditions."""
    return all(matches(one, value_of(one.side, one.key)) for one in conditions)
