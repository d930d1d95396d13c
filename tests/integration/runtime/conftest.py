"""Runs attempts through the local launcher."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.launchers.local.launcher import LocalLauncher
from jupyter_mlplat.ports.launcher import AttemptRef, Ended, StartOrder


@dataclass
class Bench:
    """A launcher, and what is needed to give it work."""

    home: Home
    folder: Path
    launcher: LocalLauncher
    ends: dict[AttemptRef, asyncio.Future[Ended]] = field(default_factory=dict)
    activity: list[AttemptRef] = field(default_factory=list)
    count: int = 0

    def bind(self) -> None:
        def ended(end: Ended) -> None:
            self.ends[end.ref].set_result(end)

        self.launcher.bind(ended, self.activity.append)

    def write(self, *cells: str, **parts: Any) -> AttemptRef:
        """Write an attempt directory."""
        self.count += 1
        directory = self.home.attempt("run-1", f"s{self.count}", 1)
        directory.mkdir(parents=True)
        order = {
            "version": 1,
            "run": "run-1",
            "run_number": 1,
            "step": f"s{self.count}",
            "attempt": 1,
            "blobs": str(self.home.blobs),
            "doorbell": str(self.home.doorbell),
            "cwd": str(self.folder),
            "cells": [
                {"id": f"c{index}", "index": index, "source": source}
                for index, source in enumerate(cells)
            ],
            "outputs": [],
            **parts,
        }
        (directory / "step.json").write_text(json.dumps(order))
        ref = AttemptRef("run-1", f"s{self.count}", 1, directory)
        self.ends[ref] = asyncio.get_running_loop().create_future()
        return ref

    async def start(
        self,
        ref: AttemptRef,
        *,
        preload: Iterable[str] = (),
        memory_bytes: int | None = None,
        kernel: str | None = None,
        python: str = sys.executable,
        env: dict[str, str] | None = None,
    ) -> None:
        order = StartOrder(ref, python, tuple(preload), kernel, memory_bytes, env or {})
        if limit := json.loads((ref.directory / "step.json").read_bytes()).get("log_limit_bytes"):
            order = replace(order, log_limit_bytes=limit)
        await self.launcher.start(order)

    async def end(self, ref: AttemptRef, timeout_s: float = 60.0) -> Ended:
        return await asyncio.wait_for(asyncio.shield(self.ends[ref]), timeout_s)

    async def run(self, *cells: str, **parts: Any) -> Ended:
        """Run cells as a step to its end."""
        start = {
            key: parts.pop(key)
            for key in ("preload", "memory_bytes", "kernel", "python", "env_of_process")
            if key in parts
        }
        ref = self.write(*cells, **parts)
        if "env_of_process" in start:
            start["env"] = start.pop("env_of_process")
        await self.start(ref, **start)
        return await self.end(ref)

    def text(self, end: Ended, stream: str = "stdout") -> str:
        return (end.ref.directory / f"{stream}.log").read_text()

    def outputs(self, end: Ended) -> list[list[dict[str, Any]]]:
        notebook = json.loads((end.ref.directory / "executed.ipynb").read_text())
        return [cell["outputs"] for cell in notebook["cells"]]

    async def until(self, path: Path, timeout_s: float = 20.0) -> str:
        """Wait for a file to be there and have content."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while not path.exists() or not path.read_text():
            assert asyncio.get_running_loop().time() < deadline, f"{path} did not come"
            await asyncio.sleep(0.01)
        return path.read_text()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    with TemporaryDirectory(prefix="mlr-") as root:
        home = Home(Path(root) / "h")
        folder = Path(root) / "notebooks"
        folder.mkdir()
        bench = Bench(home, folder, LocalLauncher(home))
        bench.bind()
        yield bench
        for ref, future in bench.ends.items():
            if not future.done():
                await bench.launcher.cancel(ref, grace_s=0.2)
        await bench.launcher.close()
