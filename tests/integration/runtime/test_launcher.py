# ruff: noqa: E501  cells are quoted as they are
"""The local launcher keeps its contract: ends are reported once and truly, nothing is left behind."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.launchers.local.launcher import LocalLauncher
from tests.integration.runtime.conftest import Bench


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def test_values_pass_from_step_to_step(bench: Bench) -> None:
    first = await bench.run("x = [1, 2]\ny = x", outputs=["x", "y", "never"])
    assert first.result is not None
    bundle = first.result["bundle"]
    inputs = [{"name": name, "bundle": bundle, "optional": False} for name in ("x", "y")]

    second = await bench.run("x.append(3)\nprint(y)", inputs=inputs)

    assert first.result["unbound"] == ["never"]
    assert bench.text(second) == "[1, 2, 3]\n"


async def test_failing_cell_is_named_with_its_line_and_traceback(bench: Bench) -> None:
    ended = await bench.run("a = 1", "b = 2\n\nraise KeyError('x')", "c = 3")

    assert ended.result is not None
    error = ended.result["error"]
    assert ended.code == "ended"
    assert {key: error[key] for key in ("code", "cell", "cell_index", "line", "name", "value")} == {
        "code": "cell-error",
        "cell": "c1",
        "cell_index": 1,
        "line": 3,
        "name": "KeyError",
        "value": "'x'",
    }
    assert [cell["state"] for cell in ended.result["cells"]] == ["ok", "error", "pending"]
    assert bench.outputs(ended)[1][0]["ename"] == "KeyError"


@pytest.mark.parametrize(
    "cell", ["print(unit)", "class C:\n    def __repr__(self): return unit\nC()"]
)
async def test_name_that_an_earlier_step_made_is_told_apart_from_a_misspelt_one(
    bench: Bench, cell: str
) -> None:
    foreseen = await bench.run(cell, elsewhere={"other": "first"})
    unforeseen = await bench.run(cell, elsewhere={"unit": "first"})

    assert foreseen.result is not None
    assert unforeseen.result is not None
    error = unforeseen.result["error"]
    assert (foreseen.result["error"]["code"], error["code"]) == ("cell-error", "unforeseen-read")
    assert "reads 'unit', which step 'first' made." in error["message"]


@pytest.mark.parametrize(
    ("cell", "code", "reason"),
    [
        ("import os; os._exit(3)", "exited", "exited with status 3"),
        ("import os; os.kill(os.getpid(), 9)", "killed", "killed by signal 9, SIGKILL"),
        ("import os; os.kill(os.getpid(), 11)", "killed", "killed by signal 11, SIGSEGV"),
    ],
)
async def test_death_without_a_result_is_told_by_its_cause(
    cell: str, code: str, reason: str, bench: Bench
) -> None:
    ended = await bench.run("print('before')", cell)

    assert (ended.code, ended.result) == (code, None)
    assert ended.reason.startswith(reason)
    assert bench.text(ended) == "before\n"


async def test_step_beyond_its_memory_limit_ends_and_the_limit_is_named(bench: Bench) -> None:
    cell = "held = []\nwhile True: held.append(bytearray(20_000_000))"

    ended = await bench.run(cell, memory_bytes=300 * 2**20)

    assert ended.code == "out-of-memory"
    assert ended.reason == "out of memory (limit 300 MiB)"


async def test_reserving_address_space_is_no_use_of_memory(bench: Bench) -> None:
    cell = "import mmap\nheld = mmap.mmap(-1, 8 << 30)\nprint(len(held))"

    ended = await bench.run(cell, memory_bytes=300 * 2**20)

    assert ended.code == "ended"


async def test_cancelling_ends_the_whole_tree_even_what_has_left_the_group(bench: Bench) -> None:
    pids = bench.folder / "pids"
    ref = bench.write(
        "import os, subprocess, sys, time, signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '100'])\n"
        "far = subprocess.Popen(['sleep', '100'], start_new_session=True)\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    os.setsid()\n"
        "    time.sleep(100)\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}} {{far.pid}} {{pid}}')\n"
        "time.sleep(100)"
    )
    await bench.start(ref)
    family = [int(word) for word in (await bench.until(pids)).split()]

    began = asyncio.get_running_loop().time()
    await bench.launcher.cancel(ref, grace_s=0.5)
    ended = await bench.end(ref)

    assert ended.code == "killed"
    assert ended.reason.startswith("cancelled")
    assert asyncio.get_running_loop().time() - began < 10
    assert [pid for pid in family if not is_gone(pid)] == []


async def test_cancelling_before_the_start_runs_no_user_code(bench: Bench) -> None:
    touched = bench.folder / "touched"
    ref = bench.write(f"open({str(touched)!r}, 'w').write('x')")

    await bench.start(ref)
    await bench.launcher.cancel(ref, grace_s=5)
    ended = await bench.end(ref)

    assert ended.code in ("killed", "revoked", "not-started")
    assert not touched.exists()


async def test_background_process_of_a_step_ends_with_it(bench: Bench) -> None:
    ended = await bench.run("import subprocess\nprint(subprocess.Popen(['sleep', '100']).pid)")
    pid = int(bench.text(ended))

    deadline = asyncio.get_running_loop().time() + 5
    while not is_gone(pid):
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)


async def test_attempt_runs_at_most_once(bench: Bench) -> None:
    counted = bench.folder / "counted"
    ref = bench.write(f"with open({str(counted)!r}, 'a') as f: f.write('x')")
    (ref.directory / "claim").write_text(json.dumps({"revoked": True}))

    await bench.start(ref)
    ended = await bench.end(ref)

    assert ended.code == "revoked"
    assert not counted.exists()


async def test_running_step_is_adopted_by_the_next_engine(bench: Bench) -> None:
    go = bench.folder / "go"
    ref = bench.write(
        "import os, time\nprint('up', flush=True)\n"
        f"while not os.path.exists({str(go)!r}): time.sleep(0.01)\nx = 1",
        outputs=["x"],
    )
    await bench.start(ref)
    await bench.until(ref.directory / "stdout.log")
    await bench.launcher.close()

    bench.launcher = LocalLauncher(bench.home)
    bench.bind()
    await bench.launcher.adopt(ref)
    go.touch()
    ended = await bench.end(ref)

    assert ended.code == "ended"
    assert ended.result is not None
    assert ended.result["outputs"]["x"]["preview"] == "1"


async def test_adopting_takes_the_result_of_a_step_that_has_ended(bench: Bench) -> None:
    done = await bench.run("x = 1")
    bench.ends[done.ref] = asyncio.get_running_loop().create_future()

    await bench.launcher.adopt(done.ref)

    assert (await bench.end(done.ref)).code == "ended"


async def test_adopting_revokes_what_nobody_claimed(bench: Bench) -> None:
    ref = bench.write("x = 1")

    await bench.launcher.adopt(ref)

    assert (await bench.end(ref)).code == "revoked"
    assert json.loads((ref.directory / "claim").read_text()) == {"revoked": True}


@pytest.mark.parametrize("start_time", [1, None])
async def test_adopting_never_takes_a_stranger_for_the_step(
    start_time: int | None, bench: Bench
) -> None:
    ref = bench.write("x = 1")
    claim = {"pid": os.getpid(), "start_time": 1, "boot_id": "of another boot"}
    if start_time is not None:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        claim.update(start_time=start_time, boot_id=boot)
    (ref.directory / "claim").write_text(json.dumps(claim))

    await bench.launcher.adopt(ref)
    ended = await bench.end(ref)

    assert ended.code == "vanished"


async def test_step_survives_the_death_of_its_warm_worker(bench: Bench) -> None:
    go = bench.folder / "go"
    ref = bench.write(
        f"import os, time\nprint(os.getppid())\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)"
    )
    await bench.start(ref)
    zygote = int(await bench.until(ref.directory / "stdout.log"))

    os.kill(zygote, signal.SIGKILL)
    await asyncio.sleep(0.1)
    go.touch()
    ended = await bench.end(ref)
    again = await bench.run("x = 1")

    assert (ended.code, again.code) == ("ended", "ended")


async def test_interpreter_that_is_not_there_is_named(bench: Bench) -> None:
    ended = await bench.run("x = 1", python="/nowhere/python")

    assert ended.code == "not-started"
    assert "'/nowhere/python'" in ended.reason


async def test_steps_neither_see_each_other_nor_repeat_random_numbers(bench: Bench) -> None:
    cell = "import random, sys\nprint(random.random(), 'leak' in sys.modules['builtins'].__dict__)\nimport builtins\nbuiltins.leak = 1"

    ends = [await bench.run(cell) for _ in range(3)]

    lines = [bench.text(ended).split() for ended in ends]
    assert len({line[0] for line in lines}) == 3
    assert {line[1] for line in lines} == {"False"}


async def test_log_written_by_a_subprocess_is_capped(bench: Bench) -> None:
    cell = "import subprocess\nsubprocess.run(['sh', '-c', 'head -c 200000000 /dev/zero'])\nprint('after')"

    ended = await bench.run(cell, log_limit_bytes=1_000_000)

    assert (ended.ref.directory / "stdout.log").stat().st_size < 30_000_000
    assert ended.code == "ended"


async def test_log_written_by_python_is_capped_exactly(bench: Bench) -> None:
    ended = await bench.run("for i in range(100_000): print('x' * 99)", log_limit_bytes=10_000)

    text = bench.text(ended)
    assert text.startswith("x" * 99 + "\n")
    assert text.endswith("[log limit of 10000 bytes reached: the rest was dropped]\n")
    assert len(text) < 10_100


async def test_environment_of_the_order_reaches_the_step(bench: Bench) -> None:
    cell = "import os\nprint(os.environ['A'], os.environ.get('JPY_API_TOKEN'), 'PYTHONHASHSEED' in os.environ)"

    ended = await bench.run(cell, env_of_process={"A": "1"})

    assert bench.text(ended) == "1 None False\n"


async def test_variables_read_at_import_get_a_worker_of_their_own(bench: Bench) -> None:
    cell = "import os, numpy\nprint(os.environ['OMP_NUM_THREADS'])"

    ended = await bench.run(cell, env_of_process={"OMP_NUM_THREADS": "3"}, preload=["numpy"])

    assert bench.text(ended) == "3\n"


async def test_module_of_the_notebooks_folder_is_never_preloaded(bench: Bench) -> None:
    (bench.folder / "local_one.py").write_text("print('imported')")

    ended = await bench.run("import local_one", preload=["local_one", "json"])

    assert bench.text(ended) == "imported\n"


async def test_step_runs_in_another_kernel_by_papermill(bench: Bench) -> None:
    ended = await bench.run(
        "print(alpha + 1)", "1/0", "3", kernel="python3", parameters={"alpha": 1}
    )

    assert ended.result is not None
    assert ended.result["state"] == "failed"
    assert ended.result["error"]["name"] == "ZeroDivisionError"
    assert ended.result["error"]["cell"] == "c1"
    assert [cell["state"] for cell in ended.result["cells"]] == ["ok", "error", "pending"]
    assert "2" in bench.text(ended)


async def test_kernel_that_is_not_there_is_named(bench: Bench) -> None:
    ended = await bench.run("1", kernel="no-such-kernel")

    assert ended.result is not None
    assert "'no-such-kernel'" in ended.result["error"]["message"]


async def test_events_of_a_running_step_are_noticed(bench: Bench) -> None:
    ended = await bench.run(
        "import jupyter_mlplat as m, time\nm.log_metric('auc', 0.9)\ntime.sleep(0.5)"
    )

    kinds = [
        json.loads(line)["kind"]
        for line in (ended.ref.directory / "events.jsonl").read_text().splitlines()
    ]
    assert kinds == ["cell-started", "metric", "cell-finished"]
    assert ended.result is not None
    assert ended.result["metrics"] == {"auc": 0.9}
    assert ended.ref in bench.activity


async def test_home_may_be_anywhere(tmp_path: Path) -> None:
    home = Home(tmp_path / ("long" * 30))
    folder = tmp_path
    bench = Bench(home, folder, LocalLauncher(home))
    bench.bind()
    try:
        assert (await bench.run("x = 1")).code == "ended"
    finally:
        await bench.launcher.close()
    assert sys.executable


async def test_the_order_in_which_two_logs_were_written_is_kept(bench: Bench) -> None:
    said = (
        "import os, sys\nprint('one')\nprint('two', file=sys.stderr)\n"
        "os.system('echo three')\nprint('four')\nprint('five', file=sys.stderr)"
    )

    ended = await bench.run(said)

    assert bench.text(ended) == "one\nthree\nfour\n"
    assert bench.text(ended, "stderr") == "two\nfive\n"
    assert bench.text(ended, "order") == "stdout 4\nstderr 4\nstdout 15\n"
