"""Looking at the lineage graph piece by piece: bounded walks, ways between nodes, names.

`lineage_tables` answers for programs, to any depth; here a person looks on, so that every answer is
small, has the nearest and newest first, and says where it goes on.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

from pydantic import TypeAdapter

from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.kit.clock import from_unix
from jupyter_mlplat.ports.metadata import Explored, Found
from jupyter_mlplat.resources.lineage import (
    Artifact,
    Beyond,
    Execution,
    LineageEvent,
    RunReference,
)
from jupyter_mlplat.stores.metadata.connection import Connection
from jupyter_mlplat.stores.metadata.tables import Tables, json_array, json_keys

Direction = Literal["upstream", "downstream", "both"]
Node = tuple[bool, int]
"""Whether it is an execution, and its key."""

_READ, _MADE = 0, 1
_KIND_NAMES: tuple[Literal["input", "output"], ...] = ("input", "output")
_EXECUTIONS = TypeAdapter(tuple[Execution, ...])
_ARTIFACTS = TypeAdapter(tuple[Artifact, ...])
_LOOKED_AT = 2000  # rows of a search that are made distinct by name
_MOST_WALKED = 100_000  # nodes that a search for ways passes before it gives up

_NEIGHBOURS = {
    True: "SELECT l.execution, l.artifact, 0 FROM json_each(?) k "
    "CROSS JOIN link l ON l.execution = CAST(k.value AS INTEGER) AND l.kind = ? "
    "ORDER BY k.key, l.artifact DESC",
    False: "SELECT l.artifact, l.execution, json_extract(e.doc, '$.state') = 'CACHED' "
    "FROM json_each(?) k "
    "CROSS JOIN link l ON l.artifact = CAST(k.value AS INTEGER) AND l.kind = ? "
    "JOIN execution e ON e.pk = l.execution ORDER BY k.key, l.execution DESC",
}


class ExploringTables(Tables):
    """The graph as one looks at it."""

    def explore(
        self,
        roots: Sequence[str],
        direction: Direction,
        depth: int,
        *,
        limit: int,
        with_cached: bool = True,
    ) -> Explored:
        """Walk breadth first from the roots until depth or limit, taking turns up and down."""
        with self._database.read() as connection:
            starts = _nodes(connection, roots)
            graph = _Graph(connection, with_cached, frozenset(starts))
            walk = _Walk(graph, limit)
            walk.begin(starts)
            sides = [up for up in (True, False) if direction != ("downstream", "upstream")[not up]]
            fronts: dict[bool, list[Node]] = {up: list(walk.roots) for up in sides}
            for _ in range(depth):
                for up, front in fronts.items():
                    fronts[up] = walk.go(front, up)
            return _explored(graph, walk.roots, walk.seen, walk.truncated)

    def explore_between(
        self, sources: Sequence[str], targets: Sequence[str], *, limit: int
    ) -> Explored:
        """Walk down from the sources, then up from the targets where the first walk has been."""
        with self._database.read() as connection:
            starts, ends = _nodes(connection, sources), _nodes(connection, targets)
            graph = _Graph(connection, False, frozenset((*starts, *ends)))
            down = _reach(graph, starts, upstream=False, within=None)
            up = _reach(graph, [end for end in ends if end in down], upstream=True, within=down)
            shortest = _shortest(up, starts)
            ways = dict.fromkeys(chain(starts, ends, shortest, (n for n in down if n in up)))
            ends_and_shortest = len(dict.fromkeys(chain(starts, ends, shortest)))
            seen = list(ways)[: max(limit, ends_and_shortest)]
            is_cut = len(seen) < len(ways) or len(down) >= _MOST_WALKED
            return _explored(graph, tuple(dict.fromkeys((*starts, *ends))), seen, is_cut)

    def find_lineage(self, text: str, *, limit: int) -> Found:
        pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        with self._database.read() as connection:
            artifacts = connection.execute(
                "SELECT name, doc FROM artifact WHERE name LIKE ? ESCAPE '\\' "
                "ORDER BY pk DESC LIMIT ?",
                (pattern, _LOOKED_AT),
            )
            newest_artifacts = _newest_by_name(artifacts, limit)
            executions = connection.execute(
                "SELECT json_extract(doc, '$.name') AS name, doc FROM execution "
                "WHERE json_extract(doc, '$.name') LIKE ? ESCAPE '\\' ORDER BY pk DESC LIMIT ?",
                (pattern, _LOOKED_AT),
            )
            newest_executions = _newest_by_name(executions, limit)
        return Found(
            _ARTIFACTS.validate_json(json_array(newest_artifacts)),
            _EXECUTIONS.validate_json(json_array(newest_executions)),
        )

    def executions_of_runs(self, run_ids: Sequence[str]) -> Sequence[tuple[Execution, int]]:
        """Return what ran, newest first, with a number for the set of artifacts it made."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT e.doc, (SELECT json_group_array(artifact) FROM (SELECT artifact FROM link "
                "WHERE execution = e.pk AND kind = 1 ORDER BY artifact) made) FROM execution e "
                "WHERE e.run_id IN (SELECT value FROM json_each(?)) ORDER BY e.pk DESC",
                (json_keys(run_ids),),
            ).fetchall()
        numbers: dict[str, int] = {}
        made = [numbers.setdefault(outputs, len(numbers)) for _, outputs in rows]
        executions = _EXECUTIONS.validate_json(json_array(doc for doc, _ in rows))
        return tuple(zip(executions, made, strict=True))


@dataclass(frozen=True, slots=True)
class _Graph:
    """The links, from either end. `named` are nodes that are never passed over."""

    connection: Connection
    with_cached: bool
    named: frozenset[Node]

    def neighbours(self, nodes: Iterable[Node], upstream: bool) -> Iterator[tuple[Node, Node]]:
        """Yield (node, neighbour) for each link that leads on, newest neighbours first.

        An execution taken from the cache stands back behind those that ran; where there are none,
        the newest stands for all.
        """
        keys: dict[bool, list[int]] = {True: [], False: []}
        for is_execution, key in nodes:
            keys[is_execution].append(key)
        for is_execution, of_kind in keys.items():
            if not of_kind:
                continue
            kind = _READ if is_execution == upstream else _MADE
            rows = self.connection.execute(
                _NEIGHBOURS[is_execution], (json_keys(of_kind), kind)
            ).fetchall()
            ran = {key for key, _, is_cached in rows if not is_cached}
            stood_for: set[int] = set()
            for key, neighbour, is_cached in rows:
                if is_cached and not (self.with_cached or (True, neighbour) in self.named):
                    if key in ran or key in stood_for:
                        continue
                    stood_for.add(key)
                yield (is_execution, key), (not is_execution, neighbour)


@dataclass(slots=True)
class _Walk:
    """A walk that never holds more nodes than its limit, roots apart."""

    graph: _Graph
    limit: int
    roots: tuple[Node, ...] = ()
    seen: dict[Node, None] = field(default_factory=dict)
    truncated: bool = False

    def begin(self, roots: Sequence[Node]) -> None:
        """Take the roots; more than the limit are cut, but one is always kept."""
        self.roots = tuple(roots[: max(1, self.limit)])
        self.truncated = len(roots) > len(self.roots)
        self.seen.update(dict.fromkeys(self.roots))

    def go(self, front: Sequence[Node], upstream: bool) -> list[Node]:
        """Pass on over the next executions to the artifacts behind them; returns these."""
        artifacts = [node for node in front if not node[0]]
        executions = [node for node in front if node[0]]
        executions += self._step(artifacts, upstream)
        return self._step(executions, upstream)

    def _step(self, front: Sequence[Node], upstream: bool) -> list[Node]:
        new: dict[Node, None] = {}
        for _, node in self.graph.neighbours(front, upstream):
            if node in self.seen or node in new:
                continue
            if len(self.seen) + len(new) >= self.limit:
                self.truncated = True
                break
            new[node] = None
        self.seen.update(new)
        return list(new)


def _reach(
    graph: _Graph, starts: Sequence[Node], *, upstream: bool, within: Mapping[Node, object] | None
) -> dict[Node, Node | None]:
    """Return every node that these lead to, nearest first, with the one each was reached from."""
    reached: dict[Node, Node | None] = dict.fromkeys(starts)
    front: Sequence[Node] = starts
    while front and len(reached) < _MOST_WALKED:
        following = []
        for node, neighbour in graph.neighbours(front, upstream):
            if neighbour not in reached and (within is None or neighbour in within):
                reached[neighbour] = node
                following.append(neighbour)
        front = following
    return reached


def _shortest(up: Mapping[Node, Node | None], starts: Sequence[Node]) -> list[Node]:
    """Follow the walk that came up from the targets back down from where it first met a source."""
    node = next((node for node in up if node in set(starts)), None)
    way = []
    while node is not None:
        way.append(node)
        node = up[node]
    return way


def _nodes(connection: Connection, roots: Sequence[str]) -> list[Node]:
    """Return the nodes that ids stand for; for a run, its executions in the order they ended."""
    found: dict[Node, None] = {}
    for root in roots:
        for query, is_execution in (
            ("SELECT pk FROM artifact WHERE id = ?", False),
            ("SELECT pk FROM execution WHERE id = ?", True),
            ("SELECT pk FROM execution WHERE run_id = ? ORDER BY pk", True),
        ):
            rows = connection.execute(query, (root,)).fetchall()
            if rows:
                found.update(((is_execution, pk), None) for (pk,) in rows)
                break
    if not found:
        shown = ", ".join(repr(root) for root in roots[:3])
        raise NotFound(
            f"Cannot show the lineage of {shown}: nothing that ran or was made is recorded under "
            "this id. Runs are recorded as their steps end; wait for one, or choose another.",
        )
    return list(found)


def _explored(
    graph: _Graph, roots: Sequence[Node], seen: Iterable[Node], truncated: bool
) -> Explored:
    connection = graph.connection
    nodes = dict.fromkeys(seen)
    ids = {
        is_execution: _documents(
            connection, table, [k for kind, k in nodes if kind == is_execution]
        )
        for is_execution, table in ((True, "execution"), (False, "artifact"))
    }
    executions = _EXECUTIONS.validate_json(json_array(doc for _, doc in ids[True].values()))

    def id_of(node: Node) -> str:
        return ids[node[0]][node[1]][0]

    return Explored(
        roots=tuple(id_of(node) for node in roots),
        executions=executions,
        artifacts=_ARTIFACTS.validate_json(json_array(doc for _, doc in ids[False].values())),
        events=tuple(
            LineageEvent(
                execution_id=ids[True][execution][0],
                artifact_id=ids[False][artifact][0],
                kind=_KIND_NAMES[kind],
                name=name,
            )
            for execution, kind, artifact, name in connection.execute(
                "SELECT execution, kind, artifact, name FROM link WHERE execution IN "
                "(SELECT CAST(value AS INTEGER) FROM json_each(?)) "
                "ORDER BY execution, kind, artifact",
                (json_keys(ids[True]),),
            )
            if artifact in ids[False]
        ),
        runs=_runs(connection, {run.run_id for run in executions if run.run_id}),
        beyond=_beyond(graph, nodes, id_of),
        truncated=truncated,
    )


def _beyond(
    graph: _Graph, nodes: Mapping[Node, object], id_of: Callable[[Node], str]
) -> dict[str, Beyond]:
    """Count the neighbours of each node that are not among the nodes."""
    counts: dict[Node, list[int]] = {}
    for side, upstream in enumerate((True, False)):
        for node, neighbour in graph.neighbours(nodes, upstream):
            if neighbour not in nodes:
                counts.setdefault(node, [0, 0])[side] += 1
    return {
        id_of(node): Beyond(upstream=up, downstream=down) for node, (up, down) in counts.items()
    }


def _documents(
    connection: Connection, table: str, keys: Iterable[int]
) -> dict[int, tuple[str, str]]:
    """Return (id, document) of these rows by key, in the order they were recorded."""
    rows = connection.execute(
        f"SELECT pk, id, doc FROM {table} WHERE pk IN "  # noqa: S608
        "(SELECT CAST(value AS INTEGER) FROM json_each(?)) ORDER BY pk",
        (json_keys(keys),),
    )
    return {pk: (id_, doc) for pk, id_, doc in rows}


def _runs(connection: Connection, ids: Iterable[str]) -> tuple[RunReference, ...]:
    rows = connection.execute(
        "SELECT id, number, pipeline, notebook, created_at FROM run "
        "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY number",
        (json_keys(ids),),
    )
    return tuple(
        RunReference(
            id=id_,
            number=number,
            pipeline=pipeline,
            notebook=notebook,
            created_at=from_unix(created_at),
        )
        for id_, number, pipeline, notebook, created_at in rows
    )


def _newest_by_name(rows: Iterable[tuple[str, str]], limit: int) -> list[str]:
    """Return the document that comes first for each name."""
    newest: dict[str, str] = {}
    for name, doc in rows:
        newest.setdefault(name, doc)
        if len(newest) == limit:
            break
    return list(newest.values())
