"""A real engine per test, in a state directory of its own, with a path short enough for sockets."""

import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.kit.home import Home
from tests.nursery import Child, nursery

START_TIMEOUT_S = 30.0


class EngineProcess:
    """Starts, kills and asks the engine of one state directory."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.client = EngineClient(root, start=False)
        self._process: Child | None = None

    def start(self, crash_at: str = "", **environment: str) -> "EngineProcess":
        """Start it and return when it answers, or has ended."""
        self.spawn(crash_at, **environment)
        deadline = time.monotonic() + START_TIMEOUT_S
        while self.process.poll() is None and self.client.ping() is None:
            assert time.monotonic() < deadline, "the engine did not answer in time"
            time.sleep(0.01)
        return self

    def spawn(self, crash_at: str = "", **environment: str) -> None:
        assert self._process is None or self._process.poll() is not None
        variables = {**os.environ, "MLPLAT_CPU": "2", **environment}
        variables.pop("MLPLAT_CRASH_AT", None)
        if crash_at:
            variables["MLPLAT_CRASH_AT"] = crash_at
        self.home.root.mkdir(parents=True, exist_ok=True)
        arguments = ["--home", str(self.home.root)]
        self._process = nursery().fork(arguments, variables, self.home.log)
        self.client.forget_engine()

    @property
    def process(self) -> Child:
        assert self._process is not None
        return self._process

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """Stop it as a user would; returns its exit status."""
        if self.is_alive:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def log(self) -> str:
        return self.home.log.read_text("utf-8", "replace")


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A temporary directory with a short path."""
    path = Path(tempfile.mkdtemp(prefix="mlp-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def engine(short_dir: Path) -> Iterator[EngineProcess]:
    """An engine, not started."""
    engine = EngineProcess(short_dir / "home")
    yield engine
    if engine.is_alive:
        engine.stop()


@pytest.fixture
def running(engine: EngineProcess) -> EngineProcess:
    """An engine at work."""
    return engine.start()


Cell = tuple[str, Mapping[str, Any]]
WriteNotebook = Callable[..., Path]


def notebook_of(cells: Sequence[Cell | str]) -> dict[str, Any]:
    """Make a notebook of sources, or of sources with their `mlplat` settings."""
    documents = []
    for index, cell in enumerate(cells):
        source, settings = (cell, {}) if isinstance(cell, str) else cell
        tags = settings.get("tags", [])
        own = {key: value for key, value in settings.items() if key != "tags"}
        documents.append(
            {
                "cell_type": "code",
                "id": f"cell-{index}",
                "metadata": {"mlplat": own, "tags": tags} if own else {"tags": tags},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
        )
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": documents}


@pytest.fixture
def write_notebook(short_dir: Path) -> WriteNotebook:
    def write(*cells: Cell | str, name: str = "book") -> Path:
        path = short_dir / f"{name}.ipynb"
        path.write_text(json.dumps(notebook_of(cells)), "utf-8")
        return path

    return write
