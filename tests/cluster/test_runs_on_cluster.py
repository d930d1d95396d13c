"""Whole runs on a cluster: a real engine, a real API server's protocol, pods that truly run."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from jupyter_mlplat.client.engine import EngineClient
from tests.cluster.cluster import eventually
from tests.cluster.memory import MemoryCluster
from tests.integration.engine.conftest import EngineProcess

CELLS = [
    "import numpy as np\nrows = 8",
    "x = np.arange(rows) * 2.0\nprint('made', x.sum())",
    "mean = float(x.mean())\nscore = mean / rows",
]


def notebook(*cells: str) -> dict[str, Any]:
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "language": "python"}},
        "cells": [
            {
                "cell_type": "code",
                "id": f"c{index}",
                "source": source,
                "metadata": {},
                "outputs": [],
                "execution_count": None,
            }
            for index, source in enumerate(cells)
        ],
    }


class Bench:
    """An engine whose home lies on a volume of a cluster, or shares nothing with it."""

    def __init__(self, cluster: MemoryCluster, root: Path, exchange: str) -> None:
        self.cluster = cluster
        volume = root / "claims" / "default" / "home"
        volume.mkdir(parents=True)
        self.folder = volume / "notebooks"
        self.folder.mkdir()
        self.engine = EngineProcess(volume / "h")
        self.engine.home.root.mkdir()
        port = 20000 + os.getpid() % 20000
        self.engine.home.settings.write_text(
            f'[cluster.lab]\nkubeconfig = "{cluster.kubeconfig}"\nimage = "python:3"\n'
            f'python = "{sys.executable}"\nexchange = "{exchange}"\nvolume = "home"\n'
            f'volume_path = "{volume}"\naddress = "http://127.0.0.1:{port}"\n'
            f'listen = "127.0.0.1:{port}"\n'
        )

    @property
    def client(self) -> EngineClient:
        return self.engine.client

    def submit(self, *cells: str, place: str = "lab", **parts: Any) -> str:
        body = {"notebook": notebook(*cells), "split": "cell", "cache": False, "run_on": place}
        return str(self.ask("runs.submit", body={**body, **parts})["id"])

    def ask(self, route: str, run: str | None = None, **parts: Any) -> Any:
        return json.loads(self.client.fetch(route, {"run": run} if run else {}, **parts))

    def get(self, run: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.ask("runs.get", run)
        return found

    def wait(self, run: str, timeout_s: float = 90) -> Mapping[str, Any]:
        until = time.monotonic() + timeout_s
        while (found := self.get(run))["state"] in ("PENDING", "RUNNING", "CANCELING"):
            assert time.monotonic() < until, found
            time.sleep(0.05)
        return found

    def outputs(self, run: str) -> dict[str, str]:
        found = self.ask("runs.outputs", run)["outputs"]
        return {one["name"]: one["preview"] for one in found}

    def until(self, check: Callable[[], Any], timeout_s: float = 60) -> Any:
        return eventually(check, timeout_s)


VOLUME = pytest.mark.parametrize("bench", ["volume"], indirect=True)
"""Steps alone try the same by HTTP."""


@pytest.fixture(params=["volume", "http"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with (
        TemporaryDirectory(prefix="mlk-") as root,
        MemoryCluster(kubelet="processes", root=Path(root)) as cluster,
    ):
        cluster.objects.create(
            "persistentvolumeclaims",
            "default",
            {
                "metadata": {"name": "home"},
                "spec": {
                    "accessModes": ["ReadWriteMany"],
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            },
        )
        bench = Bench(cluster, Path(root), request.param)
        bench.engine.start()
        try:
            yield bench
        finally:
            bench.engine.stop()


def test_pipeline_runs_as_jobs_and_comes_out_the_same(bench: Bench) -> None:
    (place,) = [one for one in bench.ask("places.list")["places"] if one["name"] == "lab"]
    assert place["answers"], place
    there = bench.wait(bench.submit(*CELLS))
    here = bench.wait(bench.submit(*CELLS, place="this-machine"))

    assert there["state"] == here["state"] == "SUCCEEDED", there
    assert there["place"] == "lab"
    assert bench.outputs(there["id"]) == bench.outputs(here["id"])
    assert {task["executed_as"] for task in there["tasks"]} == {"pod"}
    assert [line.text for line in bench.client.follow_logs(there["id"])] == ["made 56.0\n"]


@VOLUME
def test_killed_engine_takes_its_jobs_over(bench: Bench) -> None:
    go = bench.folder / "go"
    run = bench.submit(
        "import os, time\nx = 1", f"while not os.path.exists({str(go)!r}): time.sleep(0.05)\ny = x"
    )

    def running() -> Any:
        return [task for task in bench.get(run)["tasks"] if task["cells"][0]["state"] == "running"]

    bench.until(lambda: len(bench.get(run)["tasks"]) == 2 and running())
    bench.engine.kill()
    go.touch()
    time.sleep(0.5)
    bench.engine.start()

    ended = bench.wait(run)

    assert ended["state"] == "SUCCEEDED", ended
    assert max(task["attempt"] for task in ended["tasks"]) == 1


@VOLUME
def test_cancelled_run_leaves_nothing(bench: Bench) -> None:
    run = bench.submit("import time\ntime.sleep(600)")
    bench.until(lambda: bench.get(run)["tasks"][0]["cells"][0]["state"] == "running")

    bench.client.cancel_run(run)

    assert bench.wait(run)["state"] == "CANCELED"
    bench.until(lambda: not bench.cluster.objects.list("jobs.batch"))
    bench.until(lambda: not bench.cluster.objects.list("pods"))


@VOLUME
def test_nodes_of_a_train_job_are_pods_that_meet(bench: Bench) -> None:
    request = {
        "payload": {
            "command": [
                sys.executable,
                "-c",
                "import os; print(os.environ['RANK'], os.environ['WORLD_SIZE'], "
                "os.environ['MASTER_ADDR'], flush=True)",
            ]
        },
        "run_on": "lab",
        "train": {"runtime": "plain", "nodes": 2, "processes": 1},
    }
    run = bench.ask("jobs.train", body=request)["id"]

    ended = bench.wait(run)

    assert ended["state"] == "SUCCEEDED", ended
    directory = bench.engine.home.attempt(run, ended["tasks"][0]["name"], 1)
    assert (directory / "stdout.log").read_text().startswith("0 2 ")
    assert (directory / "ranks" / "1" / "stdout.log").read_text().startswith("1 2 ")
