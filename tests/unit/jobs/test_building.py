"""What is asked for becomes a pipeline of one step, or is refused in clear words."""

from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.compiler import compile_notebook
from jupyter_mlplat.errors import InvalidInput, NotFound
from jupyter_mlplat.kit.digests import digest_text
from jupyter_mlplat.resources.pipeline import Pipeline
from jupyter_mlplat.resources.training import TrainRequest
from jupyter_mlplat.resources.tuning import TuneRequest
from jupyter_mlplat.services.jobs.building import (
    Source,
    cell_notebook,
    job_pipeline,
    job_submission,
    refuse_payload,
)

TUNE = {
    "objective": {"metric": "auc"},
    "space": [{"name": "lr", "type": "double", "minimum": 0, "maximum": 1}],
    "parallel": 4,
}


def tuning(payload: dict[str, Any], **more: Any) -> TuneRequest:
    return TuneRequest.model_validate({"payload": payload, "tune": TUNE, **more})


def built(request: TuneRequest | TrainRequest, cpu: float = 2.0) -> Pipeline:
    refuse_payload(request)
    payload, source = request.payload, None
    if payload.cell is not None:
        content = cell_notebook(payload)
        source = Source(compile_notebook(content, name="job", split="cell"), content)
    return job_pipeline(request, source, cpu)


def test_a_cell_becomes_one_step_with_what_it_binds_kept() -> None:
    pipeline = built(tuning({"cell": "auc = lr * 2"}, name="search"))

    (step,) = pipeline.steps
    assert (pipeline.name, step.name) == ("search", "tune")
    assert "auc" in step.kept
    assert step.metrics == ("auc",)
    assert step.tune is not None
    assert not step.settings.cache
    assert pipeline.is_runnable


def test_a_name_that_nobody_gives_along_is_an_error_of_the_cell() -> None:
    lacking = built(tuning({"cell": "auc = lr * X"}))
    given = built(
        tuning({"cell": "auc = lr * X", "carried": digest_text("b"), "carried_names": ["X"]})
    )
    imported = built(tuning({"cell": "auc = lr * np.pi", "prelude": ["import numpy as np"]}))

    assert [problem.name for problem in lacking.problems] == ["X"]
    assert given.is_runnable
    assert given.steps[0].carried is not None
    assert imported.is_runnable


def test_a_function_keeps_what_it_returns() -> None:
    pipeline = built(tuning({"function": digest_text("f"), "arguments": {"n": 1}}))

    (step,) = pipeline.steps
    assert step.program is not None
    assert (step.program.arguments, step.kept) == ({"n": 1}, ("result",))


def test_a_job_holds_a_core_for_each_of_its_processes_as_far_as_there_are_so_many() -> None:
    request = tuning({"cell": "auc = lr"})

    assert built(request, cpu=2).steps[0].settings.resources.cpu == 2
    assert built(request, cpu=64).steps[0].settings.resources.cpu == 4


def test_settings_of_the_request_are_the_step_s() -> None:
    request = tuning(
        {"cell": "auc = lr"}, cpu=0.5, memory="1Gi", retries=2, timeout_s=60, env={"A": "b"}
    )

    settings = built(request).steps[0].settings

    assert (settings.resources.cpu, settings.resources.memory_bytes) == (0.5, 2**30)
    assert (settings.retry.limit, settings.timeout_s, settings.env) == (2, 60, {"A": "b"})


def test_other_code_has_another_digest() -> None:
    one, other = (built(tuning({"cell": f"auc = lr + {number}"})) for number in (1, 2))

    assert one.digest != other.digest


def test_a_submission_says_what_people_said(tmp_path: Path) -> None:
    request = tuning({"command": ["true"], "cwd": str(tmp_path)}, title="A title", note="Note")

    submission = job_submission(request, built(request))

    assert (submission.title, submission.note, submission.path) == ("A title", "Note", None)


@pytest.mark.parametrize(
    ("payload", "found"),
    [({}, "none of them"), ({"cell": "x", "command": ["true"]}, "cell and command")],
    ids=["nothing", "two"],
)
def test_a_payload_is_exactly_one(payload: dict[str, Any], found: str) -> None:
    with pytest.raises(InvalidInput, match=f"found {found}"):
        refuse_payload(tuning(payload))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["python", "train.py"], "no script 'train.py'"),
        (["python3", "-u", "train.py", "--lr", "1"], "no script 'train.py'"),
        (["./run.sh"], "no program './run.sh'"),
    ],
)
def test_a_script_that_is_not_there_is_refused(
    command: list[str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match=message):
        refuse_payload(tuning({"command": command, "cwd": str(tmp_path)}))


@pytest.mark.parametrize(
    "command",
    [
        ["python", "-c", "print(1)"],
        ["python", "-m", "train"],
        ["python", "here.py"],
        ["python", "-u", "here.py", "--lr", "${trialParameters.lr}"],
        ["bash", "-c", "echo"],
    ],
)
def test_commands_that_may_be_there_pass(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "here.py").touch()

    refuse_payload(tuning({"command": command, "cwd": str(tmp_path)}))


def test_a_command_may_ask_only_for_what_the_space_has() -> None:
    with pytest.raises(InvalidInput, match="asks for parameter 'depth', the space has lr"):
        refuse_payload(tuning({"command": ["echo", "${trialParameters.depth}"]}))


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ({"cell": "x = 1", "mounts": [{"path": "/data"}]}, "only functions and commands"),
        ({"command": ["true"], "mounts": [{"path": "data"}]}, "'data' is no path for a volume"),
        ({"command": ["true"], "mounts": [{"path": "/x/.."}]}, "is no path for a volume"),
    ],
    ids=["cell", "relative", "root"],
)
def test_a_volume_that_nobody_could_see_is_refused(payload: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        refuse_payload(tuning(payload))


def test_a_folder_that_is_not_there_is_refused() -> None:
    with pytest.raises(NotFound, match="no such folder"):
        refuse_payload(tuning({"cell": "x = 1", "cwd": "/not/there"}))


def test_a_cell_without_code_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no code"):
        built(tuning({"cell": "# nothing"}))


def test_what_needs_a_process_of_its_own_is_not_run_inline() -> None:
    request = tuning({"command": ["true"]})
    inline = request.model_copy(
        update={"tune": request.tune.model_copy(update={"is_inline": True})}
    )

    with pytest.raises(InvalidInput, match="are a command, which needs a process of its own"):
        built(inline)


def test_an_amount_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="memory"):
        built(tuning({"cell": "auc = lr"}, memory="much"))
