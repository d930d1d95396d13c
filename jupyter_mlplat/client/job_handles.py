"""Train and tuning jobs in one's hands: watch them, pause them, take what they made."""

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from jupyter_mlplat.client.documents import ModelVersion, Shown
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.client.following import Action, Following, concerns_kind
from jupyter_mlplat.client.runs import Run
from jupyter_mlplat.client.views import nouns
from jupyter_mlplat.client.views.view import Series, View
from jupyter_mlplat.errors import InvalidInput, NotFound, PlatformError
from jupyter_mlplat.resources import run as documents
from jupyter_mlplat.resources.pipeline import Step
from jupyter_mlplat.resources.run import Metric, RunState, RunSummary, Task
from jupyter_mlplat.resources.spelling import train_spec, tune_spec
from jupyter_mlplat.resources.training import Checkpoint, Progress, RankStatus, TrainJobStatus
from jupyter_mlplat.resources.tuning import Trial, TrialDetail, TuningStatus

TAIL_LINES = 8
_TAIL_BYTES = 4096
_TRIALS_SHOWN = 1000
_PAGE = 1000


class Job(Run):
    """A train or a tuning job: a run of one step, or such a step of a pipeline's run."""

    def __init__(
        self,
        client: EngineClient,
        document: documents.Run,
        series: tuple[Series, ...] = (),
        step: str | None = None,
    ) -> None:
        super().__init__(client, document, series)
        self.step = step or document.tasks[0].name
        self._metrics: tuple[Metric, ...] = ()
        self._tail = ""

    @property
    def task(self) -> Task:
        """Its step, as last heard from the engine."""
        return next(task for task in self._document.tasks if task.name == self.step)

    @property
    def progress(self) -> Progress | None:
        """What the code has last reported of itself."""
        return self.task.progress

    @property
    def is_paused(self) -> bool:
        return self.state is RunState.PAUSED

    def tail(self, lines: int = TAIL_LINES) -> str:
        """Return the last lines that it wrote."""
        return "\n".join(self._tail.splitlines()[-lines:])

    def measure(self) -> "Job":
        """Ask the engine for its metrics over time and the end of its log."""
        found = self._client.list_metrics(self.id)
        self._metrics = tuple(metric for metric in found if metric.step == self.step)
        if self.task.attempt:
            self._tail = _read_tail(self._client, self.id, self.step)
        return self

    def _again(self) -> "Job":
        return type(self)(self._client, self._client.get_run(self.id), step=self.step).measure()

    def following(self) -> Following:
        return replace(super().following(), look=self._again)


class TrainJob(Job):
    """A distributed training run: what its processes do, what they report and leave."""

    _status: TrainJobStatus | None = None

    @property
    def status(self) -> TrainJobStatus:
        """Its ranks, conditions and checkpoints, as last heard from the engine."""
        if self._status is None:
            self._status = self._client.get_ranks(self.id, self.step)
        return self._status

    @property
    def ranks(self) -> tuple[RankStatus, ...]:
        return self.status.ranks

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """What a restart or `resume` may go on from, the newest last."""
        return self.status.checkpoints

    @property
    def progress(self) -> Progress | None:
        return super().progress or (self._status.progress if self._status else None)

    def refresh(self) -> "TrainJob":
        """Ask the engine how it is now."""
        super().refresh()
        self._status = None
        return self

    def wait(self, timeout_s: float | None = None, *, check: bool = False) -> "TrainJob":
        super().wait(timeout_s, check=check)
        self._status = None
        return self

    def logs(self, step: str | None = None, *, rank: int | None = None) -> str:
        """Return what the job wrote: rank 0 and all that is not a rank's, or one rank."""
        if rank is None:
            return super().logs(step or self.step)
        return self._client.read_rank_log(self.id, rank, step=self.step)

    def register(self, name: str, *, alias: str | Sequence[str] = ()) -> ModelVersion:
        """Make a model version of what it logged."""
        from jupyter_mlplat.client import api

        return api.register(name, self, alias=alias, home=self._client.home.root)

    def measure(self) -> "TrainJob":
        super().measure()
        self._status = self._client.get_ranks(self.id, self.step)
        return self

    def view(self) -> View:
        if self._status is None:
            self.measure()
        return nouns.view_train_job(
            self._document, self.task, self._status, self._metrics, self.tail()
        )


class Trials(Shown, list[Trial]):
    """The trials of a tuning job, as a table."""

    def __init__(self, title: str, trials: Iterable[Trial], metric: str) -> None:
        super().__init__(trials)
        self._title, self._metric = title, metric

    def view(self) -> View:
        return nouns.view_trials(self._title, self, self._metric)

    def to_pandas(self) -> Any:
        """Return a pandas.DataFrame: a row a trial, its parameters and metrics as columns."""
        import pandas

        rows = [
            {
                "trial": trial.number,
                "state": trial.state.value,
                **trial.parameters,
                self._metric: trial.value,
                **{n: m.latest for n, m in trial.metrics.items() if n != self._metric},
                "duration_s": trial.duration_s,
            }
            for trial in self
        ]
        frame = pandas.DataFrame(rows)
        return frame.set_index("trial") if rows else frame


class TuningJob(Job):
    """A search for the best parameters: its trials, and the best so far."""

    _tuning: TuningStatus | None = None
    _rows: tuple[Trial, ...] | None = None

    @property
    def tuning(self) -> TuningStatus:
        """Counts, the best trial and what matters to it, as last heard from the engine."""
        if self._tuning is None:
            self._tuning = self._client.get_tuning(self.id, self.step)
        return self._tuning

    @property
    def trials(self) -> Trials:
        """Every trial, in the order they were suggested."""
        if self._rows is None:
            self._rows = self._list_trials()
        title = f"Trials of tuning job {self.number}"
        return Trials(title, self._rows, self.tuning.spec.objective.metric)

    @property
    def best(self) -> Trial | None:
        """The best trial so far; None until one has succeeded."""
        return self.tuning.best

    @property
    def best_parameters(self) -> dict[str, Any]:
        """The parameters of the best trial; empty until one has succeeded."""
        return dict(self.best.parameters) if self.best else {}

    @property
    def best_value(self) -> float | None:
        return self.best.value if self.best else None

    def trial(self, number: int) -> TrialDetail:
        """Return one trial with all that it has told and made."""
        return self._client.get_trial(self.id, number, self.step)

    def stop(self, trial: int | None = None) -> "TuningJob":
        """End one trial; without a number, make no more trials until `resume`."""
        if trial is None:
            self.pause()
        else:
            self._client.stop_trial(self.id, trial, self.step)
        return self.refresh()

    def logs(self, step: str | None = None, *, trial: int | None = None) -> str:
        """Return what the job wrote, or what one trial wrote."""
        if trial is None:
            return super().logs(step or self.step)
        return self._client.read_trial_log(self.id, trial, step=self.step)

    def register_best(self, name: str, *, alias: str | Sequence[str] = ()) -> ModelVersion:
        """Make a model version of what the best trial logged."""
        from jupyter_mlplat.client import api

        return api.register(name, self, alias=alias, home=self._client.home.root)

    def rerun_best(self, *, wait: bool = True) -> TrainJob:
        """Run the same code once more, with the parameters of the best trial.

        Raises:
            NotFound: No trial has succeeded yet.
            InvalidInput: What a trial runs can only be run by the tuning job itself.
        """
        best = self.best
        if best is None:
            raise NotFound(
                f"Cannot run the best trial of tuning job {self.number} again: none has succeeded."
            )
        pipeline = self._client.get_run_pipeline(self.id)
        step = pipeline.step(self.step)
        payload = _payload_with(step, best.parameters, self.number)
        request = {
            "payload": {**payload, "cwd": pipeline.folder, "preload": list(pipeline.preload)},
            "name": f"{pipeline.name[:54]}-best",
            "title": f"Best trial of job {self.number}",
            "experiment": self._document.experiment,
            "python": step.settings.python,
            "env": step.settings.env,
            "cpu": step.settings.resources.cpu,
            "train": (step.tune.train.to_wire() if step.tune and step.tune.train else _ONE_PROCESS),
            "note": f"Trial {best.number} of tuning job {self.number}.",
        }
        if step.settings.resources.gpu:
            request["gpu"] = step.settings.resources.gpu
        job = TrainJob(self._client, self._client.train(request))
        return job.wait() if wait else job

    def refresh(self) -> "TuningJob":
        """Ask the engine how it is now."""
        super().refresh()
        self._tuning = self._rows = None
        return self

    def wait(self, timeout_s: float | None = None, *, check: bool = False) -> "TuningJob":
        super().wait(timeout_s, check=check)
        self._tuning = self._rows = None
        return self

    def measure(self) -> "TuningJob":
        super().measure()
        self._tuning = self._client.get_tuning(self.id, self.step)
        self._rows = self._list_trials(_TRIALS_SHOWN)
        return self

    def view(self) -> View:
        if self._rows is None or self._tuning is None:
            self.measure()
        return nouns.view_tuning_job(
            self._document, self.task, self._tuning, self._rows or (), self.tail()
        )

    def _actions(self) -> tuple[Action, ...]:
        actions = super()._actions()
        return tuple(
            replace(action, label="Stop") if action.name == "pause" else action
            for action in actions
        )

    def _list_trials(self, limit: int | None = None) -> tuple[Trial, ...]:
        found: list[Trial] = []
        after: str | None = None
        while True:
            page = self._client.list_trials(self.id, step=self.step, limit=_PAGE, after=after)
            found += page.trials
            after = page.next
            if after is None or (limit is not None and len(found) >= limit):
                return tuple(found)


_ONE_PROCESS = {"runtime": "plain", "nodes": 1, "processes": 1}


def _payload_with(step: Step, parameters: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return what a trial of a step runs, with its parameters put in."""
    if step.program is not None:
        arguments = {**step.program.arguments, **parameters}
        command = [_substituted(part, parameters) for part in step.program.command]
        return {"function": step.program.function, "command": command, "arguments": arguments}
    if len(step.cells) != 1 or step.inputs:
        raise InvalidInput(
            f"Cannot run the best trial of tuning job {number} by itself: it is a step of a "
            "notebook. Its values are those of the run already: job.value(NAME)."
        )
    lines = [f"{name} = {value!r}" for name, value in parameters.items() if name.isidentifier()]
    source = step.cells[0].source
    first, _, rest = source.partition("\n")
    body = rest if first.startswith("%%mlplat") else source
    payload: dict[str, Any] = {"cell": "\n".join([*lines, body]), "prelude": list(step.prelude)}
    if step.carried is not None:
        payload |= {"carried": step.carried.bundle, "carried_names": list(step.carried.names)}
    return payload


def _substituted(text: str, parameters: Mapping[str, Any]) -> str:
    for name, value in parameters.items():
        text = text.replace(f"${{trialParameters.{name}}}", str(value))
    return text


class JobList(Shown, list[RunSummary]):
    """Train and tuning jobs, newest first, as rows."""

    def view(self) -> View:
        return nouns.view_jobs(self)


_KINDS: dict[str, type[Run]] = {"train": TrainJob, "tune": TuningJob}


def as_job(client: EngineClient, document: documents.Run, series: tuple[Series, ...] = ()) -> Any:
    """Return a run as what it is: a train job, a tuning job, or a run like any other."""
    return _KINDS.get(document.kind, Run)(client, document, series)


def _read_tail(client: EngineClient, run: str, step: str) -> str:
    """Return the end of what a step printed; of its errors, where it printed nothing."""
    segments = {"run": run, "step": step}
    for stream in ("stdout", "stderr"):
        try:
            with client.open("steps.log", segments, {"stream": stream, "limit": 0}) as answer:
                size = int(answer.headers.get("X-Log-Size") or 0)
            if size:
                offset = max(0, size - _TAIL_BYTES)
                written = client.read_step_log(run, step, stream, offset, _TAIL_BYTES)
                return written.decode(errors="replace")
        except PlatformError:
            return ""  # its first attempt has not written yet, or is gone
    return ""


def payload_of(
    client: EngineClient, what: Callable[..., Any] | str | os.PathLike[str] | Sequence[str]
) -> dict[str, Any]:
    """Say what a job is to run: a function, a notebook or script by its path, or a command.

    Raises:
        InvalidInput: It is none of these, or needs a value that cannot travel.
    """
    if callable(what):
        from jupyter_mlplat.client.carrying import carry_function

        return {**carry_function(client, what).payload(), "cwd": os.getcwd()}
    if isinstance(what, str | os.PathLike):
        path = os.path.abspath(os.path.expanduser(what))
        if not os.path.isfile(path):
            raise InvalidInput(
                f"Cannot run {os.fspath(what)!r} as a job: there is no such file. Give a function, "
                "the path of a notebook or script, or a command as a list."
            )
        return {"notebook": path}
    return {"command": [str(part) for part in what], "cwd": os.getcwd()}


def request_of(payload: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """Return what all jobs are asked for with; options that are None are left out."""
    request = {key: value for key, value in options.items() if value is not None}
    return {"python": sys.executable, **request, "payload": dict(payload)}


def train_job(
    what: Callable[..., Any] | str | os.PathLike[str] | Sequence[str],
    arguments: Mapping[str, Any] | None = None,
    *,
    nodes: int = 1,
    processes: int | None = None,
    runtime: str | None = None,
    gpu: float | None = None,
    cpu: float | None = None,
    memory: str | None = None,
    name: str | None = None,
    title: str | None = None,
    step: str | None = None,
    retries: int | None = None,
    timeout_s: float | None = None,
    env: Mapping[str, str] | None = None,
    dataset: str | None = None,
    model: str | None = None,
    experiment: str | None = None,
    tags: Mapping[str, str] | None = None,
    note: str | None = None,
    python: str | None = None,
    wait: bool = True,
    check: bool = False,
    home: Any = None,
) -> TrainJob:
    """Run a function, a notebook, a script or a command as a distributed train job.

    Args:
        what: A function (with all it needs of this notebook or script), the path of a notebook or
            script, or a command as a list.
        arguments: Of the function or the notebook, by name.
        nodes: How many nodes the job has; on one machine they are groups of processes.
        processes: Processes of each node; by default one for each GPU it has, else one.
        runtime: Name of a runtime, such as `torch-distributed` or `plain`.
        gpu: Devices, or a share of one; none by default.
        cpu: Cores.
        memory: Limit of all its processes together, such as `2Gi`.
        name: What lists call it.
        title: The same, for people.
        step: Only this step of the notebook.
        retries: Restarts after a failure, each from the last checkpoint.
        timeout_s: Deadline.
        env: Variables of the environment.
        dataset: URI of what the initializer fetches before the job begins.
        model: Likewise, for a model to begin with.
        experiment: Group of runs it belongs to.
        tags: Words to find it by.
        note: What is to be said about it.
        python: The interpreter; this one by default.
        wait: Whether to return only when the job is final.
        check: Whether to raise when it did not succeed.
        home: The state directory; by default `MLPLAT_HOME`.

    Raises:
        InvalidInput: It cannot be run, or needs a value that cannot travel.
        ExecutionFailed: It did not succeed, and `check` is set.
    """
    client = EngineClient(home)
    spec = train_spec(
        _without_none(
            nodes=nodes, processes=processes, runtime=runtime, dataset=dataset, model=model
        )
    )
    payload = {**payload_of(client, what), "arguments": dict(arguments or {}), "step": step}
    request = request_of(
        payload,
        train=spec.to_wire(),
        gpu=gpu,
        cpu=cpu,
        memory=memory,
        name=name or _name_of(what, "train"),
        title=title,
        retries=retries,
        timeout_s=timeout_s,
        env=dict(env or {}),
        experiment=experiment,
        tags=dict(tags or {}),
        note=note,
        python=python,
    )
    job = TrainJob(client, client.train(request))
    return job.wait(check=check) if wait else job


def tune(
    what: Callable[..., Any] | str | os.PathLike[str] | Sequence[str],
    space: str | Sequence[Any] | Mapping[str, Any],
    *,
    trials: int | None = None,
    maximize: str | None = None,
    minimize: str | None = None,
    goal: float | None = None,
    also: Sequence[str] = (),
    parallel: int = 1,
    algorithm: str | Mapping[str, Any] = "tpe",
    early_stopping: str | Mapping[str, Any] | None = None,
    failures: int | None = None,
    seed: int | None = None,
    inline: bool = False,
    warm_start: Sequence[Any] = (),
    arguments: Mapping[str, Any] | None = None,
    nodes: int | None = None,
    processes: int | None = None,
    runtime: str | None = None,
    gpu: float | None = None,
    cpu: float | None = None,
    memory: str | None = None,
    name: str | None = None,
    title: str | None = None,
    step: str | None = None,
    timeout_s: float | None = None,
    env: Mapping[str, str] | None = None,
    collector: Mapping[str, Any] | None = None,
    experiment: str | None = None,
    tags: Mapping[str, str] | None = None,
    note: str | None = None,
    python: str | None = None,
    wait: bool = True,
    check: bool = False,
    home: Any = None,
) -> TuningJob:
    """Try a function, a notebook, a script or a command with other parameters, again and again.

    Args:
        what: A function of the parameters, which returns the metric or reports it; the path of a
            notebook or script; or a command, in which `${trialParameters.x}` stands for a value.
        space: `"lr=loguniform(1e-5,1e-1) depth=int(2,12)"`, or a mapping such as
            `{"lr": "loguniform(1e-5,1e-1)", "kernel": ["rbf", "linear"]}`.
        trials: At most so many.
        maximize: The metric that is to be as high as possible.
        minimize: The metric that is to be as low as possible.
        goal: The job is over once the metric has reached it.
        also: Further metrics to keep of each trial.
        parallel: How many trials run at once.
        algorithm: A name, or `{"name": …, "settings": {…}}`.
        early_stopping: `medianstop` or `asha`, or such a mapping.
        failures: More failed trials than these, and the job fails.
        seed: Of the algorithm.
        inline: Trials run one after the other in one process: for functions of milliseconds.
        warm_start: Tuning jobs, or their ids, whose trials the algorithm knows from the start.
        arguments: Further arguments of the function or the notebook, the same in every trial.
        nodes: Each trial is a train job of so many nodes.
        processes: Each trial is a train job of so many processes a node.
        runtime: Each trial is a train job of this runtime.
        gpu: Devices of the job; trials share them.
        cpu: Cores of the job.
        memory: Limit of all its processes together.
        name: What lists call it.
        title: The same, for people.
        step: Only this step of the notebook.
        timeout_s: Deadline.
        env: Variables of the environment.
        collector: Where metrics are read, beside what trials report: fields of a `Collector`.
        experiment: Group of runs it belongs to.
        tags: Words to find it by.
        note: What is to be said about it.
        python: The interpreter; this one by default.
        wait: Whether to return only when the job is final.
        check: Whether to raise when it did not succeed.
        home: The state directory; by default `MLPLAT_HOME`.

    Raises:
        InvalidInput: The space or the objective is none, or it needs a value that cannot travel.
        ExecutionFailed: It did not succeed, and `check` is set.
    """
    client = EngineClient(home)
    train = _without_none(nodes=nodes, processes=processes, runtime=runtime)
    spec = tune_spec(
        _without_none(
            space=space,
            maximize=maximize,
            minimize=minimize,
            goal=goal,
            additional=tuple(also),
            trials=trials,
            parallel=parallel,
            algorithm=algorithm,
            early_stopping=early_stopping,
            failures=failures,
            seed=seed,
            inline=inline,
            warm_start=[job.id if isinstance(job, Run) else str(job) for job in warm_start],
            collector=collector,
            train=train or None,
        )
    )
    payload = {**payload_of(client, what), "arguments": dict(arguments or {}), "step": step}
    request = request_of(
        payload,
        tune=spec.to_wire(),
        gpu=gpu,
        cpu=cpu,
        memory=memory,
        name=name or _name_of(what, "tune"),
        title=title,
        timeout_s=timeout_s,
        env=dict(env or {}),
        experiment=experiment,
        tags=dict(tags or {}),
        note=note,
        python=python,
    )
    job = TuningJob(client, client.tune(request))
    return job.wait(check=check) if wait else job


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
    client = EngineClient(home)
    if run == "latest":
        rows = jobs(1, home=home)
        if not rows:
            raise NotFound("There is no train or tuning job yet. Start one: %%mlplat train.")
        run = rows[0].id
    document = client.get_run(run)
    if document.kind in _KINDS:
        return as_job(client, document)
    steps = client.get_run_pipeline(document.id).steps
    jobs_in = {one.name: one for one in steps if one.train is not None or one.tune is not None}
    names = [step] if step else list(jobs_in)
    if len(names) != 1 or names[0] not in jobs_in:
        raise NotFound(
            f"Cannot tell which job of run {document.number} is meant. Its steps that are jobs: "
            f"{', '.join(jobs_in) or 'none'}."
        )
    kind = TrainJob if jobs_in[names[0]].tune is None else TuningJob
    return kind(client, document, step=names[0])


def _without_none(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _name_of(what: Any, fallback: str) -> str:
    """Name a job after what it runs."""
    if callable(what):
        text = getattr(what, "__name__", "")
    else:
        text = (
            os.path.splitext(os.path.basename(what))[0]
            if isinstance(what, str | os.PathLike)
            else ""
        )
    return as_name(text, fallback)


def as_name(text: str, fallback: str) -> str:
    """Make a name of a text: lower case, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-") or fallback
