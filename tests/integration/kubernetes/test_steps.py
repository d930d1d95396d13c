"""Steps that truly run in what stands for pods, through either exchange."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlplat.config import ClusterConfig
from jupyter_mlplat.engine.api.pods import PodDoor
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.launchers.kubernetes.launcher import KubernetesLauncher, Pace
from jupyter_mlplat.ports.launcher import AttemptRef, Ended, StartOrder
from jupyter_mlplat.stores.blobs import LocalBlobStore
from tests.fakes.cluster import FakeCluster
from tests.fakes.kubelet import FakeKubelet

PACE = Pace(look=0.02, retry=0.02, result=2.0, lost=2.0)
RUN = "run-0000000000"


@dataclass
class Bench:
    home: Home
    folder: Path
    config: ClusterConfig
    cluster: FakeCluster = field(default_factory=FakeCluster)
    ends: dict[str, asyncio.Future[Ended]] = field(default_factory=dict)

    def open(self) -> None:
        async def connect() -> FakeCluster:
            return self.cluster

        self.launcher = KubernetesLauncher(self.config, self.home, connect, PACE)
        self.launcher.bind(lambda end: self.ends[end.ref.step].set_result(end), lambda _: None)

    def write(self, step: str, *cells: str, **parts: Any) -> AttemptRef:
        directory = self.home.attempt(RUN, step, 1)
        directory.mkdir(parents=True)
        order = {
            "version": 1,
            "run": RUN,
            "run_number": 1,
            "step": step,
            "attempt": 1,
            "home": str(self.home.root),
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
        self.ends[step] = asyncio.get_running_loop().create_future()
        return AttemptRef(RUN, step, 1, directory, "lab")

    async def start(self, ref: AttemptRef, nodes: int = 1) -> None:
        order = StartOrder(ref, sys.executable, (), None, None, {}, nodes=nodes)
        await self.launcher.start(order)

    async def run(self, step: str, *cells: str, nodes: int = 1, **parts: Any) -> Ended:
        ref = self.write(step, *cells, **parts)
        await self.start(ref, nodes)
        return await asyncio.wait_for(asyncio.shield(self.ends[step]), 60)


HTTP = pytest.mark.parametrize("bench", ["http"], indirect=True)
"""Whole runs try the same over a volume."""


@pytest.fixture(params=["volume", "http"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    with TemporaryDirectory(prefix="mlk-") as root:
        home, folder = Home(Path(root) / "h"), Path(root) / "notebooks"
        home.root.mkdir()
        folder.mkdir()
        config = ClusterConfig("lab", "i:1", volume="anna-home", exchange=request.param)
        bench = Bench(home, folder, config)
        places = SimpleNamespace(heard_of=lambda *address: bench.launcher.heard_of(address))
        engine: Any = SimpleNamespace(home=home, blobs=LocalBlobStore(home.blobs), places=places)
        door = PodDoor("127.0.0.1:0")
        if request.param == "http":
            door.open(engine)
            bench.config = ClusterConfig(
                "lab", "i:1", exchange="http", address=f"http://127.0.0.1:{door.port}"
            )
        bench.open()
        kubelet = FakeKubelet(bench.cluster, Path(root) / "pods")
        yield bench
        await bench.launcher.close()
        await kubelet.close()
        await door.close(engine)


async def test_value_goes_from_pod_to_pod(bench: Bench) -> None:
    (bench.folder / "own.py").write_text("FACTOR = 3\n")
    first = await bench.run(
        "make",
        "import own, numpy as np",
        "x = np.arange(4) * own.FACTOR",
        "print('made', x.sum())",
        outputs=["x"],
        modules=["own.py"],
    )
    assert first.result is not None
    assert first.result["error"] is None
    assert (first.ref.directory / "stdout.log").read_text() == "made 18\n"
    kinds = [
        json.loads(line)["kind"]
        for line in (first.ref.directory / "events.jsonl").read_text().splitlines()
    ]
    assert kinds.count("cell-finished") == 3

    second = await bench.run(
        "use",
        "y = int(x.max())",
        inputs=[{"name": "x", "bundle": first.result["bundle"], "optional": False}],
        outputs=["y"],
    )

    assert second.result is not None
    assert second.result["outputs"]["y"]["preview"] == "9"
    assert json.loads((second.ref.directory / "executed.ipynb").read_bytes())["cells"]


@HTTP
async def test_error_of_a_cell_is_the_same_as_on_this_machine(bench: Bench) -> None:
    end = await bench.run("fail", "a = 1", "a / 0")

    assert end.code == "ended"
    assert end.result is not None
    assert end.result["error"]["code"] == "cell-error"
    assert end.result["error"]["name"] == "ZeroDivisionError"


@HTTP
async def test_process_that_ends_itself_is_told(bench: Bench) -> None:
    end = await bench.run("quit", "import os", "os._exit(3)")

    assert (end.code, end.reason) == ("exited", "exited with status 3 before it had finished")


@HTTP
async def test_cancelled_step_is_gone(bench: Bench) -> None:
    ref = bench.write("long", "import time", "print('begun', flush=True)", "time.sleep(60)")
    await bench.start(ref)
    async with asyncio.timeout(30):
        while (
            not (ref.directory / "stdout.log").exists()
            or not (ref.directory / "stdout.log").read_text()
        ):
            await asyncio.sleep(0.02)

    await bench.launcher.cancel(ref, grace_s=0.5)

    end = await asyncio.wait_for(bench.ends["long"], 10)
    assert end.code == "killed"


@HTTP
async def test_next_engine_takes_it_over(bench: Bench) -> None:
    go = bench.folder / "go"
    ref = bench.write(
        "wait", "import os, time", f"while not os.path.exists({str(go)!r}): time.sleep(0.02)"
    )
    await bench.start(ref)
    async with asyncio.timeout(30):
        while not (ref.directory / "claim").exists():
            await asyncio.sleep(0.02)
    await bench.launcher.close()
    bench.open()

    await bench.launcher.adopt(ref)
    go.touch()

    end = await asyncio.wait_for(bench.ends["wait"], 30)
    assert (end.code, end.result is not None) == ("ended", True)
