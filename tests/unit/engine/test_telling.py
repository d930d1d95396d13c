"""What a step says through MLflow's API goes where all it says goes."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jupyter_mlplat.engine.telling import StepPlace, StepTeller, variables_of, wants_tracking
from jupyter_mlplat.errors import Conflict
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.ports.tracking import Point
from jupyter_mlplat.resources.engine import Door
from jupyter_mlplat.resources.lineage import Artifact


@pytest.mark.parametrize(("trial", "folder"), [(None, ""), (7, "trials/7")])
def test_lines_are_added_to_the_events_of_the_attempt_or_the_trial(
    tmp_path: Path, trial: int | None, folder: str
) -> None:
    home, place = Home(tmp_path), StepPlace("run-1", "train", 2, trial)
    events = home.attempt("run-1", "train", 2) / folder / "events.jsonl"
    events.parent.mkdir(parents=True)
    events.write_text('{"kind": "own"}\n')
    artifact = Artifact(
        id="art-0123456789", type="system.Model", name="m", created_at=datetime.now(UTC)
    )

    StepTeller(home, place).log([Point("auc", 0.5, 3, 1.0)])
    StepTeller(home, place).link("output", artifact)

    own, metric, link = (json.loads(line) for line in events.read_text().splitlines())
    assert own == {"kind": "own"}
    assert metric == {"t": 1.0, "kind": "metric", "name": "auc", "value": 0.5, "step": 3}
    assert (link["kind"], link["artifact_id"], link["name"]) == ("output", artifact.id, "m")


def test_a_step_that_is_over_is_told_nothing(tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="not running"):
        StepTeller(Home(tmp_path), StepPlace("run-1", "train", 1)).log([Point("a", 1.0, 0, 0.0)])


def test_a_step_finds_its_own_address_unless_there_is_another_server() -> None:
    door = Door(host="http://127.0.0.1:1", token="secret")

    variables = variables_of(door, StepPlace("run-1", "train", 1), "Churn")

    assert variables == {
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:1/in/run-1/train/1",
        "MLFLOW_TRACKING_TOKEN": "secret",
        "MLFLOW_RUN_ID": "run-1",
        "MLFLOW_EXPERIMENT_NAME": "Churn",
    }
    assert wants_tracking({})
    assert not wants_tracking({"MLFLOW_TRACKING_URI": "https://example.org"})
