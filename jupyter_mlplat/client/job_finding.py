"""Train and tuning jobs among the runs: one by its number, the latest, a list."""

from typing import Any

from jupyter_mlplat.client.documents import Shown
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.client.following import Following, concerns_kind
from jupyter_mlplat.client.job_handles import TrainJob
from jupyter_mlplat.client.runs import Run
from jupyter_mlplat.client.tuning_handles import TuningJob
from jupyter_mlplat.client.views import nouns
from jupyter_mlplat.client.views.view import Series, View
from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.resources import run as documents
from jupyter_mlplat.resources.run import RunSummary

_KINDS: dict[str, type[Run]] = {"train": TrainJob, "tune": TuningJob}


class JobList(Shown, list[RunSummary]):
    """Train and tuning jobs, newest first, as rows."""

    def view(self) -> View:
        return nouns.view_jobs(self)


def as_job(client: EngineClient, document: documents.Run, series: tuple[Series, ...] = ()) -> Any:
    """Return a run as what it is: a train job, a tuning job, or a run like any other."""
    return _KINDS.get(document.kind, Run)(client, document, series)


def jobs(limit: int = 20, *, kind: str | None = None, home: Any = None) -> JobList:
    """List train and tuning jobs, newest first; `kind` is `train` or `tune`."""
    client = EngineClient(home)

    def look() -> JobList:
        rows: list[RunSummary] = []
        for one in (kind,) if kind else tuple(_KINDS):
            rows += client.list_runs(limit, kind=one)[0]
        rows.sort(key=lambda row: -row.number)
        return JobList(rows[:limit]).followed(following)

    following = Following(client, look, concerns_kind("run."))
    return look()


def get_job(run: str | int = "latest", step: str | None = None, *, home: Any = None) -> Any:
    """Return a train or tuning job by id or number, or the latest job.

    Args:
        run: Of the job; or a pipeline's run that has a job as a step.
        step: Which step of a pipeline's run is meant, where several are jobs.
        home: The state directory; by default `MLPLAT_HOME`.

    Raises:
        NotFound: There is no such job.
    """
    if run == "latest":
        rows = jobs(1, home=home)
        if not rows:
            raise NotFound("There is no train or tuning job yet. Start one: %%mlplat train.")
        run = rows[0].id
    return find_job(EngineClient(home), run, step)


def find_job(client: EngineClient, run: str | int, step: str | None = None) -> Any:
    """Return a run that is a job, or the step of a pipeline's run that is one.

    Raises:
        NotFound: There is no such run, or no such job in it.
    """
    document = client.get_run(run)
    if document.kind in _KINDS:
        return as_job(client, document)
    steps = client.get_run_pipeline(document.id).steps
    jobs_in = {one.name: one for one in steps if one.is_job}
    names = [step] if step else list(jobs_in)
    if len(names) != 1 or names[0] not in jobs_in:
        raise NotFound(
            f"Cannot tell which job of run {document.number} is meant. Its steps that are jobs: "
            f"{', '.join(jobs_in) or 'none'}."
        )
    kind = TrainJob if jobs_in[names[0]].tune is None else TuningJob
    return kind(client, document, step=names[0])
