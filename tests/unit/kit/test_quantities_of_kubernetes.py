"""Quantities and lengths of time, as manifests have them."""

import pytest

from jupyter_mlplat.kit.quantities import format_duration, parse_duration, parse_quantity


@pytest.mark.parametrize(
    ("text", "amount"),
    [("500m", 0.5), ("2", 2), ("1e3", 1000), ("2Gi", 2**31), ("64M", 64e6), (".5", 0.5), (4, 4)],
)
def test_quantities_are_read(text: str | int, amount: float) -> None:
    assert parse_quantity(text) == amount


@pytest.mark.parametrize("text", ["", "-1", "1.5GB", "٣", "1Gi\n", "nan", "1e999", "2 Gi"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        parse_quantity(text)


def test_lengths_of_time_are_read_and_written() -> None:
    assert parse_duration("1h30m") == 5400
    assert [format_duration(s) for s in (0, 45, 5400, 90_061)] == [
        "0 s",
        "45 s",
        "1 h 30 min",
        "1 d 1 h",
    ]
    with pytest.raises(ValueError, match="is no length of time"):
        parse_duration("10")
