"""ml-metadata on SQLite, called as a pipeline driver calls it."""

from pathlib import Path
from typing import Any

from ml_metadata.metadata_store.metadata_store import MetadataStore
from ml_metadata.proto.metadata_store_pb2 import (
    INT,
    Artifact,
    ArtifactType,
    ConnectionConfig,
    Event,
    Execution,
    ExecutionType,
    Value,
)

READWRITE_OPENCREATE = 3


class Store:
    def __init__(self, folder: Path) -> None:
        config = ConnectionConfig()
        config.sqlite.filename_uri = str(folder / "mlmd.db")
        config.sqlite.connection_mode = READWRITE_OPENCREATE
        self._store = MetadataStore(config)
        self._artifact_type = self._store.put_artifact_type(
            ArtifactType(name="A", properties={"x": INT})
        )
        self._execution_type = self._store.put_execution_type(
            ExecutionType(name="E", properties={"x": INT})
        )
        self._artifacts: list[int] = []

    def insert_each(self, count: int, chain: int) -> None:
        before: Any = None
        for number in range(count):
            made = self._artifact(number)
            links = [(made, Event(type=Event.OUTPUT))]
            if number % chain:
                links.append((before, Event(type=Event.INPUT)))
            _, ids, _ = self._store.put_execution(self._execution(number), links, [])
            made.id = ids[0]
            before = made

    def insert_bulk(self, count: int, chain: int) -> None:
        executions = self._store.put_executions([self._execution(n) for n in range(count)])
        artifacts = self._store.put_artifacts([self._artifact(n) for n in range(count)])
        events = [
            Event(artifact_id=artifact, execution_id=execution, type=Event.OUTPUT)
            for artifact, execution in zip(artifacts, executions, strict=True)
        ]
        events += [
            Event(artifact_id=artifacts[n - 1], execution_id=executions[n], type=Event.INPUT)
            for n in range(count)
            if n % chain
        ]
        self._store.put_events(events)
        self._artifacts = artifacts

    def ends(self, chain: int, wide: int) -> tuple[int, int]:
        (execution,) = self._store.put_executions([self._execution(0)])
        (end,) = self._store.put_artifacts([self._artifact(0)])
        events = [
            Event(artifact_id=artifact, execution_id=execution, type=Event.INPUT)
            for artifact in self._artifacts[:wide]
        ]
        events.append(Event(artifact_id=end, execution_id=execution, type=Event.OUTPUT))
        self._store.put_events(events)
        return self._artifacts[chain - 1], end

    def closure(self, artifact: int) -> int:
        """Count what an artifact was made from, itself included, level by level."""
        seen, front = {artifact}, [artifact]
        while front:
            made = self._store.get_events_by_artifact_ids(front)
            makers = {event.execution_id for event in made if event.type == Event.OUTPUT}
            if not makers:
                break
            read = self._store.get_events_by_execution_ids(list(makers))
            front = list({event.artifact_id for event in read if event.type == Event.INPUT} - seen)
            seen.update(front)
        return len(seen)

    def close(self) -> None: ...

    def _execution(self, number: int) -> Execution:
        return Execution(
            type_id=self._execution_type,
            properties={"x": Value(int_value=number)},
            last_known_state=Execution.COMPLETE,
        )

    def _artifact(self, number: int) -> Artifact:
        return Artifact(
            type_id=self._artifact_type,
            uri=f"file:///a/{number}",
            properties={"x": Value(int_value=number)},
        )
