"""Each contender launches two ranks once, and returns the seconds until both have met."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.launchers.local.launcher import LocalLauncher
from jupyter_mlplat.ports.launcher import AttemptRef, Ended, StartOrder

PROGRAM = Path(__file__).with_name("program.py")
RANKS = 2
PRELOAD = ("torch", "torch.distributed")
TIMEOUT_S = 120


def now() -> float:
    """Return a time that all processes of the machine share."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


@contextmanager
def meeting_place() -> Iterator[Path]:
    """Give a folder where ranks say when they met."""
    folder = Path(tempfile.mkdtemp(prefix="mlb-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def met(folder: Path) -> float:
    """Return when the last rank was past the barrier."""
    return max(float((folder / str(rank)).read_text()) for rank in range(RANKS))


def timed(launch: Callable[[dict[str, str]], None]) -> float:
    """Time a launch that returns when its ranks have ended."""
    with meeting_place() as folder:
        environment = {**os.environ, "MET": str(folder), "OMP_NUM_THREADS": "1"}
        began = now()
        launch(environment)
        return met(folder) - began


def torchrun() -> float:
    """Launch by torchrun, as its manual does for one machine."""
    words = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={RANKS}"]
    command = [sys.executable, *words, str(PROGRAM)]

    def launch(environment: dict[str, str]) -> None:
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=TIMEOUT_S)

    return timed(launch)


def by_hand() -> float:
    """Start two interpreters with the variables set: what a careful person does in a shell."""

    def launch(environment: dict[str, str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(RANKS)}
        ranks = [
            subprocess.Popen(
                [sys.executable, str(PROGRAM)],
                env={**environment, **common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            )
            for rank in range(RANKS)
        ]
        for rank in ranks:
            if rank.wait(TIMEOUT_S):
                raise RuntimeError("a rank that was started by hand has failed")

    return timed(launch)


def ours(rounds: int, *, is_warm: bool) -> list[float]:
    """Launch as the engine does, from the order of a step; cold: with a new worker each time."""
    return asyncio.run(_ours(rounds, is_warm=is_warm))


async def _ours(rounds: int, *, is_warm: bool) -> list[float]:
    times: list[float] = []
    with tempfile.TemporaryDirectory(prefix="mlb-") as root:
        home = Home(Path(root) / "h")
        launcher: LocalLauncher | None = None
        for number in range(rounds + is_warm):
            if launcher is None or not is_warm:
                if launcher is not None:
                    await launcher.close()
                launcher = LocalLauncher(home)
                if is_warm:
                    await launcher.prepare(sys.executable, PRELOAD)
            with meeting_place() as folder:
                took = await _launch(launcher, home, number, folder)
            if number or not is_warm:
                times.append(took)
            await asyncio.sleep(0.2)  # as far apart as a user's clicks: a spare is ready
        if launcher is not None:
            await launcher.close()
    return times


async def _launch(launcher: LocalLauncher, home: Home, number: int, folder: Path) -> float:
    ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
    launcher.bind(ended.set_result, lambda _: None)
    directory = home.attempt("run-bench", "train", number + 1)
    directory.mkdir(parents=True)
    env = {"MET": str(folder)}
    order = {
        "version": 1,
        "run": "run-bench",
        "run_number": 1,
        "step": "train",
        "attempt": number + 1,
        "blobs": str(home.blobs),
        "doorbell": str(home.doorbell),
        "cwd": str(home.root),
        "env": env,
        "cells": [{"id": "c0", "index": 0, "source": PROGRAM.read_text()}],
        "outputs": [],
        "train": {"contract": "torch", "nodes": 1, "processes": RANKS},
    }
    (directory / "step.json").write_text(json.dumps(order))
    ref = AttemptRef("run-bench", "train", number + 1, directory)
    began = now()
    await launcher.start(StartOrder(ref, sys.executable, PRELOAD, None, None, env))
    end = await asyncio.wait_for(ended, TIMEOUT_S)
    if end.result is None or end.result["state"] != "succeeded":
        raise RuntimeError(f"the job failed: {end}")
    return met(folder) - began


def job(rounds: int) -> list[float]:
    """Launch as a user does: from the call that submits a job to an engine that runs."""
    place = Path(tempfile.mkdtemp(prefix="mlb-"))
    client = EngineClient(place / "home")
    times: list[float] = []
    try:
        for number in range(rounds + 2):
            with meeting_place() as folder:
                request = {
                    "payload": {"cell": PROGRAM.read_text(), "cwd": str(place)},
                    "train": {"processes": RANKS},
                    "env": {"MET": str(folder)},
                    "cpu": 1,
                }
                began = now()
                run = client.wait_for_run(client.train(request).id, TIMEOUT_S)
                if run.state != "SUCCEEDED":
                    raise RuntimeError(f"the job ended {run.state}: {run.failure}")
                if number >= 2:
                    times.append(met(folder) - began)
            time.sleep(0.2)
    finally:
        client.stop_engine()
        shutil.rmtree(place, ignore_errors=True)
    return times
