"""What is remembered of an endpoint: what its owner wants, not what happens to run."""

from jupyter_mlplat.resources.base import Name, Resource, Timestamp
from jupyter_mlplat.resources.serving import Traffic

Split = tuple[Traffic, ...]


class RevisionRecord(Resource):
    """A deployed model version; `failure` is set once it is given up and no longer started."""

    number: int
    model: Name
    version: int
    trust_pickle: bool = False
    restarts: int = 0
    failure: str = ""
    created_at: Timestamp


class EndpointRecord(Resource):
    """An endpoint as it should be.

    Attributes:
        traffic: The split in force.
        wanted: The split to put in force as soon as all its revisions are ready; None: there is
            nothing to wait for. previous: The split before the one in force: what rolling back goes
            to. message: What last went wrong, or why `wanted` was given up.
        place: Where the state directory lay when this was written: a copy lies elsewhere.
    """

    name: Name
    port: int
    is_running: bool = True
    revisions: tuple[RevisionRecord, ...] = ()
    traffic: Split = ()
    wanted: Split | None = None
    previous: Split = ()
    message: str = ""
    place: str = ""
    created_at: Timestamp
    updated_at: Timestamp

    def revision(self, number: int) -> RevisionRecord:
        return next(found for found in self.revisions if found.number == number)

    @property
    def listed(self) -> tuple[int, ...]:
        """Revisions that should run: those of the split in force and of the one wanted."""
        numbers = [part.revision for part in (*self.traffic, *(self.wanted or ()))]
        return tuple(dict.fromkeys(numbers))

    def replacing(self, revision: RevisionRecord) -> "EndpointRecord":
        changed = tuple(revision if r.number == revision.number else r for r in self.revisions)
        return self.model_copy(update={"revisions": changed})
