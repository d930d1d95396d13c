"""Registered models, their versions and aliases; endpoints."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.ports.metadata import NewEvent
from jupyter_mlplat.resources.lineage import ModelVersion, RegisteredModel
from jupyter_mlplat.resources.pipeline import Finding
from jupyter_mlplat.resources.serving import Endpoint
from jupyter_mlplat.stores.metadata.event_tables import append_events
from jupyter_mlplat.stores.metadata.tables import Tables


class RegistryTables(Tables):
    """Names people gave to models."""

    def add_model_version(self, version: ModelVersion, events: Iterable[NewEvent]) -> ModelVersion:
        """Store a version under the model's next number; its aliases move to it."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO model(name, description, created_at) VALUES(?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                (version.model, "", version.created_at.timestamp()),
            )
            (number,) = connection.execute(
                "SELECT coalesce(max(version), 0) + 1 FROM model_version WHERE model = ?",
                (version.model,),
            ).fetchone()
            numbered = version.model_copy(update={"version": number})
            connection.execute(
                "INSERT INTO model_version(model, version, artifact_id, run_id, doc) "
                "VALUES(?, ?, ?, ?, ?)",
                (
                    numbered.model,
                    number,
                    numbered.artifact_id,
                    numbered.run_id,
                    numbered.model_dump_json(exclude={"aliases"}),
                ),
            )
            for alias in numbered.aliases:
                _move_alias(connection, numbered.model, alias, number)
            append_events(connection, events)
        return numbered

    def get_model(self, model: str) -> RegisteredModel:
        with self._database.read() as connection:
            return _model(connection, model)

    def list_models(self) -> Sequence[RegisteredModel]:
        """Return all models by name."""
        with self._database.read() as connection:
            names = connection.execute("SELECT name FROM model ORDER BY name").fetchall()
            return tuple(_model(connection, name) for (name,) in names)

    def set_alias(
        self, model: str, alias: str, version: int | None, events: Iterable[NewEvent] = ()
    ) -> RegisteredModel:
        with self._database.write() as connection:
            found = _model(connection, model)
            if version is None:
                connection.execute(
                    "DELETE FROM model_alias WHERE model = ? AND alias = ?", (model, alias)
                )
            elif any(version == known.version for known in found.versions):
                _move_alias(connection, model, alias, version)
            else:
                raise NotFound(
                    f"Cannot point alias {alias!r} at version {version} of model {model!r}: its "
                    f"versions are {[known.version for known in found.versions]}. Choose one.",
                    model=model,
                    version=version,
                )
            append_events(connection, events)
            return _model(connection, model)

    def delete_model(self, model: str, events: Iterable[NewEvent] = ()) -> None:
        with self._database.write() as connection:
            if connection.execute("DELETE FROM model WHERE name = ?", (model,)).rowcount == 0:
                raise _no_model(model)
            connection.execute("DELETE FROM model_version WHERE model = ?", (model,))
            connection.execute("DELETE FROM model_alias WHERE model = ?", (model,))
            append_events(connection, events)


class EndpointTables(Tables):
    """What is served. The internal part is the serving service's own; kept as JSON."""

    def save_endpoint(self, endpoint: Endpoint, internal: Mapping[str, Any]) -> None:
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO endpoint(name, doc, internal) VALUES(?, ?, ?) "
                "ON CONFLICT(name) DO UPDATE SET doc = excluded.doc, internal = excluded.internal",
                (endpoint.name, endpoint.model_dump_json(), json.dumps(dict(internal))),
            )

    def get_endpoint(self, name: str) -> tuple[Endpoint, Mapping[str, Any]]:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT doc, internal FROM endpoint WHERE name = ?", (name,)
            ).fetchone()
        if row is None:
            raise _no_endpoint(name)
        return Endpoint.model_validate_json(row[0]), json.loads(row[1])

    def list_endpoints(self) -> Sequence[tuple[Endpoint, Mapping[str, Any]]]:
        """Return all endpoints by name."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT doc, internal FROM endpoint ORDER BY name").fetchall()
        return tuple((Endpoint.model_validate_json(doc), json.loads(kept)) for doc, kept in rows)

    def delete_endpoint(self, name: str) -> None:
        with self._database.write() as connection:
            if connection.execute("DELETE FROM endpoint WHERE name = ?", (name,)).rowcount == 0:
                raise _no_endpoint(name)


class FindingTables(Tables):
    """What runs have shown of cells, by the digest of their source."""

    def findings(self) -> Sequence[Finding]:
        with self._database.read() as connection:
            rows = connection.execute("SELECT doc FROM finding ORDER BY source").fetchall()
        return tuple(Finding.model_validate_json(doc) for (doc,) in rows)

    def keep_finding(self, finding: Finding) -> None:
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO finding(source, doc) VALUES(?, ?) "
                "ON CONFLICT(source) DO UPDATE SET doc = excluded.doc",
                (finding.source, finding.model_dump_json()),
            )


def _move_alias(connection: sqlite3.Connection, model: str, alias: str, version: int) -> None:
    connection.execute(
        "INSERT INTO model_alias(model, alias, version) VALUES(?, ?, ?) "
        "ON CONFLICT(model, alias) DO UPDATE SET version = excluded.version",
        (model, alias, version),
    )


def _model(connection: sqlite3.Connection, name: str) -> RegisteredModel:
    row = connection.execute(
        "SELECT description, created_at FROM model WHERE name = ?", (name,)
    ).fetchone()
    if row is None:
        raise _no_model(name)
    aliases: dict[str, int] = dict(
        connection.execute(
            "SELECT alias, version FROM model_alias WHERE model = ? ORDER BY alias", (name,)
        ).fetchall()
    )
    versions = tuple(
        ModelVersion.model_validate_json(doc).model_copy(
            update={"aliases": tuple(alias for alias, at in aliases.items() if at == number)}
        )
        for number, doc in connection.execute(
            "SELECT version, doc FROM model_version WHERE model = ? ORDER BY version", (name,)
        )
    )
    return RegisteredModel(
        name=name,
        description=row[0],
        created_at=datetime.fromtimestamp(row[1], UTC),
        aliases=aliases,
        latest_version=versions[-1].version if versions else None,
        versions=versions,
    )


def _no_model(name: str) -> NotFound:
    return NotFound(
        f"Cannot find model {name!r}: no model is registered under this name. List the models to "
        "see which there are.",
        model=name,
    )


def _no_endpoint(name: str) -> NotFound:
    return NotFound(
        f"Cannot find endpoint {name!r}: none has this name. List the endpoints to see which there "
        "are.",
        endpoint=name,
    )
