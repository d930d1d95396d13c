"""Questions about lineage, by the ids people have at hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.ports.metadata import Explored, MetadataStore
from jupyter_mlplat.resources.lineage import Lineage, LineageGraph, LineageSubject, ModelUse
from jupyter_mlplat.services.lineage.provenance import provenance
from jupyter_mlplat.services.lineage.subjects import Subjects

Direction = Literal["upstream", "downstream", "both"]

MAX_DEPTH = 100_000
"""More executions than any graph here is deep: 'to any depth'."""


@dataclass(frozen=True, slots=True)
class LineageService:
    """Reads the graph."""

    store: MetadataStore

    def lineage(
        self,
        root: str,
        direction: Direction = "upstream",
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
        lineage = self.store.lineage(
            Subjects(self.store).id_of(root), direction, min(depth, MAX_DEPTH)
        )
        if direction == "downstream":
            return lineage
        return lineage.model_copy(update={"provenance": provenance(lineage)})

    def explore(
        self,
        subject: str,
        direction: Direction = "both",
        depth: int = 2,
        *,
        notebook: str | None = None,
        limit: int = 300,
        with_cached: bool = False,
    ) -> LineageGraph:
        """Return the graph around a subject, bounded for the eye.

        Args:
            subject: See `Subjects.resolve`.
            direction: Towards what it was made from, towards what was made from it, or both.
            depth: How many executions to pass on a way.
            notebook: The notebook of a cell or step, as an absolute path.
            limit: How many nodes there are at most; the subject is always among them.
            with_cached: Whether to show executions that only took a result from the cache.

        Raises:
            InvalidInput: The subject is none.
            NotFound: There is no such thing, or nothing was recorded of it yet.
        """
        roots = Subjects(self.store).resolve(subject, notebook)
        found = self.store.explore(roots, direction, depth, limit=limit, with_cached=with_cached)
        return self._graph(subject, found)

    def between(
        self, source: str, target: str, *, notebook: str | None = None, limit: int = 300
    ) -> LineageGraph:
        """Return all ways on which one thing went into another; only both of them: there is none.

        Raises:
            InvalidInput: A subject is none.
            NotFound: There is no such thing, or nothing was recorded of it yet.
        """
        subjects = Subjects(self.store)
        sources = subjects.resolve(source, notebook)
        targets = subjects.resolve(target, notebook)
        return self._graph(target, self.store.explore_between(sources, targets, limit=limit))

    def search(self, text: str, limit: int = 30) -> Sequence[LineageSubject]:
        """Return what lineage can start from whose name holds a text; the newest without one."""
        return Subjects(self.store).search(text.strip(), limit)

    def _graph(self, subject: str, found: Explored) -> LineageGraph:
        return LineageGraph(
            subject=subject,
            roots=found.roots,
            executions=found.executions,
            artifacts=found.artifacts,
            events=found.events,
            runs=found.runs,
            models=self._uses_of({artifact.id for artifact in found.artifacts}),
            beyond=dict(found.beyond),
            truncated=found.truncated,
        )

    def _uses_of(self, artifact_ids: set[str]) -> tuple[ModelUse, ...]:
        serving: dict[tuple[str, int], list[str]] = {}
        for endpoint, _ in self.store.list_endpoints():
            for revision in endpoint.revisions:
                names = serving.setdefault((revision.model, revision.version), [])
                if endpoint.name not in names:
                    names.append(endpoint.name)
        return tuple(
            ModelUse(
                artifact_id=version.artifact_id,
                model=version.model,
                version=version.version,
                aliases=version.aliases,
                endpoints=tuple(serving.get((version.model, version.version), ())),
            )
            for model in self.store.list_models()
            for version in model.versions
            if version.artifact_id in artifact_ids
        )
