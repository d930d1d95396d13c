"""Jupytext percent scripts: `# %%` opens a cell, `# %% [markdown]` one of text."""

import ast
import re
from typing import Any

_MARKER = re.compile(r"^#\s*%%(?P<rest>.*)$")
_TYPE = re.compile(r"\[(?P<type>\w+)\]")
_OPTION = re.compile(r'(?P<key>[\w.]+)\s*=\s*(?P<value>\[[^\]]*\]|"[^"]*"|\{.*\}|\S+)')
_MAGIC = re.compile(r"^#\s?(?=[%!])")
_KERNEL = re.compile(r"^#\s+name:\s*(?P<name>\S+)\s*$", re.MULTILINE)


def read_percent(text: str) -> dict[str, Any]:
    """Return a percent script as nbformat 4 content; text without markers is one cell."""
    header, lines = _split_header(text.replace("\r\n", "\n").split("\n"))
    cells: list[dict[str, Any]] = []
    current: list[str] = []
    kind, metadata = "code", {}  # type: tuple[str, dict[str, Any]]
    started = False

    def close() -> None:
        source = "\n".join(current).strip("\n")
        if started or source:
            cells.append(_cell(kind, metadata, source, len(cells)))

    for line in lines:
        found = _MARKER.match(line)
        if found is None:
            current.append(line)
            continue
        close()
        started, current = True, []
        kind, metadata = _parse_marker(found["rest"])
    close()
    kernel = _KERNEL.search(header)
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": kernel["name"] if kernel else "python3"}},
        "cells": cells,
    }


def _split_header(lines: list[str]) -> tuple[str, list[str]]:
    """Take jupytext's commented YAML header off the top."""
    if lines and lines[0].strip() == "# ---":
        for number, line in enumerate(lines[1:], start=1):
            if line.strip() == "# ---":
                return "\n".join(lines[1:number]), lines[number + 1 :]
    return "", lines


def _parse_marker(rest: str) -> tuple[str, dict[str, Any]]:
    found = _TYPE.search(rest)
    kind = "code"
    if found is not None and found["type"] in ("markdown", "md", "raw"):
        kind = {"md": "markdown"}.get(found["type"], found["type"])
    metadata: dict[str, Any] = {}
    for option in _OPTION.finditer(rest):
        try:
            metadata[option["key"]] = ast.literal_eval(option["value"])
        except (ValueError, SyntaxError):
            metadata[option["key"]] = option["value"]
    return kind, metadata


def _cell(kind: str, metadata: dict[str, Any], source: str, index: int) -> dict[str, Any]:
    lines = source.split("\n")
    if kind == "code":
        lines = [_MAGIC.sub("", line) for line in lines]
    elif not source.startswith('"""'):
        lines = [re.sub(r"^# ?", "", line) for line in lines]
    else:
        lines = source.strip('"').strip("\n").split("\n")
    return {
        "cell_type": kind,
        "id": f"cell-{index}",
        "metadata": metadata,
        "source": "\n".join(lines),
    }
