"""Our side: the same cells as one step, from the order to start it to its executed notebook."""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.launchers.local.launcher import LocalLauncher
from jupyter_mlplat.ports.launcher import AttemptRef, Ended, StartOrder

FIRST_STATEMENT = "import time\nfirst = time.clock_gettime(time.CLOCK_MONOTONIC)\nprint(first)"


async def measure(cells: list[str], preload: tuple[str, ...], rounds: int) -> dict[str, float]:
    """Return medians in seconds: a whole step, and from its order to the first user statement."""
    with tempfile.TemporaryDirectory(prefix="mlb-") as root:
        home = Home(Path(root) / "h")
        launcher = LocalLauncher(home)
        ends: dict[AttemptRef, asyncio.Future[Ended]] = {}
        launcher.bind(lambda ended: ends[ended.ref].set_result(ended), lambda _: None)
        await launcher.prepare(sys.executable, preload)
        wholes, firsts = [], []
        try:
            for number in range(rounds + 1):
                for source, taken in ((cells, wholes), ([FIRST_STATEMENT], firsts)):
                    ref = _write(home, f"{len(source)}-{number}", source)
                    ends[ref] = asyncio.get_running_loop().create_future()
                    began = time.clock_gettime(time.CLOCK_MONOTONIC)
                    await launcher.start(StartOrder(ref, sys.executable, preload, None, None, {}))
                    ended = await ends[ref]
                    over = time.clock_gettime(time.CLOCK_MONOTONIC)
                    if ended.result is None or ended.result["state"] != "succeeded":
                        raise RuntimeError(f"the step failed: {ended}")
                    if taken is firsts:
                        over = float((ref.directory / "stdout.log").read_text())
                    taken.append(over - began)
                    await asyncio.sleep(0.05)  # as far apart as a user's clicks: a spare is ready
        finally:
            await launcher.close()
    return {"step": statistics.median(wholes[1:]), "first": statistics.median(firsts[1:])}


def _write(home: Home, name: str, cells: list[str]) -> AttemptRef:
    directory = home.attempt("run-bench", name, 1)
    directory.mkdir(parents=True)
    order = {
        "version": 1,
        "run": "run-bench",
        "run_number": 1,
        "step": name,
        "attempt": 1,
        "blobs": str(home.blobs),
        "doorbell": str(home.doorbell),
        "cwd": str(home.root),
        "cells": [
            {"id": f"c{index}", "index": index, "source": source}
            for index, source in enumerate(cells)
        ],
        "outputs": ["x9"] if len(cells) > 1 else [],
    }
    (directory / "step.json").write_text(json.dumps(order))
    return AttemptRef("run-bench", name, 1, directory)
