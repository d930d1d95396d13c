"""What a training program tells of itself, as the engine takes it in."""

import json

from jupyter_mlplat.services.pipelines.activity import Activity


def lines(*events: dict[str, object]) -> bytes:
    return b"".join(json.dumps({"t": 1.0, **event}).encode() + b"\n" for event in events)


def report(position: int, **fields: object) -> bytes:
    return lines({"kind": "progress", "position": position, **fields})


def test_what_a_report_leaves_out_stays_as_it_was_said_before() -> None:
    activity = Activity.of("train", ())
    activity.take(report(1, fraction=0.5, remaining_s=10.0, message="warm"))

    activity.take(report(2, fraction=0.75))

    assert activity.progress is not None
    found = activity.progress
    assert (found.position, found.fraction, found.message) == (2, 0.75, "warm")
    assert found.remaining_s is None  # it was of then


def test_a_line_that_is_no_progress_or_rank_harms_nothing() -> None:
    activity = Activity.of("train", ())

    activity.take(
        lines(
            {"kind": "progress", "fraction": 7},
            {"kind": "rank", "rank": "first"},
            {"kind": "checkpoint"},
        )
    )

    assert activity.progress is None
    assert activity.ranks == {}
    assert activity.checkpoints == {}


def test_ranks_are_told_once_for_each_change() -> None:
    activity = Activity.of("train", ())
    rank = {"kind": "rank", "rank": 1, "node": 0, "local_rank": 1}
    activity.take(lines({**rank, "state": "running"}, {**rank, "state": "failed"}))

    assert [one.state for one in activity.take_ranks()] == ["failed"]
    assert activity.take_ranks() == []


def test_progress_is_written_down_at_once_but_not_ever_so_often() -> None:
    activity = Activity.of("train", ())
    told = []
    for tick in range(600):  # a minute of reports, ten a second
        activity.take(report(tick))
        due = activity.progress_due(tick / 10)
        told.append(None if due is None else due.position)

    assert told[:20] == list(range(20))
    assert 70 <= len(set(told)) <= 90
    assert told[-1] is not None
    assert told[-1] >= 585
