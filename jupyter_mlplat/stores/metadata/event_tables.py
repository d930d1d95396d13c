"""The stream of events: numbered without gaps, read from any point."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from jupyter_mlplat.ports.metadata import NewEvent
from jupyter_mlplat.resources.engine import Event
from jupyter_mlplat.stores.metadata.connection import Connection
from jupyter_mlplat.stores.metadata.tables import Tables


def append_events(connection: Connection, events: Iterable[NewEvent]) -> tuple[Event, ...]:
    """Number and store events; the numbers go on from the newest one."""
    events = tuple(events)
    if not events:
        return ()
    now = datetime.now(UTC)
    last = last_event(connection)
    numbered = tuple(
        Event.model_construct(
            seq=seq, kind=event.kind, subject=event.subject, data=dict(event.data), time=now
        )
        for seq, event in enumerate(events, start=last + 1)
    )
    connection.executemany(
        "INSERT INTO event(seq, kind, subject, data, time) VALUES(?, ?, ?, ?, ?)",
        [
            (event.seq, event.kind, event.subject, json.dumps(event.data), now.timestamp())
            for event in numbered
        ],
    )
    return numbered


def last_event(connection: Connection) -> int:
    """Return the newest number. Pruning keeps that event, so no number is ever given twice."""
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0])


class EventTables(Tables):
    """What has changed, in order."""

    def events_after(self, seq: int, limit: int = 1000) -> Sequence[Event]:
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT seq, kind, subject, data, time FROM event WHERE seq > ? "
                "ORDER BY seq LIMIT ?",
                (seq, limit),
            ).fetchall()
        return tuple(
            Event(
                seq=number,
                kind=kind,
                subject=subject,
                data=json.loads(data),
                time=datetime.fromtimestamp(time, UTC),
            )
            for number, kind, subject, data, time in rows
        )

    def last_event(self) -> int:
        with self._database.read() as connection:
            return last_event(connection)

    def prune_events(self, keep: int) -> int:
        """Forget all but the newest `keep` events, at least one; returns how many went."""
        with self._database.write() as connection:
            done = connection.execute(
                "DELETE FROM event WHERE seq <= (SELECT max(seq) FROM event) - ?", (max(keep, 1),)
            )
            return done.rowcount
