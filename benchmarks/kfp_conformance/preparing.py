"""What a pipeline of upstream's tests finds when it begins: secrets, and images that are mapped."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.kfp_conformance.rules import SECRETS
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.resources.images import ImageRule
from jupyter_mlplat.stores.images import LocalImageMap
from jupyter_mlplat.stores.secrets import LocalSecrets

PEER_EXTRAS = ("pip", "setuptools", "wheel", "nbclient", "ipykernel", "jupyter-client")
"""The peer installs what its components ask for with pip, and runs notebooks in its own place."""

NEEDS_CONTAINER = frozenset({"unsupported"})
"""Failures that say: nothing on this machine may run that image."""


def prepare(folder: Path, images: Sequence[str]) -> None:
    """Prepare a state directory before its engine starts."""
    home = Home(folder)
    secrets = LocalSecrets(home.root)
    for name, values in SECRETS.items():
        secrets.put(name, "secret", values)
    if images:
        LocalImageMap(home.images).write([ImageRule(pattern=pattern) for pattern in images])
