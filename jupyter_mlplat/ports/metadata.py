"""What is known of runs, lineage, models and endpoints.

Durable: what a call has returned is on disk. One exception: a `Change` that nobody is told of yet
survives the death of any process, but may be undone by a loss of power (ADR 0004).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from jupyter_mlplat.ports.selecting import Selected, Selection
from jupyter_mlplat.resources.catalogue import Experiment, PipelineVersion, StoredPipeline
from jupyter_mlplat.resources.engine import Event
from jupyter_mlplat.resources.lineage import (
    Artifact,
    Beyond,
    Execution,
    Lineage,
    LineageEvent,
    ModelVersion,
    RegisteredModel,
    RunReference,
)
from jupyter_mlplat.resources.pipeline import Finding, Pipeline
from jupyter_mlplat.resources.registry import ModelChange
from jupyter_mlplat.resources.run import (
    Metric,
    OutputValue,
    Run,
    RunFacets,
    RunKind,
    RunState,
    RunSummary,
    Task,
)
from jupyter_mlplat.resources.schedule import Firing, Schedule
from jupyter_mlplat.resources.serving import Endpoint
from jupyter_mlplat.resources.tuning import Trial, TrialReport, TrialState


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be: the store gives it its sequence number and time."""

    kind: str
    subject: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What one transition writes. One transaction: all of it or nothing, in this order."""

    pipelines: Sequence[tuple[str, Pipeline]] = ()
    """(run id, pipeline): a retry with changed code. The steps are the run's tasks from now on:
    tasks and outputs of steps that are gone are dropped, new steps are added as PENDING."""
    runs: Sequence[Run] = ()  # run rows without their tasks (tasks are written apart)
    dropped: Sequence[tuple[str, str]] = ()  # (run id, task): those that are no more
    tasks: Sequence[tuple[str, Task]] = ()  # (run id, task)
    executions: Sequence[Execution] = ()
    artifacts: Sequence[Artifact] = ()
    lineage: Sequence[LineageEvent] = ()
    outputs: Sequence[tuple[str, OutputValue]] = ()  # (run id, output)
    fresh_metrics: Sequence[tuple[str, str]] = ()  # (run id, step): what it had logged goes
    copied_metrics: Sequence[tuple[str, str, str, str]] = ()  # (run id, step, as in run id, step)
    metrics: Sequence[tuple[str, Metric]] = ()  # (run id, metric), after those there are
    trials: Sequence[tuple[str, str, Trial]] = ()  # (run id, step, trial), as it is now
    reports: Sequence["NewReport"] = ()
    cache: Sequence["CacheEntry"] = ()
    events: Sequence[NewEvent] = ()
    is_told: bool = True  # somebody acts on it: it survives a loss of power when `apply` returns


PointRow = tuple[int, str, str, float | None, int | None, float]
"""Of one logged value: key, step, name, value (None: not a number), position, Unix seconds."""


@dataclass(frozen=True, slots=True)
class NewReport:
    """What a trial told of a metric; one of a known mark is written once."""

    run: str
    step: str
    trial: int
    mark: int
    report: TrialReport


@dataclass(frozen=True, slots=True)
class TrialOrder:
    """How trials are sorted; those without a value come last, equals by number."""

    by: Literal["number", "value", "duration"] = "number"
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """What a task that succeeded left, found again by its key (empty: by its step alone).

    `parts` are the labelled digests the key was made of, so that a miss can say what changed.
    """

    key: str
    pipeline: str
    step: str
    run_id: str
    run_number: int
    bundle: str | None
    parts: Mapping[str, str]
    result: Mapping[str, Any] = field(default_factory=dict)  # of result.json: outputs, metrics


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs a list holds: those that all of it lets through."""

    states: Sequence[RunState] = ()
    text: str = ""  # in id, pipeline, notebook, experiment, note, or a tag; case does not matter
    notebook: str | None = None
    experiment: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)  # None: any value
    archived: bool | None = None  # None: whether or not
    kinds: Sequence[RunKind] = ()


@dataclass(frozen=True, slots=True)
class RunOrder:
    """How runs are sorted; what has no value comes last, and of equals the newest first."""

    by: Literal["number", "duration", "pipeline", "metric"] = "number"
    metric: str = ""  # its name, where that is what counts
    is_descending: bool = True


ALL_RUNS = RunFilter()
NEWEST_FIRST = RunOrder()
BY_NUMBER = TrialOrder()


@dataclass(frozen=True, slots=True)
class PastTask:
    """A task that succeeded, with its run (without tasks).

    `duration_s` is how long the step took the newest time it really ran; None: not known.
    """

    run: Run
    task: Task
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class Closure:
    """The ids of a piece of the lineage graph, in the order they were recorded."""

    executions: tuple[str, ...]
    artifacts: tuple[str, ...]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Explored:
    """A bounded piece of the lineage graph, with what one wants to know of it at a glance."""

    roots: tuple[str, ...]
    executions: tuple[Execution, ...]
    artifacts: tuple[Artifact, ...]
    events: tuple[LineageEvent, ...]
    runs: tuple[RunReference, ...]
    beyond: Mapping[str, Beyond] = field(default_factory=dict)
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What bears a name: each name once, as its newest bearer, newest first."""

    artifacts: Sequence[Artifact]
    executions: Sequence[Execution]


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection deleted, or would delete."""

    runs: tuple[str, ...]
    executions: int
    artifacts: int
    kept_digests: frozenset[str]  # every digest that something kept refers to


class MetadataStore(Protocol):
    """The truth about everything but content.

    One writer process. Methods are synchronous, may be called from any thread and serialise
    themselves; readers never wait for the writer. The fencing number is checked on each write: a
    store that a newer engine has fenced off refuses with Conflict.
    """

    def open(self) -> int:
        """Migrate if needed and take the next fencing number; returns it."""

    def close(self) -> None: ...

    # runs
    def create_run(
        self,
        run: Run,
        pipeline: Pipeline,
        idempotency_key: str | None,
        request_digest: str,
        events: Iterable[NewEvent],
        firing: Firing | None = None,
    ) -> tuple[Run, bool]:
        """Store a new run with its tasks; gives it its number. (run, created).

        With a key seen before: the run of then and False; Conflict if the request differed.

        With a firing, that is written with the run's number in the same transaction. It has to be
        there and to be QUEUED; if it has its run already: that run and False. Conflict if
        something else became of it.
        """

    def apply(self, change: Change) -> Sequence[Event]:
        """Write one transition; returns its events with their numbers.

        All changes before one that is told are as durable as that one.
        """

    def get_run(self, run: str) -> Run:
        """By id, number or 'latest'. Raises NotFound."""

    def list_runs(
        self,
        where: RunFilter = ALL_RUNS,
        order: RunOrder = NEWEST_FIRST,
        *,
        limit: int,
        before: int | None = None,
        offset: int = 0,
    ) -> Sequence[RunSummary]:
        """Return a page: of runs of smaller numbers than `before`, without the first `offset`."""

    def select_runs(self, selection: Selection) -> Selected[Run]:
        """Return a page of runs, without their tasks. Raises InvalidInput for an unknown field."""

    def ir_of(self, run_ids: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
        """The KFP pipelines of those runs that were made from one."""

    def count_runs(self, where: RunFilter = ALL_RUNS) -> int: ...

    def summary_of(self, run_id: str) -> RunSummary: ...

    def run_facets(self) -> RunFacets: ...

    def unfinished_runs(self) -> Sequence[Run]: ...

    def pipeline_of(self, run_id: str) -> Pipeline: ...

    def delete_run(self, run_id: str) -> None: ...

    def outputs_of(self, run_id: str) -> Sequence[OutputValue]: ...

    def metrics_of(self, run_id: str) -> Sequence[Metric]: ...

    def count_metrics(self, run_id: str, step: str) -> int: ...

    def points_after(self, run_id: str, after: int) -> tuple[int, Sequence[PointRow]]:
        """How many logged values a run has, and those with a key beyond this, in their order."""

    # trials of a step that is tuned
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
        """Return trials, of all states if none is named."""

    def count_trials(self, run_id: str, step: str) -> Mapping[TrialState, int]: ...

    def get_trial(self, run_id: str, step: str, number: int) -> Trial:
        """Raises NotFound."""

    def reports_of_trial(self, run_id: str, step: str, number: int) -> Sequence[TrialReport]:
        """What it told of its metrics, in its order."""

    def reports_of_metric(
        self, run_id: str, step: str, name: str
    ) -> Mapping[int, Sequence[TrialReport]]:
        """What all trials of a step told of one metric, by their numbers."""

    # experiments; a run that names one that is not there makes it
    def create_experiment(self, experiment: Experiment) -> Experiment:
        """Conflict, with the id of the other as `exists`: the name or the title is taken."""

    def get_experiment(self, experiment: str) -> Experiment:
        """By id or name. Raises NotFound."""

    def select_experiments(self, selection: Selection) -> Selected[Experiment]: ...

    def archive_experiment(self, experiment: str, *, is_archived: bool) -> Experiment:
        """Put it away with all its runs, or take it back without them."""

    def delete_experiment(self, experiment: str) -> None:
        """Forget it; its runs stay."""

    # stored pipelines
    def create_pipeline(
        self, pipeline: StoredPipeline, version: PipelineVersion | None = None
    ) -> StoredPipeline:
        """With its first version, if one is given. Conflict: the name is taken."""

    def update_pipeline(self, pipeline: StoredPipeline) -> StoredPipeline:
        """Write its title, description and tags."""

    def get_pipeline(self, pipeline: str) -> StoredPipeline:
        """By id or name. Raises NotFound."""

    def select_pipelines(self, selection: Selection) -> Selected[StoredPipeline]: ...

    def delete_pipeline(self, pipeline: str) -> None:
        """Forget it with its versions; runs made from them stay."""

    def add_pipeline_version(self, version: PipelineVersion) -> PipelineVersion:
        """Conflict: the pipeline has one of this name. NotFound: there is no such pipeline."""

    def update_pipeline_version(self, version: PipelineVersion) -> PipelineVersion:
        """Write its title, description and tags."""

    def get_pipeline_version(self, version: str) -> PipelineVersion: ...

    def latest_pipeline_version(self, pipeline: str) -> PipelineVersion | None: ...

    def select_pipeline_versions(self, selection: Selection) -> Selected[PipelineVersion]: ...

    def delete_pipeline_version(self, version: str) -> None: ...

    # cache
    def find_cached(self, key: str) -> CacheEntry | None: ...

    def forget_cached(self, run_id: str, steps: Collection[str]) -> None:
        """Let nobody find what these steps of a run left: it was lost."""

    def last_cached(self, pipeline: str, step: str) -> CacheEntry | None:
        """The newest entry of this step, to explain a miss."""

    def last_successes(self, notebook: str, among: int = 100) -> Mapping[str, PastTask]:
        """The newest success of each step of a notebook, looked for in its newest runs."""

    # events
    def events_after(self, seq: int, limit: int = 1000) -> Sequence[Event]: ...

    def last_event(self) -> int: ...

    # lineage
    def get_artifact(self, artifact_id: str) -> Artifact: ...

    def get_execution(self, execution_id: str) -> Execution: ...

    def artifacts_of_run(self, run_id: str, type_: str | None = None) -> Sequence[Artifact]: ...

    def find_artifact(self, digest: str, name: str, type_: str) -> Artifact | None:
        """The artifact with this content, so that equal content is one node of the graph."""

    def lineage(
        self,
        root: str,
        direction: Literal["upstream", "downstream", "both"],
        depth: int,
        limit: int = 100_000,
    ) -> Lineage:
        """The graph around an artifact, execution or run (its executions)."""

    def closure(
        self,
        root: str,
        direction: Literal["upstream", "downstream", "both"],
        depth: int,
        limit: int = 100_000,
    ) -> Closure:
        """The ids of the nodes that `lineage` returns, without their documents: much faster."""

    def explore(
        self,
        roots: Sequence[str],
        direction: Literal["upstream", "downstream", "both"],
        depth: int,
        *,
        limit: int,
        with_cached: bool = True,
    ) -> Explored:
        """The graph around artifacts, executions or runs: all roots, then at most `limit` nodes.

        Without the cached, an execution that only took a result from the cache is passed over
        where one that made the same artifact, or read it, is known. NotFound: no root is there.
        """

    def explore_between(
        self, sources: Sequence[str], targets: Sequence[str], *, limit: int
    ) -> Explored:
        """All ways from sources to targets; of more than `limit` nodes, a shortest one first.

        Only ends and nothing else: no way leads there.
        """

    def find_lineage(self, text: str, *, limit: int) -> Found:
        """Artifacts and executions whose name holds a text; the newest for an empty one."""

    def executions_of_runs(self, run_ids: Sequence[str]) -> Sequence[tuple[Execution, int]]:
        """What ran, with a number that is equal for executions that made the same artifacts."""

    # registry
    def add_model_version(
        self, version: ModelVersion, events: Iterable[NewEvent], by: str = ""
    ) -> ModelVersion:
        """Number and store it; creates the registered model when it is the first.

        Numbers of deleted versions are not given again. Here and below each change is noted in the
        model's history as made `by` somebody, in the same transaction.
        """

    def get_model(self, model: str) -> RegisteredModel: ...

    def list_models(self) -> Sequence[RegisteredModel]: ...

    def set_alias(
        self,
        model: str,
        alias: str,
        version: int | None,
        events: Iterable[NewEvent] = (),
        by: str = "",
    ) -> RegisteredModel:
        """Move an alias; None removes it. What changes nothing is not noted."""

    def describe_model(
        self, model: str, description: str, events: Iterable[NewEvent] = (), by: str = ""
    ) -> RegisteredModel: ...

    def delete_model_version(
        self, model: str, version: int, events: Iterable[NewEvent] = (), by: str = ""
    ) -> RegisteredModel:
        """Delete a version and the aliases that point at it. Raises NotFound."""

    def delete_model(self, model: str, events: Iterable[NewEvent] = ()) -> None:
        """Delete a model with its versions, aliases and history."""

    def model_history(self, model: str, limit: int) -> Sequence[ModelChange]:
        """The newest changes first. Raises NotFound."""

    # endpoints
    def save_endpoint(self, endpoint: Endpoint, internal: Mapping[str, Any]) -> None:
        """`internal` is what the serving service needs to go on after a restart; kept as JSON."""

    def get_endpoint(self, name: str) -> tuple[Endpoint, Mapping[str, Any]]: ...

    def list_endpoints(self) -> Sequence[tuple[Endpoint, Mapping[str, Any]]]: ...

    def delete_endpoint(self, name: str) -> None: ...

    # schedules
    def create_schedule(
        self, schedule: Schedule, state: Mapping[str, Any], events: Iterable[NewEvent] = ()
    ) -> None:
        """`state` is what the timekeeper goes on with, as JSON. Conflict: the name is taken."""

    def save_schedule(self, schedule: Schedule, events: Iterable[NewEvent] = ()) -> None: ...

    def get_schedule(self, schedule: str) -> tuple[Schedule, Mapping[str, Any]]:
        """By name or id. Raises NotFound."""

    def select_schedules(self, selection: Selection) -> Selected[Schedule]: ...

    def list_schedules(self) -> Sequence[tuple[Schedule, Mapping[str, Any]]]: ...

    def delete_schedule(self, schedule_id: str, events: Iterable[NewEvent] = ()) -> None:
        """Forget a schedule with its firings; their runs stay."""

    def record_firings(
        self,
        schedule_id: str,
        firings: Sequence[Firing],
        state: Mapping[str, Any] | None = None,
        events: Iterable[NewEvent] = (),
    ) -> None:
        """Write firings, new and known, and the schedule's state. One transaction."""

    def list_firings(
        self, schedule_id: str, *, limit: int, before: int | None = None
    ) -> Sequence[tuple[int, Firing]]:
        """Return the newest first, each with the number that asks for those `before` it."""

    def find_firings(self, schedule_id: str, keys: Collection[str]) -> Sequence[Firing]: ...

    def open_firings(self) -> Sequence[Firing]:
        """Those that are not final, or somebody has still to be told of; the oldest first."""

    def firing_of_run(self, run_id: str) -> Firing | None: ...

    def firings_beyond(self, schedule_id: str, newest: int) -> Sequence[Firing]:
        """Those with runs, without the newest so many."""

    def oldest_firings(self, schedule_id: str, limit: int) -> Sequence[Firing]:
        """Of those with runs, the first so many."""

    def count_firings(self, schedule_id: str) -> int:
        """How many have been begun."""

    def last_success(self, schedule_id: str) -> Firing | None: ...

    def prune_firings(self, schedule_id: str, keep: int) -> None:
        """Forget all but the newest that are over."""

    # findings
    def findings(self) -> Sequence[Finding]:
        """What runs have shown of cells, one for each source."""

    def keep_finding(self, finding: Finding) -> None:
        """Keep one; it takes the place of what was known of the same source."""

    # garbage
    def referenced_digests(self) -> set[str]:
        """Every digest something kept refers to: artifacts, bundles of cache entries and tasks."""

    def collect(self, run_ids: Collection[str], *, dry_run: bool) -> Collected:
        """Delete runs and the lineage facts that are then of no use to anything kept.

        A run stays that is not final, that a model version comes from, or that a kept run took
        results of from the cache. An execution stays while its run is there or a registered model
        was made from what it made; an artifact while an execution, a model version or an output
        refers to it. One transaction; a dry run undoes it at the end.
        """

    def damaged_files(self) -> Sequence[Path]:
        """Databases that were found damaged and still lie aside."""

    # upkeep
    def prune_events(self, keep: int) -> int:
        """Forget all but the newest events, at least one is kept; returns how many went."""

    def backup(self, path: Path) -> None:
        """Write a consistent copy to a new file while work goes on."""
