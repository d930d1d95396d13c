"""What a cell says about its run: metrics, models, artifacts.

`jupyter_mlplat.log_metric(…)` and its siblings find the running step here, through
`sys.modules["jupyter_mlplat_runtime.tracking"].current`; outside a step `current` is None and they
do nothing.
"""

from __future__ import annotations

import math
import os
from typing import Any

from .codecs import encode, is_plain_array, plain_containers
from .events import Events
from .files import Blobs
from .graphs import dump, put_graph
from .kinds import column_names, columns, is_array, type_name
from .models import infer_signature, serialise_model, to_example

current: Tracking | None = None
"""The step that this process runs."""


class Tracking:
    """Takes what the cells of the running step log."""

    def __init__(self, events: Events, blobs: Blobs, namespace: dict[str, Any]) -> None:
        self.metrics: dict[str, float] = {}
        self.models: list[dict[str, Any]] = []
        self.artifacts: list[dict[str, Any]] = []
        self.events = events
        self._blobs = blobs
        self._namespace = namespace

    def log_metric(self, name: str, value: Any, step: int | None = None) -> None:
        """Record a number of the run; the last value of a name is the run's.

        Raises:
            ValueError: The value is no finite number.
        """
        number = float(value)
        if not isinstance(name, str) or not name:
            raise ValueError(
                f"Cannot log a metric named {name!r}: a name is a text of at least one letter."
            )
        if not math.isfinite(number):
            raise ValueError(f"Cannot log metric {name!r}: {number!r} is not a finite number.")
        self.metrics[name] = number
        self.events.emit("metric", name=name, value=number, step=step)

    def log_model(
        self, model: Any, name: str, *, input_example: Any = None, signature: Any = None
    ) -> None:
        """Save a model with what is needed to serve it."""
        form, data = serialise_model(model, self._namespace)
        digest = self._blobs.put(data)
        self._blobs.commit()
        entry = {
            "name": name,
            "digest": digest,
            "size_bytes": self._blobs.size(digest),
            "format": form,
            "type": type_name(model),
            "signature": signature
            if signature is not None
            else infer_signature(model, input_example),
            "metrics": dict(self.metrics),
            "input_example": to_example(input_example),
        }
        features: Any = getattr(model, "feature_names_in_", None)
        labels = features.tolist() if is_array(features) else ()
        if (named := column_names(labels)) is not None:
            entry["columns"] = named
        self.models.append(entry)
        self.events.emit("model", **entry)

    def log_artifact(self, path_or_value: Any, name: str) -> None:
        """Save a file by its path, or a value.

        Raises:
            FileNotFoundError: A path was given and no file is there.
        """
        value = path_or_value
        if isinstance(value, os.PathLike) or (isinstance(value, str) and os.path.isfile(value)):
            with open(value, "rb") as file:
                codec, digest = "file", self._blobs.put(file.read())
        else:
            is_typed = plain_containers(value) is not None or is_plain_array(value)
            typed = encode(value) if is_typed else None
            if typed is not None:
                codec, digest = typed[0], self._blobs.put(*typed[1])
            else:
                codec, digest = (
                    "pickle",
                    put_graph(dump({name: value}, self._namespace), self._blobs)[0],
                )
        self._blobs.commit()
        entry = {
            "name": name,
            "digest": digest,
            "size_bytes": self._blobs.size(digest),
            "codec": codec,
            "type": type_name(value),
            "filename": os.path.basename(os.fspath(value)) if codec == "file" else None,
        }
        if (named := columns(value)) is not None:
            entry["columns"] = named
        self.artifacts.append(entry)
        self.events.emit("artifact", **entry)
