"""Our own rows: a notebook of trivial cells, one step each, submitted to a real engine."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.resources.run import RunState


@contextmanager
def engine() -> Iterator[tuple[EngineClient, Path]]:
    """Start an engine in a state directory of its own, warm, and stop it afterwards."""
    place = Path(tempfile.mkdtemp(prefix="mlpb-"))
    client = EngineClient(place / "home")
    try:
        _submit(client, _notebook(place, "chain", 3, "warm"), True)
        yield client, place
    finally:
        client.stop_engine()
        shutil.rmtree(place, ignore_errors=True)


def measure(client: EngineClient, place: Path, shape: str, count: int) -> dict[str, float]:
    """Run anew, with nothing of it in the cache, and again; from submit to the final state."""
    tag = f"{shape}{perf_counter():.6f}".replace(".", "_")
    notebook = _notebook(place, shape, count, tag)
    return {
        "first_s": _submit(client, notebook, False),
        "second_s": _submit(client, notebook, True),
    }


def _submit(client: EngineClient, notebook: Path, is_cached: bool) -> float:
    start = perf_counter()
    run = client.submit(notebook)
    run = client.wait_for_run(run.id)
    took = perf_counter() - start
    if run.state is not RunState.SUCCEEDED:
        raise RuntimeError(f"the run ended {run.state}: {run.failure}")
    if not is_cached and any(task.cached for task in run.tasks):
        raise RuntimeError("a step was taken from the cache")
    return took


def _notebook(place: Path, shape: str, count: int, tag: str) -> Path:
    sources = [f"v{tag}_0 = 0"]
    for number in range(1, count + (shape == "fan")):
        given = f"v{tag}_{number - 1}" if shape == "chain" else f"v{tag}_0"
        sources.append(f"v{tag}_{number} = {given} + {number if shape == 'fan' else 1}")
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {"mlplat": {"step": f"s{number}"}},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }
        for number, source in enumerate(sources)
    ]
    path = place / f"{tag}.ipynb"
    path.write_text(
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    )
    return path
