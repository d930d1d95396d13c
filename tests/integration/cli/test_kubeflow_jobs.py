"""Kubeflow's documents, and jobs of one's own, from a terminal to their end."""

import json
from pathlib import Path

import pytest
import yaml

from tests.integration.cli.conftest import Workplace
from tests.unit.formats.kubeflow_documents import (
    EXPERIMENT,
    OPTIMIZATION_JOB,
    RUNTIME,
    TRAIN_JOB,
    changed,
)

CODE = "import sys; x = float(sys.argv[1]); print(f'loss={abs(x - 0.02) + int(sys.argv[2])}')"
CONTAINER = "spec/trialTemplate/trialSpec/spec/template/spec/containers/0"


@pytest.fixture
def experiment(workplace: Workplace) -> Path:
    """An experiment of six trials whose code comes with it, so that no image has to be mapped."""
    left = ["${trialParameters.learningRate}", "${trialParameters.layers}"]
    document = changed(EXPERIMENT, f"{CONTAINER}/command", ["python3", "-c", CODE, *left]).raw
    document = changed(dict(document), f"{CONTAINER}/image", "python:3.11").raw
    document = changed(dict(document), "spec/maxTrialCount", 6).raw
    document = changed(dict(document), "spec/resumePolicy", "LongRunning").raw
    path = workplace.folder / "experiment.yaml"
    path.write_text(yaml.safe_dump(dict(document)))
    return path


def test_experiment_is_applied_told_resumed_and_deleted(
    workplace: Workplace, experiment: Path
) -> None:
    done = workplace.mlplat("apply", "-f", str(experiment), "--wait")
    assert done.returncode == 0, done.stderr.decode()
    assert b"experiment/random created (run 1)" in done.stdout

    found = workplace.ask("get", "experiments", "random")
    status = found["status"]
    assert status["conditions"][-1]["reason"] == "ExperimentMaxTrialsReached"
    assert (status["trials"], status["trialsSucceeded"]) == (6, 6)
    name = status["currentOptimalTrial"]["bestTrialName"]
    assert workplace.ask("get", "trials", name)["status"]["observation"]["metrics"]
    log = workplace.mlplat("logs", "random", "--trial", name.rpartition("-")[2])
    assert log.stdout.startswith(b"loss=")

    [again] = workplace.ask("apply", "-f", str(experiment))["documents"]
    assert again["outcome"] == "unchanged"
    more = {**found, "spec": {**found["spec"], "maxTrialCount": 7}}
    experiment.write_text(json.dumps({key: more[key] for key in ("apiVersion", "kind", "spec")}
                                     | {"metadata": {"name": "random"}}))  # fmt: skip
    workplace.mlplat("apply", "-f", str(experiment), "--wait")
    assert workplace.ask("get", "experiments", "random")["status"]["trialsSucceeded"] == 7

    assert workplace.mlplat("delete", "experiment/random").returncode == 0
    left = workplace.ask("get", "experiments")["items"]
    assert "random" not in [one["metadata"]["name"] for one in left]


def test_train_job_with_its_runtime_is_applied_and_told(workplace: Workplace) -> None:
    runtime = changed(RUNTIME, "spec/mlPolicy/torch", ...).raw
    job = changed(TRAIN_JOB, "spec/runtimeRef/name", "torch-volcano").raw
    job = changed(dict(job), "spec/trainer/resourcesPerNode", {}).raw
    job = changed(dict(job), "spec/trainer/image", "python:3.11").raw
    job = changed(dict(job), "spec/trainer/command", ["python3", "-c", "print('here')"]).raw
    path = workplace.folder / "job.yaml"
    path.write_text(yaml.safe_dump_all([dict(runtime), dict(job)]))

    done = workplace.mlplat("apply", "-f", str(path), "--wait")

    assert done.returncode == 0, done.stderr.decode()
    found = workplace.ask("get", "trainjob/multi-node")
    assert [one["type"] for one in found["status"]["conditions"]] == ["Complete"]
    assert found["status"]["jobsStatus"][0]["succeeded"] == 1
    assert workplace.mlplat("logs", "multi-node", "--rank", "2").stdout == b"here\n"
    listed = workplace.ask("get", "runtimes")["items"]
    assert "torch-volcano" in [one["metadata"]["name"] for one in listed]


def test_optimization_job_gives_its_trials_variables_and_is_told_with_its_result(
    workplace: Workplace,
) -> None:
    code = (
        "import os, jupyter_mlplat as mlplat; "
        "rate = float(os.environ['KUBEFLOW_TRAINER_OPT_LEARNING_RATE']); "
        "mlplat.train.report(metrics={'accuracy': rate})"
    )
    path = "spec/trainJobTemplate/spec"
    job = changed(OPTIMIZATION_JOB, f"{path}/trainer", {"command": ["python", "-c", code]}).raw
    job = changed(dict(job), f"{path}/runtimeRef/name", "plain").raw
    job = changed(dict(job), "spec/numTrials", 3).raw
    job = changed(dict(job), "spec/parallelTrials", 2).raw
    file = workplace.folder / "optimization.yaml"
    file.write_text(yaml.safe_dump(dict(job)))

    done = workplace.mlplat("apply", "-f", str(file), "--wait")

    assert done.returncode == 0, done.stderr.decode()
    status = workplace.ask("get", "optimizationjob/bert")["status"]
    assert [one["type"] for one in status["conditions"]] == ["Created", "Complete"]
    best = workplace.ask("get", "trials", status["result"]["trainJobName"])
    rate, accuracy = best["spec"]["parameterAssignments"][0], best["status"]["observation"]
    assert rate["value"] == accuracy["metrics"][0]["latest"]


def test_faulty_document_is_refused_with_its_path_and_nothing_is_begun(
    workplace: Workplace, experiment: Path
) -> None:
    text = experiment.read_text().replace("min: '0.01'", "min: '0.5'")
    experiment.write_text(f"{yaml.safe_dump(TRAIN_JOB)}---\n{text}")

    done = workplace.mlplat("apply", "-f", str(experiment))

    assert done.returncode == 2
    assert b"spec.parameters[0].feasibleSpace.min: 0.5 is above the maximum" in done.stderr
    left = workplace.ask("get", "experiments")["items"]
    assert "random" not in [one["metadata"]["name"] for one in left]


def test_setting_that_the_algorithm_does_not_take_is_told_with_its_path(
    workplace: Workplace, experiment: Path
) -> None:
    text = experiment.read_text().replace(
        "algorithmName: random",
        "algorithmName: tpe\n    algorithmSettings: [{name: colour, value: red}]",
    )
    experiment.write_text(text)

    done = workplace.mlplat("apply", "-f", str(experiment), "--dry-run")

    assert done.returncode == 2
    assert b"spec.algorithm.algorithmSettings[0]: " in done.stderr
    assert b"no setting 'colour'" in done.stderr


def test_script_is_tuned_and_trained_from_the_command_line(workplace: Workplace) -> None:
    script = workplace.folder / "fit.py"
    script.write_text("import sys\nprint('auc=' + sys.argv[1].partition('=')[2])\n")

    done = workplace.mlplat(
        "tune", "fit.py", "x=uniform(0,1)", "--maximize", "auc", "--trials", "3", "--seed", "1"
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"3 of 3 trials: 3 succeeded" in done.stdout

    words = ("x=choice(2,1)", "--minimize", "auc", "--algorithm", "grid")
    done = workplace.mlplat("tune", *words, "--", "python", "fit.py", "a={x}")
    assert b"best: auc=1" in done.stdout

    done = workplace.mlplat("train", "--nproc", "2", "--runtime", "plain", "fit.py", "a=4")
    assert done.returncode == 0, done.stderr.decode()
    assert workplace.mlplat("logs", "fit", "--rank", "1").stdout == b"auc=4\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("tune", "--maximize", "auc"), b"Nothing is searched"),
        (("tune", "x=uniform(1,0)", "--maximize", "auc"), b"above the maximum"),
        (("tune", "x=uniform(0,1)", "--maximize", "auc"), b"Nothing is to be run"),
        (("train",), b"Nothing is to be run"),
        (("train", "none.py"), b"none.py"),
        (("get", "pods"), b"There are: trainjobs"),
        (("delete",), b"Say what to delete"),
        (("apply", "-f", "none.yaml"), b"Cannot read 'none.yaml'"),
    ],
)
def test_wrong_words_are_refused_in_words(
    workplace: Workplace, words: tuple[str, ...], message: bytes
) -> None:
    done = workplace.mlplat(*words)

    assert done.returncode == 2
    assert message in done.stderr
