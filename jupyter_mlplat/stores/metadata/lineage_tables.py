"""Executions, artifacts and the links between them: writing facts, and walking the graph."""

import json
import sys
from collections.abc import Iterable, Sequence, Set
from typing import Literal

from pydantic import TypeAdapter

from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.ports.metadata import Closure
from jupyter_mlplat.resources.lineage import Artifact, Execution, Lineage, LineageEvent
from jupyter_mlplat.stores.metadata.connection import Connection
from jupyter_mlplat.stores.metadata.tables import Tables, json_array, json_keys

Direction = Literal["upstream", "downstream", "both"]
_READ, _MADE = 0, 1
_KINDS = {"input": _READ, "output": _MADE}
_KIND_NAMES = ("input", "output")
_ANY_DEPTH = sys.maxsize
_EXECUTIONS = TypeAdapter(tuple[Execution, ...])
_ARTIFACTS = TypeAdapter(tuple[Artifact, ...])
_EVENTS = TypeAdapter(tuple[LineageEvent, ...])

_NEW_EXECUTION = (
    "INSERT INTO execution(id, run_id, doc, pk) VALUES(?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_CHANGED_EXECUTION = "UPDATE execution SET run_id = ?2, doc = ?3 WHERE id = ?1 RETURNING pk"
_NEW_ARTIFACT = (
    "INSERT INTO artifact(id, type, name, digest, doc, pk) VALUES(?, ?, ?, ?, ?, ?) "
    "ON CONFLICT DO NOTHING"
)
_CHANGED_ARTIFACT = (
    "UPDATE artifact SET type = ?2, name = ?3, digest = ?4, doc = ?5 WHERE id = ?1 RETURNING pk"
)
_NEW_LINK = (
    "INSERT INTO link(execution, kind, artifact, name) VALUES(?, ?, ?, ?) ON CONFLICT DO NOTHING"
)

_NEIGHBOURS_OF_ONE = {
    "execution": "SELECT artifact FROM link WHERE execution = ? AND kind = ?",
    "artifact": "SELECT execution FROM link WHERE artifact = ? AND kind = ?",
}
# Many come as one JSON array: making a Python row of each takes longer than finding them.
_NEIGHBOURS_OF_MANY = {
    "execution": "SELECT json_group_array(l.artifact) FROM json_each(?) k "
    "CROSS JOIN link l ON l.execution = CAST(k.value AS INTEGER) AND l.kind = ?",
    "artifact": "SELECT json_group_array(l.execution) FROM json_each(?) k "
    "CROSS JOIN link l ON l.artifact = CAST(k.value AS INTEGER) AND l.kind = ?",
}


def write_lineage(
    connection: Connection,
    executions: Sequence[Execution],
    artifacts: Sequence[Artifact],
    links: Sequence[LineageEvent],
) -> None:
    """Record facts; one known already under its id is replaced, a known link is left.

    Raises:
        NotFound: A link names an execution or artifact that nobody has recorded.
    """
    execution_keys = _put(
        connection,
        "execution",
        _NEW_EXECUTION,
        _CHANGED_EXECUTION,
        [(fact.id, fact.run_id, fact.model_dump_json()) for fact in executions],
    )
    artifact_keys = _put(
        connection,
        "artifact",
        _NEW_ARTIFACT,
        _CHANGED_ARTIFACT,
        [
            (fact.id, fact.type, fact.name, fact.digest, fact.model_dump_json())
            for fact in artifacts
        ],
    )
    connection.executemany(
        _NEW_LINK,
        [
            (
                execution_keys.get(link.execution_id)
                or _key(connection, "execution", link.execution_id),
                _KINDS[link.kind],
                artifact_keys.get(link.artifact_id)
                or _key(connection, "artifact", link.artifact_id),
                link.name,
            )
            for link in links
        ],
    )


def _put(
    connection: Connection,
    table: str,
    insert: str,
    update: str,
    rows: Sequence[tuple[object, ...]],
) -> dict[object, int]:
    """Insert rows, or update those whose id is known already; returns their keys by id."""
    (last,) = connection.execute(f"SELECT coalesce(max(pk), 0) FROM {table}").fetchone()  # noqa: S608
    keys = {row[0]: pk for pk, row in enumerate(rows, last + 1)}
    numbered = [(*row, pk) for pk, row in enumerate(rows, last + 1)]
    if connection.executemany(insert, numbered).rowcount < len(rows):  # some are known
        for row in rows:
            (keys[row[0]],) = connection.execute(update, row).fetchone()
    return keys


def _key(connection: Connection, table: str, id_: str) -> int:
    row = connection.execute(f"SELECT pk FROM {table} WHERE id = ?", (id_,)).fetchone()  # noqa: S608
    if row is None:
        raise _unknown(table, id_)
    return int(row[0])


class LineageTables(Tables):
    """The graph of what ran, what it read and what it made."""

    def get_artifact(self, artifact_id: str) -> Artifact:
        with self._database.read() as connection:
            return Artifact.model_validate_json(_document(connection, "artifact", artifact_id))

    def get_execution(self, execution_id: str) -> Execution:
        with self._database.read() as connection:
            return Execution.model_validate_json(_document(connection, "execution", execution_id))

    def artifacts_of_run(self, run_id: str, type_: str | None = None) -> Sequence[Artifact]:
        """Return what the run's executions made, in the order it was recorded."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT DISTINCT a.pk, a.doc FROM execution e "
                "JOIN link l ON l.execution = e.pk AND l.kind = 1 "
                "JOIN artifact a ON a.pk = l.artifact "
                "WHERE e.run_id = ?1 AND (?2 IS NULL OR a.type = ?2) ORDER BY a.pk",
                (run_id, type_),
            ).fetchall()
        return _ARTIFACTS.validate_json(json_array(doc for _, doc in rows))

    def find_artifact(self, digest: str, name: str, type_: str) -> Artifact | None:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT doc FROM artifact WHERE digest = ? AND name = ? AND type = ? "
                "ORDER BY pk LIMIT 1",
                (digest, name, type_),
            ).fetchone()
        return None if row is None else Artifact.model_validate_json(row[0])

    def lineage(self, root: str, direction: Direction, depth: int, limit: int = 100_000) -> Lineage:
        """Return the graph around a node with its documents.

        Args:
            root: Id of an artifact, an execution, or a run, which stands for its executions.
            direction: Towards what it was made from, towards what was made from it, or both.
            depth: How many executions to pass on a way from the root; 0 is the root alone.
            limit: Nodes after which the walk stops and `truncated` is set.
        """
        with self._database.read() as connection:
            walk = _walk(connection, root, direction, depth, limit)
            executions = _documents(connection, "execution", walk.executions)
            artifacts = _documents(connection, "artifact", walk.artifacts)
            links = _links_of(connection, walk.executions)
        execution_ids = {pk: id_ for pk, id_, _ in executions}
        artifact_ids = {pk: id_ for pk, id_, _ in artifacts}
        return Lineage(
            root=root,
            direction=direction,
            depth=depth,
            executions=_EXECUTIONS.validate_json(json_array(doc for _, _, doc in executions)),
            artifacts=_ARTIFACTS.validate_json(json_array(doc for _, _, doc in artifacts)),
            events=_EVENTS.validate_python(
                [
                    {
                        "execution_id": execution_ids[execution],
                        "artifact_id": artifact_ids[artifact],
                        "kind": _KIND_NAMES[kind],
                        "name": name,
                    }
                    for execution, kind, artifact, name in links
                    if artifact in artifact_ids
                ]
            ),
            truncated=walk.truncated,
        )

    def closure(self, root: str, direction: Direction, depth: int, limit: int = 100_000) -> Closure:
        """Return the ids of the nodes that `lineage` would return, without their documents."""
        with self._database.read() as connection:
            walk = _walk(connection, root, direction, depth, limit)
            return Closure(
                executions=_ids(connection, "execution", walk.executions),
                artifacts=_ids(connection, "artifact", walk.artifacts),
                truncated=walk.truncated,
            )


class _Walk:
    """A breadth-first walk; each node is visited once, so cycles of equal content end."""

    def __init__(self, connection: Connection, depth: int, limit: int) -> None:
        self._connection = connection
        self._depth = depth
        self._limit = limit
        self.executions: set[int] = set()
        self.artifacts: set[int] = set()
        self.truncated = False

    def go(self, executions: Set[int], artifacts: Set[int], onward: int) -> None:
        """Walk from these nodes until depth, limit or the end of the graph.

        `onward` is the kind of link that leads on from an execution: to what it read when going
        upstream, to what it made when going downstream.
        """
        back = _MADE if onward == _READ else _READ
        seen_executions, seen_artifacts = set(executions), set(artifacts)
        for _ in range(self._depth):
            executions = executions or self._from("artifact", artifacts, back) - seen_executions
            seen_executions |= executions
            artifacts = self._from("execution", executions, onward) - seen_artifacts
            seen_artifacts |= artifacts
            self.truncated |= len(seen_executions) + len(seen_artifacts) >= self._limit
            if self.truncated or not artifacts:
                break
            executions = frozenset()
        self.executions |= seen_executions
        self.artifacts |= seen_artifacts

    def _from(self, column: str, keys: Set[int], kind: int) -> set[int]:
        if len(keys) == 1:
            rows = self._connection.execute(_NEIGHBOURS_OF_ONE[column], (*keys, kind))
            return {key for (key,) in rows}
        rows = self._connection.execute(_NEIGHBOURS_OF_MANY[column], (json_keys(keys), kind))
        return set(json.loads(rows.fetchone()[0]))


def ancestors_of(connection: Connection, artifact_ids: Iterable[str]) -> set[int]:
    """Return the keys of all executions that these artifacts were made from, to any depth."""
    rows = connection.execute(
        "SELECT pk FROM artifact WHERE id IN (SELECT value FROM json_each(?))",
        (json_keys(artifact_ids),),
    )
    walk = _Walk(connection, depth=_ANY_DEPTH, limit=_ANY_DEPTH)
    walk.go(frozenset(), {pk for (pk,) in rows}, onward=_READ)
    return walk.executions


def _walk(connection: Connection, root: str, direction: Direction, depth: int, limit: int) -> _Walk:
    executions, artifacts = _root_keys(connection, root)
    walk = _Walk(connection, depth, limit)
    if direction in ("upstream", "both"):
        walk.go(executions, artifacts, onward=_READ)
    if direction in ("downstream", "both"):
        walk.go(executions, artifacts, onward=_MADE)
    return walk


def _root_keys(connection: Connection, root: str) -> tuple[frozenset[int], frozenset[int]]:
    """Return the executions and artifacts that an id stands for."""
    none: frozenset[int] = frozenset()
    if row := connection.execute("SELECT pk FROM artifact WHERE id = ?", (root,)).fetchone():
        return none, frozenset(row)
    if row := connection.execute("SELECT pk FROM execution WHERE id = ?", (root,)).fetchone():
        return frozenset(row), none
    of_run = connection.execute("SELECT pk FROM execution WHERE run_id = ?", (root,)).fetchall()
    if of_run or connection.execute("SELECT 1 FROM run WHERE id = ?", (root,)).fetchone():
        return frozenset(pk for (pk,) in of_run), none
    raise NotFound(
        f"Cannot show the lineage of {root!r}: no artifact, execution or run has this id. List the "
        "runs, or the artifacts of a run, to find it.",
        id=root,
    )


def _document(connection: Connection, table: str, id_: str) -> str:
    row = connection.execute(f"SELECT doc FROM {table} WHERE id = ?", (id_,)).fetchone()  # noqa: S608
    if row is None:
        raise _unknown(table, id_)
    return str(row[0])


def _documents(
    connection: Connection, table: str, keys: Iterable[int]
) -> list[tuple[int, str, str]]:
    """Return (key, id, document) of these rows, in the order they were recorded."""
    return connection.execute(
        f"SELECT pk, id, doc FROM {table} WHERE pk IN "  # noqa: S608
        "(SELECT CAST(value AS INTEGER) FROM json_each(?)) ORDER BY pk",
        (json_keys(keys),),
    ).fetchall()


def _links_of(connection: Connection, executions: Iterable[int]) -> list[tuple[int, int, int, str]]:
    """Return (execution, kind, artifact, name) of all links of these executions."""
    return connection.execute(
        "SELECT execution, kind, artifact, name FROM link "
        "WHERE execution IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) "
        "ORDER BY execution, kind, artifact",
        (json_keys(executions),),
    ).fetchall()


def _ids(connection: Connection, table: str, keys: Iterable[int]) -> tuple[str, ...]:
    (ids,) = connection.execute(
        "SELECT json_group_array(t.id) FROM json_each(?) k "  # noqa: S608
        f"CROSS JOIN {table} t ON t.pk = CAST(k.value AS INTEGER)",
        (json_keys(sorted(keys)),),
    ).fetchone()
    return tuple(json.loads(ids))


def _unknown(table: str, id_: str) -> NotFound:
    return NotFound(
        f"Cannot find {table} {id_!r}: nothing of that id was recorded, or it was deleted. List "
        "the artifacts of a run to see what there is.",
        id=id_,
    )
