"""Where a trial's metrics are read beside what it pushes: its output, a file, TensorBoard's events.

A collector is asked again and again while the trial runs, and reads what has come since.

Source:
    Katib's metrics collectors (pkg/metricscollector/v1beta1): the default pattern, and that of a
    line only metrics count that were asked for.
"""

from __future__ import annotations

import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from . import tensorboard

DEFAULT_PATTERN = r"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)"
_NO_NUMBER = r"(?<![\w|-]){}\s*[=:]\s*([+-]?(?:nan|inf(?:inity)?))\b"


class Found(NamedTuple):
    """A value of a metric; `value` may be a text that is no number."""

    name: str
    value: Any
    position: int | None = None


class Collector:
    """Reads nothing: all that counts is what the trial pushes."""

    where = ""
    """For people: where it has looked."""

    def read(self, is_last: bool = False) -> Iterable[Found]:
        """Return what has come since the last call; the last time also what is not ended."""
        return ()


class _Lines(Collector, ABC):
    """Lines of files that grow. What is there before the trial begins is not its own."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._offsets = {path: _size(path) for path in paths}

    def read(self, is_last: bool = False) -> Iterable[Found]:
        for path, offset in self._offsets.items():
            if offset > _size(path):
                offset = 0  # it was written anew
            try:
                with open(path, "rb") as file:
                    file.seek(offset)
                    content = file.read()
            except OSError:
                continue
            end = len(content) if is_last else content.rfind(b"\n") + 1
            self._offsets[path] = offset + end
            for line in content[:end].decode("utf-8", "replace").splitlines():
                yield from self.read_line(line)

    @abstractmethod
    def read_line(self, line: str) -> Iterable[Found]:
        """Return what is found in a line."""


class TextCollector(_Lines):
    """`name=value` in lines, or whatever patterns say."""

    def __init__(self, paths: Iterable[str], names: Iterable[str], patterns: Iterable[str]) -> None:
        super().__init__(paths)
        self._names = frozenset(names)
        self._patterns = [re.compile(pattern) for pattern in patterns]
        self._patterns = self._patterns or [re.compile(DEFAULT_PATTERN)]
        named = "|".join(re.escape(name) for name in sorted(self._names))
        self._strange = re.compile(_NO_NUMBER.format(f"({named})"), re.IGNORECASE)
        shown = ", ".join(f"{pattern.pattern!r}" for pattern in self._patterns)
        self.where = f"{_places(self._offsets)}, by {shown}"

    def read_line(self, line: str) -> Iterable[Found]:
        if not any(name in line for name in self._names):
            return
        for pattern in self._patterns:
            for match in pattern.finditer(line):
                name, value = (match[1] or "").strip(), (match[2] or "").strip()
                if name in self._names and value:
                    yield Found(name, value)
        for match in self._strange.finditer(line):
            yield Found(match[1], match[2])


class JsonCollector(_Lines):
    """One JSON object a line: `{"epoch": 1, "accuracy": 0.9}`; numbers may be texts."""

    def __init__(self, paths: Iterable[str], names: Iterable[str]) -> None:
        super().__init__(paths)
        self._names = tuple(names)
        self.where = f"{_places(self._offsets)}, one JSON object a line"

    def read_line(self, line: str) -> Iterable[Found]:
        try:
            values = json.loads(line)
        except ValueError:
            return
        if not isinstance(values, dict):
            return
        position = values.get("step", values.get("epoch"))
        try:
            at = None if position is None else int(position)
        except (TypeError, ValueError):
            at = None
        for name in self._names:
            if name in values:
                yield Found(name, values[name], at)


class TensorBoardCollector(Collector):
    """Scalars in TensorBoard's event files; `train/accuracy` is found as `accuracy`, too.

    Katib names a metric of a folder `validation` as `validation/accuracy`: the folder below the one
    that is looked at counts as a part of the tag.
    """

    def __init__(self, folder: str, names: Iterable[str]) -> None:
        self._folder = folder
        self._names = tuple(names)
        self._offsets = {path: _size(path) for path in tensorboard.event_files(folder)}
        self.where = f"TensorBoard's event files below {folder!r}"

    def read(self, is_last: bool = False) -> Iterable[Found]:
        for path in tensorboard.event_files(self._folder):
            try:
                scalars, self._offsets[path] = tensorboard.read_scalars(
                    path, self._offsets.get(path, 0)
                )
            except OSError:
                continue
            below = os.path.relpath(os.path.dirname(path), self._folder)
            for scalar in scalars:
                name = self._name_of(scalar.tag, "" if below == "." else below)
                if name is not None:
                    yield Found(name, scalar.value, scalar.step)

    def _name_of(self, tag: str, below: str) -> str | None:
        whole = f"{below}/{tag}" if below else tag
        for name in self._names:
            if name in (tag, whole) or whole.endswith(f"/{name}"):
                return name
        return None


def collector_of(asked: Mapping[str, Any], objective: Mapping[str, Any], folder: str) -> Collector:
    """Make the collector of one trial, before it begins.

    Args:
        asked: Of the job: kind, path, format, patterns.
        objective: Names the metrics.
        folder: The trial's own: its logs are there, and a path that is not absolute.
    """
    names = [objective["metric"], *(objective.get("additional") or ())]
    kind = asked.get("kind", "push")
    if kind == "stdout":
        paths = [os.path.join(folder, name) for name in ("stdout.log", "stderr.log")]
        if asked.get("format") == "json":
            return JsonCollector(paths, names)
        return TextCollector(paths, names, asked.get("patterns") or ())
    path = os.path.join(folder, asked.get("path") or "")
    if kind == "file":
        if asked.get("format") == "json":
            return JsonCollector([path], names)
        return TextCollector([path], names, asked.get("patterns") or ())
    if kind == "tensorboard":
        return TensorBoardCollector(path, names)
    return Collector()


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _places(paths: Iterable[str]) -> str:
    names = [os.path.basename(path) for path in paths]
    if names == ["stdout.log", "stderr.log"]:
        return "what it printed"
    return " and ".join(repr(path) for path in paths)
