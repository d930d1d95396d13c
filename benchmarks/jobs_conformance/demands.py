"""What upstream demands of its documents once they are over.

Source:
    kubeflow/katib, test/e2e/v1beta1/scripts/gh-actions/{verify,run-e2e-experiment}.py: the best
    trial is known; all trials are completed where the maximum was reached; the metric is good
    enough where the goal was reached; `from-volume-resume` and `long-running-resume` go on with one
    more trial;
    kubeflow/trainer, test/e2e/e2e_test.go: one condition Complete, the node's job succeeded.
"""

from collections.abc import Mapping
from typing import Any

RESUMED = ("from-volume-resume", "long-running-resume")


def missed(document: Mapping[str, Any]) -> str | None:
    """Return what an object that is over lacks; None where it is as upstream demands."""
    return (_of_train_job if document["kind"] == "TrainJob" else _of_experiment)(document)


def held(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the conditions that hold, each with its reason."""
    conditions = document.get("status", {}).get("conditions") or ()
    return {one["type"]: one.get("reason", "") for one in conditions if one["status"] == "True"}


def _of_train_job(document: Mapping[str, Any]) -> str | None:
    conditions = held(document)
    if conditions != {"Complete": "AllJobsCompleted"}:
        return f"its conditions are {conditions or 'none'}"
    for job in document["status"]["jobsStatus"]:
        counts = {name: job[name] for name in ("succeeded", "failed", "active", "suspended")}
        if counts != {"succeeded": 1, "failed": 0, "active": 0, "suspended": 0}:
            return f"its job {job['name']} has {counts}"
    return None


def _of_experiment(document: Mapping[str, Any]) -> str | None:
    spec, status, conditions = document["spec"], document["status"], held(document)
    reason = conditions.get("Succeeded")
    if reason is None:
        return f"its conditions are {conditions or 'none'}"
    objective = spec["objective"]
    observed = status["currentOptimalTrial"]["observation"]["metrics"] or ()
    metrics = {one["name"]: one for one in observed}
    best = metrics.get(objective["objectiveMetricName"])
    if best is None:
        return "its best trial has no value of the objective"
    completed = status.get("trialsSucceeded", 0) + status.get("trialsEarlyStopped", 0)
    if reason == "ExperimentMaxTrialsReached" and completed != spec["maxTrialCount"]:
        return f"{completed} trials are completed, demanded are {spec['maxTrialCount']}"
    if reason == "ExperimentGoalReached":
        is_least = objective["type"] == "minimize"
        value = float(best["min" if is_least else "max"])
        if value > objective["goal"] if is_least else value < objective["goal"]:
            return f"the goal is {objective['goal']}, the best value is {value}"
    return None
