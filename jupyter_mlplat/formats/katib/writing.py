"""The status of a tuning job as its documents have it: Experiment, its Trials, OptimizationJob.

Source:
    kubeflow/katib, pkg/controller.v1beta1/experiment/util/status_util.go (reasons, messages, which
    state counts as which) and .../trial/trial_controller_status.go;
    kubeflow/trainer, proposals/2605-optimization-job-crd.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from jupyter_mlplat.formats.katib import API_VERSION, EXPERIMENT, OPTIMIZATION_JOB, TRIAL
from jupyter_mlplat.formats.katib.budget import with_budget
from jupyter_mlplat.formats.kubernetes.conditions import condition, number, time_of
from jupyter_mlplat.formats.trainer.writing import metadata_of
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.run import Run, RunState
from jupyter_mlplat.resources.tuning import SpaceParameter, Trial, TrialState, TuneSpec

GOAL = ("ExperimentGoalReached", "Experiment has succeeded because Objective goal has reached")
MAX_TRIALS = (
    "ExperimentMaxTrialsReached",
    "Experiment has succeeded because max trial count has reached",
)
END = (
    "ExperimentSuggestionEndReached",
    "Experiment has succeeded because suggestion service has reached the end",
)
FAILED = ("ExperimentFailed", "Experiment has failed because max failed count has reached")

_LISTS: Mapping[TrialState, tuple[str, str]] = {
    TrialState.RUNNING: ("runningTrialList", "trialsRunning"),
    TrialState.PENDING: ("pendingTrialList", "trialsPending"),
    TrialState.FAILED: ("failedTrialList", "trialsFailed"),
    TrialState.SUCCEEDED: ("succeededTrialList", "trialsSucceeded"),
    TrialState.KILLED: ("killedTrialList", "trialsKilled"),
    TrialState.EARLY_STOPPED: ("earlyStoppedTrialList", "trialsEarlyStopped"),
    TrialState.METRICS_UNAVAILABLE: ("metricsUnavailableTrialList", "trialMetricsUnavailable"),
}
_ENDS: Mapping[TrialState, tuple[str, str]] = {
    TrialState.SUCCEEDED: ("TrialSucceeded", "Trial has succeeded"),
    TrialState.FAILED: ("TrialFailed", "Trial has failed"),
    TrialState.KILLED: ("TrialKilled", "Trial was killed"),
    TrialState.EARLY_STOPPED: ("TrialEarlyStopped", "Trial is early stopped"),
    TrialState.METRICS_UNAVAILABLE: ("MetricsUnavailable", "Metrics are not available"),
}


def trial_name(job: str, number: int) -> str:
    """Name a trial as its object: what `${trialSpec.Name}` stands for."""
    return f"{job}-{number}"


def write_tuning_job(
    document: Mapping[str, JsonValue] | None,
    run: Run,
    spec: TuneSpec,
    trials: Sequence[Trial],
    best: Trial | None,
) -> dict[str, JsonValue]:
    """Write a tuning job as the kind of object it was made from, else as an Experiment.

    Args:
        document: The object it was made from; None where it was made otherwise.
        run: The run that it is.
        spec: What is searched, and how.
        trials: All of them.
        best: The best of them by now.
    """
    given = dict(document) if document is not None else _document(run, spec)
    if given.get("kind") == OPTIMIZATION_JOB:
        status = _optimization_status(run, spec, trials, best)
    else:
        status = _experiment_status(run, spec, trials, best)
        asked = given.get("spec")
        given["spec"] = with_budget(asked if isinstance(asked, dict) else {}, spec)
    return {**given, "metadata": metadata_of(given, run), "status": status}


def _experiment_status(
    run: Run, spec: TuneSpec, trials: Sequence[Trial], best: Trial | None
) -> JsonValue:
    found: dict[str, JsonValue] = {
        "startTime": time_of(run.created_at),
        "conditions": list(_experiment_conditions(run, spec, trials, best)),
        "currentOptimalTrial": _optimal(run, best),
        "trials": len(trials),
    }
    if run.finished_at is not None and run.state.is_final:
        found["completionTime"] = time_of(run.finished_at)
    for state, (names, count) in _LISTS.items():
        of_state: list[JsonValue] = [
            trial_name(run.pipeline, trial.number) for trial in trials if trial.state is state
        ]
        if of_state:
            found[names], found[count] = of_state, len(of_state)
    return found


def _optimal(run: Run, best: Trial | None) -> JsonValue:
    if best is None:
        return {"bestTrialName": "", "parameterAssignments": None, "observation": {"metrics": None}}
    return {
        "bestTrialName": trial_name(run.pipeline, best.number),
        "parameterAssignments": _assignments(best),
        "observation": _observation(best),
    }


def _assignments(trial: Trial) -> list[JsonValue]:
    return [{"name": name, "value": text_of(value)} for name, value in trial.parameters.items()]


def text_of(value: JsonValue) -> str:
    """Write a parameter's value as a document has it, and a command is given it."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    return json.dumps(value)


def _observation(trial: Trial) -> JsonValue:
    return {
        "metrics": [
            {
                "name": name,
                "latest": number(seen.latest),
                "min": number(seen.min),
                "max": number(seen.max),
            }
            for name, seen in trial.metrics.items()
        ]
    }


def _experiment_conditions(
    run: Run, spec: TuneSpec, trials: Sequence[Trial], best: Trial | None
) -> list[dict[str, JsonValue]]:
    begun = run.state is not RunState.PENDING or bool(trials)
    found = [_dated("Created", "ExperimentCreated", "Experiment is created", run.created_at)]
    if begun:
        found.append(
            _dated(
                "Running",
                "ExperimentRunning",
                "Experiment is running" if not run.state.is_final else "Experiment is completed",
                run.finished_at if run.state.is_final else run.created_at,
                not run.state.is_final,
            )
        )
    match run.state:
        case RunState.SUCCEEDED:
            found.append(_dated("Succeeded", *_why(spec, trials, best), run.finished_at))
        case RunState.FAILED | RunState.CANCELED:
            found.append(_dated("Failed", *_why_failed(run), run.finished_at))
    return found


def _why(spec: TuneSpec, trials: Sequence[Trial], best: Trial | None) -> tuple[str, str]:
    goal = spec.objective.goal
    if goal is not None and best is not None and best.value is not None:
        is_least = spec.objective.direction == "minimize"
        if best.value <= goal if is_least else best.value >= goal:
            return GOAL
    ended = sum(trial.state.is_final for trial in trials)
    return MAX_TRIALS if spec.trials is not None and ended >= spec.trials else END


def _why_failed(run: Run) -> tuple[str, str]:
    failure = run.failure or next((task.failure for task in run.tasks if task.failure), None)
    if run.state is RunState.CANCELED:
        return FAILED[0], "Experiment was stopped"
    return FAILED if failure is None else (FAILED[0], f"{FAILED[1]}: {failure.message}")


def _dated(
    kind: str, reason: str, message: str, at: datetime | None, status: bool = True
) -> dict[str, JsonValue]:
    """Write a condition of Katib, which has two times."""
    found = condition(kind, reason, message, at, status)
    return found | ({"lastUpdateTime": found["lastTransitionTime"]} if at is not None else {})


def write_trial(
    job: Mapping[str, JsonValue] | None, run: Run, spec: TuneSpec, trial: Trial
) -> dict[str, JsonValue]:
    """Write one trial as an object."""
    given = job or {}
    metadata = given.get("metadata")
    namespace = metadata.get("namespace") if isinstance(metadata, dict) else None
    conditions = [_dated("Created", "TrialCreated", "Trial is created", trial.started_at)]
    if trial.state is not TrialState.PENDING:
        is_running = trial.state is TrialState.RUNNING
        conditions.append(
            _dated("Running", "TrialRunning", "Trial is running", trial.started_at, is_running)
        )
    if trial.state in _ENDS:
        reason, message = _ENDS[trial.state]
        said = f"{message}: {trial.failure}" if trial.failure else message
        conditions.append(_dated(str(trial.state), reason, said, trial.finished_at))
    status: dict[str, JsonValue] = {"conditions": list(conditions)}
    for field, moment in (("startTime", trial.started_at), ("completionTime", trial.finished_at)):
        if moment is not None:
            status[field] = time_of(moment)
    if trial.metrics:
        status["observation"] = _observation(trial)
    name = trial_name(run.pipeline, trial.number)
    return {
        "apiVersion": API_VERSION,
        "kind": TRIAL,
        "metadata": {
            "name": name,
            **({"namespace": namespace} if namespace else {}),
            "labels": {"katib.kubeflow.org/experiment": run.pipeline},
        },
        "spec": {
            "objective": _objective(spec),
            "parameterAssignments": _assignments(trial),
        },
        "status": status,
    }


def _optimization_status(
    run: Run, spec: TuneSpec, trials: Sequence[Trial], best: Trial | None
) -> JsonValue:
    conditions = [condition("Created", "Created", "OptimizationJob is created", run.created_at)]
    match run.state:
        case RunState.SUCCEEDED:
            is_all = (
                spec.trials is not None and sum(t.state.is_final for t in trials) >= spec.trials
            )
            reason = "MaxTrialsReached" if is_all else "SearchSpaceExhausted"
            conditions.append(
                condition("Complete", reason, "OptimizationJob is complete", run.finished_at)
            )
        case RunState.FAILED | RunState.CANCELED:
            _, message = _why_failed(run)
            conditions.append(
                condition("Failed", "OptimizationJobFailed", message, run.finished_at)
            )
    found: dict[str, JsonValue] = {"conditions": list(conditions)}
    if best is not None:
        found["result"] = {
            "trainJobName": trial_name(run.pipeline, best.number),
            "parameters": _assignments(best),
        }
    return found


def _document(run: Run, spec: TuneSpec) -> dict[str, JsonValue]:
    """Write what can be said as an Experiment of a job that was made otherwise."""
    given: dict[str, JsonValue] = {
        "objective": _objective(spec),
        "algorithm": _algorithm(spec.algorithm.name, spec.algorithm.settings),
        "parallelTrialCount": spec.parallel,
        "parameters": [_parameter(parameter) for parameter in spec.space],
    }
    if spec.early_stopping is not None:
        stopping = spec.early_stopping
        given["earlyStopping"] = _algorithm(stopping.name, stopping.settings)
    if spec.trials is not None:
        given["maxTrialCount"] = spec.trials
    if spec.failures is not None:
        given["maxFailedTrialCount"] = spec.failures + 1
    return {
        "apiVersion": API_VERSION,
        "kind": EXPERIMENT,
        "metadata": {"name": run.pipeline},
        "spec": given,
    }


def _objective(spec: TuneSpec) -> JsonValue:
    objective = spec.objective
    found: dict[str, JsonValue] = {
        "type": objective.direction,
        "objectiveMetricName": objective.metric,
    }
    if objective.goal is not None:
        found["goal"] = objective.goal
    if objective.additional:
        found["additionalMetricNames"] = list(objective.additional)
    if objective.strategies:
        found["metricStrategies"] = [
            {"name": name, "value": kind} for name, kind in objective.strategies.items()
        ]
    return found


def _algorithm(name: str, settings: Mapping[str, JsonValue]) -> JsonValue:
    found: dict[str, JsonValue] = {"algorithmName": name}
    if settings:
        found["algorithmSettings"] = [
            {"name": key, "value": text_of(value)} for key, value in settings.items()
        ]
    return found


def _parameter(parameter: SpaceParameter) -> JsonValue:
    space: dict[str, JsonValue] = {}
    if parameter.values:
        space["list"] = [text_of(value) for value in parameter.values]
    for field, value in (
        ("min", parameter.minimum),
        ("max", parameter.maximum),
        ("step", parameter.step),
    ):
        if value is not None:
            space[field] = number(value)
    words = {"log-uniform": "logUniform", "normal": "normal", "log-normal": "logNormal"}
    if parameter.distribution in words:
        space["distribution"] = words[parameter.distribution]
    return {"name": parameter.name, "parameterType": parameter.type, "feasibleSpace": space}
