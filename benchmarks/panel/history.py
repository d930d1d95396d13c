"""A state directory as a team leaves it after some months: thousands of runs, all over."""

import math
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jupyter_mlplat.compiler import compile_notebook
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.ports.metadata import Change
from jupyter_mlplat.resources.pipeline import Pipeline
from jupyter_mlplat.resources.run import CellRun, Failure, Metric, Run, RunState, Task, TaskState
from jupyter_mlplat.stores.metadata import SqlMetadataStore

NAMES = ("churn", "fraud-scores", "demand-forecast", "image-labels", "pricing", "search-ranking")
EXPERIMENTS = ("default", "autumn-features", "new-optimizer", "nightly")
NOTES = ("Best so far.", "Without the holidays; compare with the one before.", "Leaks the target!")
CELLS = (
    ("parameters", "alpha = 0.1  # learning rate\ndepth = 6"),
    ("load", "import pandas as pd\nframe = pd.DataFrame({'x': range(1000)})"),
    ("features", "features = frame.assign(square=frame.x ** 2)"),
    ("train", "model = features.mean() * alpha * depth"),
    ("evaluate", "accuracy = float(model.square > 0)\nprint(accuracy)"),
)
WRITERS = 32  # so many callers share one flush
BATCH = 500
CURVE = 40  # positions of each metric in the newest runs
CURVES = 50  # runs that have them


def fill(root: Path, count: int, seed: int = 1) -> None:
    """Write final runs into a new state directory, the newest of them a minute old."""
    chance = random.Random(seed)
    root.mkdir(parents=True, exist_ok=True)
    store = SqlMetadataStore(Home(root).database)
    store.open()
    pipelines = [_pipeline(root.parent, name) for name in NAMES]
    now = datetime.now(UTC)
    try:
        with ThreadPoolExecutor(WRITERS) as pool:
            for first in range(0, count, BATCH):
                made = [
                    _run(chance, pipelines, now - timedelta(minutes=6 * (count - number) + 1))
                    for number in range(first, min(first + BATCH, count))
                ]
                runs = list(
                    pool.map(lambda one: store.create_run(one[0], one[1], None, "", ())[0], made)
                )
                has_curves = first + BATCH > count - CURVES
                metrics = [
                    (run.id, metric) for run in runs for metric in _metrics(chance, run, has_curves)
                ]
                store.apply(Change(metrics=metrics, is_told=False))
    finally:
        store.close()


def _pipeline(folder: Path, name: str) -> Pipeline:
    cells = [
        {
            "cell_type": "code",
            "id": step,
            "metadata": {"tags": [step]} if step == "parameters" else {"mlplat": {"step": step}},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for step, source in CELLS
    ]
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    return compile_notebook(content, name=name, path=str(folder / f"{name}.ipynb"))


def _run(
    chance: random.Random, pipelines: Sequence[Pipeline], at: datetime
) -> tuple[Run, Pipeline]:
    pipeline = chance.choice(pipelines)
    state = chance.choices((RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELED), (88, 9, 3))[0]
    broken = None if state is RunState.SUCCEEDED else chance.randrange(len(pipeline.steps))
    duration_s = chance.lognormvariate(3, 1)
    end = at + timedelta(seconds=duration_s)
    tasks = tuple(_tasks(chance, pipeline, state, broken, at, duration_s))
    failed = next((task for task in tasks if task.failure), None)
    tags = {"stage": chance.choice(("draft", "prod", "review"))} if chance.random() < 0.3 else {}
    if chance.random() < 0.1:
        tags["owner"] = chance.choice(("mira", "jonas", "aiko"))
    run = Run(
        id=new_id("run"),
        number=0,
        pipeline=pipeline.name,
        pipeline_digest=pipeline.digest,
        notebook=pipeline.notebook,
        experiment=chance.choice(EXPERIMENTS),
        state=state,
        parameters={"alpha": round(chance.random(), 3), "depth": chance.randint(2, 12)},
        created_at=at,
        started_at=at,
        finished_at=end,
        duration_s=duration_s,
        failure=failed.failure if failed else None,
        tasks=tasks,
        tags=tags,
        note=chance.choice(NOTES) if chance.random() < 0.05 else "",
    )
    return run, pipeline


def _tasks(
    chance: random.Random,
    pipeline: Pipeline,
    state: RunState,
    broken: int | None,
    at: datetime,
    duration_s: float,
) -> Iterator[Task]:
    share = duration_s / len(pipeline.steps)
    for index, step in enumerate(pipeline.steps):
        if broken is not None and index > broken:
            yield Task(name=step.name, title=step.title, state=TaskState.SKIPPED)
            continue
        is_broken = index == broken
        ended = TaskState.FAILED if state is RunState.FAILED else TaskState.CANCELED
        error = Failure(
            code="cell-error",
            message=f"Step {step.name!r} failed: ValueError: no rows left",
            step=step.name,
            error_name="ValueError",
            error_value="no rows left",
        )
        begun = at + timedelta(seconds=share * index)
        yield Task(
            name=step.name,
            title=step.title,
            state=ended if is_broken else TaskState.SUCCEEDED,
            attempt=1,
            cached=not is_broken and chance.random() < 0.3,
            started_at=begun,
            finished_at=begun + timedelta(seconds=share),
            duration_s=share,
            failure=error if is_broken and state is RunState.FAILED else None,
            cells=tuple(CellRun(id=cell.id, state="ok") for cell in step.cells),
        )


def _metrics(chance: random.Random, run: Run, has_curve: bool) -> Iterator[Metric]:
    if run.state is not RunState.SUCCEEDED:
        return
    speed, floor = 4 + 12 * chance.random(), 0.1 + 0.2 * chance.random()
    for position in range(CURVE) if has_curve else (CURVE,):
        loss = floor + math.exp(-position / speed) + 0.02 * chance.random()
        for name, value in (("accuracy", 1 - loss / 2), ("loss", loss)):
            yield Metric(
                name=name,
                value=value,
                step="train",
                position=position if has_curve else None,
                logged_at=run.created_at,
            )
