"""How train and tuning jobs, their ranks and trials, and their curves look."""

import math
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from jupyter_mlplat.client.tuning_handles import Trials
from jupyter_mlplat.client.views import charts, html, nouns, plain, text
from jupyter_mlplat.client.views.view import Chart, Line, View
from jupyter_mlplat.resources.run import Metric, Run, RunState, Task, TaskState
from jupyter_mlplat.resources.training import (
    Checkpoint,
    Progress,
    RankStatus,
    TrainJobStatus,
    TrainSpec,
)
from jupyter_mlplat.resources.tuning import (
    Objective,
    SpaceParameter,
    Trial,
    TrialState,
    TuneSpec,
    TuningStatus,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DIGEST = "sha256:" + "0" * 64


def run_of(kind: str, state: RunState, task: Task) -> Run:
    return Run.model_validate(
        {
            "id": "run-01jd3x8c5v",
            "number": 7,
            "pipeline": "digits",
            "pipeline_digest": DIGEST,
            "kind": kind,
            "state": state,
            "created_at": NOW,
            "tasks": [task.model_dump()],
        }
    )


def metric(name: str, value: float, position: int | None) -> Metric:
    return Metric(name=name, value=value, step="train", position=position, logged_at=NOW)


def train_view(state: RunState = RunState.RUNNING, **task: Any) -> View:
    fields = {"name": "train", "state": TaskState(state), **task}
    found = Task.model_validate(fields)
    status = TrainJobStatus(
        spec=TrainSpec(nodes=1, processes=2),
        ranks=(
            RankStatus(rank=0, node=0, local_rank=0, state="running", gpus=("0",)),
            RankStatus(rank=1, node=0, local_rank=1, state="failed", exit="ended by SIGKILL"),
        ),
        checkpoints=(Checkpoint(name="epoch-3.pt", size_bytes=2048),),
        restarts=1,
    )
    metrics = [metric("loss", 1 / (n + 1), n) for n in range(5)]
    metrics += [metric("test_loss", 2 / (n + 1), n) for n in range(5)]
    return nouns.view_train_job(run_of("train", state, found), found, status, metrics, "epoch 4")


def test_train_job_that_goes_on_says_how_far_it_is() -> None:
    progress = Progress(fraction=0.25, position=4, remaining_s=30, message="warming up")

    shown = text.draw(train_view(progress=progress))

    assert "Train job 7: digits  ● running" in shown
    assert "runs as     2 processes, torch-distributed" in shown
    assert "progress    25%, step 4, 30.0 s left, warming up" in shown
    assert "checkpoint  epoch-3.pt, 2.0 KiB" in shown
    assert "restarts    1" in shown
    assert re.search(r"1 +0  ✗ failed +ended by SIGKILL", shown)
    assert shown.endswith("epoch 4")


def test_curves_of_one_kind_share_a_chart() -> None:
    (chart,) = train_view().charts

    assert (chart.title, [line.name for line in chart.lines]) == ("loss", ["loss", "test_loss"])
    assert chart.lines[0].points[1] == (1.0, 0.5)


def test_log_is_left_out_once_a_job_has_succeeded() -> None:
    assert train_view(RunState.SUCCEEDED, duration_s=3.0).block == ""


def tuning_view(trials: list[Trial], best: Trial | None, goal: str = "maximize") -> View:
    spec = TuneSpec(
        objective=Objective.model_validate({"metric": "auc", "direction": goal}),
        space=(
            SpaceParameter(
                name="lr", type="double", minimum=1e-5, maximum=1, distribution="log-uniform"
            ),
            SpaceParameter(name="kind", type="categorical", values=("a", "b")),
        ),
        trials=40,
    )
    counts: dict[str, int] = {}
    for trial in trials:
        counts[trial.state.value] = counts.get(trial.state.value, 0) + 1
    tuning = TuningStatus(
        spec=spec, counts=counts, best=best, importance={"lr": 0.9, "kind": 0.1} if best else {}
    )
    task = Task(name="tune", state=TaskState.RUNNING)
    return nouns.view_tuning_job(
        run_of("tune", RunState.RUNNING, task), task, tuning, trials, "written"
    )


def trial(number: int, value: float | None, state: TrialState = TrialState.SUCCEEDED) -> Trial:
    parameters = {"lr": 10.0 ** -(number % 4), "kind": "a" if number % 2 else "b"}
    return Trial.model_validate(
        {"number": number, "state": state, "parameters": parameters, "value": value}
    )


def test_tuning_job_shows_the_best_and_the_newest_trials() -> None:
    trials = [trial(number, number % 7 / 10) for number in range(1, 31)]
    trials.append(trial(31, None, TrialState.RUNNING))
    trials.append(trial(32, None, TrialState.METRICS_UNAVAILABLE))
    best = trials[5]

    shown = text.draw(tuning_view(trials, best))

    assert "trials       31 of 40 (1 running, 1 no metric)" in shown
    assert "best so far  auc 0.6 in trial 6" in shown
    assert "importance   lr 90%, kind 10%" in shown
    rows = [int(n) for n in re.findall(r"^ +(\d+)  [●✓✗]", shown, re.MULTILINE)]
    assert rows == [6, 32, 31, 30, 29, 28, 27, 26, 25, 24]


def test_history_rises_to_the_best_so_far() -> None:
    history, by_lr = tuning_view(
        [trial(1, 0.3), trial(2, 0.1), trial(3, 0.5)], trial(3, 0.5)
    ).charts

    assert history.lines[1].points == ((1.0, 0.3), (2.0, 0.3), (3.0, 0.5))
    assert by_lr.title == "auc by log₁₀ lr"
    assert by_lr.lines[0].points[0] == (-1.0, 0.3)


def test_history_falls_where_less_is_better() -> None:
    view = tuning_view([trial(1, 0.3), trial(2, 0.1)], trial(2, 0.1), "minimize")

    assert view.charts[0].lines[1].points == ((1.0, 0.3), (2.0, 0.1))


def test_job_without_trials_says_so() -> None:
    assert "No trials yet." in text.draw(tuning_view([], None))


@pytest.mark.parametrize(
    "points",
    [
        (),
        ((1.0, math.nan),),
        ((1.0, 2.0),),
        ((1.0, 5.0), (2.0, 5.0)),
        ((0.0, -1e308), (1.0, 1e299), (2.0, -1e299)),
        tuple((float(n), math.sin(n)) for n in range(5000)),
    ],
    ids=["none", "gap", "one", "flat", "vast", "many"],
)
@pytest.mark.parametrize("kind", ["line", "step", "dots"])
def test_any_curve_can_be_drawn_everywhere(points: Any, kind: Any) -> None:
    view = View("T", charts=(Chart("a", (Line("a", points, kind),), "step"),))

    drawing = charts.lay_out(view.charts[0])

    coordinates = [float(n) for path in drawing.paths for n in re.findall(r"-?[\d.]+", path.d)]
    assert all(-1 <= n <= charts.WIDTH + 1 for n in coordinates)
    assert len(drawing.paths) < 20
    assert sum(len(path.d) for path in drawing.paths) < 20_000
    assert "nan" not in html.draw(view).replace("nan)", "")
    assert plain.draw(view)["charts"][0]["text"].startswith("a")
    assert text.draw(view).startswith("T")


def test_names_of_users_are_no_markup() -> None:
    chart = Chart("<b>", (Line("<i>", ((0.0, 1.0), (1.0, 2.0))), Line("<u>", ((0.0, 1.0),))))

    drawn = html.draw(View("T", charts=(chart,)))

    assert not re.search("<[biu]>", drawn)


def test_trials_are_a_table_and_a_frame() -> None:
    table = Trials("Trials", [trial(1, 0.3), trial(2, None, TrialState.FAILED)], "auc")

    frame = table.to_pandas()

    assert list(frame.columns) == ["state", "lr", "kind", "auc", "duration_s"]
    assert frame.loc[1, "auc"] == 0.3
    assert "✗ failed" in repr(table)
