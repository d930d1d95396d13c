"""Our metadata store through its port, every call flushed (synchronous=FULL) when it returns."""

import sys
from pathlib import Path

import jupyter_mlplat
from jupyter_mlplat.kit.clock import utc_now
from jupyter_mlplat.kit.digests import digest_text
from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.ports.metadata import Change
from jupyter_mlplat.resources.lineage import Artifact, Execution, LineageEvent
from jupyter_mlplat.resources.pipeline import Pipeline, Step
from jupyter_mlplat.resources.run import Metric, Run, RunState
from jupyter_mlplat.runtime import tracking
from jupyter_mlplat.runtime.files import Blobs
from jupyter_mlplat.stores.metadata import SqlMetadataStore

BATCH = 1000
ANY_DEPTH = 100_000
PIPELINE = Pipeline(
    name="benchmark",
    digest=digest_text("benchmark"),
    steps=(Step(name="train", title="Train", cells=()),),
    edges=(),
)


class Store:
    def __init__(self, folder: Path) -> None:
        self._store = SqlMetadataStore(folder / "metadata.db")
        self._store.open()
        self._artifacts: list[str] = []
        self._folder = folder

    def insert_each(self, count: int, chain: int) -> None:
        self._insert(count, chain, batch=1)

    def insert_in_runs(self, count: int, chain: int) -> None:
        """As the engine does: what nobody acts on before a run's end is flushed with it."""
        self._insert(count, chain, batch=1, is_flushed_by_chain=True)

    def insert_by_run(self, count: int, chain: int) -> None:
        """A run's facts in one call, flushed when it returns."""
        self._insert(count, chain, batch=chain)

    def insert_bulk(self, count: int, chain: int) -> None:
        self._insert(count, chain, batch=BATCH)

    def ends(self, chain: int, wide: int) -> tuple[str, str]:
        execution, end = _execution(0), _artifact(0)
        links = [_link(execution, artifact, "input") for artifact in self._artifacts[:wide]]
        links.append(_link(execution, end.id, "output"))
        self._store.apply(Change(executions=[execution], artifacts=[end], lineage=links))
        return self._artifacts[chain - 1], end.id

    def closure(self, artifact: str) -> int:
        return len(self._store.closure(artifact, "upstream", ANY_DEPTH).artifacts)

    def documents(self, artifact: str) -> int:
        """As `closure`, but with every document, as the API answers."""
        return len(self._store.lineage(artifact, "upstream", ANY_DEPTH).artifacts)

    def log_runs(self, count: int) -> None:
        for _ in range(count):
            run, _ = self._store.create_run(
                Run(
                    id=new_id("run"),
                    number=0,
                    pipeline="benchmark",
                    pipeline_digest=PIPELINE.digest,
                    state=RunState.RUNNING,
                    parameters={f"p{number}": number for number in range(5)},
                    created_at=utc_now(),
                ),
                PIPELINE,
                None,
                PIPELINE.digest,
                (),
            )
            ended = run.model_copy(update={"state": RunState.SUCCEEDED, "finished_at": utc_now()})
            metrics = [(run.id, _metric(f"m{number}", number * 0.1)) for number in range(5)]
            self._store.apply(Change(runs=[ended], metrics=metrics))

    def log_metrics(self, count: int) -> None:
        run = self._store.get_run("latest").id
        for number in range(count):
            self._store.apply(Change(metrics=[(run, _metric("loss", number * 0.1, number))]))

    def log_from_code(self, count: int) -> None:
        """As a cell does: parameters are the run's, a metric is a line of the step's events."""
        events = tracking.Events(str(self._folder / "events.jsonl"), None, "benchmark")
        tracking.current = tracking.Tracking(events, Blobs(str(self._folder / "blobs")), {})
        sys.modules["jupyter_mlplat_runtime.tracking"] = tracking
        for _ in range(count):
            for number in range(5):
                jupyter_mlplat.log_metric(f"m{number}", number * 0.1)

    def close(self) -> None:
        self._store.close()

    def _insert(
        self, count: int, chain: int, batch: int, is_flushed_by_chain: bool = False
    ) -> None:
        made: list[str] = []
        for start in range(0, count, batch):
            executions, artifacts, links = [], [], []
            for number in range(start, min(start + batch, count)):
                execution, artifact = _execution(number), _artifact(number)
                executions.append(execution)
                artifacts.append(artifact)
                links.append(_link(execution, artifact.id, "output"))
                if number % chain:
                    links.append(_link(execution, made[-1], "input"))
                made.append(artifact.id)
            is_told = not is_flushed_by_chain or len(made) % chain == 0
            self._store.apply(
                Change(executions=executions, artifacts=artifacts, lineage=links, is_told=is_told)
            )
        self._artifacts = made


def _execution(number: int) -> Execution:
    return Execution(id=new_id("exec"), name="E", state="COMPLETE", parameters={"x": number})


def _artifact(number: int) -> Artifact:
    return Artifact(
        id=new_id("art"),
        type="A",
        name="a",
        uri=f"file:///a/{number}",
        metadata={"x": number},
        created_at=utc_now(),
    )


def _link(execution: Execution, artifact_id: str, kind: str) -> LineageEvent:
    return LineageEvent(execution_id=execution.id, artifact_id=artifact_id, kind=kind)


def _metric(name: str, value: float, position: int | None = None) -> Metric:
    return Metric(name=name, value=value, step="train", position=position, logged_at=utc_now())
