import errno
from pathlib import Path

import pytest

from jupyter_mlplat.ports.launcher import AttemptRef, Ended
from jupyter_mlplat.resources.run import CellRun
from jupyter_mlplat.services.pipelines.activity import Activity
from jupyter_mlplat.services.pipelines.messages import Failed, NeverRan, Succeeded
from jupyter_mlplat.services.pipelines.outcomes import cells_of, not_started, outcome_of

REF = AttemptRef("run-0000000000", "train", 1, Path("/nowhere"))
CELLS = (CellRun(id="a", state="ok"), CellRun(id="b", state="running"))


def test_a_revoked_attempt_never_ran() -> None:
    assert outcome_of(Ended(REF, None, "revoked", "not started"), CELLS) == NeverRan()


def test_success_carries_the_bundle() -> None:
    bundle = "sha256:" + "b" * 64
    ended = Ended(REF, {"state": "succeeded", "bundle": bundle}, "ended", "ended")

    assert outcome_of(ended, CELLS) == Succeeded(bundle)


def test_a_death_names_the_signal_and_the_cell_that_ran() -> None:
    outcome = outcome_of(Ended(REF, None, "killed", "killed by signal 9"), CELLS)

    assert isinstance(outcome, Failed)
    assert outcome.failure.code == "killed"
    assert outcome.failure.message.startswith(
        "Step 'train' did not finish: killed by signal 9. Something outside the run ended it"
    )
    assert outcome.failure.cell == "b"


def test_a_process_that_ends_without_a_result_on_a_full_disk_could_not_write_it() -> None:
    ended = Ended(REF, None, "exited", "exited with status 70")

    outcome = outcome_of(ended, CELLS, is_disk_full=True)

    assert isinstance(outcome, Failed)
    assert outcome.failure.code == "disk-full"
    assert "exited with status 70, and the disk is full" in outcome.failure.message


@pytest.mark.parametrize(
    "error", [None, [], {"message": 3, "traceback": "x", "line": "2"}, {"cell_index": True}]
)
def test_a_result_that_is_not_well_formed_is_still_a_failure(error: object) -> None:
    outcome = outcome_of(Ended(REF, {"state": "failed", "error": error}, "ended", ""), CELLS)

    assert isinstance(outcome, Failed)
    assert outcome.failure.message == "Step 'train' failed and gave no reason."
    assert (outcome.failure.line, outcome.failure.cell_index) == (None, None)


def test_a_full_disk_is_called_by_its_name() -> None:
    failure = not_started("train", OSError(errno.ENOSPC, "No space left on device"))

    assert (failure.code, "the disk is full" in failure.message) == ("disk-full", True)


def test_cells_keep_their_order_and_what_the_result_leaves_out() -> None:
    result = {"cells": [{"id": "b", "state": "error", "duration_s": 1}, "rubbish", {"id": "z"}]}

    assert cells_of(result, CELLS) == (
        CellRun(id="a", state="ok"),
        CellRun(id="b", state="error", duration_s=1.0),
    )


def test_activity_takes_lines_as_they_come_and_leaves_out_rubbish() -> None:
    activity = Activity.of("train", CELLS)
    digest = "sha256:" + "0" * 64

    assert activity.take(b'{"kind": "cell-fini') == []
    first = activity.take(
        b'{"kind": "cell-finished", "id": "b", "state": "ok", "duration_s": 0.5}\n'
        b"\xff\xfe rubbish\n[1]\n"
        b'{"kind": "metric", "t": 1.0, "name": "auc", "value": 0.9, "step": 3}\n'
        b'{"kind": "metric", "t": 1.0, "name": "nan", "value": NaN}\n'
        b'{"kind": "model", "t": 1.0, "name": "m", "digest": "' + digest.encode() + b'", '
        b'"format": "sklearn", "size_bytes": 10}\n'
        b'{"kind": "model", "name": "broken", "digest": "../../etc"}\n'
    )

    assert [(metric.name, metric.value, metric.position) for metric in first] == [("auc", 0.9, 3)]
    assert activity.cells["b"] == CellRun(id="b", state="ok", duration_s=0.5)
    (model,) = activity.logged.artifacts
    assert (model.type, model.name, model.digest) == ("system.Model", "m", digest)
    assert model.metadata == {"format": "sklearn"}
