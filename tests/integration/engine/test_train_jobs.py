"""Train jobs: many processes as one step, killed in part and as a whole, paused and resumed."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.errors import InvalidInput, NotFound
from jupyter_mlplat.resources.run import Run, RunState
from jupyter_mlplat.resources.training import RankStatus, TrainJobStatus

from .conftest import EngineProcess, WriteNotebook
from .history import check_history, processes_in, read_history

TWO = {"runtime": "plain", "processes": 2}
EPOCHS = """
import json, os, time
import jupyter_mlplat as mlplat

kept = mlplat.train.checkpoint_dir()
latest = mlplat.train.latest_checkpoint()
first = json.loads(latest.read_text())["epoch"] + 1 if latest else 0
print("from", first, flush=True)
for epoch in range(first, 6):
    if mlplat.train.rank() == 0:
        draft = kept / f"{epoch}.tmp"
        draft.write_text(json.dumps({"epoch": epoch}))
        draft.rename(kept / f"epoch-{epoch}.json")
    mlplat.train.report(step=epoch, metrics={"loss": 1 / (epoch + 1)}, progress=(epoch + 1) / 6)
    time.sleep(pause if epoch >= 2 and first == 0 else 0.01)
done = epoch
"""


@pytest.fixture
def folder(short_dir: Path) -> Path:
    path = short_dir / "work"
    path.mkdir()
    return path


def job(folder: Path, source: str = "", **fields: Any) -> dict[str, Any]:
    payload = {"cell": source, "cwd": str(folder), **fields.pop("payload", {})}
    return {"payload": payload, "train": TWO, "cpu": 1, **fields}


def until(
    engine: EngineProcess, run: Run, is_so: Callable[[TrainJobStatus], bool]
) -> TrainJobStatus:
    deadline = time.monotonic() + 20
    while True:
        status = engine.client.get_ranks(run.id)
        if is_so(status):
            return status
        assert time.monotonic() < deadline, f"{status}\n{engine.client.get_run(run.id)}"
        time.sleep(0.02)


def has_checkpoint(status: TrainJobStatus) -> bool:
    return len(status.checkpoints) >= 3 and len(pids(status)) == 2


def pids(status: TrainJobStatus) -> list[int]:
    return [rank.pid for rank in status.ranks if rank.pid is not None]


def states(ranks: tuple[RankStatus, ...]) -> list[str]:
    return [rank.state for rank in ranks]


def from_epochs(engine: EngineProcess, run: Run) -> list[str]:
    """Return with which epoch each attempt began."""
    logs = sorted((engine.home.runs / run.id).glob("*/*/stdout.log"))
    return [log.read_text().splitlines()[0] for log in logs]


def test_a_job_tells_of_its_ranks_its_progress_and_its_checkpoints(
    running: EngineProcess, folder: Path
) -> None:
    source = EPOCHS.replace("pause", "0.01") + "print('rank', mlplat.train.rank())\n"
    run = running.client.train(job(folder, source, name="digits"))

    run = running.client.wait_for_run(run.id, 60)

    assert (run.state, run.kind, run.pipeline) == (RunState.SUCCEEDED, "train", "digits")
    status = running.client.get_ranks(run.id)
    assert states(status.ranks) == ["succeeded", "succeeded"]
    assert (status.spec.nodes, status.spec.processes, status.restarts) == (1, 2, 0)
    assert status.progress is not None
    assert (status.progress.fraction, status.progress.position) == (1.0, 5)
    assert [(one.name, one.position) for one in status.checkpoints][-1] == ("epoch-5.json", 5)
    assert [(one.type, one.reason) for one in status.conditions] == [
        ("Complete", "AllJobsCompleted")
    ]
    assert running.client.read_rank_log(run.id, 1, stream="stdout") == "from 0\nrank 1\n"
    assert running.client.read_rank_log(run.id, 0, stream="stdout") == "from 0\nrank 0\n"
    with pytest.raises(NotFound, match="no log of rank 7"):
        running.client.read_rank_log(run.id, 7)
    metrics = json.loads(running.client.fetch("runs.metrics", {"run": run.id}))["metrics"]
    assert [metric["position"] for metric in metrics] == [0, 1, 2, 3, 4, 5]


def test_a_killed_rank_is_restarted_with_the_others_from_the_checkpoint(
    running: EngineProcess, folder: Path
) -> None:
    source = EPOCHS.replace("pause", "60")
    run = running.client.train(job(folder, source, retries=1))
    status = until(running, run, has_checkpoint)

    os.kill(pids(status)[1], signal.SIGKILL)

    run = running.client.wait_for_run(run.id, 60)
    assert run.state is RunState.SUCCEEDED, run.failure
    assert from_epochs(running, run) == ["from 0", "from 3"]
    assert running.client.get_ranks(run.id).restarts == 1
    assert processes_in(running.home) == []


def test_a_killed_rank_without_restarts_fails_the_job_by_name(
    running: EngineProcess, folder: Path
) -> None:
    run = running.client.train(job(folder, EPOCHS.replace("pause", "60")))
    status = until(running, run, has_checkpoint)

    os.kill(pids(status)[1], signal.SIGKILL)

    run = running.client.wait_for_run(run.id, 60)
    assert run.state is RunState.FAILED
    assert run.failure is not None
    assert run.failure.message.startswith("Rank 1 of 2 (node 0) was ended by signal 9")
    status = running.client.get_ranks(run.id)
    assert states(status.ranks) == ["stopped", "failed"]
    assert [one.reason for one in status.conditions] == ["FailedJobs"]


@pytest.mark.parametrize("with_rank", [False, True], ids=["engine", "engine-and-rank"])
def test_a_job_outlives_its_engine(running: EngineProcess, folder: Path, with_rank: bool) -> None:
    source = EPOCHS.replace("pause", "0.3")
    run = running.client.train(job(folder, source, retries=1))
    status = until(running, run, has_checkpoint)

    running.kill()
    if with_rank:
        os.kill(pids(status)[1], signal.SIGKILL)
    running.start()

    run = running.client.wait_for_run(run.id, 60)
    assert run.state is RunState.SUCCEEDED, run.failure
    attempts = from_epochs(running, run)
    assert attempts[0] == "from 0"
    assert len(attempts) == (2 if with_rank else 1)
    assert "from 0" not in attempts[1:]
    assert states(running.client.get_ranks(run.id).ranks) == ["succeeded", "succeeded"]
    assert processes_in(running.home) == []
    assert running.stop() == 0
    check_history(*read_history(running.home))


def test_a_paused_job_goes_on_from_its_checkpoint(running: EngineProcess, folder: Path) -> None:
    run = running.client.train(job(folder, EPOCHS.replace("pause", "60")))
    status = until(running, run, has_checkpoint)

    paused = running.client.pause_run(run.id)

    assert paused.state is RunState.PAUSED
    deadline = time.monotonic() + 10
    while processes_in(running.home) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert processes_in(running.home) == []
    status = running.client.get_ranks(run.id)
    assert [(one.type, one.status, one.reason) for one in status.conditions] == [
        ("Suspended", "True", "Suspended")
    ]
    running.kill()  # nothing of it is in memory only
    running.start()
    assert running.client.resume_run(run.id).state is RunState.RUNNING
    run = running.client.wait_for_run(run.id, 60)
    assert run.state is RunState.SUCCEEDED, run.failure
    assert from_epochs(running, run) == ["from 0", "from 3"]
    status = running.client.get_ranks(run.id)
    assert [(one.type, one.status) for one in status.conditions] == [
        ("Suspended", "False"),
        ("Complete", "True"),
    ]
    assert status.restarts == 0
    metrics = json.loads(running.client.fetch("runs.metrics", {"run": run.id}))["metrics"]
    assert {metric["position"] for metric in metrics} == {0, 1, 2, 3, 4, 5}


def test_a_job_may_begin_paused(running: EngineProcess, folder: Path) -> None:
    run = running.client.train(job(folder, "print('ran')", is_paused=True))
    assert run.state is RunState.PAUSED
    running.kill()
    running.start()
    time.sleep(0.3)
    assert running.client.get_run(run.id).state is RunState.PAUSED

    running.client.resume_run(run.id)

    assert running.client.wait_for_run(run.id, 60).state is RunState.SUCCEEDED
    assert running.stop() == 0
    check_history(*read_history(running.home))


def test_a_job_beyond_its_deadline_fails_with_upstreams_reason(
    running: EngineProcess, folder: Path
) -> None:
    run = running.client.train(job(folder, "import time\ntime.sleep(60)", timeout_s=1))

    run = running.client.wait_for_run(run.id, 60)

    assert run.state is RunState.FAILED
    reasons = [one.reason for one in running.client.get_ranks(run.id).conditions]
    assert reasons == ["DeadlineExceeded"]
    assert processes_in(running.home) == []


def test_what_cannot_be_started_is_refused_at_once(running: EngineProcess, folder: Path) -> None:
    with pytest.raises(InvalidInput, match="WORLD_SIZE says 3"):
        running.client.train(job(folder, "x = 1", env={"WORLD_SIZE": "3"}))
    with pytest.raises(InvalidInput, match="there is none of this name"):
        running.client.train({**job(folder, "x = 1"), "train": {"runtime": "deepspeed"}})


def test_a_runtime_that_was_added_is_listed_and_used(running: EngineProcess, folder: Path) -> None:
    running.home.runtimes.mkdir()
    text = "contract: plain\nprocesses: 3\nenv: {OUR_CLUSTER: yes-indeed}\n"
    (running.home.runtimes / "ours.yaml").write_text(text)
    names = [runtime.name for runtime in running.client.list_train_runtimes()]
    assert names[-1] == "ours"
    source = "import os; print(os.environ['OUR_CLUSTER'], os.environ['WORLD_SIZE'])"

    request = {**job(folder, source), "train": {"runtime": "ours"}}
    run = running.client.wait_for_run(running.client.train(request).id, 60)

    assert run.state is RunState.SUCCEEDED, run.failure
    assert running.client.read_rank_log(run.id, 2, stream="stdout") == "yes-indeed 3\n"


def test_a_dataset_is_there_before_the_ranks_are(running: EngineProcess, folder: Path) -> None:
    data = folder / "rows.json"
    data.write_text(json.dumps([1, 2]))
    source = (
        "import json, jupyter_mlplat as mlplat\n"
        "print(json.loads(mlplat.train.dataset_dir().read_text()))"
    )
    train = {**TWO, "dataset": {"uri": str(data)}}
    run = running.client.train({**job(folder, source), "train": train})

    run = running.client.wait_for_run(run.id, 60)

    assert run.state is RunState.SUCCEEDED, run.failure
    assert running.client.read_rank_log(run.id, 1, stream="stdout") == "[1, 2]\n"


def test_a_dataset_that_is_not_there_is_named(running: EngineProcess, folder: Path) -> None:
    train = {**TWO, "dataset": {"uri": "memory://nothing/here"}}
    run = running.client.train({**job(folder, "x = 1"), "train": train})

    run = running.client.wait_for_run(run.id, 60)

    assert run.failure is not None
    assert run.failure.code == "initializer-failed"
    assert "memory://nothing/here" in run.failure.message


def test_a_whole_notebook_runs_once_for_each_rank(
    running: EngineProcess, folder: Path, write_notebook: WriteNotebook
) -> None:
    source = (
        "import os, jupyter_mlplat as mlplat\n"
        "print('rank', mlplat.train.rank(), 'of', os.environ['WORLD_SIZE'], rate)\n"
        "mlplat.train.report(step=1, metrics={'loss': 0.5}, progress=0.5)\n"
        "print(mlplat.train.checkpoint_dir().parent.name)"
    )
    book = write_notebook(("rate = 1", {"tags": ["parameters"]}), source)
    payload = {"notebook": str(book), "arguments": {"rate": 3}}
    run = running.client.train({"payload": payload, "train": TWO, "cpu": 1})

    run = running.client.wait_for_run(run.id, 60)

    assert run.state is RunState.SUCCEEDED, run.failure
    (step,) = [task.name for task in run.tasks]
    for rank in range(2):
        said = running.client.read_rank_log(run.id, rank, stream="stdout")
        assert said == f"rank {rank} of 2 3\n{step}\n"
    metrics = json.loads(running.client.fetch("runs.metrics", {"run": run.id}))["metrics"]
    assert [metric["value"] for metric in metrics] == [0.5]


def test_a_command_reports_as_cells_do(running: EngineProcess, folder: Path) -> None:
    (folder / "train.py").write_text(
        "import jupyter_mlplat as mlplat\n"
        "mlplat.train.report(step=2, metrics={'loss': 0.25}, progress=1.0)\n"
        "path = mlplat.train.checkpoint_dir() / f'rank-{mlplat.train.rank()}'\n"
        "path.write_text('weights')\n"
    )
    payload = {"command": ["python", "train.py"], "cwd": str(folder)}
    run = running.client.train({"payload": payload, "train": TWO, "cpu": 1})

    run = running.client.wait_for_run(run.id, 60)

    assert run.state is RunState.SUCCEEDED, run.failure
    status = running.client.get_ranks(run.id)
    assert status.progress is not None
    assert status.progress.fraction == 1.0
    assert {one.name for one in status.checkpoints} == {"rank-0", "rank-1"}
    metrics = json.loads(running.client.fetch("runs.metrics", {"run": run.id}))["metrics"]
    assert [(metric["name"], metric["position"]) for metric in metrics] == [("loss", 2)]


def test_a_command_sees_volumes_at_their_paths(running: EngineProcess, folder: Path) -> None:
    source = (
        "import os\n"
        "open('/data/rank-' + os.environ['RANK'], 'w').write('x')\n"
        "assert os.listdir('/scratch') == []\n"
        "open('/fixed/x', 'w')"
    )
    mounts = [
        {"path": "/data", "volume": "digits", "sub_path": "made"},
        {"path": "/scratch"},
        {"path": "/fixed", "volume": "digits", "is_read_only": True},
    ]
    request = job(folder, train={"runtime": "plain", "processes": 1})
    request["payload"] = {"command": ["python", "-c", source], "mounts": mounts}

    run = running.client.wait_for_run(running.client.train(request).id, 60)

    volume = running.client.home.volumes / "digits"
    assert os.listdir(volume / "made") == ["rank-0"]
    assert run.state is RunState.FAILED  # nothing is written into what is only to be read
    assert (
        "Read-only file system"
        in running.client.read_step_log(run.id, run.tasks[0].name, "stderr").decode()
    )


def test_a_rank_that_runs_out_of_memory_is_named(running: EngineProcess, folder: Path) -> None:
    source = (
        "import time, jupyter_mlplat as mlplat\n"
        "held = bytearray((600 if mlplat.train.rank() == 1 else 1) << 20)\n"
        "time.sleep(60)"
    )
    run = running.client.train(job(folder, source, memory="400Mi"))

    run = running.client.wait_for_run(run.id, 60)

    assert run.failure is not None
    assert run.failure.code == "out-of-memory"
    assert run.failure.message.startswith("Rank 1 (node 0) of step 'train' did not finish")
    assert processes_in(running.home) == []
