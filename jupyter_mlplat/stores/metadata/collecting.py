"""Garbage among the facts: what nothing kept refers to, and which content is still referred to."""

import re
import sqlite3
from collections.abc import Collection

from jupyter_mlplat.ports.metadata import Collected
from jupyter_mlplat.stores.metadata.lineage_tables import ancestors_of
from jupyter_mlplat.stores.metadata.run_tables import delete_runs
from jupyter_mlplat.stores.metadata.tables import json_keys

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MENTIONING = {
    "run": "doc",
    "task": "doc",
    "output": "doc",
    "cache_entry": "doc",
    "execution": "doc",
    "artifact": "doc",
    "model_version": "doc",
    "endpoint": "doc || internal",
}


def referenced_digests(connection: sqlite3.Connection) -> set[str]:
    """Return every digest that any document mentions, whatever for: too many rather than too few."""
    digests: set[str] = set()
    for table, text in _MENTIONING.items():
        for (document,) in connection.execute(f"SELECT {text} FROM {table}"):  # noqa: S608
            digests.update(_DIGEST.findall(document))
    return digests


def collect(connection: sqlite3.Connection, run_ids: Collection[str]) -> Collected:
    """Delete runs, then executions and artifacts that are of no use to what is left."""
    delete_runs(connection, run_ids)
    executions = _useless_executions(connection)
    candidates = {
        artifact
        for (artifact,) in connection.execute(
            "SELECT DISTINCT l.artifact FROM json_each(?) k "
            "CROSS JOIN link l ON l.execution = k.value",
            (json_keys(executions),),
        )
    }
    _delete(connection, "link", "execution", executions)
    _delete(connection, "execution", "pk", executions)
    artifacts = _useless_artifacts(connection, candidates)
    _delete(connection, "artifact", "pk", artifacts)
    return Collected(
        runs=len(run_ids),
        executions=len(executions),
        artifacts=len(artifacts),
        kept_digests=frozenset(referenced_digests(connection)),
    )


def _useless_executions(connection: sqlite3.Connection) -> set[int]:
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


def _useless_artifacts(connection: sqlite3.Connection, candidates: set[int]) -> set[int]:
    return {
        pk
        for (pk,) in connection.execute(
            "SELECT a.pk FROM json_each(?) k CROSS JOIN artifact a ON a.pk = k.value "
            "WHERE NOT EXISTS (SELECT 1 FROM link l WHERE l.artifact = a.pk) "
            "AND a.id NOT IN (SELECT artifact_id FROM model_version) "
            "AND a.id NOT IN (SELECT json_extract(doc, '$.artifact_id') FROM output "
            "WHERE json_extract(doc, '$.artifact_id') IS NOT NULL)",
            (json_keys(candidates),),
        )
    }


def _delete(connection: sqlite3.Connection, table: str, column: str, keys: set[int]) -> None:
    connection.execute(
        f"DELETE FROM {table} WHERE {column} IN (SELECT value FROM json_each(?))",  # noqa: S608
        (json_keys(keys),),
    )
