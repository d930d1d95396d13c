"""Questions about lineage, by the ids people have at hand."""

import re
from dataclasses import dataclass
from typing import Literal

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.ports.metadata import MetadataStore
from jupyter_mlplat.resources.lineage import Lineage
from jupyter_mlplat.services.lineage.provenance import provenance
from jupyter_mlplat.services.registry.references import Reference, find_version

MAX_DEPTH = 100_000
"""More executions than any graph here is deep: 'to any depth'."""
_IDENTIFIER = re.compile(r"[a-z]+-[0-9a-z]{10,40}")
_MODEL_PREFIX = "models:"


@dataclass(frozen=True, slots=True)
class LineageService:
    """Reads the graph."""

    store: MetadataStore

    def lineage(
        self,
        root: str,
        direction: Literal["upstream", "downstream", "both"] = "upstream",
        depth: int = MAX_DEPTH,
    ) -> Lineage:
        """Return the graph around something, and which data and code made it where that was asked.

        Args:
            root: Id of an artifact, an execution or a run, `models:NAME:VERSION`, or `models:NAME`
                for the latest version.
            direction: Towards what it was made from, towards what was made from it, or both.
            depth: How many executions to pass on a way from the root.

        Raises:
            InvalidInput: The id is none, or the depth is negative.
            NotFound: Nothing has this id.
        """
        if depth < 0:
            raise InvalidInput(f"Cannot walk {depth} steps from {root!r}: give a depth of 0 up.")
        lineage = self.store.lineage(self._root(root), direction, min(depth, MAX_DEPTH))
        if direction == "downstream":
            return lineage
        return lineage.model_copy(update={"provenance": provenance(lineage)})

    def _root(self, root: str) -> str:
        if root.startswith(_MODEL_PREFIX):
            name, _, version = root.removeprefix(_MODEL_PREFIX).partition(":")
            text = f"{name}/{version}" if version else name
            return find_version(self.store, Reference.parse(text)).artifact_id
        if _IDENTIFIER.fullmatch(root):
            return root
        raise InvalidInput(
            f"Cannot show the lineage of {root!r}: this is no id. Give the id of an artifact, an "
            "execution or a run, or 'models:NAME:VERSION'."
        )
