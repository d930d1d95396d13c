"""Metrics are read where Katib reads them: lines of text or JSON, TensorBoard's events."""

import struct
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.runtime.collectors import Found, collector_of
from jupyter_mlplat.runtime.observing import Observations, is_better, reaches

OBJECTIVE = {"metric": "accuracy", "direction": "maximize", "additional": ["loss"]}


def found(folder: Path, **asked: Any) -> list[tuple[str, Any, int | None]]:
    return [tuple(one) for one in collector_of(asked, OBJECTIVE, str(folder)).read(is_last=True)]


def test_lines_of_text_are_read_by_katibs_own_pattern(tmp_path: Path) -> None:
    collector = collector_of({"kind": "stdout"}, OBJECTIVE, str(tmp_path))
    (tmp_path / "stdout.log").write_text(
        "2024-01-01T00:00:00Z INFO accuracy=0.5 loss = 1.2e-1\n"
        "epoch=3 lr=0.1\n"
        "{metricName: accuracy, metricValue: 0.7}\n"
        "accuracy=\n"
        "accuracy=-.25"
    )

    assert [tuple(one) for one in collector.read()] == [
        ("accuracy", "0.5", None),
        ("loss", "1.2e-1", None),
    ]
    assert [one.value for one in collector.read(is_last=True)] == ["-.25"]


def test_patterns_of_ones_own_take_the_place_of_the_default(tmp_path: Path) -> None:
    pattern = r"{metricName: ([\w|-]+), metricValue: ((-?\d+)(\.\d+)?)}"
    asked = {"kind": "file", "path": "metrics.log", "patterns": [pattern]}
    collector = collector_of(asked, OBJECTIVE, str(tmp_path))
    (tmp_path / "metrics.log").write_text("{metricName: accuracy, metricValue: 0.7}\naccuracy=1\n")

    assert list(collector.read()) == [Found("accuracy", "0.7")]


def test_a_value_that_is_no_number_is_seen_as_such(tmp_path: Path) -> None:
    collector = collector_of({"kind": "stdout"}, OBJECTIVE, str(tmp_path))
    (tmp_path / "stdout.log").write_text("accuracy=NaN\n")
    seen = Observations(OBJECTIVE)

    for name, value, _ in collector.read():
        seen.take(name, value)

    assert (seen.value, seen.strange) == (None, {"accuracy": "NaN"})


def test_json_lines_may_hold_numbers_as_texts(tmp_path: Path) -> None:
    asked = {"kind": "file", "path": "metrics.json", "format": "json"}
    collector = collector_of(asked, OBJECTIVE, str(tmp_path))
    (tmp_path / "metrics.json").write_text(
        '{"epoch": "1", "accuracy": "0.5", "loss": 0.3}\nno json\n[1]\n{"epoch": "x"}\n'
    )

    assert [tuple(one) for one in collector.read()] == [
        ("accuracy", "0.5", 1),
        ("loss", 0.3, 1),
    ]


def test_what_lies_in_a_file_before_the_trial_begins_is_not_its_own(tmp_path: Path) -> None:
    path = tmp_path / "shared.log"
    path.write_text("accuracy=0.1\n")
    collector = collector_of({"kind": "file", "path": str(path)}, OBJECTIVE, "/elsewhere")

    path.open("a").write("accuracy=0.2\n")

    assert [one.value for one in collector.read()] == ["0.2"]


def record(event: bytes) -> bytes:
    return struct.pack("<QI", len(event), 0) + event + struct.pack("<I", 0)


def field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2, len(value)]) + value


def scalar_event(step: int, tag: str, value: bytes) -> bytes:
    summary = field(1, field(1, tag.encode()) + value)
    return record(field(2, step) + field(5, summary))


def simple(value: float) -> bytes:
    return bytes([2 << 3 | 5]) + struct.pack("<f", value)


def test_scalars_of_tensorboard_are_read_in_both_their_forms(tmp_path: Path) -> None:
    folder = tmp_path / "test"
    asked = {"kind": "tensorboard", "path": ""}
    collector = collector_of(asked, OBJECTIVE, str(tmp_path))
    folder.mkdir()
    packed = field(8, field(1, 1) + field(5, struct.pack("<f", 0.75)))
    content = field(8, field(1, 1) + field(4, struct.pack("<f", 0.25)))
    events = [
        record(field(3, b"brain.Event:2")),
        scalar_event(1, "accuracy", simple(0.5)),
        scalar_event(2, "accuracy", packed),
        scalar_event(2, "loss", content),
        scalar_event(2, "other", simple(9.0)),
    ]
    (folder / "events.out.tfevents.1.host").write_bytes(b"".join(events) + events[1][:9])

    assert list(collector.read()) == [
        Found("accuracy", 0.5, 1),
        Found("accuracy", 0.75, 2),
        Found("loss", 0.25, 2),
    ]
    assert list(collector.read()) == []


def test_tensorboards_own_writer_is_understood(tmp_path: Path) -> None:
    writers = pytest.importorskip("torch.utils.tensorboard")
    collector = collector_of({"kind": "tensorboard", "path": "tb"}, OBJECTIVE, str(tmp_path))

    with writers.SummaryWriter(str(tmp_path / "tb")) as writer:
        writer.add_scalar("accuracy", 0.5, 3)

    assert list(collector.read()) == [Found("accuracy", 0.5, 3)]


@pytest.mark.parametrize(
    ("direction", "strategy", "value"),
    [
        ("maximize", None, 3.0),
        ("minimize", None, 1.0),
        ("maximize", "latest", 2.0),
        ("maximize", "min", 1.0),
    ],
)
def test_the_objective_is_the_best_of_its_values_unless_told_otherwise(
    direction: str, strategy: str | None, value: float
) -> None:
    strategies = {"accuracy": strategy} if strategy else {}
    seen = Observations({**OBJECTIVE, "direction": direction, "strategies": strategies})

    for number in (1, 3, 2):
        seen.take("accuracy", number)

    assert seen.value == value
    assert seen.metrics == {"accuracy": {"latest": 2.0, "min": 1.0, "max": 3.0}}


def test_nothing_is_better_than_what_is_not_there() -> None:
    assert not is_better(None, 1.0, "maximize")
    assert is_better(1.0, None, "maximize")
    assert is_better(0.5, 1.0, "minimize")
    assert not is_better(1.0, 1.0, "maximize")
    assert reaches(0.9, 0.9, "maximize")
    assert not reaches(None, 0.9, "maximize")
