"""Names of objects in a cluster."""

import re

import pytest

from jupyter_mlplat.kit.names import LONGEST_SET, label_value, object_name

NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?")
TEXTS = [
    "",
    "-",
    "a",
    "A",
    "9",
    "x" * 63,
    "x" * 64,
    "y" * 300,
    "user@example.org",
    "é",
    "a.b",
    "a_b",
]


def test_a_part_that_is_a_name_stays_as_it_is() -> None:
    assert object_name("churn-2") == "churn-2"


def test_parts_that_join_alike_do_not_collide() -> None:
    assert object_name("a-b", "c") != object_name("a", "b-c")


def test_names_that_are_cut_alike_do_not_collide() -> None:
    assert object_name("x" * 70 + "1") != object_name("x" * 70 + "2")


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_becomes_a_name_and_a_label(text: str) -> None:
    for name in (object_name(text, longest=LONGEST_SET), object_name(text, text)):
        assert NAME.fullmatch(name)
        assert len(name) <= 63
    assert len(object_name(text, longest=LONGEST_SET)) <= LONGEST_SET
    assert VALUE.fullmatch(label_value(text))
    assert len(label_value(text)) <= 63


def test_texts_that_become_one_label_without_a_hash_do_not_collide() -> None:
    assert len({label_value(text) for text in TEXTS}) == len(TEXTS)
