"""Trials of tuning jobs, and what they told of their metrics."""

from collections.abc import Collection, Mapping, Sequence

from pydantic import TypeAdapter

from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.kit import clock
from jupyter_mlplat.ports.metadata import BY_NUMBER, NewReport, TrialOrder
from jupyter_mlplat.resources.tuning import Trial, TrialReport, TrialState
from jupyter_mlplat.stores.metadata.connection import Connection
from jupyter_mlplat.stores.metadata.run_tables import RunNumbers
from jupyter_mlplat.stores.metadata.tables import ALL, Tables, json_array, json_keys

_TRIALS = TypeAdapter(tuple[Trial, ...])
_OF_STEP = "run = (SELECT number FROM run WHERE id = ?) AND step = ?"
_REPORTS = (
    "SELECT number, name, value, position, reported_at FROM trial_metric "  # noqa: S608
    f"WHERE {_OF_STEP}"
)
_COLUMNS = {"number": "number", "value": "value", "duration": "duration_s"}


def put_trials(
    connection: Connection, numbers: RunNumbers, trials: Sequence[tuple[str, str, Trial]]
) -> None:
    """Write trials as they are now."""
    connection.executemany(
        "INSERT INTO trial(run, step, number, state, value, duration_s, doc) "
        "VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT(run, step, number) DO UPDATE SET "
        "state = excluded.state, value = excluded.value, duration_s = excluded.duration_s, "
        "doc = excluded.doc",
        [
            (
                numbers[run_id],
                step,
                trial.number,
                trial.state.value,
                trial.value,
                trial.duration_s,
                trial.model_dump_json(),
            )
            for run_id, step, trial in trials
        ],
    )


def add_reports(connection: Connection, numbers: RunNumbers, reports: Sequence[NewReport]) -> None:
    """Write what trials have told; what is known by its mark stays."""
    connection.executemany(
        "INSERT INTO trial_metric(run, step, number, mark, name, value, position, "
        "reported_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            (
                numbers[new.run],
                new.step,
                new.trial,
                new.mark,
                new.report.name,
                new.report.value,
                new.report.position,
                new.report.reported_at.timestamp(),
            )
            for new in reports
        ],
    )


class TrialTables(Tables):
    """What was tried, and what came out."""

    def trials_of(
        self,
        run_id: str,
        step: str,
        states: Collection[TrialState] = (),
        order: TrialOrder = BY_NUMBER,
        *,
        limit: int | None = None,
        offset: int = 0,
    ) -> Sequence[Trial]:
        chosen = "AND state IN (SELECT value FROM json_each(?))" if states else ""
        direction = "DESC" if order.is_descending else "ASC"
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT doc FROM trial WHERE {_OF_STEP} {chosen} "  # noqa: S608
                f"ORDER BY {_COLUMNS[order.by]} {direction} NULLS LAST, number "
                "LIMIT ? OFFSET ?",
                (
                    run_id,
                    step,
                    *([json_keys(states)] if states else []),
                    ALL if limit is None else limit,
                    offset,
                ),
            ).fetchall()
        return _TRIALS.validate_json(json_array(doc for (doc,) in rows))

    def count_trials(self, run_id: str, step: str) -> Mapping[TrialState, int]:
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT state, count(*) FROM trial WHERE {_OF_STEP} GROUP BY state",  # noqa: S608
                (run_id, step),
            ).fetchall()
        return {TrialState(state): count for state, count in rows}

    def get_trial(self, run_id: str, step: str, number: int) -> Trial:
        with self._database.read() as connection:
            row = connection.execute(
                f"SELECT doc FROM trial WHERE {_OF_STEP} AND number = ?",  # noqa: S608
                (run_id, step, number),
            ).fetchone()
        if row is None:
            raise NotFound(
                f"Cannot find trial {number} of step {step!r}: it has not been made. List the "
                "trials to see which there are.",
                run=run_id,
                trial=number,
            )
        return Trial.model_validate_json(row[0])

    def reports_of_trial(self, run_id: str, step: str, number: int) -> Sequence[TrialReport]:
        """Return what a trial told, in its order."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"{_REPORTS} AND number = ? ORDER BY mark", (run_id, step, number)
            ).fetchall()
        return tuple(_report(row) for row in rows)

    def reports_of_metric(
        self, run_id: str, step: str, name: str
    ) -> Mapping[int, Sequence[TrialReport]]:
        """Return what all trials told of one metric, by their numbers."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"{_REPORTS} AND name = ? ORDER BY number, mark", (run_id, step, name)
            ).fetchall()
        found: dict[int, list[TrialReport]] = {}
        for row in rows:
            found.setdefault(row[0], []).append(_report(row))
        return found


def _report(row: tuple[int, str, float, int | None, float]) -> TrialReport:
    _, name, value, position, reported_at = row
    return TrialReport(
        name=name, value=value, position=position, reported_at=clock.from_unix(reported_at)
    )
