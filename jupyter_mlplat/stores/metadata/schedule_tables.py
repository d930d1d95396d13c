"""Schedules, and what became of each of their planned times."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from jupyter_mlplat.errors import Conflict, NotFound
from jupyter_mlplat.ports.metadata import NewEvent
from jupyter_mlplat.ports.selecting import Selected, Selection
from jupyter_mlplat.resources.schedule import Firing, FiringState, Schedule
from jupyter_mlplat.stores.metadata.connection import Connection
from jupyter_mlplat.stores.metadata.event_tables import append_events
from jupyter_mlplat.stores.metadata.selecting import Table, select
from jupyter_mlplat.stores.metadata.tables import ALL, Tables, json_keys

_SECONDS = "CAST(strftime('%s', json_extract(s.doc, '$.{}')) AS INTEGER)"
_SCHEDULES = Table(
    source="schedule s",
    key="s.id",
    columns="s.doc",
    fields={
        "id": "s.id",
        "name": "s.name",
        "title": "coalesce(nullif(json_extract(s.doc, '$.work.title'), ''), s.name)",
        "description": "coalesce(nullif(json_extract(s.doc, '$.work.note'), ''), "
        "json_extract(s.doc, '$.note'))",
        "created_at": _SECONDS.format("created_at"),
        "updated_at": _SECONDS.format("updated_at"),
        "experiment_id": "coalesce((SELECT e.id FROM experiment e WHERE e.name = "
        "json_extract(s.doc, '$.work.experiment')), '')",
    },
)


class ScheduleTables(Tables):
    """What is planned. The state is the timekeeper's own; kept as JSON."""

    def create_schedule(
        self, schedule: Schedule, state: Mapping[str, Any], events: Iterable[NewEvent] = ()
    ) -> None:
        with self._database.write() as connection:
            taken = connection.execute("SELECT 1 FROM schedule WHERE name = ?", (schedule.name,))
            if taken.fetchone() is not None:
                raise Conflict(
                    f"Cannot create schedule {schedule.name!r}: there is one of this name. Choose "
                    "another name, or change that one.",
                    schedule=schedule.name,
                )
            connection.execute(
                "INSERT INTO schedule(id, name, doc, state) VALUES(?, ?, ?, ?)",
                (
                    schedule.id,
                    schedule.name,
                    schedule.model_dump_json(by_alias=True),
                    json.dumps(dict(state)),
                ),
            )
            append_events(connection, events)

    def save_schedule(self, schedule: Schedule, events: Iterable[NewEvent] = ()) -> None:
        with self._database.write() as connection:
            done = connection.execute(
                "UPDATE schedule SET doc = ? WHERE id = ?",
                (schedule.model_dump_json(by_alias=True), schedule.id),
            )
            if done.rowcount == 0:
                raise _no_schedule(schedule.name)
            append_events(connection, events)

    def get_schedule(self, schedule: str) -> tuple[Schedule, Mapping[str, Any]]:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT doc, state FROM schedule WHERE name = ?1 OR id = ?1", (schedule,)
            ).fetchone()
        if row is None:
            raise _no_schedule(schedule)
        return Schedule.model_validate_json(row[0]), json.loads(row[1])

    def list_schedules(self) -> Sequence[tuple[Schedule, Mapping[str, Any]]]:
        """Return all schedules by name."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT doc, state FROM schedule ORDER BY name").fetchall()
        return tuple((Schedule.model_validate_json(doc), json.loads(kept)) for doc, kept in rows)

    def select_schedules(self, selection: Selection) -> Selected[Schedule]:
        """Return a page of schedules by what is asked of their fields."""
        with self._database.read() as connection:
            rows, total, following = select(connection, _SCHEDULES, selection)
        found = [Schedule.model_validate_json(str(doc)) for (doc,) in rows]
        return Selected(found, total, following)

    def delete_schedule(self, schedule_id: str, events: Iterable[NewEvent] = ()) -> None:
        with self._database.write() as connection:
            done = connection.execute("DELETE FROM schedule WHERE id = ?", (schedule_id,))
            if done.rowcount == 0:
                raise _no_schedule(schedule_id)
            connection.execute("DELETE FROM firing WHERE schedule = ?", (schedule_id,))
            append_events(connection, events)

    def record_firings(
        self,
        schedule_id: str,
        firings: Sequence[Firing],
        state: Mapping[str, Any] | None = None,
        events: Iterable[NewEvent] = (),
    ) -> None:
        with self._database.write() as connection:
            for firing in firings:
                put_firing(connection, firing)
            if state is not None:
                connection.execute(
                    "UPDATE schedule SET state = ? WHERE id = ?",
                    (json.dumps(dict(state)), schedule_id),
                )
            append_events(connection, events)

    def list_firings(
        self, schedule_id: str, *, limit: int, before: int | None = None
    ) -> Sequence[tuple[int, Firing]]:
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT pk, doc FROM firing WHERE schedule = ? AND pk < ? ORDER BY pk DESC LIMIT ?",
                (schedule_id, 2**62 if before is None else before, limit),
            ).fetchall()
        return tuple((number, Firing.model_validate_json(doc)) for number, doc in rows)

    def find_firings(self, schedule_id: str, keys: Collection[str]) -> Sequence[Firing]:
        return self._firings(
            "schedule = ? AND key IN (SELECT value FROM json_each(?)) ORDER BY pk",
            schedule_id,
            json_keys(keys),
        )

    def open_firings(self) -> Sequence[Firing]:
        return self._firings("is_open = 1 ORDER BY pk")

    def firing_of_run(self, run_id: str) -> Firing | None:
        return next(iter(self._firings("run_id = ?", run_id)), None)

    def firings_beyond(self, schedule_id: str, newest: int) -> Sequence[Firing]:
        condition = "schedule = ? AND run_id IS NOT NULL ORDER BY pk DESC LIMIT ? OFFSET ?"
        return self._firings(condition, schedule_id, ALL, newest)

    def oldest_firings(self, schedule_id: str, limit: int) -> Sequence[Firing]:
        condition = "schedule = ? AND run_id IS NOT NULL ORDER BY pk LIMIT ?"
        return self._firings(condition, schedule_id, limit)

    def count_firings(self, schedule_id: str) -> int:
        with self._database.read() as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM firing WHERE schedule = ? "
                "AND state NOT IN ('QUEUED', 'SKIPPED', 'MISSED')",
                (schedule_id,),
            ).fetchone()
        return int(count)

    def last_success(self, schedule_id: str) -> Firing | None:
        found = self._firings(
            "schedule = ? AND state = 'SUCCEEDED' ORDER BY pk DESC LIMIT 1", schedule_id
        )
        return next(iter(found), None)

    def prune_firings(self, schedule_id: str, keep: int) -> None:
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM firing WHERE schedule = ?1 AND is_open = 0 AND pk < (SELECT pk FROM "
                "firing WHERE schedule = ?1 ORDER BY pk DESC LIMIT 1 OFFSET ?2)",
                (schedule_id, max(keep - 1, 0)),
            )

    def _firings(self, condition: str, *values: object) -> Sequence[Firing]:
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT doc FROM firing WHERE {condition}",  # noqa: S608
                values,
            ).fetchall()
        return tuple(Firing.model_validate_json(doc) for (doc,) in rows)


def put_firing(connection: Connection, firing: Firing) -> None:
    """Write a firing; one of the same planned time and row is replaced."""
    connection.execute(
        "INSERT INTO firing(schedule, key, row, state, is_open, run_id, doc) "
        "VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT(schedule, key, row) DO UPDATE SET "
        "state = excluded.state, is_open = excluded.is_open, run_id = excluded.run_id, "
        "doc = excluded.doc",
        (
            firing.schedule_id,
            firing.key,
            firing.row,
            firing.state.value,
            not firing.state.is_final or "" in firing.notified.values(),
            firing.run_id,
            firing.model_dump_json(),
        ),
    )


def run_of_firing(connection: Connection, firing: Firing) -> str | None:
    """Return the run a firing has come to; None: it may come to one now.

    Raises:
        Conflict: Something else has become of it, or its schedule is gone.
    """
    row = connection.execute(
        "SELECT state, run_id FROM firing WHERE schedule = ? AND key = ? AND row = ?",
        (firing.schedule_id, firing.key, firing.row),
    ).fetchone()
    if row is not None and row[1] is not None:
        return str(row[1])
    if row is None or row[0] != FiringState.QUEUED:
        found = "it is gone" if row is None else f"it is {row[0]}"
        raise Conflict(
            f"Cannot begin what schedule {firing.schedule!r} planned for {firing.key}: {found}."
        )
    return None


def _no_schedule(name: str) -> NotFound:
    return NotFound(
        f"Cannot find schedule {name!r}: none has this name. List the schedules to see which there "
        "are.",
        schedule=name,
    )
