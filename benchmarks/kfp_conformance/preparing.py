"""What a pipeline of upstream's tests finds when it begins: secrets, and images that are mapped."""

from collections.abc import Sequence
from pathlib import Path

PEER_EXTRAS = ("pip", "setuptools", "wheel", "nbclient", "ipykernel", "jupyter-client")
"""The peer installs what its components ask for with pip, and runs notebooks in its own place."""

NEEDS_CONTAINER = frozenset({"image-not-mapped"})
"""Failures that say: nothing on this machine may run that image."""


def prepare(home: Path, images: Sequence[str]) -> None:
    """Prepare a state directory before its engine starts."""
