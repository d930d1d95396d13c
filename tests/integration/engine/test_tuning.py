"""Tuning jobs through a real engine: what a trial may be, where its metrics are read, how it ends.

And that whoever is killed, nothing that ended runs again and nobody is left behind.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from jupyter_mlplat.errors import Conflict, InvalidInput
from jupyter_mlplat.resources.run import Run, RunState
from jupyter_mlplat.resources.tuning import Trial, TrialState
from jupyter_mlplat.stores.blobs import LocalBlobStore

from .conftest import EngineProcess, WriteNotebook

SPACE = [{"name": "x", "type": "double", "minimum": 0, "maximum": 1}]


def tune(**given: Any) -> dict[str, Any]:
    return {
        "objective": {"metric": "score", "direction": "maximize"},
        "space": SPACE,
        "algorithm": {"name": "random"},
        "trials": 3,
        "seed": 1,
        **given,
    }


def begin(engine: EngineProcess, payload: dict[str, Any], **given: Any) -> Run:
    more = given.pop("request", {})
    return engine.client.tune({"payload": payload, "tune": tune(**given), **more})


def finish(engine: EngineProcess, run: Run) -> Run:
    ended = engine.client.wait_for_run(run.id, 60)
    assert ended.state.is_final, f"{ended}\n{engine.log()}"
    return ended


def trials_of(engine: EngineProcess, run: Run) -> tuple[Trial, ...]:
    return engine.client.list_trials(run.id, limit=1000).trials


def wait_for(condition: Callable[[], Any], timeout_s: float = 20.0) -> Any:
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


def processes_in(root: Path) -> list[int]:
    """Return the processes whose logs lie below a folder."""
    found = []
    for entry in os.scandir("/proc"):
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and os.readlink(f"/proc/{entry.name}/fd/1").startswith(
                str(root / "runs")
            ):
                found.append(int(entry.name))
    return found


@pytest.fixture(autouse=True)
def nobody_left(short_dir: Path) -> Iterator[None]:
    yield
    wait_for(lambda: not processes_in(short_dir / "home"), 10)


# - what a trial may be -


def test_cells_are_run_once_per_trial_and_the_best_is_the_step_s(running: EngineProcess) -> None:
    cell = "import jupyter_mlplat as m\nscore = x\nmodel = {'x': x}\nprint('tried', x)\n"
    cell += "m.log_artifact({'x': x}, 'found')"

    run = finish(running, begin(running, {"cell": cell}, parallel=2))

    assert (run.state, run.kind) == (RunState.SUCCEEDED, "tune")
    trials = trials_of(running, run)
    assert [trial.number for trial in trials] == [1, 2, 3]
    assert {trial.state for trial in trials} == {TrialState.SUCCEEDED}
    best = max(trials, key=lambda trial: trial.value or 0.0)
    status = running.client.get_tuning(run.id)
    assert status.best == best
    assert status.counts == {"Succeeded": 3}
    assert status.over == "All 3 trials have ended."
    result = running.client.get_result(run.id)
    assert result.metrics == {"score": best.value}
    assert {"score", "model"} <= set(result.outputs)
    assert result.outputs["score"].preview == repr(best.value)
    for trial in trials:
        detail = running.client.get_trial(run.id, trial.number)
        assert [(report.name, report.value) for report in detail.reports] == [
            ("score", trial.value)
        ]
        assert [artifact.name for artifact in detail.artifacts] == ["found"]
        printed = running.client.read_trial_log(run.id, trial.number)
        assert printed == f"tried {trial.parameters['x']}\n"
    page = running.client.list_trials(run.id, sort="value", order="desc", limit=1)
    assert (page.trials, page.next, page.total) == ((best,), "1", 3)


def test_the_model_of_the_best_trial_is_the_one_that_is_registered(
    running: EngineProcess,
) -> None:
    cell = """
import jupyter_mlplat as mlplat
class Model:
    def predict(self, rows):
        return [x for _ in rows]
mlplat.log_model(Model(), "model")
score = -abs(x - 0.5)
"""
    run = finish(running, begin(running, {"cell": cell}, trials=5, parallel=2))
    best = running.client.get_tuning(run.id).best
    assert best is not None

    version = running.client.register_model("found", run_id=run.id)

    artifact = running.client.get_artifact(version.artifact_id)
    assert artifact.metadata["trial"] == best.number
    assert len(running.client.list_run_models(run.id)) == 5
    (made,) = running.client.get_trial(run.id, best.number).artifacts
    assert made.id == artifact.id


def test_the_importance_of_parameters_is_told_of_a_job_that_is_over(
    running: EngineProcess,
) -> None:
    pytest.importorskip("optuna")
    space = [*SPACE, {"name": "y", "type": "double", "minimum": 0, "maximum": 1}]

    run = finish(
        running, begin(running, {"cell": "score = x"}, trials=40, space=space, is_inline=True)
    )

    shares = running.client.get_tuning(run.id).importance
    assert shares["x"] > shares["y"]


def test_a_function_is_called_with_the_parameters(engine: EngineProcess, short_dir: Path) -> None:
    engine.start()

    def objective(x: float, scale: int) -> dict[str, float]:
        return {"score": x * scale, "loss": -x}

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    digest = LocalBlobStore(engine.home.blobs).put_bytes(cloudpickle.dumps(objective))

    run = finish(engine, begin(engine, {"function": digest, "arguments": {"scale": 2}}))

    assert run.state is RunState.SUCCEEDED, run.failure
    for trial in trials_of(engine, run):
        x = trial.parameters["x"]
        assert isinstance(x, float)
        assert trial.value == 2 * x
        assert trial.metrics["loss"].latest == -x


def test_a_command_is_given_the_values_and_its_output_is_read(
    running: EngineProcess, short_dir: Path
) -> None:
    script = short_dir / "train.py"
    script.write_text(
        "import sys\nfor part in (0.5, 1):\n    print(f'score={float(sys.argv[1]) * part}')"
    )
    command = ["python", "train.py", "${trialParameters.x}"]

    run = finish(
        running,
        begin(
            running,
            {"command": command, "cwd": str(short_dir)},
            collector={"kind": "stdout"},
        ),
    )

    assert run.state is RunState.SUCCEEDED, run.failure
    trials = trials_of(running, run)
    assert [trial.value for trial in trials] == [trial.parameters["x"] for trial in trials]
    reports = running.client.get_trial(run.id, 1).reports
    assert [report.value for report in reports] == [
        pytest.approx(trials[0].value / 2),
        trials[0].value,
    ]


def test_a_whole_notebook_is_run_by_papermill(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook(
        ("x = 0.0\nextra = 1", {"tags": ["parameters"]}), "print(f'score={x + extra}')"
    )

    run = finish(
        running,
        begin(
            running,
            {"notebook": str(book), "arguments": {"extra": 2}},
            trials=2,
            parallel=2,
            collector={"kind": "stdout"},
        ),
    )

    assert run.state is RunState.SUCCEEDED, run.failure
    for trial in trials_of(running, run):
        assert trial.value == pytest.approx(trial.parameters["x"] + 2)
    shown = running.client.get_step_notebook(run.id, "notebook")
    assert any("score=" in str(cell.get("outputs")) for cell in shown["cells"])


def test_a_step_of_a_notebook_is_tuned_with_what_comes_before_it(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook(
        ("base = 10\nx = 0.5", {"step": "load"}),
        ("score = base + x", {"step": "fit"}),
        ("raise RuntimeError('not asked for')", {"step": "after"}),
    )

    run = finish(running, begin(running, {"notebook": str(book), "step": "fit"}))

    assert run.state is RunState.SUCCEEDED, run.failure
    for trial in trials_of(running, run):
        assert trial.value == 10 + trial.parameters["x"]


def test_a_command_may_push_its_metrics_or_write_them_to_a_file_of_its_own(
    running: EngineProcess, short_dir: Path
) -> None:
    pushes = (
        "import jupyter_mlplat.train as train, sys; "
        "train.report(step=1, metrics={'score': float(sys.argv[1])})"
    )
    writes = (
        "import json, os, sys; "
        "open(os.environ['MLPLAT_TRIAL_DIR'] + '/m.json', 'w')"
        ".write(json.dumps({'step': 3, 'score': sys.argv[1]}))"
    )
    collector = {"kind": "file", "path": "m.json", "format": "json"}

    for code, given in ((pushes, {}), (writes, {"collector": collector})):
        command = ["python", "-c", code, "${trialParameters.x}"]
        run = finish(
            running,
            begin(running, {"command": command, "cwd": str(short_dir)}, parallel=2, **given),
        )

        assert run.state is RunState.SUCCEEDED, run.failure
        for trial in trials_of(running, run):
            assert trial.value == trial.parameters["x"]
    assert running.client.get_trial(run.id, 1).reports[0].position == 3


def test_a_trial_may_be_a_train_job(running: EngineProcess) -> None:
    cell = """
import os
import jupyter_mlplat as mlplat
score = x + int(os.environ["WORLD_SIZE"])
mlplat.train.report(step=1, metrics={"score": score})
"""
    train = {"runtime": "plain", "nodes": 1, "processes": 2}

    run = finish(running, begin(running, {"cell": cell}, trials=2, train=train))

    assert run.state is RunState.SUCCEEDED, run.failure
    for trial in trials_of(running, run):
        assert trial.value == trial.parameters["x"] + 2


def test_devices_are_divided_among_trials_that_run_at_once(engine: EngineProcess) -> None:
    engine.start(MLPLAT_GPUS="4")
    cell = "import os, time\ntime.sleep(0.3)\nscore = x\nprint(os.environ['CUDA_VISIBLE_DEVICES'])"

    run = finish(
        engine,
        begin(engine, {"cell": cell}, trials=4, parallel=2, request={"gpu": 4, "cpu": 1}),
    )

    assert run.state is RunState.SUCCEEDED, run.failure
    seen = {engine.client.read_trial_log(run.id, number).strip() for number in (1, 2, 3, 4)}
    assert seen == {"0,2", "1,3"}


def test_a_trial_of_a_population_goes_on_from_its_parents_checkpoint(
    running: EngineProcess,
) -> None:
    cell = """
import jupyter_mlplat as mlplat
folder = mlplat.train.checkpoint_dir()
known = folder / "age"
age = int(known.read_text()) if known.exists() else 0
score = x + age
draft = folder / "age.tmp"
draft.write_text(str(age + 1))
draft.rename(known)
"""
    settings = {"n_population": 5, "truncation_threshold": 0.2}

    run = finish(
        running,
        begin(
            running,
            {"cell": cell},
            trials=15,
            algorithm={"name": "pbt", "settings": settings},
        ),
    )

    assert run.state is RunState.SUCCEEDED, run.failure
    trials = {trial.number: trial for trial in trials_of(running, run)}
    parents = {trial.number: trial.label.get("parent") for trial in trials.values()}
    assert any(parents.values())
    for number, parent in parents.items():
        age = (trials[number].value or 0.0) - float(str(trials[number].parameters["x"]))
        if parent is None:
            assert age == pytest.approx(0)
        else:
            assert isinstance(parent, int)
            of_parent = (trials[parent].value or 0.0) - float(str(trials[parent].parameters["x"]))
            assert age == pytest.approx(of_parent + 1)


def test_a_job_may_begin_with_what_earlier_jobs_have_shown(running: EngineProcess) -> None:
    first = finish(running, begin(running, {"cell": "score = x"}, trials=15, is_inline=True))

    run = finish(
        running,
        begin(
            running,
            {"cell": "score = x"},
            trials=5,
            is_inline=True,
            algorithm={"name": "tpe"},
            warm_start=[first.id],
        ),
    )

    assert run.state is RunState.SUCCEEDED, run.failure
    values = [trial.value or 0.0 for trial in trials_of(running, run)]
    assert sum(value > 0.5 for value in values) >= 3  # it does not begin at random


# - how a trial ends -


def test_a_metric_that_is_never_reported_says_where_was_looked(running: EngineProcess) -> None:
    run = finish(
        running, begin(running, {"cell": "other = x"}, collector={"kind": "stdout"}, trials=1)
    )

    assert run.state is RunState.FAILED
    (trial,) = trials_of(running, run)
    assert trial.state is TrialState.METRICS_UNAVAILABLE
    assert trial.failure is not None
    assert "a name 'score' after its cells" in trial.failure
    assert "what it printed" in trial.failure
    assert run.failure is not None
    assert run.failure.code == "no-trial-succeeded"


def test_an_objective_that_is_no_number_fails_its_trial(running: EngineProcess) -> None:
    run = finish(running, begin(running, {"cell": "score = x * float('nan')"}, trials=1))

    (trial,) = trials_of(running, run)
    assert trial.state is TrialState.FAILED
    assert trial.failure == "Its objective 'score' is NaN: a finite number is needed."


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "killed by signal 9, SIGKILL"),
        ("import os\nos._exit(3)", "exited with status 3"),
        ("raise ValueError('too deep')", "ValueError: too deep"),
    ],
    ids=["killed", "exit", "error"],
)
def test_the_death_of_one_trial_is_that_trial_s_failure(
    running: EngineProcess, cell: str, why: str
) -> None:
    condition = "import os\nif os.environ['MLPLAT_TRIAL'] == '2':\n    "
    cell = condition + cell.replace("\n", "\n    ") + "\nscore = x"

    run = finish(running, begin(running, {"cell": cell}))

    assert run.state is RunState.SUCCEEDED, run.failure
    states = {trial.number: trial.state for trial in trials_of(running, run)}
    assert states == {
        1: TrialState.SUCCEEDED,
        2: TrialState.FAILED,
        3: TrialState.SUCCEEDED,
    }
    assert why in (running.client.get_trial(run.id, 2).trial.failure or "")


def test_a_trial_that_fails_is_run_again_as_often_as_it_may(
    running: EngineProcess, short_dir: Path
) -> None:
    cell = f"""
import os
from pathlib import Path
mark = Path({str(short_dir)!r}, "tries-" + os.environ["MLPLAT_TRIAL"])
tries = len(mark.read_text()) if mark.exists() else 0
mark.write_text("x" * (tries + 1))
score = tries
assert tries >= int(os.environ["MLPLAT_TRIAL"]), "not yet"
"""

    run = finish(running, begin(running, {"cell": cell}, trials=2, trial_retries=1))

    first, second = trials_of(running, run)
    assert (first.state, first.value) == (TrialState.SUCCEEDED, 1)
    assert second.state is TrialState.FAILED
    assert "not yet" in (second.failure or "")
    assert len((short_dir / "tries-2").read_text()) == 2


def test_a_trial_that_takes_too_long_has_failed(running: EngineProcess) -> None:
    cell = "import time\nscore = x\nif int(__import__('os').environ['MLPLAT_TRIAL']) == 1:\n"
    cell += "    time.sleep(60)"

    run = finish(running, begin(running, {"cell": cell}, trials=2, trial_timeout_s=1))

    first, second = trials_of(running, run)
    assert first.state is TrialState.FAILED
    assert first.failure == "It was stopped: it had run for its limit of 1 s."
    assert second.state is TrialState.SUCCEEDED


def test_a_trial_that_takes_more_memory_than_the_job_may_fails_alone(
    running: EngineProcess,
) -> None:
    cell = """
import os, time
if os.environ["MLPLAT_TRIAL"] == "2":
    large = bytearray(600 << 20)
    large[::4096] = bytes(len(large[::4096]))
    time.sleep(20)
score = x
"""
    run = finish(running, begin(running, {"cell": cell}, request={"memory": "400Mi"}))

    assert run.state is RunState.SUCCEEDED, run.failure
    failed = running.client.get_trial(run.id, 2).trial
    assert failed.state is TrialState.FAILED
    assert "the job may hold 400 MiB" in (failed.failure or "")


def test_more_failures_than_allowed_end_the_job(running: EngineProcess) -> None:
    run = finish(running, begin(running, {"cell": "1 / 0"}, trials=20, failures=2))

    assert run.state is RunState.FAILED
    assert run.failure is not None
    assert run.failure.code == "too-many-failures"
    assert "more than the 2 that may" in run.failure.message
    assert "ZeroDivisionError" in run.failure.message
    assert len(trials_of(running, run)) == 3


def test_a_goal_that_is_reached_ends_the_job(running: EngineProcess) -> None:
    objective = {"metric": "score", "direction": "maximize", "goal": 0.0}

    run = finish(running, begin(running, {"cell": "score = x"}, trials=50, objective=objective))

    assert run.state is RunState.SUCCEEDED
    assert len(trials_of(running, run)) == 1
    assert "reached the goal" in (running.client.get_tuning(run.id).over or "")


def test_a_trial_that_does_worse_is_stopped_early(running: EngineProcess) -> None:
    cell = """
import jupyter_mlplat as mlplat
for step in range(1, 6):
    mlplat.train.report(step=step, metrics={"score": -step * trial_weight})
"""
    cell = "import os\ntrial_weight = int(os.environ['MLPLAT_TRIAL'])\n" + cell

    run = finish(
        running,
        begin(
            running,
            {"cell": cell},
            trials=6,
            early_stopping={
                "name": "medianstop",
                "settings": {"min_trials_required": 2, "start_step": 2},
            },
        ),
    )

    assert run.state is RunState.SUCCEEDED, run.failure
    trials = trials_of(running, run)
    assert [trial.state for trial in trials[:2]] == [TrialState.SUCCEEDED] * 2
    assert trials[5].state is TrialState.EARLY_STOPPED
    assert len(running.client.get_trial(run.id, 6).reports) < 5


def test_a_train_job_that_will_not_end_is_killed_when_its_trial_is_stopped_early(
    running: EngineProcess,
) -> None:
    cell = """
import os, signal, time
import jupyter_mlplat as mlplat
signal.signal(signal.SIGTERM, signal.SIG_IGN)
weight = int(os.environ["MLPLAT_TRIAL"])
for step in range(1, 4):
    mlplat.train.report(step=step, metrics={"score": -step * weight})
if weight == 3:
    time.sleep(60)
"""
    stopping = {"name": "medianstop", "settings": {"min_trials_required": 2, "start_step": 2}}
    train = {"runtime": "plain", "nodes": 1, "processes": 2}

    run = begin(running, {"cell": cell}, trials=3, train=train, early_stopping=stopping)
    run = finish(running, run)

    assert run.state is RunState.SUCCEEDED, run.failure
    assert trials_of(running, run)[2].state is TrialState.EARLY_STOPPED  # `nobody_left` looks on


def test_a_trial_is_stopped_by_hand_and_another_one_takes_its_place(
    running: EngineProcess,
) -> None:
    cell = "import os, time\nif os.environ['MLPLAT_TRIAL'] == '1':\n    time.sleep(60)\nscore = x"
    run = begin(running, {"cell": cell}, trials=2)
    wait_for(lambda: trials_of(running, run))

    stopped = running.client.stop_trial(run.id, 1)

    assert stopped.state is TrialState.RUNNING
    run = finish(running, run)
    states = [trial.state for trial in trials_of(running, run)]
    assert states == [TrialState.KILLED, TrialState.SUCCEEDED, TrialState.SUCCEEDED]
    with pytest.raises(Conflict, match="it is Killed"):
        running.client.stop_trial(run.id, 1)


def test_what_a_trial_has_started_ends_with_it(running: EngineProcess) -> None:
    cell = "import subprocess\nsubprocess.Popen(['sleep', '60'])\nscore = x"

    run = finish(running, begin(running, {"cell": cell}))

    assert run.state is RunState.SUCCEEDED, run.failure  # and `nobody_left` looks


# - inline -


def test_inline_trials_run_in_one_process_and_are_written_one_by_one(
    running: EngineProcess,
) -> None:
    cell = "import os\nscore = x\npid = os.getpid()\nleft = locals().get('left', 0) + 1"

    run = finish(running, begin(running, {"cell": cell}, trials=600, is_inline=True))

    assert run.state is RunState.SUCCEEDED, run.failure
    trials = trials_of(running, run)
    assert [trial.number for trial in trials] == list(range(1, 601))
    assert all(trial.value == trial.parameters["x"] for trial in trials)
    outputs = running.client.get_result(run.id).outputs
    assert outputs["score"].preview == repr(max(trial.value or 0.0 for trial in trials))
    assert outputs["left"].preview == "1"  # names are put back between trials


def test_a_trial_that_ends_the_inline_process_has_failed_and_the_others_go_on(
    running: EngineProcess,
) -> None:
    cell = (
        "import os, signal\nif 0.3 < x < 0.6:\n    os.kill(os.getpid(), signal.SIGKILL)\nscore = x"
    )

    run = finish(running, begin(running, {"cell": cell}, trials=8, is_inline=True))

    assert run.state is RunState.SUCCEEDED, run.failure
    for trial in trials_of(running, run):
        is_deadly = 0.3 < float(str(trial.parameters["x"])) < 0.6
        assert trial.state is (TrialState.FAILED if is_deadly else TrialState.SUCCEEDED)
        assert not is_deadly or "SIGKILL" in (trial.failure or "")


def test_inline_trials_that_fail_fail_the_job_like_others(running: EngineProcess) -> None:
    run = finish(running, begin(running, {"cell": "1 / 0"}, failures=1, is_inline=True))

    assert run.failure is not None
    assert run.failure.code == "too-many-failures"


def test_inline_trials_go_on_where_their_process_was_killed(running: EngineProcess) -> None:
    run = begin(
        running,
        {"cell": "import time\ntime.sleep(0.05)\nscore = x"},
        trials=40,
        is_inline=True,
        request={"retries": 1},
    )
    wait_for(lambda: running.client.get_tuning(run.id).counts.get("Succeeded", 0) >= 5)

    os.kill(_host_of(running, run), signal.SIGKILL)

    run = finish(running, run)
    assert run.state is RunState.SUCCEEDED, run.failure
    trials = trials_of(running, run)
    assert [trial.number for trial in trials] == list(range(1, 41))
    assert {trial.state for trial in trials} == {TrialState.SUCCEEDED}
    assert len({trial.started_at for trial in trials}) == 40
    best = max(trial.value or 0.0 for trial in trials)  # it may be of the attempt that was killed
    assert running.client.get_result(run.id).outputs["score"].preview == repr(best)


# - refusals -


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"space": [{"name": "x", "type": "double", "minimum": 2, "maximum": 1}]}, "x"),
        ({"algorithm": {"name": "magic"}}, "magic"),
        ({"algorithm": {"name": "grid"}}, "step"),
    ],
    ids=["min above max", "unknown algorithm", "grid without step"],
)
def test_a_spec_that_makes_no_sense_is_refused_at_once(
    running: EngineProcess, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        begin(running, {"cell": "score = x"}, **given)


def test_a_gpu_that_is_not_there_is_refused(engine: EngineProcess) -> None:
    engine.start(MLPLAT_GPUS="0")
    with pytest.raises(InvalidInput, match="GPU"):
        begin(engine, {"cell": "score = x"}, request={"gpu": 64})


def test_a_run_that_is_not_tuned_has_no_trials(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    run = finish(running, running.client.submit(write_notebook("x = 1")))

    with pytest.raises(InvalidInput, match="none of its steps is tuned"):
        running.client.get_tuning(run.id)


# - kills -

SLOW = """
import os, time
with open({marks!r}, "a") as file:
    file.write(f"{{x!r}}\\n")
time.sleep(0.2)
score = x
"""


def test_a_job_goes_on_where_its_process_was_killed(
    running: EngineProcess, short_dir: Path
) -> None:
    marks = short_dir / "marks"
    run = begin(
        running,
        {"cell": SLOW.format(marks=str(marks))},
        trials=6,
        parallel=2,
        request={"retries": 1},
    )
    wait_for(lambda: running.client.get_tuning(run.id).counts.get("Succeeded", 0) >= 2)

    os.kill(_host_of(running, run), signal.SIGKILL)

    run = finish(running, run)
    assert run.state is RunState.SUCCEEDED, run.failure
    assert run.tasks[0].attempt == 2
    _check_after_kill(running, run, marks)


def test_a_job_goes_on_through_the_death_of_the_engine(
    running: EngineProcess, short_dir: Path
) -> None:
    marks = short_dir / "marks"
    run = begin(running, {"cell": SLOW.format(marks=str(marks))}, trials=8, parallel=2)
    wait_for(lambda: running.client.get_tuning(run.id).counts.get("Succeeded", 0) >= 1)

    running.kill()
    running.start()

    run = finish(running, run)
    assert run.state is RunState.SUCCEEDED, run.failure
    trials = trials_of(running, run)
    assert [trial.state for trial in trials] == [TrialState.SUCCEEDED] * 8
    assert len(marks.read_text().split()) == 8


def test_a_job_goes_on_through_the_death_of_engine_and_process(
    running: EngineProcess, short_dir: Path
) -> None:
    marks = short_dir / "marks"
    run = begin(
        running,
        {"cell": SLOW.format(marks=str(marks))},
        trials=6,
        parallel=2,
        request={"retries": 1},
    )
    wait_for(lambda: running.client.get_tuning(run.id).counts.get("Succeeded", 0) >= 1)
    host = _host_of(running, run)

    running.kill()
    os.kill(host, signal.SIGKILL)
    running.start()

    run = finish(running, run)
    assert run.state is RunState.SUCCEEDED, run.failure
    _check_after_kill(running, run, marks)


def test_a_job_goes_on_through_the_death_of_the_tuner(
    running: EngineProcess, short_dir: Path
) -> None:
    marks = short_dir / "marks"
    run = begin(running, {"cell": SLOW.format(marks=str(marks))}, trials=5, parallel=2)
    wait_for(lambda: running.client.get_tuning(run.id).counts.get("Succeeded", 0) >= 1)

    os.kill(_tuner_below(_host_of(running, run)), signal.SIGKILL)

    run = finish(running, run)
    assert run.state is RunState.SUCCEEDED, run.failure
    assert [trial.state for trial in trials_of(running, run)] == [TrialState.SUCCEEDED] * 5
    assert len(marks.read_text().split()) == 5


def test_a_job_that_has_failed_goes_on_when_it_is_retried(
    running: EngineProcess, short_dir: Path
) -> None:
    marks = short_dir / "marks"
    run = begin(running, {"cell": SLOW.format(marks=str(marks))}, trials=6, parallel=2)
    wait_for(lambda: running.client.get_tuning(run.id).counts.get("Succeeded", 0) >= 1)
    os.kill(_host_of(running, run), signal.SIGKILL)
    assert finish(running, run).state is RunState.FAILED

    running.client.retry_run(run.id)

    run = finish(running, run)
    assert run.state is RunState.SUCCEEDED, run.failure
    _check_after_kill(running, run, marks)


def test_a_job_that_is_never_to_be_resumed_is_not_retried(running: EngineProcess) -> None:
    run = finish(running, begin(running, {"cell": "1 / 0"}, trials=1, resume="never"))

    with pytest.raises(Conflict, match="resume policy of 'tune' is Never"):
        running.client.retry_run(run.id)


def test_a_job_that_is_paused_goes_on_where_it_was(running: EngineProcess, short_dir: Path) -> None:
    marks = short_dir / "marks"
    run = begin(running, {"cell": SLOW.format(marks=str(marks))}, trials=6, parallel=2)
    wait_for(lambda: running.client.get_tuning(run.id).counts.get("Succeeded", 0) >= 1)

    running.client.pause_run(run.id)

    wait_for(lambda: running.client.get_run(run.id).state is RunState.PAUSED)
    wait_for(lambda: "Running" not in running.client.get_tuning(run.id).counts)
    running.client.resume_run(run.id)
    run = finish(running, run)
    assert run.state is RunState.SUCCEEDED, run.failure
    _check_after_kill(running, run, marks)


def test_a_job_that_is_cancelled_leaves_no_trial_running(running: EngineProcess) -> None:
    run = begin(running, {"cell": "import time\ntime.sleep(60)\nscore = x"}, parallel=2)
    wait_for(lambda: len(trials_of(running, run)) == 2)

    running.client.cancel_run(run.id)

    run = finish(running, run)
    assert run.state is RunState.CANCELED
    assert {trial.state for trial in trials_of(running, run)} == {TrialState.KILLED}
    assert running.client.get_tuning(run.id).over == "It was stopped."


def _host_of(engine: EngineProcess, run: Run) -> int:
    attempts = engine.home.runs / run.id / "tune"
    claim = max(attempts.glob("*/claim"))
    return int(claim.read_text().partition('"pid":')[2].partition(",")[0])


def _tuner_below(host: int) -> int:
    children = Path(f"/proc/{host}/task/{host}/children").read_text().split()
    for child in children:
        if b"jupyter_mlplat.tuner" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    raise AssertionError("no tuner")


def _check_after_kill(engine: EngineProcess, run: Run, marks: Path) -> None:
    """See that what had ended was not run again, and what had not was marked and replaced."""
    trials = trials_of(engine, run)
    ended = [trial for trial in trials if trial.state is TrialState.SUCCEEDED]
    killed = [trial for trial in trials if trial.state is TrialState.KILLED]
    assert len(ended) == 6
    assert 0 < len(killed) <= 2
    assert len(ended) + len(killed) == len(trials)
    assert all(trial.finished_at for trial in killed)
    begun = marks.read_text().split()
    assert len(begun) == len(set(begun)), "a trial ran twice"
    assert {repr(trial.parameters["x"]) for trial in ended} <= set(begun)
    assert set(begun) <= {repr(trial.parameters["x"]) for trial in trials}
    best = max(ended, key=lambda trial: trial.value or 0.0)
    assert engine.client.get_tuning(run.id).best == best
    assert engine.client.get_result(run.id).outputs["score"].preview == repr(best.value)
