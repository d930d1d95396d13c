"""What is refused of train jobs, and how they are said to be doing."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.pipeline import Program, Resources, Step, StepSettings
from jupyter_mlplat.resources.run import Failure, Run, RunState, Task, TaskState
from jupyter_mlplat.resources.training import RankStatus, TrainRuntime, TrainSpec
from jupyter_mlplat.services.training.checking import refuse_mismatch, settled
from jupyter_mlplat.services.training.runtimes import BUILT_IN, merged, runtime_named
from jupyter_mlplat.services.training.status import status_of
from jupyter_mlplat.stores.runtimes import LocalTrainRuntimes

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TORCH = BUILT_IN[0]


def step(*command: str, env: dict[str, str] | None = None, gpu: int = 0) -> Step:
    settings = StepSettings(env=env or {}, resources=Resources(gpu=gpu))
    return Step(
        name="train", title="", cells=(), settings=settings, program=Program(command=command)
    )


@pytest.mark.parametrize(
    ("spec", "runtime", "gpus", "expected"),
    [
        (TrainSpec(), TORCH, 0, (1, 1)),
        (TrainSpec(nodes=2), TORCH, 4, (2, 2)),
        (TrainSpec(nodes=2, processes=3), TORCH, 4, (2, 3)),
        (TrainSpec(), TrainRuntime(name="x", title="", contract="plain", nodes=3), 0, (3, 1)),
        (TrainSpec(), TrainRuntime(name="x", title="", contract="plain", processes=2), 0, (1, 2)),
    ],
    ids=["alone", "one-for-each-gpu", "as-asked", "runtimes-nodes", "runtimes-processes"],
)
def test_what_is_left_open_is_settled(
    spec: TrainSpec, runtime: TrainRuntime, gpus: int, expected: tuple[int, int]
) -> None:
    found = settled(spec, runtime, gpus)

    assert (found.nodes, found.processes) == expected


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (step(env={"WORLD_SIZE": "3"}), "WORLD_SIZE says 3.*so 4 was needed"),
        (step("torchrun", "--nproc_per_node=3", "t.py"), "--nproc_per_node says 3.*so 2 was"),
        (step("torchrun", "--nnodes", "1", "t.py"), "--nnodes says 1"),
        (step(gpu=3), "Cannot divide 3 GPUs among the 2 nodes"),
    ],
    ids=["environment", "option", "option-apart", "devices"],
)
def test_numbers_of_ranks_that_contradict_each_other_are_refused(what: Step, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        refuse_mismatch(what, TrainSpec(nodes=2, processes=2))


def test_options_of_the_users_own_program_are_their_own() -> None:
    refuse_mismatch(step("python", "t.py", "--nnodes", "9"), TrainSpec(nodes=2, processes=2))
    refuse_mismatch(step(gpu=1), TrainSpec(nodes=2, processes=2))


def test_a_platform_team_adds_runtimes_as_files(tmp_path: Path) -> None:
    (tmp_path / "deep.yaml").write_text("contract: torch\nprocesses: 2\nenv: {NCCL_DEBUG: WARN}\n")

    found = merged(LocalTrainRuntimes(tmp_path).list())

    assert runtime_named("deep", found).env == {"NCCL_DEBUG": "WARN"}
    assert not found["deep"].is_built_in
    with pytest.raises(InvalidInput, match=r"none of this name.*torch-distributed.*deep"):
        runtime_named("other", found)


def test_a_file_that_is_no_runtime_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("contract: telepathy\n")

    with pytest.raises(InvalidInput, match=r"bad\.yaml.*contract"):
        LocalTrainRuntimes(tmp_path).list()


def run(state: RunState, **fields: object) -> Run:
    return Run(
        id="run-0000000000",
        number=1,
        pipeline="p",
        pipeline_digest="sha256:" + "0" * 64,
        state=state,
        created_at=NOW,
    ).model_copy(update=fields)


def conditions(of_run: Run, task: Task) -> list[tuple[str, str, str]]:
    status = status_of(of_run, task, TrainSpec(), (), ())
    return [(one.type, one.status, one.reason) for one in status.conditions]


def test_conditions_are_those_of_upstream() -> None:
    done = Task(name="train", state=TaskState.SUCCEEDED)
    slow = Failure(code="timeout", message="too long")
    late = Task(name="train", state=TaskState.FAILED, failure=slow)
    bad = Task(name="train", state=TaskState.FAILED, failure=Failure(code="cell-error", message=""))
    queued = Task(name="train", state=TaskState.QUEUED)

    assert conditions(run(RunState.PAUSED, paused_at=NOW), queued) == [
        ("Suspended", "True", "Suspended")
    ]
    assert conditions(run(RunState.SUCCEEDED, resumed_at=NOW), done) == [
        ("Suspended", "False", "Resumed"),
        ("Complete", "True", "AllJobsCompleted"),
    ]
    assert conditions(run(RunState.FAILED), late) == [("Failed", "True", "DeadlineExceeded")]
    assert conditions(run(RunState.FAILED), bad) == [("Failed", "True", "FailedJobs")]


def test_a_rank_that_nobody_saw_end_was_stopped_with_its_step() -> None:
    rank = RankStatus(rank=0, node=0, local_rank=0, state="running")
    over = Task(name="train", state=TaskState.FAILED)
    going = Task(name="train", state=TaskState.RUNNING)

    assert (
        status_of(run(RunState.FAILED), over, TrainSpec(), [rank], ()).ranks[0].state == "stopped"
    )
    assert status_of(run(RunState.RUNNING), going, TrainSpec(), [rank], ()).ranks == (rank,)
