"""The use case: verify one pipeline against its notebook."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlplat.formats.notebook import list_cells
from jupyter_mlplat.ports.launcher import AttemptRef, Ended, Launcher
from jupyter_mlplat.resources.pipeline import (
    Difference,
    Finding,
    Pipeline,
    Problem,
    Severity,
    Step,
    StepCell,
    VerifyReport,
)
from jupyter_mlplat.services.pipelines.findings import finding_of, heeds, merged
from jupyter_mlplat.services.pipelines.outcomes import failure_of
from jupyter_mlplat.services.verify.comparing import Way, compare, of_steps, of_whole
from jupyter_mlplat.services.verify.folder import Folder
from jupyter_mlplat.services.verify.running import TOP_TO_BOTTOM, Ran, Runner, at_work

_WAYS_AT_LEAST = 3
"""Runs from top to bottom before a difference is told: a clock may agree with itself once."""

_WAYS_AT_MOST = 6
"""Runs from top to bottom: of a coin that steps toss otherwise, all six agree once in 32 times."""


class Verifier:
    """Runs notebooks both ways. Several may be verified at a time.

    Args:
        launcher: A launcher of the verifier's own; it is bound here.
        scratch: Where verifications have their files while they run.
        python: The interpreter that runs the cells.
    """

    def __init__(self, launcher: Launcher, scratch: Path, python: str) -> None:
        self._launcher = launcher
        self._scratch = scratch
        self._python = python
        self._ends: dict[AttemptRef, asyncio.Future[Ended]] = {}
        launcher.bind(self._ended, lambda _: None)

    async def verify(
        self,
        pipeline: Pipeline,
        notebook: Mapping[str, Any],
        folder: Path | None = None,
        timeout_s: float | None = None,
        plan_anew: Callable[[Sequence[Finding]], Pipeline] | None = None,
    ) -> VerifyReport:
        """Run a notebook from top to bottom, twice, and as the pipeline's steps; compare.

        What differs between the two runs from top to bottom (time, unseeded random numbers) is not
        compared. While differences remain it is run from top to bottom again, once, and more often
        where chance plays a part: two games in a row may have the same winner.

        Args:
            pipeline: The compiled notebook.
            notebook: Its nbformat content.
            folder: The notebook's folder; each way starts from a copy of it.
            timeout_s: For all runs together; then what was running is ended, and named in the
                report. Cancelling this call ends what is running, too.
            plan_anew: Compiles the notebook with what its steps have shown, should they be refused
                for something that the source does not say; then they run again, as in a run.
        """
        began = time.monotonic()
        errors = tuple(item for item in pipeline.problems if item.severity is Severity.ERROR)
        if errors:
            return VerifyReport(equal=False, differences=(), refused=errors)
        if tuned := tuple(_no_way_down(step) for step in pipeline.steps if step.tune is not None):
            return VerifyReport(equal=False, differences=(), refused=tuned)
        self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        root = Path(tempfile.mkdtemp(prefix="verify-", dir=self._scratch))
        place = Folder(folder, root / "folder")
        runner = Runner(self._launcher, self._ends, root, self._python, place.path)
        cells = _code_cells(notebook)
        learned: tuple[Finding, ...] = ()
        try:

            async def whole() -> Way:
                place.reset()
                ran = await runner.whole(pipeline, cells)
                if ran.ended.result is None:
                    raise _Died(ran.ended.reason)
                return of_whole(ran, place.changes())

            def report() -> VerifyReport:
                duration_s = time.monotonic() - began
                return _report(pipeline, cells, ways, done, found, duration_s, learned)

            async with asyncio.timeout(timeout_s):
                ways = [await whole(), await whole()]
                while True:
                    place.reset()
                    done = await runner.steps(pipeline)
                    found = of_steps(pipeline, done, place.changes())
                    known = learned
                    learned = merged([*known, *_findings(pipeline, done)])
                    if plan_anew is None or learned == known:
                        break
                    pipeline = plan_anew(learned)
                    if not all(heeds(pipeline, finding) for finding in learned):
                        break
                while (made := report()).differences and len(ways) < (
                    _WAYS_AT_MOST if made.ignored else _WAYS_AT_LEAST
                ):
                    ways.append(await whole())
                return made
        except TimeoutError:
            return VerifyReport(
                equal=False,
                differences=(),
                steps=tuple(step.name for step in pipeline.steps),
                duration_s=time.monotonic() - began,
                unfinished=_unfinished(runner, cells, timeout_s or 0),
            )
        except _Died as death:
            return VerifyReport(equal=False, differences=(), refused=(_no_expectation(death),))
        finally:
            await runner.stop()
            await asyncio.to_thread(shutil.rmtree, root, ignore_errors=True)

    def _ended(self, ended: Ended) -> None:
        future = self._ends.pop(ended.ref, None)
        if future is not None and not future.done():
            future.set_result(ended)


def _no_way_down(step: Step) -> Problem:
    return Problem(
        code="tuning-job",
        severity=Severity.ERROR,
        message=f"Step {step.name!r} is a tuning job: its cells run once per trial, so there is no "
        "run from top to bottom to compare with. Verify the notebook with the mark taken off.",
        cell=step.cells[0].id,
        step=step.name,
    )


def _findings(pipeline: Pipeline, done: Mapping[str, Ran]) -> list[Finding]:
    """List what refused steps have shown."""
    failures = (failure_of(name, ran.error) for name, ran in done.items() if ran.error is not None)
    return [found for failure in failures if (found := finding_of(pipeline, failure))]


class _Died(Exception):
    """The process that ran the notebook from top to bottom ended without a result."""


def _no_expectation(death: _Died) -> Problem:
    return Problem(
        code="not-run",
        severity=Severity.ERROR,
        message="Cannot compare: the process that ran the notebook from top to bottom "
        f"{death}. Run the notebook in a fresh kernel first, with the same Python.",
    )


def _code_cells(notebook: Mapping[str, Any]) -> list[StepCell]:
    return [
        StepCell(id=cell.id, index=cell.index, source=cell.source)
        for cell in list_cells(notebook)
        if cell.kind == "code" and cell.source.strip()
    ]


def _unfinished(
    runner: Runner, cells: Sequence[StepCell], timeout_s: float
) -> tuple[Difference, ...]:
    """Say which cells were running when the time was up."""
    numbers = {cell.id: cell.index + 1 for cell in cells}
    found = []
    for ref in runner.running:
        cell = at_work(ref.directory)
        what = f"cell {numbers[cell]}" if cell in numbers else "the start of the process"
        way = f"as step {ref.step!r}" if ref.step != TOP_TO_BOTTOM else TOP_TO_BOTTOM
        found.append(
            Difference(
                step=ref.step if ref.step != TOP_TO_BOTTOM else "",
                cell=cell,
                what=f"{what}, run {way}, had not ended when the {timeout_s:g} s were up. "
                "Allow more time, or let it end sooner",
            )
        )
    return tuple(found)


_REFUSALS = frozenset({"not-serialisable", "unforeseen-change", "unforeseen-read"})


def _report(
    pipeline: Pipeline,
    cells: Sequence[StepCell],
    ways: Sequence[Way],
    done: Mapping[str, Ran],
    found: Way,
    duration_s: float,
    learned: tuple[Finding, ...],
) -> VerifyReport:
    homes = {cell.id: step.name for step in pipeline.steps for cell in step.cells}

    def step_of(cell: str | None) -> str:
        return homes.get(cell or "", "")

    refused = tuple(
        Problem(
            code=str(error["code"]),
            severity=Severity.ERROR,
            message=str(error["message"]),
            step=name,
            name=error.get("name"),
        )
        for name, ran in done.items()
        if (error := ran.error) is not None and error["code"] in _REFUSALS
    )
    unstable = {
        _place(difference): difference
        for way in ways[1:]
        for difference in compare(ways[0], way, cells, step_of)
    }
    differences = [
        difference
        for difference in (
            *_broken(pipeline, done, ways[0]),
            *compare(ways[0], found, cells, step_of),
        )
        if _place(difference) not in unstable
    ]
    if refused:
        differences = []
    return VerifyReport(
        equal=not differences and not refused,
        differences=tuple(differences),
        steps=tuple(step.name for step in pipeline.steps),
        duration_s=duration_s,
        refused=refused,
        learned=learned,
        ignored=tuple(unstable.values()),
    )


def _broken(pipeline: Pipeline, done: Mapping[str, Ran], whole: Way) -> list[Difference]:
    """Name steps that failed for reasons of their own: not because a cell raises in either way.

    A step below the cell that ends the notebook has no expectation: it may lack what that cell
    would have imported.
    """
    found = []
    for step in pipeline.steps:
        if step.cells and not any(cell.id in whole.outputs for cell in step.cells):
            continue
        error = done[step.name].error if step.name in done else None
        if error is not None and error["code"] not in ("cell-error", "not-serialisable"):
            found.append(Difference(step=step.name, what=str(error["message"])))
    return found


def _place(difference: Difference) -> tuple[str, str | None, str]:
    """Say what a difference is about: a cell's outputs, a name or a file."""
    word = difference.what.split(" is ", 1)[0].split(" differs inside", 1)[0]
    about = word if word.startswith(("'", "file ")) else "outputs"
    return difference.step, difference.cell, about
