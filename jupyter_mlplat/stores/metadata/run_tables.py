"""Runs, their tasks, outputs and metrics; the cache."""

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from jupyter_mlplat.errors import Conflict, NotFound
from jupyter_mlplat.kit import clock
from jupyter_mlplat.ports.metadata import (
    ALL_RUNS,
    NEWEST_FIRST,
    CacheEntry,
    NewEvent,
    PastTask,
    PointRow,
    RunFilter,
    RunOrder,
)
from jupyter_mlplat.ports.selecting import Selected, Selection
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.pipeline import Pipeline
from jupyter_mlplat.resources.run import (
    Metric,
    OutputValue,
    Run,
    RunFacets,
    RunState,
    RunSummary,
    Task,
    TaskState,
)
from jupyter_mlplat.resources.schedule import Firing
from jupyter_mlplat.stores.metadata.catalogue_tables import note_experiment
from jupyter_mlplat.stores.metadata.connection import Connection
from jupyter_mlplat.stores.metadata.event_tables import append_events
from jupyter_mlplat.stores.metadata.schedule_tables import put_firing, run_of_firing
from jupyter_mlplat.stores.metadata.selecting import Table, select
from jupyter_mlplat.stores.metadata.tables import Tables, json_array, json_keys
from jupyter_mlplat.stores.metadata.tracking_tables import forget_tracking

_OUTPUTS = TypeAdapter(tuple[OutputValue, ...])
FINAL_RUNS = [state.value for state in RunState if state.is_final]
_OWNED = (
    "run_pipeline",
    "run_tag",
    "submission",
    "task",
    "output",
    "metric",
    "latest_metric",
    "trial",
    "trial_metric",
)
_FACETS = 200  # of each: more than anybody looks through in a menu
_ORDERS = {
    "number": "r.number",
    "duration": "r.duration_s",
    "pipeline": "r.pipeline",
    "metric": "m.value",
}
_SELECTED = Table(
    source="run r",
    key="r.id",
    columns="r.doc",
    fields={
        "id": "r.id",
        "title": "r.title",
        "note": "coalesce(json_extract(r.doc, '$.note'), '')",
        "state": "r.state",
        "experiment": "r.experiment",
        "experiment_id": "coalesce((SELECT e.id FROM experiment e WHERE e.name = r.experiment), "
        "'')",
        "archived": "r.archived",
        "namespace": "''",
        "schedule": "coalesce((SELECT f.schedule FROM firing f WHERE f.run_id = r.id), '')",
        "created_at": "CAST(r.created_at AS INTEGER)",
        "finished_at": "CAST(coalesce(r.finished_at, 0) AS INTEGER)",
    },
)
_FINAL_TASKS = [state.value for state in TaskState if state.is_final]

_NEW_RUN = (
    "INSERT INTO run(state, pipeline, notebook, experiment, created_at, finished_at, doc, "
    "duration_s, words, title, archived, kind, id, number) "
    "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_CHANGED_RUN = (
    "UPDATE run SET state = ?, pipeline = ?, notebook = ?, experiment = ?, created_at = ?, "
    "finished_at = ?, doc = ?, duration_s = ?, words = ?, title = ?, archived = ?, "
    "kind = ? WHERE id = ?"
)
_NEW_TAG = "INSERT INTO run_tag(run, name, value) VALUES(?, ?, ?)"
_NEW_TASK = (
    "INSERT INTO task(state, cached, doc, is_step, run, name, position) VALUES(?, ?, ?, ?, ?, ?, ?)"
)
_CHANGED_TASK = (
    "UPDATE task SET state = ?, cached = ?, doc = ?, is_step = ? WHERE run = ? AND name = ?"
)

_BESIDE = {"tasks", "logged_parameters"}  # of a run, what is not in its document
_OF_TRACKED = {*_BESIDE, "parameters"}
_NEWER_METRIC = (
    "ON CONFLICT(run, name) DO UPDATE SET value = excluded.value, position = excluded.position, "
    "logged_at = excluded.logged_at"
)


class RunNumbers:
    """The numbers of runs by id, looked up once per transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, int] = {}

    def __getitem__(self, run_id: str) -> int:
        if run_id not in self._known:
            self._known[run_id] = _number(self._connection, run_id)
        return self._known[run_id]


def update_runs(connection: Connection, numbers: RunNumbers, runs: Sequence[Run]) -> None:
    """Write run rows with their tags, not their tasks."""
    for run in runs:
        number = numbers[run.id]
        note_experiment(connection, run.experiment, run.created_at)
        connection.execute(_CHANGED_RUN, _run_row(run))
        connection.execute("DELETE FROM run_tag WHERE run = ?", (number,))
        connection.executemany(_NEW_TAG, [(number, *tag) for tag in run.tags.items()])


def put_pipelines(
    connection: Connection,
    numbers: RunNumbers,
    pipelines: Sequence[tuple[str, Pipeline]],
) -> None:
    """Let runs go on with other pipelines: their steps are the runs' tasks from now on.

    Tasks and outputs of steps that are gone are dropped, new steps are added as PENDING.
    """
    for run_id, pipeline in pipelines:
        number = numbers[run_id]
        connection.execute(
            "UPDATE run_pipeline SET doc = ? WHERE run = ?",
            (pipeline.model_dump_json(by_alias=True), number),
        )
        steps = json_keys(step.name for step in pipeline.steps)
        for table, column in (("task", "name"), ("output", "step")):
            connection.execute(
                f"DELETE FROM {table} WHERE run = ? "  # noqa: S608
                f"AND {column} NOT IN (SELECT value FROM json_each(?))",
                (number, steps),
            )
        for position, step in enumerate(pipeline.steps):
            fresh = Task(name=step.name, title=step.title, state=TaskState.PENDING)
            connection.execute(
                _NEW_TASK + " ON CONFLICT(run, name) DO UPDATE SET position = excluded.position",
                (*_task_row(fresh), number, step.name, position),
            )


def put_tasks(
    connection: Connection, numbers: RunNumbers, tasks: Sequence[tuple[str, Task]]
) -> None:
    """Write tasks; one the run does not have yet is added behind the others."""
    last: dict[int, int] = {}  # looked for once: a loop may add thousands
    for run_id, task in tasks:
        row, number = _task_row(task), numbers[run_id]
        if connection.execute(_CHANGED_TASK, (*row, number, task.name)).rowcount == 0:
            if number not in last:
                (last[number],) = connection.execute(
                    "SELECT coalesce(max(position), -1) FROM task WHERE run = ?", (number,)
                ).fetchone()
            last[number] += 1
            connection.execute(_NEW_TASK, (*row, number, task.name, last[number]))


def drop_tasks(
    connection: Connection, numbers: RunNumbers, dropped: Sequence[tuple[str, str]]
) -> None:
    """Forget tasks, with what they saved."""
    rows = [(numbers[run_id], name) for run_id, name in dropped]
    connection.executemany("DELETE FROM task WHERE run = ? AND name = ?", rows)
    connection.executemany("DELETE FROM output WHERE run = ? AND step = ?", rows)


def put_outputs(
    connection: Connection, numbers: RunNumbers, outputs: Sequence[tuple[str, OutputValue]]
) -> None:
    """Write outputs; a step's output of the same name is replaced."""
    connection.executemany(
        "INSERT INTO output(run, step, name, doc) VALUES(?, ?, ?, ?) "
        "ON CONFLICT(run, step, name) DO UPDATE SET doc = excluded.doc",
        [
            (numbers[run_id], output.step, output.name, output.model_dump_json())
            for run_id, output in outputs
        ],
    )


def add_metrics(
    connection: Connection, numbers: RunNumbers, metrics: Sequence[tuple[str, Metric]]
) -> None:
    """Write what steps have logged; the last value of each name is the run's."""
    connection.executemany(
        "INSERT INTO metric(run, step, name, value, position, logged_at) VALUES(?, ?, ?, ?, ?, ?)",
        [
            (
                numbers[run_id],
                metric.step,
                metric.name,
                metric.value,
                metric.position,
                metric.logged_at.timestamp(),
            )
            for run_id, metric in metrics
        ],
    )
    last = {(numbers[run_id], metric.name): metric for run_id, metric in metrics}
    connection.executemany(
        "INSERT INTO latest_metric(run, name, value, position, logged_at) VALUES(?, ?, ?, ?, ?) "
        + _NEWER_METRIC,
        [
            (*key, metric.value, metric.position, metric.logged_at.timestamp())
            for key, metric in last.items()
        ],
    )


def forget_metrics(
    connection: Connection, numbers: RunNumbers, steps: Sequence[tuple[str, str]]
) -> None:
    """Forget what steps have logged: a curve is that of one attempt."""
    for run_id, step in steps:
        number = numbers[run_id]
        gone = connection.execute(
            "DELETE FROM metric WHERE run = ? AND step = ? RETURNING name", (number, step)
        ).fetchall()
        for name in {name for (name,) in gone}:
            connection.execute(
                "DELETE FROM latest_metric WHERE run = ? AND name = ?", (number, name)
            )
            connection.execute(
                "INSERT INTO latest_metric(run, name, value, position, logged_at) "
                "SELECT run, name, value, position, logged_at FROM metric "
                "WHERE run = ? AND name = ? ORDER BY pk DESC LIMIT 1",
                (number, name),
            )


def copy_metrics(
    connection: Connection,
    numbers: RunNumbers,
    copies: Sequence[tuple[str, str, str, str]],
) -> None:
    """Give steps the curves of steps that they are taken to have run as."""
    for run_id, step, from_run, from_step in copies:
        given = (numbers[run_id], step, from_run, from_step)
        connection.execute(
            "INSERT INTO metric(run, step, name, value, position, logged_at) "
            "SELECT ?1, ?2, name, value, position, logged_at FROM metric "
            "WHERE run = (SELECT number FROM run WHERE id = ?3) AND step = ?4 ORDER BY pk",
            given,
        )
        connection.execute(
            "INSERT INTO latest_metric(run, name, value, position, logged_at) "  # noqa: S608
            "SELECT run, name, value, position, logged_at FROM metric WHERE pk IN "
            "(SELECT max(pk) FROM metric WHERE run = ?1 AND step = ?2 GROUP BY name) "
            + _NEWER_METRIC,
            given[:2],
        )


def put_cache_entries(connection: Connection, entries: Sequence[CacheEntry]) -> None:
    """Write cache entries; one of the same key is replaced and becomes the newest."""
    for entry in entries:
        connection.execute("DELETE FROM cache_entry WHERE key = ?", (entry.key,))
        connection.execute(
            "INSERT INTO cache_entry(key, pipeline, step, run_id, doc) VALUES(?, ?, ?, ?, ?)",
            (
                entry.key,
                entry.pipeline,
                entry.step,
                entry.run_id,
                json.dumps(
                    {
                        "run_number": entry.run_number,
                        "bundle": entry.bundle,
                        "parts": dict(entry.parts),
                        "result": dict(entry.result),
                    }
                ),
            ),
        )


class RunTables(Tables):
    """What ran, and how it went."""

    def create_run(
        self,
        run: Run,
        pipeline: Pipeline,
        idempotency_key: str | None,
        request_digest: str,
        events: Iterable[NewEvent],
        firing: Firing | None = None,
    ) -> tuple[Run, bool]:
        return self._database.write_shared(
            lambda connection: _create_run(
                connection, run, pipeline, idempotency_key, request_digest, events, firing
            )
        )

    def get_run(self, run: str) -> Run:
        with self._database.read() as connection:
            return _run(connection, _resolved(connection, run))

    def unfinished_runs(self) -> Sequence[Run]:
        """Return the runs that go on, oldest first."""
        with self._database.read() as connection:
            numbers = connection.execute(
                "SELECT number FROM run WHERE state NOT IN (SELECT value FROM json_each(?)) "
                "ORDER BY number",
                (json_keys(FINAL_RUNS),),
            ).fetchall()
            return tuple(_run(connection, number) for (number,) in numbers)

    def list_runs(
        self,
        where: RunFilter = ALL_RUNS,
        order: RunOrder = NEWEST_FIRST,
        *,
        limit: int,
        before: int | None = None,
        offset: int = 0,
    ) -> Sequence[RunSummary]:
        """Return a page of runs."""
        condition, values = _condition(where, before)
        joined = order.by == "metric"
        join = "LEFT JOIN latest_metric m ON m.run = r.number AND m.name = ?" if joined else ""
        direction = "DESC" if order.is_descending else "ASC"
        with self._database.read() as connection:
            # Numbers first: whole documents would be carried through the sorting of all runs.
            numbers = connection.execute(
                f"SELECT r.number FROM run r {join} WHERE {condition} "  # noqa: S608
                f"ORDER BY {_ORDERS[order.by]} {direction} NULLS LAST, r.number DESC "
                "LIMIT ? OFFSET ?",
                (*([order.metric] if joined else []), *values, limit, offset),
            ).fetchall()
            rows = connection.execute(
                "SELECT r.number, r.doc FROM json_each(?) k CROSS JOIN run r "
                "ON r.number = CAST(k.value AS INTEGER) ORDER BY k.key",
                (json_keys(number for (number,) in numbers),),
            ).fetchall()
            return _summaries(connection, rows)

    def select_runs(self, selection: Selection) -> Selected[Run]:
        """Return a page of runs by what is asked of their fields; without their tasks."""
        with self._database.read() as connection:
            rows, total, following = select(connection, _SELECTED, selection)
        return Selected([Run.model_validate_json(str(doc)) for (doc,) in rows], total, following)

    def ir_of(self, run_ids: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
        """Return the KFP pipelines of those runs that were made from one."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT r.id, json_extract(p.doc, '$.ir') FROM json_each(?) k "
                "CROSS JOIN run r ON r.id = k.value JOIN run_pipeline p ON p.run = r.number "
                "WHERE json_extract(p.doc, '$.ir') IS NOT NULL",
                (json_keys(run_ids),),
            ).fetchall()
        return {run_id: json.loads(ir) for run_id, ir in rows}

    def count_runs(self, where: RunFilter = ALL_RUNS) -> int:
        condition, values = _condition(where)
        with self._database.read() as connection:
            (count,) = connection.execute(
                f"SELECT count(*) FROM run r WHERE {condition}",  # noqa: S608
                values,
            ).fetchone()
        return int(count)

    def summary_of(self, run_id: str) -> RunSummary:
        with self._database.read() as connection:
            row = connection.execute("SELECT number, doc FROM run WHERE id = ?", (run_id,))
            if (found := row.fetchone()) is None:
                raise _no_run(run_id)
            return _summaries(connection, [found])[0]

    def run_facets(self) -> RunFacets:
        """Return what runs can be told apart by, the most frequent first."""
        with self._database.read() as connection:
            experiments = connection.execute(
                "SELECT experiment FROM run GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT ?",
                (_FACETS,),
            ).fetchall()
            metrics = connection.execute(
                "SELECT name FROM latest_metric GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT ?",
                (_FACETS,),
            ).fetchall()
            tags: dict[str, tuple[str, ...]] = {}
            for name, value in connection.execute(
                "SELECT name, value FROM run_tag GROUP BY 1, 2 ORDER BY count(*) DESC, 1, 2 "
                "LIMIT ?",
                (_FACETS,),
            ):
                tags[name] = (*tags.get(name, ()), value)
        return RunFacets(
            experiments=tuple(name for (name,) in experiments),
            tags=tags,
            metrics=tuple(name for (name,) in metrics),
        )

    def pipeline_of(self, run_id: str) -> Pipeline:
        with self._database.read() as connection:
            (doc,) = connection.execute(
                "SELECT doc FROM run_pipeline WHERE run = ?", (_number(connection, run_id),)
            ).fetchone()
        return Pipeline.model_validate_json(doc)

    def delete_run(self, run_id: str) -> None:
        """Forget a run, its tasks, values and cache entries; lineage facts stay for `collect`."""
        with self._database.write() as connection:
            delete_runs(connection, [run_id])

    def outputs_of(self, run_id: str) -> Sequence[OutputValue]:
        """Return what the run's steps saved, in the order of the steps."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT o.doc FROM output o LEFT JOIN task t ON t.run = o.run AND t.name = o.step "
                "WHERE o.run = ? ORDER BY t.position, o.name",
                (_number(connection, run_id),),
            ).fetchall()
        return _OUTPUTS.validate_json(json_array(doc for (doc,) in rows))

    def metrics_of(self, run_id: str) -> Sequence[Metric]:
        """Return every logged value in the order it was logged."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT step, name, value, position, logged_at FROM metric WHERE run = ? "
                "ORDER BY pk",
                (_number(connection, run_id),),
            ).fetchall()
        return tuple(
            Metric(
                step=step,
                name=name,
                value=_number_or_nan(value),
                position=position,
                logged_at=clock.from_unix(logged_at),
            )
            for step, name, value, position, logged_at in rows
        )

    def count_metrics(self, run_id: str, step: str) -> int:
        with self._database.read() as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM metric WHERE run = ? AND step = ?",
                (_number(connection, run_id), step),
            ).fetchone()
        return int(count)

    def points_after(self, run_id: str, after: int) -> tuple[int, Sequence[PointRow]]:
        with self._database.read() as connection:
            number = _number(connection, run_id)
            (count,) = connection.execute(
                "SELECT count(*) FROM metric WHERE run = ?", (number,)
            ).fetchone()
            rows = connection.execute(
                "SELECT pk, step, name, value, position, logged_at FROM metric "
                "WHERE run = ? AND pk > ? ORDER BY pk",
                (number, after),
            ).fetchall()
        return int(count), rows

    def find_cached(self, key: str) -> CacheEntry | None:
        return self._cached("key = ?", key)

    def last_cached(self, pipeline: str, step: str) -> CacheEntry | None:
        return self._cached("pipeline = ? AND step = ?", pipeline, step)

    def last_successes(self, notebook: str, among: int = 100) -> Mapping[str, PastTask]:
        """Return the newest success of each step, and how long it took when it last ran."""
        newest = (
            "SELECT name, run, doc FROM (SELECT t.name, t.run, t.doc, "
            "row_number() OVER (PARTITION BY t.name ORDER BY t.run DESC) AS place "
            "FROM (SELECT number FROM run WHERE notebook = ? ORDER BY number DESC LIMIT ?) r "
            "JOIN task t ON t.run = r.number WHERE t.state = 'SUCCEEDED' "
            "AND CAST(coalesce(json_extract(t.doc, '$.cache.stale'), '0') AS INTEGER) = 0 {}) "
            "found WHERE place = 1"
        )
        with self._database.read() as connection:
            tasks, ran = (
                connection.execute(newest.format(condition), (notebook, among)).fetchall()
                for condition in ("", "AND t.cached = 0")
            )
            runs = {
                number: Run.model_validate_json(doc)
                for number, doc in connection.execute(
                    "SELECT number, doc FROM run "
                    "WHERE number IN (SELECT CAST(value AS INTEGER) FROM json_each(?))",
                    (json_keys({number for _, number, _ in tasks}),),
                )
            }
        durations = {name: Task.model_validate_json(doc).duration_s for name, _, doc in ran}
        return {
            name: PastTask(runs[number], Task.model_validate_json(doc), durations.get(name))
            for name, number, doc in tasks
        }

    def forget_cached(self, run_id: str, steps: Collection[str]) -> None:
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM cache_entry WHERE run_id = ? "
                "AND step IN (SELECT value FROM json_each(?))",
                (run_id, json_keys(steps)),
            )

    def _cached(self, condition: str, *values: str) -> CacheEntry | None:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT key, pipeline, step, run_id, doc FROM cache_entry "  # noqa: S608
                f"WHERE {condition} ORDER BY pk DESC LIMIT 1",
                values,
            ).fetchone()
        return None if row is None else CacheEntry(*row[:4], **json.loads(row[4]))


def _create_run(
    connection: Connection,
    run: Run,
    pipeline: Pipeline,
    idempotency_key: str | None,
    request_digest: str,
    events: Iterable[NewEvent],
    firing: Firing | None,
) -> tuple[Run, bool]:
    if firing is not None and (begun := run_of_firing(connection, firing)) is not None:
        return _run(connection, _number(connection, begun)), False
    if idempotency_key is not None:
        earlier = _submitted(connection, idempotency_key, request_digest)
        if earlier is not None:
            return earlier, False
    (number,) = connection.execute(
        "UPDATE store SET last_run = last_run + 1 RETURNING last_run"
    ).fetchone()
    numbered = run.model_copy(update={"number": number})
    connection.execute(_NEW_RUN, (*_run_row(numbered), number))
    note_experiment(connection, run.experiment, run.created_at)
    connection.executemany(_NEW_TAG, [(number, *tag) for tag in run.tags.items()])
    connection.executemany(
        _NEW_TASK,
        [
            (*_task_row(task), number, task.name, position)
            for position, task in enumerate(run.tasks)
        ],
    )
    connection.execute(
        "INSERT INTO run_pipeline(run, doc) VALUES(?, ?)",
        (number, pipeline.model_dump_json(by_alias=True)),
    )
    if idempotency_key is not None:
        connection.execute(
            "INSERT INTO submission(key, digest, run) VALUES(?, ?, ?)",
            (idempotency_key, request_digest, number),
        )
    if firing is not None:
        put_firing(connection, firing.model_copy(update={"run_id": run.id, "run_number": number}))
    append_events(connection, events)
    return numbered, True


def delete_runs(connection: Connection, run_ids: Iterable[str]) -> None:
    """Forget runs with everything that is theirs alone."""
    for run_id in run_ids:
        number = _number(connection, run_id)
        connection.execute("DELETE FROM cache_entry WHERE run_id = ?", (run_id,))
        forget_tracking(connection, run_id)
        connection.execute("DELETE FROM run WHERE number = ?", (number,))
        for table in _OWNED:
            connection.execute(f"DELETE FROM {table} WHERE run = ?", (number,))  # noqa: S608


def _run_row(run: Run) -> tuple[object, ...]:
    return (
        run.state.value,
        run.pipeline,
        run.notebook,
        run.experiment,
        run.created_at.timestamp(),
        None if run.finished_at is None else run.finished_at.timestamp(),
        run.model_dump_json(exclude=_OF_TRACKED if run.kind == "tracked" else _BESIDE),
        run.duration_s,
        _words(run),
        run.title or run.pipeline,
        run.archived,
        run.kind,
        run.id,
    )


def _words(run: Run) -> str:
    """Return all that a search for text looks at."""
    tags = (f"{name}={value}" for name, value in run.tags.items())
    named = (run.id, run.pipeline, run.title, run.notebook or "", run.experiment)
    parts = (*named, run.note, *tags)
    return "\n".join(parts).lower()


def _condition(where: RunFilter, before: int | None = None) -> tuple[str, list[object]]:
    """Return what a row `r` of the table `run` has to fulfil, as SQL and its values."""
    conditions, values = ["true"], list[object]()

    def add(condition: str, *given: object) -> None:
        conditions.append(condition)
        values.extend(given)

    if before is not None:
        add("r.number < ?", before)
    if where.states:
        add("r.state IN (SELECT value FROM json_each(?))", json_keys(where.states))
    if where.notebook is not None:
        add("r.notebook = ?", where.notebook)
    if where.experiment is not None:
        add("r.experiment = ?", where.experiment)
    if where.kinds:
        add("r.kind IN (SELECT value FROM json_each(?))", json_keys(where.kinds))
    if where.archived is not None:
        add("r.archived = ?", where.archived)
    for name, value in where.tags.items():
        tagged = "r.number IN (SELECT run FROM run_tag WHERE name = ?{})"
        if value is None:
            add(tagged.format(""), name)
        else:
            add(tagged.format(" AND value = ?"), name, value)
    if where.text:
        add("instr(r.words, ?) > 0", where.text.lower())
    return " AND ".join(conditions), values


def _task_row(task: Task) -> tuple[object, ...]:
    return task.state.value, task.cached, task.model_dump_json(), task.kind == "step"


def _number(connection: Connection, run_id: str) -> int:
    row = connection.execute("SELECT number FROM run WHERE id = ?", (run_id,)).fetchone()
    if row is None:
        raise _no_run(run_id)
    return int(row[0])


def _resolved(connection: Connection, run: str) -> int:
    if run == "latest":
        row = connection.execute("SELECT max(number) FROM run").fetchone()
    elif run.isascii() and run.isdigit() and len(run) <= 18:  # a larger one would overflow SQLite
        row = connection.execute("SELECT number FROM run WHERE number = ?", (int(run),)).fetchone()
    else:
        return _number(connection, run)
    if row is None or row[0] is None:
        raise _no_run(run)
    return int(row[0])


def _run(connection: Connection, number: int) -> Run:
    (doc,) = connection.execute("SELECT doc FROM run WHERE number = ?", (number,)).fetchone()
    tasks = connection.execute(
        "SELECT doc FROM task WHERE run = ? ORDER BY position", (number,)
    ).fetchall()
    run = Run.model_validate_json(
        doc[:-1] + ',"tasks":' + json_array(task for (task,) in tasks) + "}"
    )
    logged: dict[str, JsonValue] = dict(
        connection.execute(
            "SELECT name, value FROM tracking_fact WHERE owner = ? AND kind = 'param'", (run.id,)
        ).fetchall()
    )
    if not logged:
        return run
    field = "parameters" if run.kind == "tracked" else "logged_parameters"
    return run.model_copy(update={field: logged})


def _submitted(connection: Connection, key: str, digest: str) -> Run | None:
    row = connection.execute("SELECT digest, run FROM submission WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    if row[0] != digest:
        raise Conflict(
            f"Cannot submit with idempotency key {key!r}: run {row[1]} was submitted with this key "
            "and another request. Use a new key for a new request.",
            idempotency_key=key,
            run_number=row[1],
        )
    return _run(connection, row[1])


def _summaries(connection: Connection, rows: Sequence[tuple[int, str]]) -> tuple[RunSummary, ...]:
    listed = json_keys(number for number, _ in rows)
    counts = {
        number: facts
        for number, *facts in connection.execute(
            "SELECT t.run, count(*), count(CASE WHEN t.state IN "
            "(SELECT value FROM json_each(?2)) THEN 1 END), "
            "sum(t.cached), min(CASE WHEN t.state = 'FAILED' THEN t.position END) "
            "FROM json_each(?1) k CROSS JOIN task t "
            "ON t.run = CAST(k.value AS INTEGER) AND t.is_step = 1 "
            "GROUP BY t.run",
            (listed, json_keys(_FINAL_TASKS)),
        )
    }
    metrics: dict[int, dict[str, float]] = {}
    for number, name, value in connection.execute(
        "SELECT m.run, m.name, m.value FROM json_each(?) k "
        "CROSS JOIN latest_metric m ON m.run = CAST(k.value AS INTEGER)",
        (listed,),
    ):
        if value is not None and math.isfinite(value):  # JSON has no other
            metrics.setdefault(number, {})[name] = value
    summaries = []
    for number, doc in rows:
        total, done, cached, failed = counts.get(number, (0, 0, 0, None))
        failed_step = None if failed is None else _task_at(connection, number, failed)
        facts: Mapping[str, object] = {
            "tasks_total": total,
            "tasks_done": done,
            "tasks_cached": cached,
            "failed_step": failed_step,
            "metrics": metrics.get(number, {}),
        }
        summaries.append(RunSummary.model_validate(json.loads(doc) | facts))
    return tuple(summaries)


def _task_at(connection: Connection, number: int, position: int) -> str:
    (name,) = connection.execute(
        "SELECT name FROM task WHERE run = ? AND position = ?", (number, position)
    ).fetchone()
    return str(name)


def _number_or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _no_run(run: str) -> NotFound:
    return NotFound(
        f"Cannot find run {run!r}: there is none of this id or number, or it was deleted. List the "
        "runs to see which there are.",
        run=run,
    )
