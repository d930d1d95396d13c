"""What is kept of runs that tell of themselves: facts, files, logged models; and finding runs.

Part of the metadata store, and as durable; see `ports.metadata`. A fact is a text with a name that
belongs to somebody: a run, an experiment, a model, a version. A file is content at a path below
somebody's root; paths are names, no folder of any machine has them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from jupyter_mlplat.resources.catalogue import Experiment
from jupyter_mlplat.resources.lineage import ModelVersion, RegisteredModel
from jupyter_mlplat.resources.run import Run
from jupyter_mlplat.resources.tracking import LoggedModel

FactKind = Literal["param", "tag", "metric", "input", "output"]
Side = Literal["metric", "param", "tag", "attribute", "dataset"]
Value = str | float | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition: `metrics.auc > 0.9`. All of a list have to hold.

    Attributes:
        side: What is compared.
        key: Its name.
        operator: =, !=, <, <=, >, >=, LIKE, ILIKE, IN, NOT IN, IS NULL, IS NOT NULL.
        value: A number for metrics and times, a text else, texts for IN; None for IS NULL.
    """

    side: Side
    key: str
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class Ordering:
    """What a list is sorted by; what has no value comes last."""

    side: Side
    key: str
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class RunSearch:
    """Which runs are meant: those of these experiments (by name) that all of it lets through."""

    experiments: Sequence[str] | None = None  # None: all
    conditions: Sequence[Comparison] = ()
    order: Sequence[Ordering] = ()
    archived: bool | None = False
    limit: int = 1000
    offset: int = 0


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file at a path below its owner's root."""

    path: str
    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a metric; `value` may be no number, or infinite."""

    name: str
    value: float
    position: int | None
    logged_at: float  # Unix seconds


@dataclass(frozen=True, slots=True)
class Tracked:
    """A run that is tracked, or one that was told something once it was over."""

    run_id: str
    execution_id: str
    heard_at: float  # Unix seconds: when its code last told of itself


class TrackingStore(Protocol):
    """Synchronous, from any thread, one writer; as `ports.metadata.MetadataStore`."""

    def put_facts(self, owner: str, kind: FactKind, facts: Mapping[str, str | None]) -> None:
        """Write facts; None forgets one. Survives the death of any process."""

    def facts_of(
        self, owners: Collection[str], kind: FactKind
    ) -> Mapping[str, Mapping[str, str]]: ...

    def forget_facts(self, owner: str) -> None: ...

    def put_file(self, owner: str, file: StoredFile) -> None:
        """Write down where content lies; what had the path before is replaced."""

    def find_file(self, owner: str, path: str) -> StoredFile | None: ...

    def files_of(self, owner: str, folder: str = "") -> Sequence[StoredFile]:
        """All files below a folder, by path; in the root for an empty one."""

    def delete_files(self, owner: str, path: str) -> int:
        """Forget a file, or all below a folder; returns how many."""

    def put_logged_model(self, model: LoggedModel) -> None: ...

    def get_logged_model(self, model: str) -> LoggedModel:
        """Raises NotFound."""

    def logged_models(
        self, *, experiments: Collection[str] | None = None, run_id: str | None = None
    ) -> Sequence[LoggedModel]:
        """Those of experiments (by name) or of a run, the oldest first."""

    def delete_logged_model(self, model: str) -> None: ...

    def put_tracked(self, tracked: Tracked) -> None: ...

    def find_tracked(self, run_id: str) -> Tracked | None: ...

    def hear(self, run_id: str, at: datetime) -> None:
        """Remember when a run last told of itself."""

    def silent_since(self, moment: datetime) -> Sequence[str]:
        """Tracked runs that go on and have told of nothing since: their ids."""

    def search_runs(self, search: RunSearch) -> tuple[Sequence[Run], bool]:
        """Return a page of runs without tasks, and whether there are more."""

    def latest_points(self, run_ids: Collection[str]) -> Mapping[str, Sequence[Point]]:
        """The last value of each metric of runs."""

    def history(
        self, run_id: str, name: str, *, limit: int, after: int = 0
    ) -> tuple[Sequence[Point], int | None]:
        """Values of a metric as they were logged; and what asks for those after them."""

    def find_experiment(self, title: str) -> Experiment | None:
        """By its title, exactly as it is spelled before any other spelling."""

    def rename_experiment(self, experiment: str, title: str) -> Experiment:
        """Conflict: the title is taken."""

    def create_model(self, model: RegisteredModel) -> RegisteredModel:
        """Store a model that has no version yet. Conflict, with `exists`: the name is taken."""

    def describe_version(self, model: str, version: int, description: str) -> ModelVersion: ...
