"""A run in one's hands: look at it, wait for it, stop it, go on with it, take its values."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_mlplat.client import values
from jupyter_mlplat.client.documents import Lineage, Pipeline, Shown
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.client.following import Action, Following
from jupyter_mlplat.client.views import nouns
from jupyter_mlplat.client.views.view import Series, View
from jupyter_mlplat.errors import ExecutionFailed, NotFound
from jupyter_mlplat.resources import run as documents
from jupyter_mlplat.resources.lineage import Artifact


class Run(Shown):
    """One execution of a pipeline.

    What it shows is what was last heard from the engine: `refresh` and `wait` ask anew.
    """

    def __init__(
        self, client: EngineClient, document: documents.Run, series: tuple[Series, ...] = ()
    ) -> None:
        self._client = client
        self._document = document
        self._result: documents.RunResult | None = None
        self._series = series

    @property
    def document(self) -> documents.Run:
        """Everything the engine says of it."""
        return self._document

    @property
    def id(self) -> str:
        return self._document.id

    @property
    def number(self) -> int:
        return self._document.number

    @property
    def state(self) -> documents.RunState:
        return self._document.state

    @property
    def is_final(self) -> bool:
        return self.state.is_final

    @property
    def parameters(self) -> dict[str, Any]:
        return self._document.parameters

    @property
    def tasks(self) -> tuple[documents.Task, ...]:
        return self._document.tasks

    @property
    def failure(self) -> documents.Failure | None:
        return self._document.failure

    @property
    def metrics(self) -> dict[str, float]:
        """Last value of each metric."""
        return self.result().metrics

    @property
    def outputs(self) -> dict[str, documents.OutputValue]:
        """What was saved under each name, in its final version."""
        return self.result().outputs

    @property
    def results(self) -> dict[str, Any]:
        """What a KFP pipeline as a whole has given back: its output parameters by name."""
        made = self._document.results
        return {} if made is None else dict(made.parameters)

    def result(self) -> documents.RunResult:
        """Return what came out of it, so far where it is not final."""
        if self._result is None or not self._result.run.state.is_final:
            self._result = self._client.get_result(self.id)
            self._document = self._result.run
        return self._result

    def refresh(self) -> "Run":
        """Ask the engine how it is now."""
        self._document = self._client.get_run(self.id)
        return self

    def wait(self, timeout_s: float | None = None, *, check: bool = False) -> "Run":
        """Wait until it is final.

        Args:
            timeout_s: Return after this long, final or not; None waits for ever.
            check: Whether to raise when it did not succeed.

        Raises:
            ExecutionFailed: It is final and did not succeed, and `check` is set.
        """
        self._document = self._client.wait_for_run(self.id, timeout_s)
        if check and self.is_final and self.state is not documents.RunState.SUCCEEDED:
            reasons = " ".join(nouns.failure_messages(self._document))
            raise ExecutionFailed(
                f"Run {self.number} of {self._document.pipeline!r} "
                f"{self.state.value.lower()}. {reasons}".strip(),
                run=self.id,
            )
        return self

    def cancel(self) -> "Run":
        """Stop it; what has succeeded is kept."""
        self._document = self._client.cancel_run(self.id)
        return self

    def pause(self) -> "Run":
        """Stop what runs, and start nothing until it is resumed; what has succeeded is kept."""
        self._document = self._client.pause_run(self.id)
        return self

    def resume(self) -> "Run":
        """Go on; steps that were stopped start anew, from their checkpoints if they keep some."""
        self._document = self._client.resume_run(self.id)
        return self

    def retry(
        self, path: str | Path | None = None, from_step: str | None = None, *, wait: bool = True
    ) -> "Run":
        """Go on from where it failed, with the notebook as it is now when `path` is given."""
        self._document = self._client.retry_run(self.id, path, from_step)
        self._result = None
        return self.wait() if wait else self

    def logs(self, step: str | None = None) -> str:
        """Return what a step wrote, or what all steps wrote, in the order of the pipeline."""
        ran = [task.name for task in self.tasks if task.attempt or task.cached]
        steps = [step] if step else ran
        written = b"".join(self._client.read_step_log(self.id, name) for name in steps)
        return written.decode(errors="replace")

    def follow(self) -> Iterator[documents.LogLine]:
        """Yield what its steps write, until it is final."""
        return self._client.follow_logs(self.id, follow=True)

    def notebook(self, step: str) -> dict[str, Any]:
        """Return a step's executed notebook, nbformat."""
        return self._client.get_step_notebook(self.id, step)

    def pipeline(self) -> Pipeline:
        """Return the pipeline it ran."""
        return Pipeline.of(self._client.get_run_pipeline(self.id))

    def models(self) -> list[Artifact]:
        """Return the models it logged."""
        return self._client.list_run_models(self.id)

    def lineage(self, direction: str = "upstream", depth: int | None = None) -> Lineage:
        """Return what it read and made."""
        return Lineage.of(self._client.get_lineage(self.id, direction, depth))

    def value(self, name: str, step: str | None = None) -> Any:
        """Load a value that a step saved into this process.

        Args:
            name: What it is called in the notebook.
            step: The step whose version is meant; by default the final one.

        Raises:
            NotFound: No step saved it.
            Unsupported: Its format cannot be loaded here.
        """
        if step is None:
            output = self.outputs.get(name)
        else:
            saved = self._client.list_outputs(self.id)
            output = next((o for o in saved if (o.name, o.step) == (name, step)), None)
        if output is None:
            raise NotFound(
                f"Run {self.number} saved no value {name!r}"
                + (f" in step {step!r}" if step else "")
                + f". It saved: {', '.join(self.outputs) or 'nothing'}."
            )
        return values.load(self._client, self._document, output)

    def view(self) -> View:
        latest = {series.name: series.values[-1] for series in self._series}
        metrics = self.result().metrics if self.is_final else latest
        return nouns.view_run(self._document, metrics, self._series)

    @property
    def series(self) -> tuple[Series, ...]:
        """Its metrics over time, as last heard from the engine."""
        return self._series

    def measure(self) -> "Run":
        """Ask the engine for its metrics over time; they are drawn as lines."""
        self._series = nouns.metric_series(self._client.list_metrics(self.id))
        return self

    def following(self) -> Following:
        return Following(
            self._client,
            look=lambda: Run(self._client, self._client.get_run(self.id)).measure(),
            concerns=lambda event: self.id in (event.subject, event.data.get("run_id")),
            is_final=self.is_final,
            actions=self._actions(),
        )

    def address(self) -> dict[str, str]:
        return {"run": self.id}

    def _actions(self) -> tuple[Action, ...]:
        if self.state in (documents.RunState.FAILED, documents.RunState.CANCELED):
            return (Action("retry", "Retry", lambda: self.retry(wait=False)),)
        if self.is_final or self.state is documents.RunState.CANCELING:
            return ()
        question = "Stop the run with all its processes?"
        cancel = Action("cancel", "Cancel", self.cancel, question)
        if self.state is documents.RunState.PAUSED:
            return (Action("resume", "Resume", self.resume), cancel)
        return (Action("pause", "Pause", self.pause), cancel)


class RunList(Shown, list[documents.RunSummary]):
    """Runs, newest first, as rows."""

    def view(self) -> View:
        return nouns.view_runs(self)
