"""The `MetadataStore` port over SQLite."""

from collections.abc import Collection, Sequence
from pathlib import Path

from jupyter_mlplat.kit import files
from jupyter_mlplat.ports.metadata import Change, Collected
from jupyter_mlplat.resources.engine import Event
from jupyter_mlplat.stores.metadata import opening
from jupyter_mlplat.stores.metadata.collecting import collect, referenced_digests
from jupyter_mlplat.stores.metadata.connection import Connection
from jupyter_mlplat.stores.metadata.database import BUSY_TIMEOUT_S, Database
from jupyter_mlplat.stores.metadata.event_tables import EventTables, append_events
from jupyter_mlplat.stores.metadata.exploring import ExploringTables
from jupyter_mlplat.stores.metadata.lineage_tables import LineageTables, write_lineage
from jupyter_mlplat.stores.metadata.registry_tables import (
    EndpointTables,
    FindingTables,
)
from jupyter_mlplat.stores.metadata.run_tables import (
    RunNumbers,
    RunTables,
    add_metrics,
    copy_metrics,
    drop_tasks,
    forget_metrics,
    put_cache_entries,
    put_outputs,
    put_pipelines,
    put_tasks,
    update_runs,
)
from jupyter_mlplat.stores.metadata.schedule_tables import ScheduleTables
from jupyter_mlplat.stores.metadata.tracking_tables import TrackingTables
from jupyter_mlplat.stores.metadata.trial_tables import TrialTables, add_reports, put_trials


class SqlMetadataStore(
    RunTables,
    TrialTables,
    TrackingTables,
    LineageTables,
    ExploringTables,
    EndpointTables,
    FindingTables,
    ScheduleTables,
    EventTables,
):
    """Keeps what is known in one SQLite file (WAL).

    Args:
        path: The file; made, with its folder, when there is none.
        busy_timeout_s: How long a write waits for another process that holds the file.
    """

    def __init__(self, path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        super().__init__(Database(path, busy_timeout_s))

    def open(self) -> int:
        """Check the file, migrate it if it is older, and take the next fencing number.

        Raises:
            Unavailable: The folder is read-only, the disk is full, another process holds the file,
                or the file is damaged; a damaged file has been moved aside then.
            Conflict: The file was written by a newer version.
        """
        self._database.fence = opening.open_current(self._database)
        return self._database.fence

    def close(self) -> None:
        self._database.close()

    def apply(self, change: Change) -> Sequence[Event]:
        if change.is_told:
            return self._database.write_shared(lambda connection: _write(connection, change))
        with self._database.write(durable=False) as connection:
            return _write(connection, change)

    def referenced_digests(self) -> set[str]:
        with self._database.read() as connection:
            return referenced_digests(connection)

    def collect(self, run_ids: Collection[str], *, dry_run: bool) -> Collected:
        """Delete runs, and the lineage facts that nothing kept refers to any longer."""
        with self._database.write() as connection:
            connection.execute("SAVEPOINT collecting")
            collected = collect(connection, run_ids)
            if dry_run:
                connection.execute("ROLLBACK TO collecting")
            return collected

    def damaged_files(self) -> Sequence[Path]:
        return opening.damaged_files(self._database.path)

    def backup(self, path: Path) -> None:
        """Write a consistent copy to `path`, which must not exist, while work goes on."""
        files.make_private_directory(path.parent)
        with self._database.exclusively() as connection:
            opening.copy_to(connection, path)


def _write(connection: Connection, change: Change) -> Sequence[Event]:
    numbers = RunNumbers(connection)
    put_pipelines(connection, numbers, change.pipelines)
    update_runs(connection, numbers, change.runs)
    drop_tasks(connection, numbers, change.dropped)
    put_tasks(connection, numbers, change.tasks)
    if change.executions or change.artifacts or change.lineage:
        write_lineage(connection, change.executions, change.artifacts, change.lineage)
    if change.outputs:
        put_outputs(connection, numbers, change.outputs)
    if change.fresh_metrics:
        forget_metrics(connection, numbers, change.fresh_metrics)
    if change.copied_metrics:
        copy_metrics(connection, numbers, change.copied_metrics)
    if change.metrics:
        add_metrics(connection, numbers, change.metrics)
    if change.trials:
        put_trials(connection, numbers, change.trials)
    if change.reports:
        add_reports(connection, numbers, change.reports)
    if change.cache:
        put_cache_entries(connection, change.cache)
    return append_events(connection, change.events)
