"""Experiments, stored pipelines and their versions."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jupyter_mlplat.errors import Conflict, NotFound
from jupyter_mlplat.kit import clock
from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.ports.selecting import Selected, Selection
from jupyter_mlplat.resources.catalogue import Experiment, PipelineVersion, StoredPipeline
from jupyter_mlplat.stores.metadata.connection import Connection
from jupyter_mlplat.stores.metadata.selecting import Table, select
from jupyter_mlplat.stores.metadata.tables import Tables

_LAST_RUN = "(SELECT max(r.created_at) FROM run r WHERE r.experiment = e.name)"
_SECONDS = "CAST(coalesce({}, 0) AS INTEGER)"
_EXPERIMENT = "e.id, e.name, e.title, e.description, e.archived, e.created_at, " + _LAST_RUN
_EXPERIMENTS = Table(
    source="experiment e",
    key="e.id",
    columns=_EXPERIMENT,
    fields={
        "id": "e.id",
        "name": "e.name",
        "title": "e.title",
        "description": "e.description",
        "archived": "e.archived",
        "namespace": "''",
        "created_at": _SECONDS.format("e.created_at"),
        "last_run_at": _SECONDS.format(_LAST_RUN),
    },
)
_PIPELINES = Table(
    source="pipeline p",
    key="p.id",
    columns="p.doc",
    fields={
        "id": "p.id",
        "name": "p.name",
        "title": "p.title",
        "description": "json_extract(p.doc, '$.description')",
        "namespace": "''",
        "created_at": _SECONDS.format("p.created_at"),
    },
    tags="json_extract(p.doc, '$.tags')",
)
_VERSIONS = Table(
    source="pipeline_version v",
    key="v.id",
    columns="v.doc, v.ir",
    fields={
        "id": "v.id",
        "pipeline_id": "v.pipeline",
        "name": "v.name",
        "title": "v.title",
        "description": "json_extract(v.doc, '$.description')",
        "created_at": _SECONDS.format("v.created_at"),
    },
    tags="json_extract(v.doc, '$.tags')",
)


def note_experiment(connection: Connection, name: str, now: datetime) -> None:
    """Make the experiment that a run names, if there is none."""
    connection.execute(
        "INSERT INTO experiment(name, id, title, description, archived, created_at) "
        "VALUES(?1, ?2, ?1, '', 0, ?3) ON CONFLICT DO NOTHING",
        (name, new_id("experiment"), now.timestamp()),
    )


class CatalogueTables(Tables):
    """What runs are made of and grouped by."""

    def create_experiment(self, experiment: Experiment) -> Experiment:
        with self._database.write() as connection:
            taken = connection.execute(
                "SELECT id FROM experiment WHERE name = ? OR title = ? COLLATE NOCASE",
                (experiment.name, experiment.title),
            ).fetchone()
            if taken is not None:
                raise Conflict(
                    f"Cannot create experiment {experiment.title!r}: there is one of this name. "
                    "Use it, or choose another name.",
                    exists=taken[0],
                )
            connection.execute(
                "INSERT INTO experiment(name, id, title, description, archived, created_at) "
                "VALUES(?, ?, ?, ?, ?, ?)",
                (
                    experiment.name,
                    experiment.id,
                    experiment.title,
                    experiment.description,
                    experiment.archived,
                    experiment.created_at.timestamp(),
                ),
            )
        return experiment

    def get_experiment(self, experiment: str) -> Experiment:
        with self._database.read() as connection:
            row = connection.execute(
                f"SELECT {_EXPERIMENT} FROM experiment e WHERE e.id = ?1 OR e.name = ?1",  # noqa: S608
                (experiment,),
            ).fetchone()
        if row is None:
            raise _missing("experiment", experiment)
        return _experiment(row)

    def select_experiments(self, selection: Selection) -> Selected[Experiment]:
        with self._database.read() as connection:
            rows, total, following = select(connection, _EXPERIMENTS, selection)
        return Selected([_experiment(row) for row in rows], total, following)

    def archive_experiment(self, experiment: str, *, is_archived: bool) -> Experiment:
        """Put an experiment away with all its runs, or take it back without them."""
        with self._database.write() as connection:
            row = connection.execute(
                "UPDATE experiment SET archived = ?2 WHERE id = ?1 OR name = ?1 RETURNING name",
                (experiment, is_archived),
            ).fetchone()
            if row is None:
                raise _missing("experiment", experiment)
            if is_archived:
                connection.execute(
                    "UPDATE run SET archived = 1, doc = json_set(doc, '$.archived', json('true')) "
                    "WHERE experiment = ? AND archived = 0",
                    row,
                )
        return self.get_experiment(experiment)

    def delete_experiment(self, experiment: str) -> None:
        """Forget an experiment; its runs stay."""
        with self._database.write() as connection:
            gone = connection.execute("DELETE FROM experiment WHERE id = ?", (experiment,))
            if gone.rowcount == 0:
                raise _missing("experiment", experiment)

    def create_pipeline(
        self, pipeline: StoredPipeline, version: PipelineVersion | None = None
    ) -> StoredPipeline:
        """Store a pipeline, with its first version if one is given: both or none."""
        with self._database.write() as connection:
            _refuse_taken(connection, "pipeline", "name = ?", (pipeline.name,), pipeline.name)
            connection.execute(
                "INSERT INTO pipeline(id, name, title, created_at, doc) VALUES(?, ?, ?, ?, ?)",
                (
                    pipeline.id,
                    pipeline.name,
                    pipeline.title,
                    pipeline.created_at.timestamp(),
                    pipeline.model_dump_json(),
                ),
            )
            if version is not None:
                _add_version(connection, version)
        return pipeline

    def update_pipeline(self, pipeline: StoredPipeline) -> StoredPipeline:
        """Write what people say of a pipeline: its title, description, tags."""
        with self._database.write() as connection:
            written = connection.execute(
                "UPDATE pipeline SET title = ?, doc = ? WHERE id = ?",
                (pipeline.title, pipeline.model_dump_json(), pipeline.id),
            )
            if written.rowcount == 0:
                raise _missing("pipeline", pipeline.id)
        return pipeline

    def get_pipeline(self, pipeline: str) -> StoredPipeline:
        """By id or name."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT doc FROM pipeline WHERE id = ?1 OR name = ?1", (pipeline,)
            ).fetchone()
        if row is None:
            raise _missing("pipeline", pipeline)
        return StoredPipeline.model_validate_json(row[0])

    def select_pipelines(self, selection: Selection) -> Selected[StoredPipeline]:
        with self._database.read() as connection:
            rows, total, following = select(connection, _PIPELINES, selection)
        found = [StoredPipeline.model_validate_json(str(doc)) for (doc,) in rows]
        return Selected(found, total, following)

    def delete_pipeline(self, pipeline: str) -> None:
        """Forget a pipeline and its versions; runs made from them stay."""
        with self._database.write() as connection:
            gone = connection.execute("DELETE FROM pipeline WHERE id = ?", (pipeline,))
            if gone.rowcount == 0:
                raise _missing("pipeline", pipeline)
            connection.execute("DELETE FROM pipeline_version WHERE pipeline = ?", (pipeline,))

    def add_pipeline_version(self, version: PipelineVersion) -> PipelineVersion:
        with self._database.write() as connection:
            if not connection.execute(
                "SELECT 1 FROM pipeline WHERE id = ?", (version.pipeline_id,)
            ).fetchone():
                raise _missing("pipeline", version.pipeline_id)
            _add_version(connection, version)
        return version

    def update_pipeline_version(self, version: PipelineVersion) -> PipelineVersion:
        """Write what people say of a version: its title, description, tags."""
        with self._database.write() as connection:
            written = connection.execute(
                "UPDATE pipeline_version SET title = ?, doc = ? WHERE id = ?",
                (version.title, version.model_dump_json(exclude={"ir"}), version.id),
            )
            if written.rowcount == 0:
                raise _missing("pipeline version", version.id)
        return version

    def get_pipeline_version(self, version: str) -> PipelineVersion:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT doc, ir FROM pipeline_version WHERE id = ?", (version,)
            ).fetchone()
        if row is None:
            raise _missing("pipeline version", version)
        return _version(row)

    def latest_pipeline_version(self, pipeline: str) -> PipelineVersion | None:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT doc, ir FROM pipeline_version WHERE pipeline = ? "
                "ORDER BY created_at DESC, id DESC LIMIT 1",
                (pipeline,),
            ).fetchone()
        return None if row is None else _version(row)

    def select_pipeline_versions(self, selection: Selection) -> Selected[PipelineVersion]:
        with self._database.read() as connection:
            rows, total, following = select(connection, _VERSIONS, selection)
        return Selected([_version(row) for row in rows], total, following)

    def delete_pipeline_version(self, version: str) -> None:
        """Forget a version; runs made from it stay."""
        with self._database.write() as connection:
            gone = connection.execute("DELETE FROM pipeline_version WHERE id = ?", (version,))
            if gone.rowcount == 0:
                raise _missing("pipeline version", version)


def _add_version(connection: Connection, version: PipelineVersion) -> None:
    place = (version.pipeline_id, version.name)
    _refuse_taken(connection, "pipeline_version", "pipeline = ? AND name = ?", place, version.name)
    connection.execute(
        "INSERT INTO pipeline_version(id, pipeline, name, title, created_at, doc, ir) "
        "VALUES(?, ?, ?, ?, ?, ?, ?)",
        (
            version.id,
            *place,
            version.title,
            version.created_at.timestamp(),
            version.model_dump_json(exclude={"ir"}),
            json.dumps(version.ir),
        ),
    )


def _refuse_taken(
    connection: Connection, table: str, condition: str, values: tuple[str, ...], name: str
) -> None:
    taken = connection.execute(
        f"SELECT id FROM {table} WHERE {condition}",  # noqa: S608
        values,
    ).fetchone()
    if taken is not None:
        raise Conflict(
            f"Cannot create {table.replace('_', ' ')} {name!r}: there is one of this name. "
            "Choose another name.",
            exists=taken[0],
        )


def _experiment(row: Any) -> Experiment:
    id_, name, title, description, archived, created_at, last_run_at = row
    return Experiment(
        id=id_,
        name=name,
        title=title,
        description=description,
        archived=bool(archived),
        created_at=clock.from_unix(created_at),
        last_run_at=None if last_run_at is None else clock.from_unix(last_run_at),
    )


def _version(row: Any) -> PipelineVersion:
    document: Mapping[str, Any] = json.loads(row[0])
    return PipelineVersion.model_validate({**document, "ir": json.loads(row[1])})


def _missing(kind: str, name: str) -> NotFound:
    return NotFound(
        f"Cannot find {kind} {name!r}: there is none of this id, or it was deleted. List what "
        "there is to see which there are.",
        kind=kind,
        id=name,
    )
