"""Facts, files and models that code tells of itself; and finding runs by them."""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from jupyter_mlplat.errors import Conflict, InvalidInput, NotFound
from jupyter_mlplat.ports.tracking import (
    Comparison,
    FactKind,
    Ordering,
    Point,
    RunSearch,
    StoredFile,
    Tracked,
)
from jupyter_mlplat.resources.catalogue import Experiment
from jupyter_mlplat.resources.lineage import ModelVersion, RegisteredModel
from jupyter_mlplat.resources.run import Run
from jupyter_mlplat.resources.tracking import LoggedModel
from jupyter_mlplat.stores.metadata.catalogue_tables import CatalogueTables
from jupyter_mlplat.stores.metadata.connection import Connection
from jupyter_mlplat.stores.metadata.registry_tables import RegistryTables
from jupyter_mlplat.stores.metadata.tables import json_keys

_ATTRIBUTES = {
    "run_id": "r.id",
    "run_name": "r.title",
    "state": "r.state",
    "experiment": "r.experiment",
    "start_time": "CAST(round(r.created_at * 1000) AS INTEGER)",
    "end_time": "CAST(round(r.finished_at * 1000) AS INTEGER)",
    "user_id": "(SELECT f.value FROM tracking_fact f WHERE f.owner = r.id AND f.kind = 'tag' "
    "AND f.name = 'mlflow.user')",
}
_FACT = (
    "(SELECT f.value FROM tracking_fact f WHERE f.owner = r.id AND f.kind = '{}' AND f.name = ?)"
)
_SIDES = {
    "metric": "(SELECT m.value FROM latest_metric m WHERE m.run = r.number AND m.name = ?)",
    "param": f"coalesce({_FACT.format('param')}, json_extract(r.doc, '$.parameters.' || "
    "json_quote(?)))",
    "tag": f"coalesce({_FACT.format('tag')}, "  # noqa: S608
    "(SELECT t.value FROM run_tag t WHERE t.run = r.number AND t.name = ?))",
}
_PLAIN = frozenset({"=", "!=", "<", "<=", ">", ">="})


class TrackingTables(CatalogueTables, RegistryTables):
    """The `TrackingStore` port."""

    def put_facts(self, owner: str, kind: FactKind, facts: Mapping[str, str | None]) -> None:
        with self._database.write(durable=False) as connection:
            connection.executemany(
                "DELETE FROM tracking_fact WHERE owner = ? AND kind = ? AND name = ?",
                [(owner, kind, name) for name, value in facts.items() if value is None],
            )
            connection.executemany(
                "INSERT INTO tracking_fact(owner, kind, name, value) VALUES(?, ?, ?, ?) "
                "ON CONFLICT(owner, kind, name) DO UPDATE SET value = excluded.value",
                [(owner, kind, name, value) for name, value in facts.items() if value is not None],
            )

    def facts_of(self, owners: Collection[str], kind: FactKind) -> Mapping[str, Mapping[str, str]]:
        found: dict[str, dict[str, str]] = {owner: {} for owner in owners}
        with self._database.read() as connection:
            for owner, name, value in connection.execute(
                "SELECT f.owner, f.name, f.value FROM json_each(?) k CROSS JOIN tracking_fact f "
                "ON f.owner = k.value AND f.kind = ?",
                (json_keys(found), kind),
            ):
                found[owner][name] = value
        return found

    def forget_facts(self, owner: str) -> None:
        with self._database.write() as connection:
            connection.execute("DELETE FROM tracking_fact WHERE owner = ?", (owner,))

    def put_file(self, owner: str, file: StoredFile) -> None:
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO tracking_file(owner, path, digest, size_bytes) VALUES(?, ?, ?, ?) "
                "ON CONFLICT(owner, path) DO UPDATE SET digest = excluded.digest, "
                "size_bytes = excluded.size_bytes",
                (owner, file.path, file.digest, file.size_bytes),
            )

    def find_file(self, owner: str, path: str) -> StoredFile | None:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT path, digest, size_bytes FROM tracking_file WHERE owner = ? AND path = ?",
                (owner, path),
            ).fetchone()
        return None if row is None else StoredFile(*row)

    def files_of(self, owner: str, folder: str = "") -> Sequence[StoredFile]:
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT path, digest, size_bytes FROM tracking_file WHERE owner = ?1 "
                "AND (?2 = '' OR substr(path, 1, length(?2) + 1) = ?2 || '/') ORDER BY path",
                (owner, folder),
            ).fetchall()
        return [StoredFile(*row) for row in rows]

    def delete_files(self, owner: str, path: str) -> int:
        with self._database.write() as connection:
            return connection.execute(
                "DELETE FROM tracking_file WHERE owner = ?1 AND (?2 = '' OR path = ?2 "
                "OR substr(path, 1, length(?2) + 1) = ?2 || '/')",
                (owner, path),
            ).rowcount

    def put_logged_model(self, model: LoggedModel) -> None:
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO logged_model(id, run_id, experiment, doc) VALUES(?, ?, ?, ?) "
                "ON CONFLICT(id) DO UPDATE SET doc = excluded.doc",
                (model.id, model.run_id, model.experiment, model.model_dump_json()),
            )

    def get_logged_model(self, model: str) -> LoggedModel:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT doc FROM logged_model WHERE id = ?", (model,)
            ).fetchone()
        if row is None:
            raise _no_logged_model(model)
        return LoggedModel.model_validate_json(row[0])

    def logged_models(
        self, *, experiments: Collection[str] | None = None, run_id: str | None = None
    ) -> Sequence[LoggedModel]:
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT doc FROM logged_model WHERE (?1 IS NULL OR run_id = ?1) "
                "AND (?2 IS NULL OR experiment IN (SELECT value FROM json_each(?2))) ORDER BY id",
                (run_id, None if experiments is None else json_keys(experiments)),
            ).fetchall()
        return [LoggedModel.model_validate_json(doc) for (doc,) in rows]

    def delete_logged_model(self, model: str) -> None:
        with self._database.write() as connection:
            gone = connection.execute("DELETE FROM logged_model WHERE id = ?", (model,))
            if gone.rowcount == 0:
                raise _no_logged_model(model)
            for table in ("tracking_fact", "tracking_file"):
                connection.execute(f"DELETE FROM {table} WHERE owner = ?", (model,))  # noqa: S608

    def put_tracked(self, tracked: Tracked) -> None:
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO tracked_run(run_id, execution_id, heard_at) VALUES(?, ?, ?) "
                "ON CONFLICT(run_id) DO UPDATE SET execution_id = excluded.execution_id, "
                "heard_at = excluded.heard_at",
                (tracked.run_id, tracked.execution_id, tracked.heard_at),
            )

    def find_tracked(self, run_id: str) -> Tracked | None:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT run_id, execution_id, heard_at FROM tracked_run WHERE run_id = ?",
                (run_id,),
            ).fetchone()
        return None if row is None else Tracked(*row)

    def hear(self, run_id: str, at: datetime) -> None:
        with self._database.write(durable=False) as connection:
            connection.execute(
                "UPDATE tracked_run SET heard_at = ? WHERE run_id = ?", (at.timestamp(), run_id)
            )

    def silent_since(self, moment: datetime) -> Sequence[str]:
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT t.run_id FROM tracked_run t JOIN run r ON r.id = t.run_id "
                "WHERE r.state = 'RUNNING' AND t.heard_at < ? "
                "AND json_extract(r.doc, '$.kind') = 'tracked'",
                (moment.timestamp(),),
            ).fetchall()
        return [run_id for (run_id,) in rows]

    def search_runs(self, search: RunSearch) -> tuple[Sequence[Run], bool]:
        conditions, values = ["true"], list[object]()
        if search.experiments is not None:
            conditions.append("r.experiment IN (SELECT value FROM json_each(?))")
            values.append(json_keys(search.experiments))
        if search.archived is not None:
            conditions.append("r.archived = ?")
            values.append(search.archived)
        for comparison in search.conditions:
            condition, given = _condition(comparison)
            conditions.append(condition)
            values += given
        orders = []
        for ordering in search.order:
            expression, given = _expression(ordering)
            direction = "DESC" if ordering.is_descending else "ASC"
            orders.append(f"{expression} {direction} NULLS LAST")
            values += given
        orders += ["r.created_at DESC", "r.number DESC"]
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT r.doc FROM run r WHERE {' AND '.join(conditions)} "  # noqa: S608
                f"ORDER BY {', '.join(orders)} LIMIT ? OFFSET ?",
                (*values, search.limit + 1, search.offset),
            ).fetchall()
        runs = [Run.model_validate_json(doc) for (doc,) in rows[: search.limit]]
        return runs, len(rows) > search.limit

    def latest_points(self, run_ids: Collection[str]) -> Mapping[str, Sequence[Point]]:
        found: dict[str, list[Point]] = {run_id: [] for run_id in run_ids}
        with self._database.read() as connection:
            for run_id, name, value, position, logged_at in connection.execute(
                "SELECT r.id, m.name, m.value, m.position, coalesce(m.logged_at, r.created_at) "
                "FROM json_each(?) k CROSS JOIN run r ON r.id = k.value "
                "JOIN latest_metric m ON m.run = r.number",
                (json_keys(found),),
            ):
                found[run_id].append(Point(name, _or_nan(value), position, logged_at))
        return found

    def history(
        self, run_id: str, name: str, *, limit: int, after: int = 0
    ) -> tuple[Sequence[Point], int | None]:
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT pk, value, position, logged_at FROM metric WHERE "
                "run = (SELECT number FROM run WHERE id = ?) AND name = ? AND pk > ? "
                "ORDER BY pk LIMIT ?",
                (run_id, name, after, limit + 1),
            ).fetchall()
        points = [
            Point(name, _or_nan(value), position, logged_at)
            for _, value, position, logged_at in rows[:limit]
        ]
        return points, rows[limit - 1][0] if len(rows) > limit else None

    def find_experiment(self, title: str) -> Experiment | None:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT id FROM experiment WHERE lower(title) = lower(?1) OR name = ?1 "
                "ORDER BY title = ?1 DESC, lower(title) = lower(?1) DESC LIMIT 1",
                (title,),
            ).fetchone()
        return None if row is None else self.get_experiment(row[0])

    def rename_experiment(self, experiment: str, title: str) -> Experiment:
        with self._database.write() as connection:
            taken = connection.execute(
                "SELECT id FROM experiment WHERE lower(title) = lower(?) AND id != ?",
                (title, experiment),
            ).fetchone()
            if taken is not None:
                raise Conflict(
                    f"Cannot rename the experiment to {title!r}: another one has this name. "
                    "Choose another.",
                    exists=taken[0],
                )
            connection.execute("UPDATE experiment SET title = ? WHERE id = ?", (title, experiment))
        return self.get_experiment(experiment)

    def create_model(self, model: RegisteredModel) -> RegisteredModel:
        with self._database.write() as connection:
            made = connection.execute(
                "INSERT INTO model(name, description, created_at) VALUES(?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                (model.name, model.description, model.created_at.timestamp()),
            )
            if made.rowcount == 0:
                raise Conflict(
                    f"Cannot create model {model.name!r}: there is one of this name. Register a "
                    "version of it.",
                    exists=model.name,
                )
        return model

    def describe_version(self, model: str, version: int, description: str) -> ModelVersion:
        with self._database.write() as connection:
            row = connection.execute(
                "UPDATE model_version SET doc = json_set(doc, '$.description', ?3) "
                "WHERE model = ?1 AND version = ?2 RETURNING doc",
                (model, version, description),
            ).fetchone()
        if row is None:
            raise NotFound(f"Cannot find version {version} of model {model!r}: there is none.")
        return next(it for it in self.get_model(model).versions if it.version == version)


def forget_tracking(connection: Connection, run_id: str) -> None:
    """Forget what a run has told of itself; models of it that are registered keep their files."""
    models = connection.execute(
        "DELETE FROM logged_model WHERE run_id = ? AND coalesce(json_extract(doc, "
        "'$.artifact_id'), '') NOT IN (SELECT artifact_id FROM model_version) RETURNING id",
        (run_id,),
    ).fetchall()
    for owner in (run_id, *(model for (model,) in models)):
        connection.execute("DELETE FROM tracking_fact WHERE owner = ?", (owner,))
        connection.execute("DELETE FROM tracking_file WHERE owner = ?", (owner,))
    connection.execute("DELETE FROM tracked_run WHERE run_id = ?", (run_id,))


def _expression(of: Comparison | Ordering) -> tuple[str, list[object]]:
    """Return what is compared or sorted by, as SQL over a row `r` of runs, and its values."""
    if of.side == "attribute":
        return _ATTRIBUTES[of.key], []
    if of.side == "dataset":
        raise InvalidInput(
            f"Cannot look for runs by dataset.{of.key}: datasets are found in the lineage. Use "
            "metrics, params, tags or attributes."
        )
    expression = _SIDES[of.side]
    return expression, [of.key] * expression.count("?")


def _condition(comparison: Comparison) -> tuple[str, list[object]]:
    expression, values = _expression(comparison)
    operator, value = comparison.operator, comparison.value
    if operator in ("IS NULL", "IS NOT NULL"):
        return f"{expression} {operator}", values
    if operator in ("IN", "NOT IN"):
        listed = f"{expression} {operator} (SELECT value FROM json_each(?))"  # noqa: S608
        return listed, [*values, json.dumps(value)]
    if operator in ("LIKE", "ILIKE"):
        if operator == "ILIKE":
            return f"{expression} LIKE ?", [*values, value]
        return f"glob(?, {expression})", [_glob(str(value)), *values]
    if operator not in _PLAIN:
        raise InvalidInput(f"Cannot compare with {operator!r}.")
    return f"{expression} {operator} ?", [*values, value]


def _glob(pattern: str) -> str:
    """Spell a LIKE pattern for GLOB, for which the case of letters counts."""
    spelled = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
    return "".join(spelled.get(letter, letter) for letter in pattern)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _no_logged_model(model: str) -> NotFound:
    return NotFound(
        f"Cannot find logged model {model!r}: there is none of this id, or its run was deleted.",
        model=model,
    )
