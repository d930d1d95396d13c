"""The model registry: versions of models under names people gave them, with movable aliases.

Lives here: what may be registered, how a reference such as `churn@champion` is read, what keeps a
model from being deleted. Does not: serving it (`services.serving`), or storing it (`stores`).
"""

from jupyter_mlplat.services.registry.references import Reference, find_version
from jupyter_mlplat.services.registry.service import Registry

__all__ = ["Reference", "Registry", "find_version"]
