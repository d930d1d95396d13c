"""Notebooks and KFP pipelines on disk, and the compiler's view of the folder around them."""

import json
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from jupyter_mlplat.errors import InvalidInput, NotFound
from jupyter_mlplat.kit.digests import digest_bytes, digest_json
from jupyter_mlplat.kit.quantities import format_bytes
from jupyter_mlplat.resources.pipeline import Finding, Pipeline
from jupyter_mlplat.services.pipelines.findings import merged

NOTEBOOK_LIMIT_BYTES = 200 * 2**20
_MODULE_LIMIT_BYTES = 2**20  # a larger file is generated; nobody imports it for its names
_MODULES_LIMIT = 500
_KEPT = 32  # compiled pipelines: what one person has open in a day
_WORD = re.compile(r"[^\W\d]\w*")
_KFP_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
_KFP_KEYS = frozenset({"pipelineInfo", "pipeline_info", "pipelineSpec", "pipeline_spec"})

Split = Literal["auto", "cell"]


class Notebooks:
    """Reads and compiles. Safe from any thread; what was compiled is kept by content."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._compiled: OrderedDict[str, Pipeline] = OrderedDict()
        self._findings: dict[str, Finding] = {}

    def learn(self, findings: Iterable[Finding]) -> list[Finding]:
        """Compile with these from now on; return what is new among them, with what was known."""
        with self._lock:
            known = self._findings
            self._findings = {
                finding.source: finding for finding in merged([*known.values(), *findings])
            }
            self._compiled.clear()
            return [found for found in self._findings.values() if found not in known.values()]

    def compile(
        self, path: str | None, content: Mapping[str, Any] | None, split: Split
    ) -> Pipeline:
        """Compile a notebook: the file at `path`, or content that stands in for it.

        A compiled KFP pipeline (YAML or JSON) is read as it is.

        Raises:
            NotFound: There is no such file.
            InvalidInput: It is neither a notebook nor a KFP pipeline, of a newer format, too large,
                or nothing was named.
        """
        from jupyter_mlplat.compiler import FolderView, compile_notebook

        if path is not None:
            _refuse_relative(path)
            if content is None and names_kfp(path):
                return self._read_kfp(_read_bytes(path))
        if content is not None and _KFP_KEYS & content.keys():
            return self._read_kfp(json.dumps(content).encode())
        if content is None:
            content = read_file(path)
        files = read_modules(Path(path).parent, str(content)) if path is not None else {}
        key = digest_json([path, content, split, files])
        known = self._known(key)
        if known is not None:
            return known
        name = Path(path).stem if path is not None else "notebook"
        pipeline = compile_notebook(
            content,
            name=name,
            path=path,
            split=split,
            folder=FolderView(files),
            findings=tuple(self._findings.values()),
        )
        return self._keep(key, pipeline)

    def _read_kfp(self, content: bytes) -> Pipeline:
        from jupyter_mlplat.formats.kfp.document import load
        from jupyter_mlplat.services.workflows.describing import pipeline_of

        key = digest_bytes(content)
        return self._known(key) or self._keep(key, pipeline_of(load(content)))

    def _known(self, key: str) -> Pipeline | None:
        with self._lock:
            if key in self._compiled:
                self._compiled.move_to_end(key)
            return self._compiled.get(key)

    def _keep(self, key: str, pipeline: Pipeline) -> Pipeline:
        with self._lock:
            self._compiled[key] = pipeline
            if len(self._compiled) > _KEPT:
                self._compiled.popitem(last=False)
        return pipeline


def names_kfp(path: str | None) -> bool:
    """Tell whether a file is a compiled KFP pipeline, by its name."""
    return path is not None and Path(path).suffix.lower() in _KFP_SUFFIXES


def refuse_kfp(path: str | None) -> None:
    """Refuse a pipeline file where a notebook is needed.

    Raises:
        InvalidInput: It is one.
    """
    if names_kfp(path):
        raise InvalidInput(
            f"Cannot run {path!r} from top to bottom: it is a pipeline. Run it as it is, without "
            "asking for the whole of it."
        )


def _refuse_relative(path: str) -> None:
    if not os.path.isabs(path) or "\0" in path:
        raise InvalidInput(f"Cannot read the notebook {path!r}: the engine needs an absolute path.")


def read_file(path: str | None) -> Mapping[str, Any]:
    """Read a notebook from disk.

    Raises:
        NotFound: There is no such file.
        InvalidInput: It is no notebook, of a newer format, too large, or nothing was named.
    """
    from jupyter_mlplat.formats.notebook import read_notebook

    if path is None:
        raise InvalidInput("Cannot compile: neither a path nor a notebook was given. Give one.")
    try:
        text = _read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"Cannot read {path!r} as a notebook: it is not text in UTF-8. "
            "Check that it is an .ipynb file."
        ) from error
    return read_notebook(text, name=Path(path).name)


def _read_bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > NOTEBOOK_LIMIT_BYTES:
                raise InvalidInput(
                    f"Cannot read the notebook {path!r}: it has {format_bytes(size)}, more than "
                    f"{format_bytes(NOTEBOOK_LIMIT_BYTES)}. Clear its outputs and save it again."
                )
            return file.read()
    except FileNotFoundError as error:
        raise NotFound(
            f"Cannot read the notebook {path!r}: there is no such file. Check the path.", path=path
        ) from error
    except IsADirectoryError as error:
        raise InvalidInput(
            f"Cannot read the notebook {path!r}: it is a folder. Name a notebook in it."
        ) from error
    except OSError as error:
        raise InvalidInput(f"Cannot read the notebook {path!r}: {error.strerror}.") from error


def without_outputs(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides how a notebook compiles; its outputs may be large."""
    cells = content.get("cells")
    if not isinstance(cells, list):
        return dict(content)
    slim = [{**cell, "outputs": []} if "outputs" in cell else cell for cell in cells]
    return {**content, "cells": slim}


def read_modules(folder: Path, text: str) -> dict[str, str]:
    """Read the Python files next to a notebook that it, or one of them, names.

    Returns:
        Source by path relative to the folder. Files that no word of the notebook can mean are not
        even opened, so a notebook may lie in a folder of thousands.
    """
    modules = _modules_in(folder)
    found: dict[str, str] = {}
    texts = [text]
    while texts and modules and len(found) < _MODULES_LIMIT:
        words = set(_WORD.findall(texts.pop()))
        for name in words & modules.keys():
            for path in modules.pop(name):
                source = _source(folder / path)
                if source is not None:
                    found[path] = source
                    texts.append(source)
    return found


def _modules_in(folder: Path) -> dict[str, list[str]]:
    """Map importable names to the files they mean, relative to the folder."""
    modules: dict[str, list[str]] = {}
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return modules
    for entry in entries:
        if entry.name.endswith(".py") and entry.name[:-3].isidentifier():
            modules[entry.name[:-3]] = [entry.name]
        elif entry.name.isidentifier() and os.path.isfile(os.path.join(entry.path, "__init__.py")):
            inside = sorted(Path(entry.path).rglob("*.py"))[:_MODULES_LIMIT]
            modules[entry.name] = [path.relative_to(folder).as_posix() for path in inside]
    return modules


def _source(path: Path) -> str | None:
    try:
        if path.stat().st_size > _MODULE_LIMIT_BYTES:
            return None
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
