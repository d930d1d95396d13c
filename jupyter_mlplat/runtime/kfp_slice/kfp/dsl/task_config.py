"""Settings of the task's own pod, for components that start work elsewhere."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass
class TaskConfig:
    """Fragments of a Kubernetes pod specification, as plain JSON."""

    affinity: dict[str, Any] | None = None
    tolerations: list[dict[str, Any]] | None = None
    node_selector: dict[str, str] | None = None
    env: list[dict[str, Any]] | None = None
    volumes: list[dict[str, Any]] | None = None
    volume_mounts: list[dict[str, Any]] | None = None
    resources: dict[str, Any] | None = None
