"""Steps that run as many processes: ranks told of their places, ended together."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.launchers.local.launcher import LocalLauncher
from jupyter_mlplat.ports.launcher import Ended
from tests.integration.runtime.conftest import Bench

TWO = {"contract": "torch", "nodes": 1, "processes": 2}
MEET = """\
import os, time, pathlib
rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
here = pathlib.Path("met")
here.mkdir(exist_ok=True)
(here / str(rank)).write_text(str(os.getpid()))
while len(list(here.iterdir())) < size:
    time.sleep(0.005)
"""
WAIT = MEET + "time.sleep(60)\n"


def ranks_of(end: Ended) -> dict[int, dict[str, Any]]:
    """Return the last that was told of each rank."""
    lines = (end.ref.directory / "events.jsonl").read_text().splitlines()
    told = [event for event in map(json.loads, lines) if event["kind"] == "rank"]
    return {event["rank"]: event for event in told}


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def gone(*pids: int) -> bool:
    """Tell whether all these processes end soon."""
    for _ in range(200):
        if not any(map(is_alive, pids)):
            return True
        await asyncio.sleep(0.02)
    return False


async def met(bench: Bench, count: int = 2) -> list[int]:
    """Wait for all ranks to run; return their pids by rank."""
    for number in range(count):
        await bench.until(bench.folder / "met" / str(number))
    return [int((bench.folder / "met" / str(number)).read_text()) for number in range(count)]


async def test_rank_0_is_the_step_and_the_others_have_logs_of_their_own(bench: Bench) -> None:
    end = await bench.run(
        MEET + "print('I am', rank, 'of', size)\nmine = rank + 10",
        "mine",
        train=TWO,
        outputs=["mine"],
    )

    assert end.result is not None
    assert end.result["state"] == "succeeded"
    assert end.result["outputs"]["mine"]["preview"] == "10"
    assert bench.text(end) == "I am 0 of 2\n"
    assert (end.ref.directory / "ranks/1/stdout.log").read_text() == "I am 1 of 2\n"
    assert bench.outputs(end)[1][0]["data"]["text/plain"] == "10"
    assert {rank: event["state"] for rank, event in ranks_of(end).items()} == {
        0: "succeeded",
        1: "succeeded",
    }


async def test_only_what_rank_0_reports_is_the_steps(bench: Bench) -> None:
    source = (
        "import jupyter_mlplat as mlplat\n"
        "at = mlplat.train.rank()\n"
        "mlplat.train.report(step=4, metrics={'loss': at + 0.5}, progress=0.25)\n"
        "path = mlplat.train.checkpoint_dir() / f'epoch-4.{at}'\n"
        "path.write_text('weights')\n"
    )
    end = await bench.run(MEET, source, train=TWO, checkpoints=str(bench.folder / "kept"))

    assert end.result is not None
    assert end.result["metrics"] == {"loss": 0.5}
    lines = (end.ref.directory / "events.jsonl").read_text().splitlines()
    told = [event for event in map(json.loads, lines) if event["kind"] == "progress"]
    assert [(event["fraction"], event["position"]) for event in told] == [(0.25, 4)]
    assert sorted(path.name for path in (bench.folder / "kept").iterdir()) == [
        "epoch-4.0",
        "epoch-4.1",
    ]


async def test_a_failing_rank_fails_the_step_with_its_own_traceback(bench: Bench) -> None:
    source = "if rank == 1:\n    print('worse')\n    raise ValueError('diverged')\ntime.sleep(60)"
    end = await bench.run(MEET, source, train=TWO)

    assert end.result is not None
    error = end.result["error"]
    assert error["message"] == ("Rank 1 of 2 (node 0): cell 2, line 3: ValueError: diverged")
    assert (error["code"], error["cell"], error["line"]) == ("cell-error", "c1", 3)
    assert any("diverged" in line for line in error["traceback"])
    assert "--- rank 1 of 2 (node 0), last lines of stdout.log:\nworse\n" in bench.text(end)
    assert {rank: event["state"] for rank, event in ranks_of(end).items()} == {
        0: "stopped",
        1: "failed",
    }
    assert bench.outputs(end)[1][-1]["ename"] == "ValueError"
    assert await gone(*[event["pid"] for event in ranks_of(end).values()])


async def test_a_killed_rank_is_named_with_its_signal(bench: Bench) -> None:
    ref = bench.write(WAIT, train=TWO)
    await bench.start(ref)
    pids = await met(bench)

    os.kill(pids[1], signal.SIGKILL)

    end = await bench.end(ref)
    assert end.result is not None
    error = end.result["error"]
    assert error["code"] == "killed"
    assert error["message"].startswith("Rank 1 of 2 (node 0) was ended by signal 9, SIGKILL.")
    assert await gone(*pids)


async def test_ranks_end_with_their_agent_however_it_ends(bench: Bench) -> None:
    ref = bench.write(WAIT, train=TWO)
    await bench.start(ref)
    pids = await met(bench)
    agent = json.loads((ref.directory / "claim").read_text())["pid"]

    os.kill(agent, signal.SIGKILL)

    assert (await bench.end(ref)).code == "killed"
    assert await gone(*pids)


async def test_what_a_rank_has_started_ends_with_the_step(bench: Bench) -> None:
    source = (
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '60'], start_new_session=True)\n"
        "pathlib.Path(f'child-{rank}').write_text(str(child.pid))\n"
    )
    end = await bench.run(MEET, source, train=TWO)

    assert end.result is not None
    assert end.result["state"] == "succeeded"
    children = [int((bench.folder / f"child-{rank}").read_text()) for rank in range(2)]
    assert await gone(*children)


async def test_an_engine_that_takes_over_finds_the_ranks_and_leaves_none_behind(
    bench: Bench,
) -> None:
    ref = bench.write(WAIT, train=TWO)
    await bench.start(ref)
    pids = await met(bench)
    await bench.launcher.close()  # the engine is gone; the step goes on

    bench.launcher = LocalLauncher(bench.home)
    bench.bind()
    await bench.launcher.adopt(ref)
    agent = json.loads((ref.directory / "claim").read_text())["pid"]
    os.kill(agent, signal.SIGKILL)

    assert (await bench.end(ref)).result is None
    assert await gone(*pids)


async def test_a_step_that_is_told_to_end_lets_its_ranks_write_a_checkpoint(bench: Bench) -> None:
    source = (
        "import jupyter_mlplat as mlplat\n"
        "(here / f'ready-{rank}').write_text(str(mlplat.train.should_stop()))\n"
        "while not mlplat.train.should_stop():\n"
        "    time.sleep(0.01)\n"
        "(mlplat.train.checkpoint_dir() / str(rank)).write_text('saved')\n"
    )
    ref = bench.write(MEET, source, train=TWO, checkpoints=str(bench.folder / "kept"))
    await bench.start(ref)
    for rank in range(2):
        await bench.until(bench.folder / "met" / f"ready-{rank}")

    await bench.launcher.cancel(ref)

    end = await bench.end(ref)
    assert end.result is not None
    assert end.result["error"]["code"] == "killed"
    assert sorted(path.name for path in (bench.folder / "kept").iterdir()) == ["0", "1"]


async def test_a_command_runs_once_for_each_rank(bench: Bench) -> None:
    code = "import os; print(os.environ['RANK'], os.environ['MASTER_ADDR'])"
    end = await bench.run(
        train={"contract": "plain", "nodes": 2, "processes": 1},
        program={"command": ["python", "-c", code]},
    )

    assert end.result is not None
    assert end.result["state"] == "succeeded"
    assert bench.text(end) == "0 127.0.0.1\n"
    assert (end.ref.directory / "ranks/1/stdout.log").read_text() == "1 127.0.0.1\n"


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (
            ["no-such-program"],
            "not-started",
            "Rank 0 of 1 (node 0): Cannot start 'no-such-prog",
        ),
        (["python", "-c", "raise SystemExit(3)"], "task-error", "exit status 3"),
    ],
    ids=["missing", "fails"],
)
async def test_a_command_that_fails_says_why(
    bench: Bench, command: list[str], code: str, message: str
) -> None:
    end = await bench.run(train={"contract": "plain"}, program={"command": command})

    assert end.result is not None
    assert end.result["error"]["code"] == code
    assert message in end.result["error"]["message"]


async def test_a_program_may_be_a_function(bench: Bench) -> None:
    end = await bench.run(
        program={"function": _stored(bench, _double), "arguments": {"number": 21}},
        outputs=["result"],
    )

    assert end.result is not None
    assert end.result["outputs"]["result"]["preview"] == "42"


async def test_a_function_that_raises_is_told_with_its_lines(bench: Bench) -> None:
    end = await bench.run(
        program={"function": _stored(bench, _double), "arguments": {"number": None}},
        train={"contract": "plain", "processes": 2},
    )

    assert end.result is not None
    error = end.result["error"]
    assert error["code"] == "task-error"
    assert "_double, line" in error["message"]
    assert error["traceback"][-1].startswith("TypeError")


async def test_arguments_that_a_function_does_not_take_are_refused(bench: Bench) -> None:
    end = await bench.run(
        program={"function": _stored(bench, _double), "arguments": {"lr": 0.1}},
    )

    assert end.result is not None
    error = end.result["error"]
    assert error["code"] == "bad-arguments"
    assert "Given were: lr" in error["message"]


MPIRUN = """\
#!/bin/sh
count=$2
shift 2
number=0
while [ $number -lt $count ]; do
  OMPI_COMM_WORLD_RANK=$number OMPI_COMM_WORLD_SIZE=$count "$@" &
  jobs="$jobs $!"
  number=$((number + 1))
done
status=0
for job in $jobs; do wait $job || status=$?; done
exit $status
"""


@pytest.mark.parametrize("fails", [False, True], ids=["succeeds", "fails"])
async def test_mpi_ranks_are_started_by_mpirun(bench: Bench, fails: bool) -> None:
    """Stands in for an MPI: what is told to mpirun, and what its ranks find, is what counts."""
    mpirun = bench.folder / "bin" / "mpirun"
    mpirun.parent.mkdir()
    mpirun.write_text(MPIRUN)
    mpirun.chmod(0o755)
    source = "print('I am', rank)\nif rank == 1 and fails:\n    raise ValueError('no')\nx = size"
    end = await bench.run(
        MEET,
        source.replace("fails", str(fails)),
        train={"contract": "mpi", "nodes": 1, "processes": 2},
        env={"PATH": f"{mpirun.parent}:{os.environ['PATH']}"},
        outputs=["x"],
    )

    assert end.result is not None
    states = {rank: event["state"] for rank, event in ranks_of(end).items()}
    assert states == {0: "succeeded", 1: "failed" if fails else "succeeded"}
    if fails:
        message = "Rank 1 of 2 (node 0): cell 2, line 3: ValueError: no"
        assert end.result["error"]["message"] == message
    else:
        assert end.result["outputs"]["x"]["preview"] == "2"
        assert bench.text(end) == "I am 0\n"


async def test_without_mpirun_the_reason_is_told(bench: Bench) -> None:
    end = await bench.run("x = 1", train={"contract": "mpi"}, env={"PATH": "/nowhere"})

    assert end.result is not None
    assert "there is no mpirun on PATH" in end.result["error"]["message"]


def _double(number):  # type: ignore[no-untyped-def]
    return number + number


def _stored(bench: Bench, function: object) -> str:
    """Put a function into the blob store, as a face does."""
    import sys

    import cloudpickle

    from jupyter_mlplat.runtime.files import Blobs

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    try:
        blobs = Blobs(str(bench.home.blobs))
        digest = blobs.put(cloudpickle.dumps(function))
        blobs.commit()
    finally:
        cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    return digest
