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

NOT_HERE = {
    "it needs the container image": "needs a container",
    "lies in the container image": "needs a container",
    r"Cannot start '\S+' of task '\S+': No such file": "needs a program of its image",
}
"""So our engine says that this machine has not what a task's image would hold."""


def prepare(folder: Path, images: Sequence[str]) -> None:
    """Prepare a state directory before its engine starts."""
    home = Home(folder)
    secrets = LocalSecrets(home.root)
    for name, values in SECRETS.items():
        secrets.put(name, "secret", values)
    if images:
        LocalImageMap(home.images).write([ImageRule(pattern=pattern) for pattern in images])
