"""Verify finds what differs, and only that; the table of small notebooks holds."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from jupyter_mlplat.compiler import compile_notebook
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.launchers.local.launcher import LocalLauncher
from jupyter_mlplat.resources.pipeline import Difference
from jupyter_mlplat.services.verify.service import Verifier
from tests.integration.verify.oracle import notebook_of, table, verify_all
from tests.notebooks.cases import read_cases

CASES = {
    "plain": ("x = 1", "print(x + 1)"),
    "chance": ("import random\nr = random.random()", "print(r)"),
    "time": ("import time\nt = time.time()", "print(t)"),
    "address": ("o = object()", "print(o)"),
    "error": ("x = 1", "1 / 0", "print(x)"),
    "missing": ("x = 1", "import nowhere_to_be_found as n", "print(x, n)"),
    "file": ("open('made.txt', 'w').write('x')", "print(open('made.txt').read())"),
    "set": ("s = {'b', 'a', 'c'}", "print(sorted(s))"),
    "image": ("import matplotlib.pyplot as plt\nplt.plot([1, 3, 2]);", "plt.plot([2, 1]);"),
    "lock": ("import threading\nbox = {'l': threading.Lock()}", "box['l'].acquire()", "print(box)"),
    "undefined": ("print(nowhere)",),
}


@pytest.mark.parametrize(
    "name", ["plain", "chance", "time", "address", "error", "missing", "file", "set", "image"]
)
async def test_same_both_ways_is_equal(name: str) -> None:
    outcome = (await verify_all({name: (CASES[name], {})}))[name]

    assert outcome.report.differences == ()
    assert outcome.report.equal


async def test_chance_is_named_and_not_compared() -> None:
    outcome = (await verify_all({"chance": (CASES["chance"], {})}))["chance"]

    assert {difference.cell for difference in outcome.report.ignored} == {"cell-0", "cell-1"}


async def test_what_chance_made_equal_twice_is_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlplat.services.verify import service

    seen = []

    def lucky(ran, files):  # type: ignore[no-untyped-def]
        """Let the second run from top to bottom show in its last cell what the first one did."""
        way = of_whole(ran, files)
        seen.append(way)
        if len(seen) == 2:
            way.outputs["cell-1"][:] = seen[0].outputs["cell-1"]
        return way

    of_whole = service.of_whole
    monkeypatch.setattr(service, "of_whole", lucky)
    cells = ("import random\nr = random.random()", "print(random.random())")

    outcome = (await verify_all({"lucky": (cells, {})}))["lucky"]

    assert outcome.report.differences == ()
    assert len(seen) == 3


async def test_stale_value_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipeline that forgets a mutation is caught: the cell and the name are said."""
    from jupyter_mlplat.services.verify import service

    whole = service.Verifier.verify

    async def with_stale_edge(self, pipeline, notebook, *place, **more):  # type: ignore[no-untyped-def]
        steps = [
            step.model_copy(
                update={
                    "inputs": tuple(
                        given.model_copy(update={"step": "cell-1"})
                        if given.name == "xs" and step.name == "cell-3"
                        else given
                        for given in step.inputs
                    )
                }
            )
            for step in pipeline.steps
        ]
        stale = pipeline.model_copy(update={"steps": tuple(steps)})
        return await whole(self, stale, notebook, *place, **more)

    monkeypatch.setattr(service.Verifier, "verify", with_stale_edge)
    cells = ("xs = [1]", "xs.append(2)", "print(xs)")

    outcome = (await verify_all({"stale": (cells, {})}))["stale"]

    assert not outcome.report.equal
    said = [(item.step, item.cell, item.what) for item in outcome.report.differences]
    assert ("cell-3", "cell-2", "showed '[1]\\n', expected '[1, 2]\\n'") in said


async def test_undefined_name_is_refused_by_the_compiler() -> None:
    outcome = (await verify_all({"undefined": (CASES["undefined"], {})}))["undefined"]

    assert outcome.verdict == "refused"
    assert "nowhere" in outcome.report.refused[0].message


async def test_a_notebook_that_ends_its_process_is_not_called_equal() -> None:
    cells = ("x = 1", "import os\nos._exit(3)", "print(x)")

    report = (await verify_all({"death": (cells, {})}))["death"].report

    assert (report.equal, [problem.code for problem in report.refused]) == (False, ["not-run"])


HEADING = {"cell_type": "markdown", "metadata": {}, "id": "head", "source": "# Load"}


async def test_import_that_fails_in_the_notebook_as_in_the_step_is_no_difference(
    tmp_path: Path,
) -> None:
    notebook = notebook_of(["import nowhere_to_be_found as n", "x = 1"])
    notebook["cells"].insert(1, HEADING)
    pipeline = compile_notebook(notebook, name="replayed")

    async with verifying(tmp_path) as (verifier, _):
        report = await verifier.verify(pipeline, notebook)

    assert [step.prelude for step in pipeline.steps] == [("import nowhere_to_be_found as n",)]
    assert (report.equal, report.differences) == (True, ())


async def test_cell_that_does_not_end_is_named_when_the_time_is_up(tmp_path: Path) -> None:
    notebook = notebook_of(["x = 1", "while True: pass"])

    async with verifying(tmp_path) as (verifier, _):
        report = await verifier.verify(compile_notebook(notebook, name="n"), notebook, None, 4)

    assert (report.equal, report.differences) == (False, ())
    assert report.unfinished == (
        Difference(
            step="",
            cell="cell-1",
            what="cell 2, run from top to bottom, had not ended when the 4 s were up. "
            "Allow more time, or let it end sooner",
        ),
    )


async def test_steps_that_do_not_end_are_named(tmp_path: Path) -> None:
    """Only as steps: a file that the ways from top to bottom leave tells the third run."""
    marks = tmp_path / "marks"
    marks.mkdir()
    cell = f"import os, time; n = len(os.listdir({str(marks)!r}))"
    last = f"open({str(marks)!r} + f'/{{n}}', 'w').close()\nwhile n >= 2: time.sleep(0.05)"
    notebook = notebook_of([cell, last])
    pipeline = compile_notebook(notebook, name="n", split="cell")

    async with verifying(tmp_path) as (verifier, _):
        report = await verifier.verify(pipeline, notebook, None, 6)

    assert [(item.step, item.cell) for item in report.unfinished] == [("cell-2", "cell-1")]


async def test_whoever_is_cancelled_ends_the_whole_process_tree(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    source = (
        "import os, subprocess, time\nchild = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}} ')\ntime.sleep(600)"
    )
    notebook = notebook_of([source])

    async with verifying(tmp_path) as (verifier, scratch):
        work = verifier.verify(compile_notebook(notebook, name="n"), notebook)
        task = asyncio.create_task(work)
        async with asyncio.timeout(30):
            while not pids.exists() or pids.read_text().count(" ") < 2:
                await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        alive = [pid for pid in pids.read_text().split() if is_running(int(pid))]

        assert (alive, list(scratch.glob("verify-*"))) == ([], [])


@asynccontextmanager
async def verifying(tmp_path: Path) -> AsyncIterator[tuple[Verifier, Path]]:
    """A verifier with a launcher of its own, in a place short enough for sockets."""
    with TemporaryDirectory(prefix="mlv-") as place:
        launcher = LocalLauncher(Home(Path(place) / "home"))
        try:
            yield Verifier(launcher, Path(place) / "v", sys.executable), Path(place) / "v"
        finally:
            await launcher.close()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_what_only_running_shows_is_learned_and_the_steps_planned_anew() -> None:
    cells = (
        "xs = ['marked', 1]",
        "import gc\nfor o in gc.get_objects():\n"
        "    if type(o) is list and len(o) == len(xs) and o[0] == 'marked':\n"
        "        o.reverse()\ndel o",
        "print(xs)",
    )

    report = (await verify_all({"sorter": (cells, {})}))["sorter"].report

    assert report.equal
    assert [finding.changes for finding in report.learned] == [("xs",)]


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_every_notebook_of_the_table_is_equal_or_cannot_run_anywhere() -> None:
    outcomes = await verify_all(table())

    found = {name: one.verdict for name, one in outcomes.items() if one.verdict != "equal"}
    why = {name: outcomes[name].report.differences for name in found}
    assert found == {case.name: "refused" for case in read_cases() if case.is_refused}, why
    for name in found:
        for problem in outcomes[name].report.refused:
            assert problem.cell is not None, problem
            assert problem.message.endswith((".", "'.")), problem
