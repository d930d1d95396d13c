"""What attempts leave in their directories, for people: logs and executed notebooks."""

import asyncio
import codecs
import json
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.ports.metadata import MetadataStore
from jupyter_mlplat.resources.pipeline import Pipeline, Step
from jupyter_mlplat.resources.run import LogLine, Run, Task, TaskState

_FOLLOW_INTERVAL_S = 0.1  # as long as a person takes a reaction for immediate
_CHUNK_BYTES = 256 * 1024

Stream = Literal["stdout", "stderr"]
STREAMS: tuple[Stream, ...] = ("stdout", "stderr")


@dataclass(frozen=True, slots=True)
class LogPiece:
    """A part of a log, and how much there is in all."""

    chunks: Iterator[bytes]
    size_bytes: int


@dataclass(slots=True)
class _Tail:
    """How far one file has been told."""

    path: Path
    offset: int = 0
    decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace")
    )

    def read(self, is_ended: bool) -> str:
        """Return what has come since, as text; broken characters are shown as such."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                content = file.read(_CHUNK_BYTES)
        except OSError:
            content = b""
        self.offset += len(content)
        return self.decoder.decode(content, is_ended and len(content) < _CHUNK_BYTES)


class Traces:
    """Reads; safe from any thread."""

    def __init__(self, store: MetadataStore, home: Home) -> None:
        self._store = store
        self._home = home

    def read_log(
        self, run: str, step: str, streams: tuple[str, ...], offset: int, limit: int | None
    ) -> LogPiece:
        """Return what a step's last attempt wrote, exactly; of several streams one after another.

        A step taken from the cache shows what it wrote when it ran.

        Raises:
            NotFound: There is no such run or step.
        """
        return piece_of(self._directory(*self._find(run, step)), streams, offset, limit)

    def read_notebook(self, run: str, step: str) -> bytes:
        """Return a step's executed notebook; its cells without outputs where it has none yet.

        Raises:
            NotFound: There is no such run or step.
        """
        found, task = self._find(run, step)
        directory = self._directory(found, task)
        if directory is not None:
            try:
                content = (directory / "executed.ipynb").read_bytes()
                if content.endswith(b"}"):  # else a loss of power has torn it
                    return content
            except FileNotFoundError:
                pass  # it has only just begun
        pipeline = self._store.pipeline_of(found.id)
        return json.dumps(_unexecuted(pipeline, pipeline.step(step))).encode()

    async def follow(self, run_id: str, is_followed: bool) -> AsyncIterator[LogLine]:
        """Yield what all steps have written and, if followed, write until the run is over."""
        tails: dict[tuple[str, int, Stream], _Tail] = {}
        ended: set[tuple[str, int]] = set()
        while True:
            run = await asyncio.to_thread(self._store.get_run, run_id)
            told = False
            for task in run.tasks:
                for attempt in range(1, task.attempt + 1):
                    if (task.name, attempt) in ended:
                        continue
                    is_over = attempt < task.attempt or task.state is not TaskState.RUNNING
                    lines = await asyncio.to_thread(self._lines, run, task, attempt, is_over, tails)
                    for line in lines:
                        told = True
                        yield line
                    if is_over and not lines:
                        ended.add((task.name, attempt))
            if not told and (run.state.is_final or not is_followed):
                return
            if not told:
                await asyncio.sleep(_FOLLOW_INTERVAL_S)

    def sizes(self, attempts: Iterable[tuple[str, str, int]]) -> dict[tuple[str, str], int]:
        """Return how much each attempt (run, step, number) has written so far."""
        sizes = {}
        for run, step, attempt in attempts:
            directory = self._home.attempt(run, step, attempt)
            paths = [directory / f"{stream}.log" for stream in STREAMS]
            sizes[run, step] = sum(path.stat().st_size for path in paths if path.exists())
        return sizes

    def _lines(
        self,
        run: Run,
        task: Task,
        attempt: int,
        is_over: bool,
        tails: dict[tuple[str, int, Stream], _Tail],
    ) -> list[LogLine]:
        lines = []
        for stream in STREAMS:
            key = (task.name, attempt, stream)
            if key not in tails:
                directory = self._home.attempt(run.id, task.name, attempt)
                tails[key] = _Tail(directory / f"{stream}.log")
            if text := tails[key].read(is_over):
                lines.append(LogLine(step=task.name, attempt=attempt, stream=stream, text=text))
        return lines

    def _find(self, run: str, step: str) -> tuple[Run, Task]:
        found = self._store.get_run(run)
        for task in found.tasks:
            if task.name == step:
                return found, task
        names = ", ".join(task.name for task in found.tasks)
        raise NotFound(f"Cannot find step {step!r} of run {found.number}. It has: {names}.")

    def _directory(self, run: Run, task: Task) -> Path | None:
        """Return the directory of the attempt that made what the task has; None: there is none."""
        if not task.cached:
            return self._home.attempt(run.id, task.name, task.attempt) if task.attempt else None
        source = task.cache.run_id if task.cache else None
        if source is None:
            return None
        root = self._home.runs / source / task.name
        attempts = [name for name in _names_in(root) if name.isdigit()]
        return root / max(attempts, key=int) if attempts else None


def piece_of(
    directory: Path | None, streams: tuple[str, ...], offset: int, limit: int | None
) -> LogPiece:
    """Return what lies in a directory of logs; of several streams one after another."""
    paths = [directory / f"{stream}.log" for stream in streams] if directory else []
    sizes = [path.stat().st_size if path.exists() else 0 for path in paths]
    return LogPiece(_cut(paths, sizes, offset, limit), sum(sizes))


def _names_in(directory: Path) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def _cut(paths: list[Path], sizes: list[int], offset: int, limit: int | None) -> Iterator[bytes]:
    """Yield the bytes from `offset` on of files laid end to end, as long as they were just now."""
    left = sum(sizes) - offset if limit is None else min(limit, sum(sizes) - offset)
    for path, size in zip(paths, sizes, strict=True):
        start, offset = min(offset, size), max(0, offset - size)
        count = min(size - start, left)
        if count <= 0:
            continue
        left -= count
        with open(path, "rb") as file:
            file.seek(start)
            while count > 0 and (chunk := file.read(min(_CHUNK_BYTES, count))):
                count -= len(chunk)
                yield chunk


def _unexecuted(pipeline: Pipeline, step: Step) -> dict[str, object]:
    cells: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "id": cell.id,
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": cell.source,
        }
        for cell in step.cells
    ]
    metadata = pipeline.notebook_metadata
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}
