"""Beginning train and tuning jobs from Python: a function, a notebook, a script or a command."""

from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.client.job_handles import TrainJob
from jupyter_mlplat.client.job_requests import (
    What,
    name_of,
    payload_of,
    request_of,
    without_none,
)
from jupyter_mlplat.client.runs import Run
from jupyter_mlplat.client.tuning_handles import TuningJob
from jupyter_mlplat.resources.spelling import train_spec, tune_spec


def train_job(
    what: What,
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
    volumes: Mapping[str, str] | None = None,
    dataset: str | None = None,
    model: str | None = None,
    experiment: str | None = None,
    tags: Mapping[str, str] | None = None,
    note: str | None = None,
    python: str | None = None,
    on: str | None = None,
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
        volumes: Named folders, kept until they are deleted, by the paths where a function or a
            command sees them: `{"/data": "digits"}`.
        dataset: URI of what the initializer fetches before the job begins.
        model: Likewise, for a model to begin with.
        experiment: Group of runs it belongs to.
        tags: Words to find it by.
        note: What is to be said about it.
        python: The interpreter; this one by default.
        on: Where: `this-machine`, or a cluster of the engine's settings; by default as they say.
        wait: Whether to return only when the job is final.
        check: Whether to raise when it did not succeed.
        home: The state directory; by default `MLPLAT_HOME`.

    Raises:
        InvalidInput: It cannot be run, or needs a value that cannot travel.
        ExecutionFailed: It did not succeed, and `check` is set.
    """
    client = EngineClient(home)
    spec = train_spec(
        without_none(
            nodes=nodes, processes=processes, runtime=runtime, dataset=dataset, model=model
        )
    )
    request = request_of(
        payload_of(client, what, arguments, step, volumes),
        train=spec.to_wire(),
        gpu=gpu,
        cpu=cpu,
        memory=memory,
        name=name or name_of(what, "train"),
        title=title,
        retries=retries,
        timeout_s=timeout_s,
        env=env and dict(env),
        experiment=experiment,
        tags=tags and dict(tags),
        note=note,
        python=python,
        run_on=on,
    )
    job = TrainJob(client, client.train(request))
    return job.wait(check=check) if wait else job


def tune(
    what: What,
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
    trial_retries: int | None = None,
    trial_timeout_s: float | None = None,
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
    volumes: Mapping[str, str] | None = None,
    collector: Mapping[str, Any] | None = None,
    experiment: str | None = None,
    tags: Mapping[str, str] | None = None,
    note: str | None = None,
    python: str | None = None,
    on: str | None = None,
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
        trial_retries: A trial whose code fails is run again so often.
        trial_timeout_s: A trial that takes longer has failed.
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
        volumes: Named folders, kept until they are deleted, by the paths where a function or a
            command sees them: `{"/data": "digits"}`.
        collector: Where metrics are read, beside what trials report: fields of a `Collector`.
        experiment: Group of runs it belongs to.
        tags: Words to find it by.
        note: What is to be said about it.
        python: The interpreter; this one by default.
        on: Where: `this-machine`, or a cluster of the engine's settings; by default as they say.
        wait: Whether to return only when the job is final.
        check: Whether to raise when it did not succeed.
        home: The state directory; by default `MLPLAT_HOME`.

    Raises:
        InvalidInput: The space or the objective is none, or it needs a value that cannot travel.
        ExecutionFailed: It did not succeed, and `check` is set.
    """
    client = EngineClient(home)
    train = without_none(nodes=nodes, processes=processes, runtime=runtime)
    spec = tune_spec(
        without_none(
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
            trial_retries=trial_retries,
            trial_timeout_s=trial_timeout_s,
            seed=seed,
            inline=inline,
            warm_start=[job.id if isinstance(job, Run) else str(job) for job in warm_start],
            collector=collector,
            train=train or None,
        )
    )
    request = request_of(
        payload_of(client, what, arguments, step, volumes),
        tune=spec.to_wire(),
        gpu=gpu,
        cpu=cpu,
        memory=memory,
        name=name or name_of(what, "tune"),
        title=title,
        timeout_s=timeout_s,
        env=env and dict(env),
        experiment=experiment,
        tags=tags and dict(tags),
        note=note,
        python=python,
        run_on=on,
    )
    job = TuningJob(client, client.tune(request))
    return job.wait(check=check) if wait else job
