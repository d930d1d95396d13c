"""A step of our own that a scout runs, so that others learn what a step writes to."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
from collections.abc import Sequence
from typing import Any

from . import step
from .files import dump_json
from .pages import Ranges, written_pages
from .shell import ZMQInteractiveShell

_PLAY: Sequence[tuple[str, list[str], list[str]]] = (
    ("rehearsed = [1]", [], ["rehearsed"]),
    ("rehearsed += [2]\nprint()", ["rehearsed"], []),
)
"""Source, names loaded, names saved of one step after the other."""


def run(shell: ZMQInteractiveShell, told: socket.socket) -> None:
    """Run two steps as a child of the zygote does, and tell which pages that has written to."""
    folder = tempfile.mkdtemp(prefix="mlplat-rehearsal-")
    try:
        bundle = None
        for number, (source, inputs, outputs) in enumerate(_PLAY):
            directory = os.path.join(folder, str(number))
            os.mkdir(directory)
            order = _order(folder, source, [[name, bundle] for name in inputs], outputs)
            with open(os.path.join(directory, "step.json"), "wb") as file:
                file.write(dump_json(order))
            step.run(directory, shell)
            with open(os.path.join(directory, "result.json"), "rb") as file:
                bundle = json.load(file)["bundle"]
        told.sendall(dump_json(written_pages()))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read_pages(heard: socket.socket) -> Ranges:
    """Return what a scout has told; nothing if it failed."""
    with heard.makefile("rb") as file:
        said = file.read()
    return [(begin, length) for begin, length in json.loads(said or b"[]")]


def _order(folder: str, source: str, inputs: list[Any], outputs: list[str]) -> dict[str, Any]:
    return {
        "run": "run",
        "step": "step",
        "attempt": 1,
        "blobs": os.path.join(folder, "blobs"),
        "cwd": folder,
        "cells": [{"id": "cell", "index": 0, "source": source}],
        "inputs": [{"name": name, "bundle": bundle} for name, bundle in inputs],
        "outputs": outputs,
        "flush_from_bytes": None,
    }
