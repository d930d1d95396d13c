"""Train and tuning jobs as runs: reads what a payload names, then makes run and pipeline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jupyter_mlplat.config import THIS_MACHINE
from jupyter_mlplat.engine.interpreters import Interpreters
from jupyter_mlplat.engine.notebooks import Notebooks, read_file, refuse_kfp
from jupyter_mlplat.kit.clock import utc_now
from jupyter_mlplat.ports.metadata import MetadataStore
from jupyter_mlplat.resources.pipeline import Pipeline
from jupyter_mlplat.resources.run import Run, RunState
from jupyter_mlplat.resources.training import JobRequest
from jupyter_mlplat.services.jobs.building import (
    Source,
    cell_notebook,
    job_pipeline,
    job_submission,
    kind_of,
    refuse_payload,
)
from jupyter_mlplat.services.pipelines.admission import Inventory
from jupyter_mlplat.services.pipelines.submission import new_run
from jupyter_mlplat.services.workflows.flow import Flow

Made = tuple[Run, Pipeline, Flow]


@dataclass(frozen=True, slots=True)
class Jobs:
    """Makes jobs; begins none. Safe from any thread."""

    notebooks: Notebooks
    interpreters: Interpreters
    inventory_of: Callable[[str], Inventory]
    flow_of: Callable[[Pipeline], Flow]

    def make(self, request: JobRequest) -> Made:
        """Make the run of a job; the store gives it its number.

        Raises:
            InvalidInput: It cannot be run as it was asked for.
            NotFound: Something that it names is not there.
        """
        refuse_payload(request)
        inventory = self.inventory_of(request.run_on or THIS_MACHINE)
        pipeline = job_pipeline(request, self._source(request), inventory.cpu)
        flow = self.flow_of(pipeline)
        submission = job_submission(request, pipeline)
        now = utc_now()
        run = new_run(pipeline, submission, inventory, now, flow)
        update: dict[str, object] = {"kind": kind_of(request), "document": request.document}
        if request.is_paused:
            update |= {"state": RunState.PAUSED, "paused_at": now}
        return run.model_copy(update=update), pipeline, flow

    def _source(self, request: JobRequest) -> Source | None:
        payload = request.payload
        if payload.cell is not None:
            content = cell_notebook(payload)
            return Source(self.notebooks.compile(None, content, "cell"), content)
        if payload.notebook is None:
            return None
        refuse_kfp(payload.notebook)
        found = read_file(payload.notebook)
        compiled = self.notebooks.compile(payload.notebook, found, "auto")
        kernel = self.interpreters.kernel_of(compiled) if payload.step is None else ""
        return Source(compiled, found, kernel)


def trials_of_runs(store: MetadataStore, runs: Sequence[str]) -> list[dict[str, object]]:
    """Return the trials of earlier tuning jobs, for one that begins with what they have shown."""
    found: list[dict[str, object]] = []
    for run_id in runs:
        pipeline = store.pipeline_of(store.get_run(run_id).id)
        for step in pipeline.steps:
            if step.tune is not None:
                found += [trial.to_wire() for trial in store.trials_of(run_id, step.name)]
    return found
