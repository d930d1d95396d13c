"""Leases of GPUs: steps and living processes out of one inventory, through deaths of either."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from jupyter_mlplat.errors import Conflict, InvalidInput, NotFound
from jupyter_mlplat.kit.process import ProcessIdentity, identify
from jupyter_mlplat.resources.inventory import Lease, MachineInventory
from jupyter_mlplat.resources.run import RunState, TaskState

from .conftest import EngineProcess, WriteNotebook

Kernel = subprocess.Popen[bytes]

WAITS = "import os, time\nseen = os.environ.get('CUDA_VISIBLE_DEVICES')\nprint(seen, flush=True)\n"
UNTIL_TOLD = WAITS + "while not os.path.exists({!r}): time.sleep(0.02)"


@pytest.fixture
def machine(engine: EngineProcess) -> EngineProcess:
    """An engine that is told it has two GPUs."""
    return engine.start(MLPLAT_GPUS="2")


@pytest.fixture
def start_kernel() -> Iterator[Callable[[], Kernel]]:
    """Start processes that stand for kernels; those that still run are ended."""
    with ExitStack() as stack:

        def start() -> Kernel:
            process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        yield start


def take(engine: EngineProcess, kernel: Kernel, gpu: float, **more: bool) -> Lease:
    return engine.client.take_lease(gpu, identify(kernel.pid), "/work/churn.ipynb", **more)


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def devices(machine: MachineInventory) -> list[float]:
    return [device.free for device in machine.devices]


def test_kernels_hold_devices_and_shares_until_they_give_them_back(
    machine: EngineProcess, start_kernel: Callable[[], Kernel]
) -> None:
    first, second = start_kernel(), start_kernel()

    whole, half = take(machine, first, 1), take(machine, second, 0.5)

    assert (whole.state, whole.devices, half.devices) == ("held", (0,), (1,))
    assert whole.env["CUDA_VISIBLE_DEVICES"] == "0"
    assert half.env["MLPLAT_GPU_SHARE"] == "0.5"
    seen = machine.client.inventory()
    assert devices(seen) == [0, 0.5]
    assert [holder.label for holder in seen.holders] == [
        f"kernel of churn.ipynb (pid {first.pid})",
        f"kernel of churn.ipynb (pid {second.pid})",
    ]
    assert all(device.utilisation is None for device in seen.devices)  # nobody has measured it
    machine.client.release_lease(whole.id)
    assert devices(machine.client.inventory()) == [1, 0.5]
    with pytest.raises(NotFound, match="it is over, or never was"):
        machine.client.release_lease(whole.id)


def test_a_process_that_asks_again_gives_back_what_it_had(
    machine: EngineProcess, start_kernel: Callable[[], Kernel]
) -> None:
    kernel = start_kernel()
    take(machine, kernel, 2)

    assert take(machine, kernel, 1).devices == (0,)
    assert devices(machine.client.inventory()) == [0, 1]


def test_what_cannot_be_leased_is_refused_in_words(
    machine: EngineProcess, start_kernel: Callable[[], Kernel]
) -> None:
    kernel = start_kernel()
    take(machine, start_kernel(), 2)

    with pytest.raises(InvalidInput, match="asks for 3 GPUs, this machine has 2 GPUs"):
        take(machine, kernel, 3)
    with pytest.raises(Conflict, match=r"asks for 1, 0 free .kernel of churn"):
        take(machine, kernel, 1, wait=False)
    with pytest.raises(InvalidInput, match="does not run on this machine"):
        machine.client.take_lease(1, ProcessIdentity(kernel.pid, 1, "another boot"))
    for wrong in (1.5, 0.001, -1):
        with pytest.raises(InvalidInput):
            take(machine, kernel, wrong)
    assert machine.client.inventory().waiting == ()


def test_a_step_waits_for_a_kernel_and_says_so_and_begins_when_the_kernel_dies(
    machine: EngineProcess, start_kernel: Callable[[], Kernel], write_notebook: WriteNotebook
) -> None:
    kernel = start_kernel()
    take(machine, kernel, 2)
    book = write_notebook((WAITS, {"step": "train", "gpu": 1, "cache": False}))

    run = machine.client.submit(book)

    (task,) = machine.client.get_run(run.id).tasks
    assert task.state is TaskState.QUEUED
    assert task.waiting_for == (
        f"GPU: asks for 1, 0 free (kernel of churn.ipynb (pid {kernel.pid}) has GPU 0 and GPU 1)"
    )
    (waiting,) = machine.client.inventory().waiting
    assert (waiting.step, waiting.run_number, waiting.gpu) == ("train", 1, 1)
    kernel.kill()
    ended = machine.client.wait_for_run(run.id, 20)
    assert ended.state is RunState.SUCCEEDED
    assert machine.client.read_step_log(run.id, "train", "stdout") == b"0\n"
    assert devices(machine.client.inventory()) == [1, 1]


def test_leases_outlive_the_engine_and_only_with_those_who_hold_them(
    machine: EngineProcess,
    start_kernel: Callable[[], Kernel],
    write_notebook: WriteNotebook,
    tmp_path: Path,
) -> None:
    living, dying, waiting = start_kernel(), start_kernel(), start_kernel()
    done = tmp_path / "done"
    book = write_notebook((UNTIL_TOLD.format(str(done)), {"step": "train", "gpu": 0.5}))
    run = machine.client.submit(book)
    until(lambda: machine.client.get_run(run.id).tasks[0].state is TaskState.RUNNING)
    held, lost = take(machine, living, 0.5), take(machine, dying, 1)
    queued = take(machine, waiting, 1)
    assert (held.devices, lost.devices, queued.state) == ((0,), (1,), "waiting")

    machine.kill()
    dying.kill()
    dying.wait()
    machine.start(MLPLAT_GPUS="2")

    seen = machine.client.inventory()
    assert {(holder.label, holder.devices) for holder in seen.holders} == {
        ("run 1, step 'train'", (0,)),
        (f"kernel of churn.ipynb (pid {living.pid})", (0,)),
        (f"kernel of churn.ipynb (pid {waiting.pid})", (1,)),
    }
    assert machine.client.get_lease(queued.id).state == "held"
    assert devices(seen) == [0, 0]
    done.touch()
    assert machine.client.wait_for_run(run.id, 20).state is RunState.SUCCEEDED
    assert devices(machine.client.inventory()) == [0.5, 0]


def test_whoever_waits_is_told_when_its_turn_has_come(
    machine: EngineProcess, start_kernel: Callable[[], Kernel]
) -> None:
    first, second = start_kernel(), start_kernel()
    held = take(machine, first, 2)
    queued = take(machine, second, 1)
    assert machine.client.get_lease(queued.id, 0).state == "waiting"

    machine.client.release_lease(held.id)

    assert machine.client.get_lease(queued.id, 10).state == "held"


def test_steps_share_one_device_and_never_more_than_it_has(
    engine: EngineProcess, write_notebook: WriteNotebook, tmp_path: Path
) -> None:
    machine = engine.start(MLPLAT_GPUS="1", MLPLAT_CPU="4")
    done = tmp_path / "done"
    source = UNTIL_TOLD.format(str(done))
    book = write_notebook(
        *((source + f"\nx{n} = 1", {"step": f"s{n}", "gpu": 0.5, "cache": False}) for n in range(3))
    )

    run = machine.client.submit(book)

    def running() -> int:
        tasks = machine.client.get_run(run.id).tasks
        return sum(task.state is TaskState.RUNNING for task in tasks)

    until(lambda: running() == 2)
    time.sleep(0.3)
    assert running() == 2
    assert devices(machine.client.inventory()) == [0]
    done.touch()
    assert machine.client.wait_for_run(run.id, 20).state is RunState.SUCCEEDED
