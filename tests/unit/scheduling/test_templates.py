"""Templates: what they become, and what they refuse."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.services.scheduling.templates import Moment, check, has_places, render

MOMENT = Moment(
    schedule="nightly",
    zone=ZoneInfo("Europe/Berlin"),
    fire_time=datetime(2026, 11, 20, 23, 30, tzinfo=UTC),
    now=datetime(2026, 11, 20, 23, 30, 5, tzinfo=UTC),
    index=7,
    row=2,
    event={"version": 3},
)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ fire_time }}", "2026-11-21T00:30:00+01:00"),
        ("{{fire_time:%Y-%m-%d}}", "2026-11-21"),
        ("day {{ fire_time - 1d:%d }} of {{ fire_time:%B }}", "day 20 of November"),
        ("{{ fire_time + 90m:%H:%M }}", "02:00"),
        ("{{ index }}", 7),
        ("run {{ index }}, row {{ row }} of {{ schedule }}", "run 7, row 2 of nightly"),
        ("{{ event.version }}", 3),
        ("{{ previous_success:%Y | 2024-01-01 }}", "2024-01-01"),
        ("{{ event.missing | none }}", "none"),
        (["{{ row }}", {"day": "{{ fire_time:%d }}"}, 5], [2, {"day": "21"}, 5]),
        ("[[ScheduledTime]]", "20261120233000"),
        ("[[ScheduledTime.2006-01-02]]", "2026-11-20"),
        ("[[CurrentTime.15:04:05]] [[Index]]", "23:30:05 7"),
        ("[[1, 2], [3]]", "[[1, 2], [3]]"),
        ("{ } {{}", "{ } {{}"),
    ],
)
def test_a_template_becomes_what_it_names(template: Any, expected: Any) -> None:
    check(template, has_event=True)

    assert render(template, MOMENT) == expected


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ __import__('os') }}", "not understood"),
        ("{{ fire_time.__class__ }}", "not understood"),
        ("{{ fire_time() }}", "not understood"),
        ("{{ index:%Y }}", "is no time"),
        ("{{ row - 1d }}", "is no time"),
        ("{{ previous_success }}", "there is no previous_success"),
        ("{{ event.version }}", "other than time"),
        ({"a": ["{{ nothing }}"]}, "not understood"),
    ],
)
def test_what_is_no_template_is_refused_before_anything_fires(template: Any, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        check(template, has_event=False)


def test_what_names_nothing_is_as_it_is() -> None:
    assert not has_places(["text", {"a": 1}, None])
    assert has_places({"a": ["{{ now }}"]})
