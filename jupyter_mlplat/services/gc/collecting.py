"""One garbage collection from beginning to end."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from jupyter_mlplat.errors import Conflict
from jupyter_mlplat.ports.blobs import BlobStore, RunFolders
from jupyter_mlplat.ports.metadata import MetadataStore
from jupyter_mlplat.resources.engine import GcReport, GcRequest
from jupyter_mlplat.resources.run import RunSummary
from jupyter_mlplat.services.gc.marking import reachable
from jupyter_mlplat.services.gc.policy import runs_to_delete, wanted_since

EVENTS_KEPT = 100_000
"""Far more than a reader that reconnects has missed; about 50 MB."""
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class GarbageCollector:
    """Deletes runs by policy, then all content that nothing kept refers to.

    Steps may store content meanwhile. What must not happen meanwhile is that a cache entry found
    before is used after: call `collect` from where runs are conducted, between two of its turns.
    """

    store: MetadataStore
    blobs: BlobStore
    folders: RunFolders

    def collect(self, request: GcRequest, now: datetime) -> GcReport:
        """Delete what the request no longer keeps; with `dry_run`, only count it.

        Raises:
            Conflict: A damaged database lies aside: what it refers to looks like garbage.
            Unavailable: A manifest is damaged, likewise.
        """
        self._refuse_beside_damage()
        folders = tuple(self.folders.list())  # before the runs: a run is recorded before its folder
        runs = tuple(self._all_runs())
        since = wanted_since(runs, now)
        collected = self.store.collect(runs_to_delete(runs, request, now), dry_run=request.dry_run)
        left = {run.id for run in runs} - set(collected.runs)
        freed = self._delete_folders([run for run in folders if run not in left], request.dry_run)
        kept = reachable(collected.kept_digests, self.blobs)
        freed += self._delete_blobs(kept, since, request.dry_run)
        if not request.dry_run:
            self.store.prune_events(EVENTS_KEPT)
        return GcReport(
            runs_deleted=len(collected.runs),
            artifacts_deleted=collected.artifacts,
            bytes_freed=freed,
            dry_run=request.dry_run,
        )

    def _refuse_beside_damage(self) -> None:
        damaged = self.store.damaged_files()
        if damaged:
            raise Conflict(
                f"Cannot collect garbage: the damaged database {str(damaged[0])!r} may refer to "
                "content that looks like garbage now. Restore it or delete it, then collect again.",
                damaged=[str(path) for path in damaged],
            )

    def _all_runs(self) -> Iterator[RunSummary]:
        before: int | None = None
        while page := self.store.list_runs(limit=_PAGE, before=before):
            yield from page
            before = page[-1].number

    def _delete_folders(self, run_ids: Iterable[str], dry_run: bool) -> int:
        """Delete folders: of runs deleted now, and those an interrupted collection left."""
        act = self.folders.get_size if dry_run else self.folders.delete
        return sum(act(run_id) for run_id in run_ids)

    def _delete_blobs(self, kept: set[str], since: datetime, dry_run: bool) -> int:
        doomed = [
            blob for blob in self.blobs.list() if blob.digest not in kept and blob.wanted_at < since
        ]
        if dry_run:
            return sum(blob.size_bytes for blob in doomed)
        freed = sum(self.blobs.delete(blob.digest, unless_wanted_since=since) for blob in doomed)
        return freed + self.blobs.sweep(older_than=since)
