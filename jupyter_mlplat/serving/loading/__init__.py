"""Turning a model's file into a model, and refusing to run code that nobody said to trust.

The file is read once: what is hashed is what is loaded, so nothing can be swapped in between.
"""

import hashlib
from collections.abc import Callable
from importlib import import_module

from jupyter_mlplat.serving.config import Config
from jupyter_mlplat.serving.loading.errors import ModelNotLoadable
from jupyter_mlplat.serving.models import Model

__all__ = ["ModelNotLoadable", "load"]

_LOADERS = {
    "sklearn": "jupyter_mlplat.serving.loading.sklearn_model",
    "onnx": "jupyter_mlplat.serving.loading.onnx_model",
    "python": "jupyter_mlplat.serving.loading.python_model",
    "pickle": "jupyter_mlplat.serving.loading.python_model",
}
_RUNS_CODE = frozenset({"python", "pickle"})


def load(config: Config) -> Model:
    """Load the model a server was ordered to serve.

    Raises:
        ModelNotLoadable: The file is missing, not what was registered, not trusted, or broken.
    """
    what = f"{config.model!r} version {config.version}"
    loader = _LOADERS.get(config.format)
    if loader is None:
        raise ModelNotLoadable(
            f"Cannot serve {what}: format {config.format!r} is not servable. "
            f"Register it as one of {', '.join(_LOADERS)}."
        )
    if config.format in _RUNS_CODE and not config.is_trusted:
        raise ModelNotLoadable(
            f"Cannot serve {what}: it is stored as {config.format!r}, and loading it runs the code "
            "inside it. If you trust where it came from, deploy it with --trust-pickle."
        )
    content = _read(config, what)
    module = import_module(loader)
    build: Callable[[Config, bytes], Model] = module.build
    try:
        return build(config, content)
    except ModelNotLoadable as error:
        raise ModelNotLoadable(f"Cannot serve {what}: {error}") from error
    except Exception as error:
        # Foreign bytes met a foreign library: any error it has means the file cannot be loaded.
        raise ModelNotLoadable(
            f"Cannot serve {what}: loading its {config.format} file failed: "
            f"{type(error).__name__}: {error}"
        ) from error


def _read(config: Config, what: str) -> bytes:
    try:
        content = config.path.read_bytes()
    except OSError as error:
        raise ModelNotLoadable(
            f"Cannot serve {what}: its file cannot be read: {error.strerror}."
        ) from error
    found = "sha256:" + hashlib.sha256(content).hexdigest()
    if config.digest is not None and found != config.digest:
        raise ModelNotLoadable(
            f"Cannot serve {what}: its file has digest {found}, registered was {config.digest}. "
            "The file has been damaged or replaced; register the model again."
        )
    return content
