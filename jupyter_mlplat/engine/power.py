"""What is gone, after a loss of power or on a disk that decays: who has to run again."""

import logging
from dataclasses import dataclass

from jupyter_mlplat.engine.attempts import attempt_ref, read_result
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.ports.blobs import BlobStore
from jupyter_mlplat.ports.metadata import MetadataStore
from jupyter_mlplat.resources.lineage import Artifact
from jupyter_mlplat.resources.run import Run, Task, TaskState
from jupyter_mlplat.services.gc.marking import digests_in, named_by
from jupyter_mlplat.stores.flushing import Flush

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PowerLoss:
    """Finds what is gone. Runs that had ended are whole: they were flushed before that was told."""

    store: MetadataStore
    blobs: BlobStore
    home: Home

    def lost_steps(self, run: Run) -> frozenset[str]:
        """Name the steps of an unfinished run whose results are not wholly there."""
        lost = {
            task.name
            for task in run.tasks
            if not all(is_whole(digest, self.blobs) for digest in self._saved_by(run, task))
        }
        for artifact in self.store.artifacts_of_run(run.id):
            if artifact.digest is not None and not self._is_there(artifact):
                makers = self.store.lineage(artifact.id, "upstream", 1).executions
                lost |= {maker.name for maker in makers if maker.run_id == run.id}
        if lost:
            _log.warning("Run %d: power was lost and with it %s", run.number, sorted(lost))
        return frozenset(lost & {task.name for task in run.tasks})

    def _is_there(self, artifact: Artifact) -> bool:
        """Tell whether content is there, of a folder all files."""
        digest = artifact.digest or ""
        return (
            is_whole(digest, self.blobs) if artifact.codec == "folder" else self.blobs.has(digest)
        )

    def _saved_by(self, run: Run, task: Task) -> set[str]:
        if task.bundle is not None:
            return {task.bundle}
        if task.state is not TaskState.RUNNING:
            return set()
        return digests_in([read_result(attempt_ref(self.home, run.id, task.name, task.attempt))])


def is_whole(digest: str, blobs: BlobStore) -> bool:
    """Tell whether content and all that it names is there; what is damaged is deleted.

    So the next writer of the same content stores it, and the cache no longer finds it.
    """
    front, seen = {digest}, set[str]()
    while front:
        sound = [blobs.keep_if_sound(one) for one in front]  # all of them: none stays damaged
        if not all(sound):
            return False
        seen |= front
        front = set().union(*(named_by(one, blobs) for one in front)) - seen
    return True


def look_after_power_loss(
    flush: Flush, store: MetadataStore, blobs: BlobStore, home: Home
) -> PowerLoss | None:
    """Delete torn content, if power was lost since the last flush; then nothing is torn any more.

    Returns who can say what is gone; None where nothing can be.
    """
    since = flush.torn_since()
    if since is None:
        flush.begin()
        return None
    for digest in blobs.delete_damaged(since):
        _log.warning("Power was lost before %s was on the disk", digest)
    flush.run()
    return PowerLoss(store, blobs, home)
