"""Garbage among the facts: what nothing kept refers to, and which content is still referred to."""

import re
from collections.abc import Collection

from jupyter_mlplat.ports.metadata import Collected
from jupyter_mlplat.stores.metadata.connection import Connection
from jupyter_mlplat.stores.metadata.lineage_tables import ancestors_of
from jupyter_mlplat.stores.metadata.run_tables import FINAL_RUNS, delete_runs
from jupyter_mlplat.stores.metadata.tables import json_keys

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MENTIONING = {
    "run": "doc",
    "run_pipeline": "doc",  # bundles and functions that came from outside
    "task": "doc",
    "output": "doc",
    "cache_entry": "doc",
    "execution": "doc",
    "artifact": "doc",
    "model_version": "doc",
    "endpoint": "doc || internal",
    "tracking_file": "digest",
}


def referenced_digests(connection: Connection) -> set[str]:
    """Return every digest that any document mentions: too many rather than too few."""
    digests: set[str] = set()
    for table, text in _MENTIONING.items():
        for (document,) in connection.execute(f"SELECT {text} FROM {table}"):  # noqa: S608
            digests.update(_DIGEST.findall(document))
    return digests


def collect(connection: Connection, run_ids: Collection[str]) -> Collected:
    """Delete runs, then executions and artifacts that are of no use to what is left."""
    runs = set(run_ids) - _pinned(connection, set(run_ids))
    delete_runs(connection, runs)
    executions = _useless_executions(connection)
    candidates = {
        artifact
        for (artifact,) in connection.execute(
            "SELECT DISTINCT l.artifact FROM json_each(?) k "
            "CROSS JOIN link l ON l.execution = CAST(k.value AS INTEGER)",
            (json_keys(executions),),
        )
    }
    _delete(connection, "link", "execution", executions)
    _delete(connection, "execution", "pk", executions)
    artifacts = _useless_artifacts(connection, candidates)
    _delete(connection, "artifact", "pk", artifacts)
    return Collected(
        runs=tuple(sorted(runs)),
        executions=len(executions),
        artifacts=len(artifacts),
        kept_digests=frozenset(referenced_digests(connection)),
    )


def _pinned(connection: Connection, asked: set[str]) -> set[str]:
    """Find the runs that something kept refers to: for a model, or for cached results."""
    rows = connection.execute(
        "SELECT id FROM run WHERE state NOT IN (SELECT value FROM json_each(?)) "
        "UNION SELECT run_id FROM model_version WHERE run_id IS NOT NULL",
        (json_keys(FINAL_RUNS),),
    )
    pinned = {id_ for (id_,) in rows}
    origins: dict[str, set[str]] = {}
    for run_id, origin in connection.execute(
        "SELECT DISTINCT r.id, json_extract(t.doc, '$.cache.run_id') "
        "FROM task t JOIN run r ON r.number = t.run WHERE t.cached = 1"
    ):
        origins.setdefault(run_id, set()).add(origin)
    front = (origins.keys() - asked) | pinned
    while front:
        front = set().union(*(origins.get(run_id, ()) for run_id in front)) - pinned
        pinned |= front
    return pinned


def _useless_executions(connection: Connection) -> set[int]:
    """Find executions of deleted runs that no registered model was made from."""
    orphans = {
        pk
        for (pk,) in connection.execute(
            "SELECT pk FROM execution WHERE run_id IS NOT NULL "
            "AND run_id NOT IN (SELECT id FROM run)"
        )
    }
    if not orphans:
        return orphans
    models = connection.execute("SELECT DISTINCT artifact_id FROM model_version").fetchall()
    return orphans - ancestors_of(connection, [artifact_id for (artifact_id,) in models])


def _useless_artifacts(connection: Connection, candidates: set[int]) -> set[int]:
    return {
        pk
        for (pk,) in connection.execute(
            "SELECT a.pk FROM json_each(?) k CROSS JOIN artifact a "
            "ON a.pk = CAST(k.value AS INTEGER) "
            "WHERE NOT EXISTS (SELECT 1 FROM link l WHERE l.artifact = a.pk) "
            "AND a.id NOT IN (SELECT artifact_id FROM model_version) "
            "AND a.id NOT IN (SELECT json_extract(doc, '$.artifact_id') FROM output "
            "WHERE json_extract(doc, '$.artifact_id') IS NOT NULL)",
            (json_keys(candidates),),
        )
    }


def _delete(connection: Connection, table: str, column: str, keys: set[int]) -> None:
    connection.execute(
        f"DELETE FROM {table} WHERE {column} "  # noqa: S608
        "IN (SELECT CAST(value AS INTEGER) FROM json_each(?))",
        (json_keys(keys),),
    )
