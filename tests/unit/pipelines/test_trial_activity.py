"""What a step tells of its trials is taken in line by line, however the file is read."""

import json
from typing import Any

from jupyter_mlplat.resources.tuning import TrialState
from jupyter_mlplat.services.pipelines.activity import Activity
from tests.contracts.documents import NOON


def line(kind: str, **fields: Any) -> bytes:
    return json.dumps({"t": NOON.timestamp(), "kind": kind, **fields}).encode() + b"\n"


def trial(number: int, state: str, **fields: Any) -> bytes:
    given = {"parameters": {"x": 1}, "started_at": NOON.timestamp(), **fields}
    return line("trial", number=number, state=state, **given)


def test_the_last_that_is_told_of_a_trial_counts() -> None:
    activity = Activity.of("tune", (), attempt=1)

    activity.take(trial(1, "Running"))
    activity.take(trial(1, "Succeeded", value=0.5, finished_at=NOON.timestamp() + 2))

    ((found,), _) = activity.take_trials()
    assert (found.state, found.value, found.duration_s) == (TrialState.SUCCEEDED, 0.5, 2.0)
    assert activity.take_trials() == ([], [])


def test_reports_have_the_same_marks_however_the_file_is_read() -> None:
    content = b"".join(
        line("report", trial=1, name="auc", value=value, position=value) for value in range(3)
    )
    whole, pieces = (Activity.of("tune", (), attempt=2) for _ in range(2))

    whole.take(content)
    while (offset := pieces.offset) < len(content):
        pieces.take(content[offset : offset + 100])

    assert whole.take_trials()[1] == pieces.take_trials()[1]
    assert len({mark for _, mark, _ in _reports(content, 1) + _reports(content, 2)}) == 6


def _reports(content: bytes, attempt: int) -> list[Any]:
    activity = Activity.of("tune", (), attempt=attempt)
    activity.take(content)
    return activity.take_trials()[1]


def test_lines_that_make_no_sense_are_left_out() -> None:
    activity = Activity.of("tune", (), attempt=1)

    activity.take(
        b"no json\n"
        + line("trial", number="first", state="Running", parameters={})
        + trial(2, "Unheard of")
        + line("report", trial=1, name="auc", value="NaN")
        + line("report", trial="1", name="auc", value=1)
        + trial(3, "Running")
    )

    trials, reports = activity.take_trials()
    assert ([found.number for found in trials], reports) == ([3], [])


def test_trials_whose_process_is_gone_are_killed() -> None:
    activity = Activity.of("tune", (), attempt=1)
    activity.take(trial(1, "Running") + trial(2, "Succeeded", value=1))
    activity.take_trials()

    activity.end_trials(NOON)

    ((killed,), _) = activity.take_trials()
    assert (killed.number, killed.state, killed.finished_at) == (1, TrialState.KILLED, NOON)
