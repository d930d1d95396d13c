"""The differential oracle over small notebooks.

`python -m tests.integration.verify.oracle [word …]`.

Compiles each notebook with one step per cell, runs it both ways, and prints one line per notebook;
with words, only notebooks whose name holds one of them, in full.
"""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jupyter_mlplat.compiler import FolderView, compile_notebook
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.launchers.local.launcher import LocalLauncher
from jupyter_mlplat.resources.pipeline import Finding, Pipeline, VerifyReport
from jupyter_mlplat.services.verify import Verifier

Verdict = Literal["equal", "refused", "loud", "silent"]


@dataclass(frozen=True)
class Outcome:
    """What came of one notebook.

    `refused`: the compiler or the saving of a value said no, with a reason. `loud`: a step failed
    where the notebook does not. `silent`: everything ran, and something is different.
    """

    name: str
    verdict: Verdict
    pipeline: Pipeline
    report: VerifyReport


def notebook_of(cells: Iterable[str]) -> dict[str, Any]:
    """Make nbformat content of code cells; a first line `# tags: a, b` tags a cell."""
    made = []
    for number, source in enumerate(cells):
        tags = [tag.strip() for tag in source.partition("\n")[0].removeprefix("# tags:").split(",")]
        made.append(
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {"tags": tags} if source.startswith("# tags:") else {},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
        )
    return {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def judge(report: VerifyReport) -> Verdict:
    """Put a report into one word."""
    if report.refused:
        return "refused"
    if report.equal:
        return "equal"
    loud = any(
        "raised" in item.what or (item.cell is None and not item.what.startswith(("file ", "'")))
        for item in report.differences
    )
    return "loud" if loud else "silent"


async def verify_all(
    notebooks: Mapping[str, tuple[Iterable[str], Mapping[str, str]]],
    at_a_time: int = 2,
    split: Literal["auto", "cell"] = "cell",
) -> dict[str, Outcome]:
    """Verify notebooks given as cells and files beside them, through one warm launcher."""
    outcomes: dict[str, Outcome] = {}
    gate = asyncio.Semaphore(at_a_time)
    with tempfile.TemporaryDirectory(prefix="mlv-") as scratch:
        launcher = LocalLauncher(Home(Path(scratch) / "home"))
        verifier = Verifier(launcher, Path(scratch) / "v", sys.executable)

        async def one(name: str, cells: Iterable[str], files: Mapping[str, str]) -> None:
            folder = Path(scratch) / "in" / str(abs(hash(name)))
            folder.mkdir(parents=True)
            for relative, text in files.items():
                path = folder / relative
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            notebook = notebook_of(cells)
            modules = {key: text for key, text in files.items() if key.endswith(".py")}

            def planned(findings: Iterable[Finding] = ()) -> Pipeline:
                view = FolderView(modules)
                return compile_notebook(
                    notebook, name=name, split=split, folder=view, findings=findings
                )

            pipeline = planned()
            async with gate:
                report = await verifier.verify(pipeline, notebook, folder, plan_anew=planned)
            outcomes[name] = Outcome(name, judge(report), pipeline, report)

        try:
            await asyncio.gather(*(one(name, *parts) for name, parts in notebooks.items()))
        finally:
            await launcher.close()
    return outcomes


def table() -> dict[str, tuple[Iterable[str], Mapping[str, str]]]:
    """Return the table of small notebooks."""
    from tests.notebooks.cases import read_cases

    return {case.name: (case.cells, case.files) for case in read_cases()}


def main(words: list[str]) -> None:
    """Verify the table, or a part of it, and print what came of it."""
    notebooks = {
        name: parts
        for name, parts in table().items()
        if not words or any(word in name for word in words)
    }
    began = time.monotonic()
    outcomes = asyncio.run(verify_all(notebooks))
    for name in notebooks:
        outcome = outcomes[name]
        print(f"{outcome.verdict:8} {name}")
        for item in outcome.report.differences:
            print(f"         {item.step} {item.cell}: {item.what}")
        for problem in outcome.report.refused:
            print(f"         refused: {problem.message}")
        if words:
            for step in outcome.pipeline.steps:
                loads = ", ".join(f"{given.name}<{given.step}" for given in step.inputs)
                print(
                    f"         {step.name}: after {step.after} loads [{loads}] saves {step.outputs}"
                )
            for item in outcome.report.ignored:
                print(f"         ignored: {item.what}")
    counts = Counter(outcome.verdict for outcome in outcomes.values())
    print(dict(counts), f"{time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
