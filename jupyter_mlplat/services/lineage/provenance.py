"""Which data and code made an artifact: one answer out of its upstream graph. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from jupyter_mlplat.resources.lineage import (
    CellVersion,
    DataVersion,
    Execution,
    GitState,
    Lineage,
    Provenance,
)

_T = TypeVar("_T")


def provenance(lineage: Lineage) -> Provenance:
    """Sum up what made the root of a graph that was walked upstream.

    Content that several runs have made alike is one artifact with several makers. What counts is
    the maker in the run of the reader; only where there is none, the maker that ran last.

    Args:
        lineage: Upstream graph of an artifact. For another root the answer is empty.
    """
    way = _Way(lineage)
    executions = way.executions()
    return Provenance(
        runs=_distinct(execution.run_id for execution in executions if execution.run_id),
        cells=_distinct(
            CellVersion(step=execution.name, cell=cell, digest=digest)
            for execution in executions
            for cell, digest in execution.code.cells.items()
        ),
        git=_distinct(
            GitState(
                commit=execution.code.git_commit,
                dirty=execution.code.git_dirty,
                remote=execution.code.git_remote,
            )
            for execution in executions
            if execution.code.git_commit
        ),
        environments=_distinct(
            execution.code.environment for execution in executions if execution.code.environment
        ),
        parameters={
            execution.name: execution.parameters for execution in executions if execution.parameters
        },
        data=way.data(executions),
    )


class _Way:
    """The part of a graph that leads to its root."""

    def __init__(self, lineage: Lineage) -> None:
        self._root = lineage.root
        self._executions = {execution.id: execution for execution in lineage.executions}
        self._artifacts = {artifact.id: artifact for artifact in lineage.artifacts}
        self._makers: defaultdict[str, list[Execution]] = defaultdict(list)
        self._read: defaultdict[str, list[str]] = defaultdict(list)
        for event in lineage.events:
            if event.kind == "output":
                self._makers[event.artifact_id].append(self._executions[event.execution_id])
            else:
                self._read[event.execution_id].append(event.artifact_id)

    def executions(self) -> list[Execution]:
        """Return what ran on the way to the root, in the order it was recorded."""
        found: dict[str, Execution] = {}
        front = [maker] if (maker := self._maker(self._root, None)) else []
        while front:
            execution = front.pop()
            if execution.id in found:
                continue
            found[execution.id] = execution
            makers = (self._maker(read, execution.run_id) for read in self._read[execution.id])
            front.extend(maker for maker in makers if maker is not None)
        return [execution for id_, execution in self._executions.items() if id_ in found]

    def data(self, executions: Iterable[Execution]) -> tuple[DataVersion, ...]:
        """Return what these executions read, each with the step that made it."""
        return _distinct(
            self._version(artifact_id, execution.run_id)
            for execution in executions
            for artifact_id in self._read[execution.id]
        )

    def _version(self, artifact_id: str, run_id: str | None) -> DataVersion:
        artifact, maker = self._artifacts[artifact_id], self._maker(artifact_id, run_id)
        return DataVersion(
            name=artifact.name,
            artifact_id=artifact.id,
            digest=artifact.digest,
            made_by=None if maker is None else maker.name,
        )

    def _maker(self, artifact_id: str, run_id: str | None) -> Execution | None:
        makers = self._makers[artifact_id]
        of_run = [maker for maker in makers if run_id is not None and maker.run_id == run_id]
        candidates = of_run or makers
        return candidates[-1] if candidates else None


def _distinct(values: Iterable[_T]) -> tuple[_T, ...]:
    """Return values without repeats, in order of first appearance."""
    return tuple(dict.fromkeys(values))
