"""Registered models, their versions and aliases; endpoints."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import TypeAdapter

from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.ports.metadata import NewEvent
from jupyter_mlplat.resources.lineage import ModelVersion, RegisteredModel
from jupyter_mlplat.resources.pipeline import Finding
from jupyter_mlplat.resources.registry import ModelChange
from jupyter_mlplat.resources.serving import Endpoint
from jupyter_mlplat.stores.metadata.connection import Connection
from jupyter_mlplat.stores.metadata.event_tables import append_events
from jupyter_mlplat.stores.metadata.tables import Tables, json_array

_CHANGES = TypeAdapter(tuple[ModelChange, ...])


class RegistryTables(Tables):
    """Names people gave to models."""

    def add_model_version(
        self, version: ModelVersion, events: Iterable[NewEvent], by: str = ""
    ) -> ModelVersion:
        """Store a version under the model's next number; its aliases move to it."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO model(name, description, created_at) VALUES(?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                (version.model, "", version.created_at.timestamp()),
            )
            (number,) = connection.execute(
                "UPDATE model SET last_version = last_version + 1 WHERE name = ? "
                "RETURNING last_version",
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
            _note(connection, version.model, "registered", by, to_version=number)
            for alias in numbered.aliases:
                _move_alias(connection, numbered.model, alias, number, by)
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
        self,
        model: str,
        alias: str,
        version: int | None,
        events: Iterable[NewEvent] = (),
        by: str = "",
    ) -> RegisteredModel:
        with self._database.write() as connection:
            found = _model(connection, model)
            if version is None or any(version == known.version for known in found.versions):
                _move_alias(connection, model, alias, version, by)
            else:
                raise NotFound(
                    f"Cannot point alias {alias!r} at version {version} of model {model!r}: its "
                    f"versions are {[known.version for known in found.versions]}. Choose one.",
                    model=model,
                    version=version,
                )
            append_events(connection, events)
            return _model(connection, model)

    def describe_model(
        self, model: str, description: str, events: Iterable[NewEvent] = (), by: str = ""
    ) -> RegisteredModel:
        with self._database.write() as connection:
            if _model(connection, model).description != description:
                connection.execute(
                    "UPDATE model SET description = ? WHERE name = ?", (description, model)
                )
                _note(connection, model, "described", by)
                append_events(connection, events)
            return _model(connection, model)

    def delete_model_version(
        self, model: str, version: int, events: Iterable[NewEvent] = (), by: str = ""
    ) -> RegisteredModel:
        with self._database.write() as connection:
            found = _model(connection, model)
            for alias, at in found.aliases.items():
                if at == version:
                    _move_alias(connection, model, alias, None, by)
            gone = connection.execute(
                "DELETE FROM model_version WHERE model = ? AND version = ?", (model, version)
            )
            if gone.rowcount == 0:
                raise NotFound(
                    f"Cannot delete version {version} of model {model!r}: its versions are "
                    f"{[known.version for known in found.versions]}. Choose one.",
                    model=model,
                    version=version,
                )
            _note(connection, model, "deleted", by, from_version=version)
            append_events(connection, events)
            return _model(connection, model)

    def model_history(self, model: str, limit: int) -> Sequence[ModelChange]:
        with self._database.read() as connection:
            if (
                connection.execute("SELECT 1 FROM model WHERE name = ?", (model,)).fetchone()
                is None
            ):
                raise _no_model(model)
            rows = connection.execute(
                "SELECT doc FROM model_change WHERE model = ? ORDER BY pk DESC LIMIT ?",
                (model, limit),
            ).fetchall()
        return _CHANGES.validate_json(json_array(doc for (doc,) in rows))

    def delete_model(self, model: str, events: Iterable[NewEvent] = ()) -> None:
        with self._database.write() as connection:
            if connection.execute("DELETE FROM model WHERE name = ?", (model,)).rowcount == 0:
                raise _no_model(model)
            connection.execute("DELETE FROM model_version WHERE model = ?", (model,))
            connection.execute("DELETE FROM model_alias WHERE model = ?", (model,))
            connection.execute("DELETE FROM model_change WHERE model = ?", (model,))
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


def _move_alias(
    connection: Connection, model: str, alias: str, version: int | None, by: str
) -> None:
    """Point an alias at a version, or remove it, and note what has changed."""
    row = connection.execute(
        "SELECT version FROM model_alias WHERE model = ? AND alias = ?", (model, alias)
    ).fetchone()
    before: int | None = None if row is None else row[0]
    if before == version:
        return
    if version is None:
        connection.execute("DELETE FROM model_alias WHERE model = ? AND alias = ?", (model, alias))
    else:
        connection.execute(
            "INSERT INTO model_alias(model, alias, version) VALUES(?, ?, ?) "
            "ON CONFLICT(model, alias) DO UPDATE SET version = excluded.version",
            (model, alias, version),
        )
    _note(connection, model, "alias", by, alias=alias, from_version=before, to_version=version)


def _note(
    connection: Connection,
    model: str,
    kind: Literal["registered", "alias", "deleted", "described"],
    by: str,
    *,
    alias: str | None = None,
    from_version: int | None = None,
    to_version: int | None = None,
) -> None:
    change = ModelChange(
        model=model,
        kind=kind,
        alias=alias,
        from_version=from_version,
        to_version=to_version,
        by=by,
        at=datetime.now(UTC),
    )
    connection.execute(
        "INSERT INTO model_change(model, doc) VALUES(?, ?)", (model, change.model_dump_json())
    )


def _model(connection: Connection, name: str) -> RegisteredModel:
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
