"""Saves names of a namespace and loads them where nothing of it is left, as the next step would."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle.cloudpickle as cloudpickle
import pytest

from jupyter_mlplat.runtime import bundle
from jupyter_mlplat.runtime.files import Blobs
from jupyter_mlplat.runtime.identity import class_identity

Namespace = dict[str, Any]


def new_namespace() -> Namespace:
    module = ModuleType("__main__")
    return module.__dict__


def forget_classes() -> None:
    """Make this process one that has seen no class of the notebook."""
    cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID.clear()
    cloudpickle._DYNAMIC_CLASS_TRACKER_BY_CLASS.clear()
    class_identity.__init__()  # type: ignore[misc]
    class_identity.begin("test")


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(str(tmp_path / "blobs"), flush_from_bytes=None)


@pytest.fixture
def ship(blobs: Blobs) -> Iterator[Callable[..., Namespace]]:
    """Run a source, save names, and return the namespace of the step that loads them."""
    forget_classes()

    def ship(source: str | Namespace, *names: str, forget: bool = True) -> Namespace:
        namespace = source if isinstance(source, dict) else new_namespace()
        if isinstance(source, str):
            exec(source, namespace)
        saved = bundle.save(namespace, list(names), blobs)
        blobs.commit()
        if forget:
            forget_classes()
        received = new_namespace()
        received.update(
            bundle.load(saved.digest, [(name, False) for name in names], received, blobs)
        )
        received["__saved__"] = saved
        return received

    yield ship
    forget_classes()
