import pytest

from jupyter_mlplat.ports.metadata import CacheEntry
from jupyter_mlplat.services.pipelines.caching import (
    cache_key,
    code_digest,
    explain_hit,
    explain_miss,
    key_parts,
)

BASE = {
    "parameters": {"alpha": 1},
    "inputs": {"x": "sha256:1"},
    "python": "3.11.7",
    "packages": {"numpy": "2.1"},
    "modules": {"helpers.py": "sha256:2"},
}
CODE = {"cell 1": "sha256:3", "cell 2": "sha256:4"}


def _entry(parts: dict[str, str]) -> CacheEntry:
    return CacheEntry("k", "p", "s", "run-0000000000", 12, "sha256:b", parts)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x=1   # the answer\n\n"),
        ("def f():\n    return 1", "def f():\n\n    # why\n    return 1"),
        ("!ls -l", "!ls -l\n"),
    ],
)
def test_layout_and_comments_do_not_count(one: str, other: str) -> None:
    assert code_digest(one) == code_digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("x = 1", "x = 2"), ("x = 1", "y = 1"), ("!ls", "!ls -l"), ("%%time\nx = 1", "x = 1")],
)
def test_what_a_cell_does_counts(one: str, other: str) -> None:
    assert code_digest(one) != code_digest(other)


def test_equal_parts_have_one_key_and_any_other_part_another() -> None:
    parts = key_parts(CODE, **BASE)  # type: ignore[arg-type]
    keys = {cache_key(parts)}
    for name, value in {
        "parameters": {"alpha": 2},
        "inputs": {"x": "sha256:9"},
        "python": "3.12.1",
        "packages": {"numpy": "2.2"},
        "modules": {"helpers.py": "sha256:9"},
    }.items():
        keys.add(cache_key(key_parts(CODE, **{**BASE, name: value})))  # type: ignore[arg-type]

    assert len(keys) == 6
    assert cache_key(key_parts(CODE, **BASE)) in keys  # type: ignore[arg-type]


def test_a_hit_names_the_run_it_is_taken_from() -> None:
    explanation = explain_hit(_entry({}))

    assert (explanation.hit, explanation.reason) == (True, "same code, same inputs as run 12")


def test_a_miss_names_what_changed_the_users_own_things_first() -> None:
    before = key_parts(CODE, **BASE)  # type: ignore[arg-type]
    after = key_parts(
        {"cell 1": "sha256:3", "cell 2": "sha256:changed", "cell 10": "sha256:new"},
        parameters={"alpha": 2},
        inputs={"x": "sha256:1"},
        python="3.11.7",
        packages={"numpy": "2.2"},
        modules={},
    )

    explanation = explain_miss(after, _entry(before))

    assert explanation.reason == (
        "cell 2 changed, cell 10 is new, parameter 'alpha' changed, module 'helpers.py' is gone "
        "and 1 more since run 12"
    )
    assert explanation.changed[-1] == "package numpy"


def test_a_first_run_has_nothing_to_compare_with() -> None:
    assert explain_miss({}, None).reason == "never succeeded before"
