"""What callers ask of lists, as selections."""

import contextlib
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.ports.selecting import Predicate, Selected, Selection
from jupyter_mlplat.services.kfp_api.listing import Listable, listing_of

FIELDS = Listable(
    fields={"display_name": "title", "created_at": "created_at", "storage_state": "archived"},
    values={"archived": lambda value: int(value == "ARCHIVED")},
    has_tags=True,
)


def filtered(*predicates: Any) -> str:
    return json.dumps({"predicates": list(predicates)})


def test_nothing_asked_for_is_the_first_twenty_by_age() -> None:
    assert listing_of(FIELDS).selection == Selection(by="created_at", limit=20)


@pytest.mark.parametrize(("asked", "expected"), [("", 20), ("0", 20), ("7", 7), ("1000", 200)])
def test_pages_are_as_large_as_the_server_has_them(asked: str, expected: int) -> None:
    assert listing_of(FIELDS, page_size=asked).selection.limit == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("display_name", ("title", False)),
        ("Display_Name ASC", ("title", False)),
        ("created_at desc", ("created_at", True)),
    ],
)
def test_orders_are_read_in_any_case(asked: str, expected: tuple[str, bool]) -> None:
    selection = listing_of(FIELDS, sort_by=asked).selection

    assert (selection.by, selection.is_descending) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"operation": 1, "key": "display_name", "stringValue": "x"},
            Predicate("title", "=", "x"),
        ),
        (
            {"operation": "GREATER_THAN_EQUALS", "key": "created_at", "long_value": "12"},
            Predicate("created_at", ">=", 12),
        ),
        (
            {"operation": 6, "key": "created_at", "timestamp_value": "2026-11-20T12:00:00Z"},
            Predicate("created_at", "<", int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())),
        ),
        (
            {"operation": "IN", "key": "created_at", "int_values": {"values": [1, 2]}},
            Predicate("created_at", "in", (1, 2)),
        ),
        (
            {"operation": "NOT_EQUALS", "key": "storage_state", "string_value": "ARCHIVED"},
            Predicate("archived", "!=", 1),
        ),
        (
            {"operation": "EQUALS", "key": "tags.team", "string_value": "x"},
            Predicate("tags.team", "=", "x"),
        ),
    ],
    ids=lambda value: value["key"] if isinstance(value, dict) else "",
)
def test_predicates_are_read(given: dict[str, Any], expected: Predicate) -> None:
    plain = filtered(given)

    for text in (plain, quote(plain)):
        assert listing_of(FIELDS, filter=text).selection.predicates == (expected,)


@pytest.mark.parametrize(
    "given",
    [
        {"operation": "EQUALS", "key": "display_name", "string_values": {"values": ["x"]}},
        {"operation": "IN", "key": "display_name", "string_values": ["x"]},
        {"operation": "IS_SUBSTRING", "key": "display_name", "int_value": 1},
        {"operation": "EQUALS", "key": "display_name", "int_value": "x"},
        {"operation": "EQUALS", "key": "display_name", "int_value": True},
        {"operation": "EQUALS", "key": "display_name", "int_value": 1, "string_value": "1"},
        {"operation": "EQUALS", "key": "created_at", "timestamp_value": "noon"},
        {"operation": 4, "key": "display_name", "string_value": "x"},
        {"operation": None, "key": "display_name", "string_value": "x"},
        {"operation": "NOT_EQUALS", "key": "tags.team", "string_value": "x"},
        {"operation": "EQUALS", "key": "", "string_value": "x"},
        {"operation": "EQUALS", "key": "display_name", "value": "x"},
        "EQUALS",
    ],
    ids=str,
)
def test_other_predicates_are_refused(given: Any) -> None:
    with pytest.raises(InvalidInput, match="Cannot"):
        listing_of(FIELDS, filter=filtered(given))


def test_a_token_goes_on_where_the_page_ended() -> None:
    first = listing_of(FIELDS, sort_by="display_name desc", filter=filtered(), page_size="2")
    token = first.token_after(Selected([], 9, ("x", "run-1")))

    for words in ({}, {"sort_by": "display_name DESC"}, {"filter": filtered()}):
        selection = listing_of(FIELDS, page_token=token, page_size="3", **words).selection
        assert selection == Selection(by="title", is_descending=True, after=("x", "run-1"), limit=3)
    assert first.token_after(Selected([], 2, None)) == ""


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    for words in ({"page_token": text}, {"filter": text}, {"sort_by": text}, {"page_size": text}):
        with contextlib.suppress(InvalidInput):
            listing_of(FIELDS, **words)
