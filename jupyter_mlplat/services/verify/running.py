"""Runs cells through the launcher: all of them as one step, or the pipeline's steps."""

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlplat.ports.launcher import AttemptRef, Ended, Launcher, StartOrder
from jupyter_mlplat.resources.pipeline import Pipeline, Step, StepCell
from jupyter_mlplat.services.pipelines.reliance import reliances

RUN = "verify"
LOG_LIMIT_BYTES = 10 << 20
TOP_TO_BOTTOM = "from top to bottom"


@dataclass(frozen=True)
class Ran:
    """What a step showed and left behind."""

    ended: Ended
    outputs: Mapping[str, list[dict[str, Any]]]  # cell id -> outputs, of the cells that ran
    snapshot: Mapping[str, Any]

    @property
    def is_ok(self) -> bool:
        return bool(self.ended.result and self.ended.result["state"] == "succeeded")

    @property
    def error(self) -> Mapping[str, Any] | None:
        """The error it failed with; a process that died has one, too."""
        if self.ended.result is None:
            return {"code": self.ended.code, "message": self.ended.reason}
        error: Mapping[str, Any] | None = self.ended.result["error"]
        return error

    @property
    def bundle(self) -> str | None:
        return self.ended.result["bundle"] if self.ended.result else None


@dataclass
class Runner:
    """Runs steps of one verification and waits for their ends.

    Args:
        launcher: Bound to the verifier.
        ends: Where the verifier puts the ends of attempts.
        root: A directory of this verification's own.
        python: The interpreter.
        folder: The working directory of every step.
    """

    launcher: Launcher
    ends: dict[AttemptRef, asyncio.Future[Ended]]
    root: Path
    python: str
    folder: Path
    running: list[AttemptRef] = field(default_factory=list)
    tasks: dict[asyncio.Task[Ran], str] = field(default_factory=dict)
    _count: int = 0

    async def whole(self, pipeline: Pipeline, cells: Sequence[StepCell]) -> Ran:
        """Run cells from top to bottom in one process."""
        return await self._run(pipeline, TOP_TO_BOTTOM, {"cells": _cells(cells), "outputs": []})

    async def steps(self, pipeline: Pipeline) -> dict[str, Ran]:
        """Run the pipeline's steps.

        Each in a process of its own, as soon as what they need is there.

        Returns:
            What the steps that were started did; the others waited for one that failed.
        """
        done: dict[str, Ran] = {}
        waiting = list(pipeline.steps)
        tasks = self.tasks
        slots = 2
        leave_alone = reliances(pipeline)
        while waiting or tasks:
            # The last ready step goes first: an order that an edge should have forced shows itself
            # so.
            ready = [step for step in reversed(waiting) if _is_ready(step, done)]
            for step in ready[: slots - len(tasks)]:
                waiting.remove(step)
                order = {**_order(pipeline, step, done), **asdict(leave_alone[step.name])}
                work = self._run(pipeline, step.name, order)
                tasks[asyncio.create_task(work)] = step.name
            if not tasks:
                break
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                done[tasks.pop(task)] = task.result()
        return done

    async def stop(self) -> None:
        """End what still runs, with everything it has started."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await asyncio.gather(*(self.launcher.cancel(ref) for ref in self.running))

    async def _run(self, pipeline: Pipeline, name: str, parts: Mapping[str, Any]) -> Ran:
        self._count += 1
        directory = self.root / str(self._count)
        directory.mkdir(mode=0o700)
        ref = AttemptRef(f"{RUN}-{self.root.name}", name, self._count, directory)
        order = {
            "version": 1,
            "run": ref.run,
            "run_number": 0,
            "step": name,
            "attempt": ref.attempt,
            "blobs": str(self.root / "blobs"),
            "flush_from_bytes": None,
            "doorbell": None,
            "cwd": str(self.folder),
            "notebook_metadata": pipeline.notebook_metadata,
            "prelude": [],
            "parameters": {},
            "inputs": [],
            "metrics": [],
            "log_limit_bytes": LOG_LIMIT_BYTES,
            "output_limit_bytes": 10 << 20,
            "snapshot": True,
            **parts,
        }
        (directory / "step.json").write_text(json.dumps(order))
        future = self.ends[ref] = asyncio.get_running_loop().create_future()
        self.running.append(ref)
        future.add_done_callback(lambda _: self.running.remove(ref))
        start = StartOrder(ref, self.python, pipeline.preload, None, None, {}, LOG_LIMIT_BYTES)
        await self.launcher.start(start)
        ended = await asyncio.shield(future)
        return Ran(ended, _outputs(directory), _read(directory / "snapshot.json"))


def _is_ready(step: Step, done: Mapping[str, Ran]) -> bool:
    needed = {*step.after, *(given.step for given in step.inputs)}
    return all(name in done and done[name].is_ok for name in needed)


def _order(pipeline: Pipeline, step: Step, done: Mapping[str, Ran]) -> dict[str, Any]:
    defaults = {parameter.name: parameter.default for parameter in pipeline.parameters}
    return {
        "cells": _cells(step.cells),
        "prelude": list(step.prelude),
        "parameters": {name: defaults[name] for name in step.parameters if name in defaults},
        "inputs": [
            {
                "name": given.name,
                "bundle": done[given.step].bundle,
                "optional": given.optional,
            }
            for given in step.inputs
        ],
        "outputs": [name for name in step.outputs if name not in step.kept],
        "kept": list(step.kept),
        "env": dict(step.settings.env),
    }


def _cells(cells: Sequence[StepCell]) -> list[dict[str, Any]]:
    return [{"id": cell.id, "index": cell.index, "source": cell.source} for cell in cells]


def at_work(directory: Path) -> str | None:
    """Return the cell that an attempt has begun and not ended, as far as it has said."""
    cell = None
    with contextlib.suppress(FileNotFoundError):
        for line in (directory / "events.jsonl").read_text("utf-8").splitlines():
            event = json.loads(line)
            if event["kind"] in ("cell-started", "cell-finished"):
                cell = event["id"] if event["kind"] == "cell-started" else None
    return cell


def _outputs(directory: Path) -> dict[str, list[dict[str, Any]]]:
    return {
        cell["id"]: cell["outputs"]
        for cell in _read(directory / "executed.ipynb").get("cells", ())
        if cell["metadata"]["mlplat"]["state"] in ("ok", "error")
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return content
