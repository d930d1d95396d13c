"""Ours, by the public path: a tuning job of a function, inline, on an engine of its own."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import jupyter_mlplat as mlplat
from benchmarks.tuning.functions import FUNCTIONS
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.resources.tuning import SpaceParameter

Run = Callable[[str, int, int], dict[str, float]]


@contextmanager
def engine() -> Iterator[Run]:
    """Start an engine and its warm worker; what is given runs a job on them.

    It returns the seconds from the request to the end of the job, and the best value.
    """
    folder = Path(tempfile.mkdtemp(prefix="mlpt-"))
    client = EngineClient(folder)
    try:
        client.get_engine()

        def run(algorithm: str, trials: int, seed: int) -> dict[str, float]:
            start = perf_counter()
            job = mlplat.tune(
                _bowl,
                [SpaceParameter(**one) for one in _SPACE],
                trials=trials,
                minimize="loss",
                algorithm=algorithm,
                seed=seed,
                inline=True,
                home=folder,
                check=True,
            )
            took_s = perf_counter() - start
            status = client.get_tuning(job.id)
            best = status.best and status.best.value
            if best is None or status.counts.get("Succeeded") != trials:
                raise SystemExit(f"Of {trials} trials there are {status.counts}, best {best}.")
            return {"took_s": took_s, "best": best}

        run("random", 10, 0)
        yield run
    finally:
        client.stop_engine()
        shutil.rmtree(folder, ignore_errors=True)


_SPACE = FUNCTIONS["five mixed parameters"].space


def _bowl(a: float, b: float, c: float, d: int, e: str) -> Any:
    return a**2 + b**2 + c + d / 128 + (e == "x")


_bowl.__module__ = "__main__"  # it travels by value, as a function of a notebook does
