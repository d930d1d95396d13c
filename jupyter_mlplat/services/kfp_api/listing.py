"""Lists as callers ask for them: `filter`, `sort_by`, `page_size`, `page_token`."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.ports.selecting import Operator, Predicate, Scalar, Selected, Selection

_DEFAULT_SIZE, _LARGEST_SIZE = 20, 200  # as Kubeflow's server has them

_OPERATORS: Mapping[str, tuple[int, Operator]] = {
    "EQUALS": (1, "="),
    "NOT_EQUALS": (2, "!="),
    "GREATER_THAN": (3, ">"),
    "GREATER_THAN_EQUALS": (5, ">="),
    "LESS_THAN": (6, "<"),
    "LESS_THAN_EQUALS": (7, "<="),
    "IN": (8, "in"),
    "IS_SUBSTRING": (9, "contains"),
}
_BY_NUMBER = {number: name for name, (number, _) in _OPERATORS.items()}

_SCALARS = ("int_value", "long_value", "string_value", "timestamp_value")
_LISTS = ("int_values", "long_values", "string_values")
_OLD_SPELLINGS = {
    "intValue": "int_value",
    "longValue": "long_value",
    "stringValue": "string_value",
    "timestampValue": "timestamp_value",
    "intValues": "int_values",
    "longValues": "long_values",
    "stringValues": "string_values",
}


@dataclass(frozen=True, slots=True)
class Listable:
    """What can be filtered and sorted by: the API's names and ours.

    `values` turns what a caller compares with into what we keep, by our name of the field.
    """

    fields: Mapping[str, str]
    values: Mapping[str, Callable[[Scalar], Scalar]] = field(default_factory=dict)
    has_tags: bool = False  # `tags.NAME` can be filtered by what it equals


@dataclass(frozen=True, slots=True)
class Listing:
    """A page that was asked for: what to select, and the words it was asked for with."""

    selection: Selection
    sort_by: str
    filter: str

    def token_after(self, selected: Selected[Any]) -> str:
        """Return what asks for the next page; nothing after the last one."""
        if selected.next is None:
            return ""
        token = {"sort_by": self.sort_by, "filter": self.filter, "after": list(selected.next)}
        return base64.b64encode(json.dumps(token).encode()).decode()


def listing_of(
    listable: Listable,
    *,
    page_token: str = "",
    page_size: str = "",
    sort_by: str = "",
    filter: str = "",
) -> Listing:
    """Read what a caller asks of a list.

    Raises:
        InvalidInput: One of the four cannot be read, names a field that is not there, or differs
            from what the token belongs to.
    """
    after = None
    if page_token:
        asked_sort, asked_filter, after = _read_token(page_token)
        if (sort_by and _words(sort_by) != _words(asked_sort)) or (
            filter and filter != asked_filter
        ):
            raise InvalidInput(
                "Cannot go on from this page token: it belongs to another sort_by or filter. Send "
                "the same as for the first page, or leave them out."
            )
        sort_by, filter = asked_sort, asked_filter
    by, is_descending = _order(listable, sort_by)
    selection = Selection(
        predicates=_predicates(listable, filter),
        by=by,
        is_descending=is_descending,
        after=after,
        limit=_size(page_size),
    )
    return Listing(selection, sort_by, filter)


def _size(text: str) -> int:
    try:
        size = int(text or 0)
    except ValueError:
        size = -1
    if size < 0:
        raise InvalidInput(f"Cannot use page_size={text!r}: needed a whole number, 0 or more.")
    return min(size or _DEFAULT_SIZE, _LARGEST_SIZE)


def _words(text: str) -> list[str]:
    return text.lower().split()


def _order(listable: Listable, sort_by: str) -> tuple[str, bool]:
    words = _words(sort_by)
    if len(words) > 2 or (len(words) == 2 and words[1] not in ("asc", "desc")):
        raise InvalidInput(
            f"Cannot use sort_by={sort_by!r}: needed 'field', 'field asc' or 'field desc'."
        )
    by = _field(listable, words[0], "sort") if words else "created_at"
    return by, words[1:] == ["desc"]


def _field(listable: Listable, name: str, act: str) -> str:
    if name not in listable.fields:
        raise InvalidInput(
            f"Cannot {act} by {name!r}: there is no such field. There are: "
            f"{', '.join(listable.fields)}."
        )
    return listable.fields[name]


def _read_token(token: str) -> tuple[str, str, tuple[Scalar, str]]:
    try:
        found = json.loads(base64.b64decode(token, validate=True))
        value, key = found["after"]
        if not isinstance(value, str | int | float) or not isinstance(key, str):
            raise TypeError(value)
        return str(found["sort_by"]), str(found["filter"]), (value, key)
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidInput(
            "Cannot use this page_token: it is none of ours. Ask for the first page without one."
        ) from error


def _predicates(listable: Listable, text: str) -> tuple[Predicate, ...]:
    if not text:
        return ()
    found = _parse(text)
    known = isinstance(found, dict) and found.keys() <= {"predicates"}
    listed = found.get("predicates", []) if known else None
    if not isinstance(listed, list):
        raise InvalidInput(
            f"Cannot use filter={text!r}: needed a JSON object with a list of 'predicates'."
        )
    return tuple(_predicate(listable, one) for one in listed)


def _parse(text: str) -> Any:
    """Read JSON; the generated clients of Kubeflow send it percent-encoded once more."""
    for form in (text, unquote_plus(text)):
        try:
            return json.loads(form)
        except ValueError:
            continue
    raise InvalidInput(f"Cannot use filter={text!r}: it is no JSON.")


def _predicate(listable: Listable, given: Any) -> Predicate:
    if not isinstance(given, dict):
        raise InvalidInput(f"Cannot use the predicate {given!r}: needed an object.")
    said = {_OLD_SPELLINGS.get(str(key), str(key)): value for key, value in given.items()}
    unknown = said.keys() - {"operation", "key", *_SCALARS, *_LISTS}
    if unknown:
        raise InvalidInput(
            f"Cannot use a predicate with {sorted(unknown)}: there is no such field."
        )
    asked = said.get("operation")
    name = _BY_NUMBER.get(asked, "") if isinstance(asked, int) else str(asked)
    if name not in _OPERATORS:
        raise InvalidInput(
            f"Cannot use the operation {asked!r} in a filter: there are {', '.join(_OPERATORS)}."
        )
    operator = _OPERATORS[name][1]
    values = [key for key in (*_SCALARS, *_LISTS) if key in said]
    if len(values) != 1:
        raise InvalidInput(f"Cannot use a predicate with {len(values)} values: needed one.")
    key = values[0]
    if (operator == "in") != (key in _LISTS):
        raise InvalidInput(f"Cannot use {key!r} with {name}: IN takes lists, all others do not.")
    if operator == "contains" and key != "string_value":
        raise InvalidInput(f"Cannot use {key!r} with {name}: needed 'string_value'.")
    wanted = str(said.get("key", ""))
    is_tag = listable.has_tags and wanted.startswith("tags.") and operator == "="
    ours = wanted if is_tag else _field(listable, wanted, "filter")
    turn = listable.values.get(ours, _as_it_is)
    if key in _LISTS:
        listed = said[key].get("values") if isinstance(said[key], dict) else None
        if not isinstance(listed, list):
            raise InvalidInput(f"Cannot use {key!r} in a filter: needed an object with 'values'.")
        return Predicate(ours, operator, tuple(turn(_scalar(key, value)) for value in listed))
    return Predicate(ours, operator, turn(_scalar(key, said[key])))


def _as_it_is(value: Scalar) -> Scalar:
    return value


def _scalar(key: str, value: Any) -> Scalar:
    try:
        if key.startswith("string"):
            if isinstance(value, str):
                return value
        elif key.startswith("timestamp"):
            moment = datetime.fromisoformat(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return int(moment.timestamp())
        elif isinstance(value, int | str) and not isinstance(value, bool):
            return int(value)
    except (ValueError, TypeError):
        pass
    raise InvalidInput(f"Cannot use {value!r} as {key!r} in a filter: it is of another type.")
