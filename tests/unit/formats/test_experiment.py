"""Experiments and OptimizationJobs of Kubeflow, read."""

from typing import Any

import pytest
import yaml

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.katib.experiments import read_experiment
from jupyter_mlplat.formats.katib.optimization import read_optimization_job
from jupyter_mlplat.formats.kubernetes.objects import object_of
from jupyter_mlplat.formats.kubernetes.pods import Demand
from jupyter_mlplat.resources.training import Mount, TrainSpec
from jupyter_mlplat.resources.tuning import (
    Algorithm,
    Collector,
    Objective,
    SpaceParameter,
    TuneRequest,
)
from tests.unit.formats.kubeflow_documents import (
    EXPERIMENT,
    OPTIMIZATION_JOB,
    changed,
    no_config_maps,
    runtimes,
)

CONTAINER = "spec/trialTemplate/trialSpec/spec/template/spec/containers/0"


def request_of(path: str = "metadata/name", value: Any = "random") -> TuneRequest:
    document = changed(EXPERIMENT, path, value)
    request = read_experiment(document, no_config_maps, runtimes).request
    assert isinstance(request, TuneRequest)
    return request


def test_experiment_is_a_request() -> None:
    wanted = read_experiment(object_of(EXPERIMENT), no_config_maps, runtimes)
    request = wanted.request

    assert isinstance(request, TuneRequest)
    assert request.payload.command[2:] == (
        "--lr=${trialParameters.lr}",
        "--layers=${trialParameters.num-layers}",
    )
    assert request.tags == {"team": "risk"}
    assert request.tune.space == (
        SpaceParameter(name="lr", type="double", minimum=0.01, maximum=0.05),
        SpaceParameter(name="num-layers", type="int", minimum=2, maximum=5),
    )
    assert request.tune.objective == Objective(
        metric="loss", goal=0.001, direction="minimize", strategies={"loss": "min"}
    )
    assert (request.tune.trials, request.tune.parallel, request.tune.failures) == (12, 3, 2)
    assert request.tune.collector == Collector(kind="stdout")
    assert (wanted.image, wanted.demand) == ("team/mnist:latest", Demand(0.5, 2**30))


@pytest.mark.parametrize(
    ("collector", "expected"),
    [
        ({"collector": {"kind": "Push"}}, Collector(kind="push")),
        (
            {"collector": {"kind": "File"}},
            Collector(kind="file", path="metrics.log"),
        ),
        (
            {
                "collector": {"kind": "File"},
                "source": {
                    "fileSystemPath": {"path": "/k/a.json", "kind": "File", "format": "JSON"}
                },
            },
            Collector(kind="file", path="a.json", format="json"),
        ),
        (
            {"collector": {"kind": "TensorFlowEvent"}},
            Collector(kind="tensorboard", path="tfevent"),
        ),
        (
            {"source": {"filter": {"metricsFormat": [r"(\w+)=(\d+)"]}}},
            Collector(kind="stdout", patterns=(r"(\w+)=(\d+)",)),
        ),
    ],
    ids=str,
)
def test_collectors_have_upstreams_defaults(collector: dict[str, Any], expected: Collector) -> None:
    assert request_of("spec/metricsCollectorSpec", collector).tune.collector == expected


def test_paths_of_metrics_and_checkpoints_are_each_trials_own() -> None:
    source = {"fileSystemPath": {"path": "/k/a.json", "format": "JSON"}}
    document = changed(
        EXPERIMENT,
        "spec/metricsCollectorSpec",
        {"collector": {"kind": "File"}, "source": source},
    )
    words = ["python", "--log=/k/a.json", "--k=/kk/a", "/c/d", "-c", "open('/k/b')", "/x/k/a.json"]
    left = ["${trialParameters.learningRate}", "${trialParameters.layers}"]
    document = changed(dict(document.raw), f"{CONTAINER}/command", words + left)
    settings = [{"name": "suggestion_trial_dir", "value": "/c/"}]
    algorithm = {"algorithmName": "pbt", "algorithmSettings": settings}
    document = changed(dict(document.raw), "spec/algorithm", algorithm)
    request = read_experiment(document, no_config_maps, runtimes).request

    assert request.payload.command[1:7] == (
        "--log=${trialSpec.Folder}/a.json",
        "--k=/kk/a",
        "${trialSpec.Checkpoints}/d",
        "-c",
        "open('${trialSpec.Folder}/b')",
        "/x/k/a.json",
    )


def test_settings_are_read_as_what_they_say() -> None:
    settings = [
        {"name": "eta", "value": "3"},
        {"name": "resource_name", "value": "num-layers"},
        {"name": "is_fast", "value": "True"},
    ]
    algorithm = {"algorithmName": "hyperband", "algorithmSettings": settings}

    assert request_of("spec/algorithm", algorithm).tune.algorithm == Algorithm(
        name="hyperband", settings={"eta": 3, "resource_name": "num-layers", "is_fast": True}
    )


def test_facts_of_the_trials_object_stand_in_the_command() -> None:
    document = changed(
        EXPERIMENT,
        "spec/trialTemplate/trialParameters",
        [
            *EXPERIMENT["spec"]["trialTemplate"]["trialParameters"],
            {"name": "kind", "reference": "${trialSpec.Kind}"},
            {"name": "me", "reference": "${trialSpec.Name}"},
            {"name": "colour", "reference": "${trialSpec.Labels[colour]}"},
        ],
    ).raw
    document = changed(
        dict(document), "spec/trialTemplate/trialSpec/metadata", {"labels": {"colour": "red"}}
    ).raw
    env = [
        {"name": "KIND", "value": "${trialParameters.kind} ${trialParameters.colour}"},
        {"name": "ME", "value": "${trialParameters.me}"},
    ]
    wanted = read_experiment(
        changed(dict(document), f"{CONTAINER}/env", env), no_config_maps, runtimes
    )

    assert wanted.request.env == {"KIND": "Job red"}
    assert wanted.request.payload.command[:3] == ("env", "ME=random-${trialSpec.Number}", "python3")


def test_trials_may_be_train_jobs() -> None:
    template = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "spec": {
            "runtimeRef": {"name": "torch-distributed"},
            "trainer": {
                "numNodes": 2,
                "image": "team/mnist",
                "command": [
                    "python3",
                    "${trialParameters.learningRate}",
                    "${trialParameters.layers}",
                ],
            },
        },
    }
    request = request_of("spec/trialTemplate/trialSpec", template)

    assert request.tune.train == TrainSpec(nodes=2, processes=1)


def test_template_may_lie_in_a_config_map() -> None:
    text = yaml.safe_dump(EXPERIMENT["spec"]["trialTemplate"]["trialSpec"])
    texts = {("m", "t.yaml"): text}
    document = changed(EXPERIMENT, "spec/trialTemplate/trialSpec", ...)
    source = {"configMapName": "m", "configMapNamespace": "kubeflow", "templatePath": "t.yaml"}
    document = changed(dict(document.raw), "spec/trialTemplate/configMap", source)

    found = read_experiment(document, lambda name, key: texts.get((name, key)), runtimes)

    assert found.image == "team/mnist:latest"


LIST = {"parameterType": "discrete", "name": "lr", "feasibleSpace": {"list": ["1", "x"]}}
GRID = {"algorithmName": "grid"}


@pytest.mark.parametrize(
    ("path", "value", "where", "what"),
    [
        ("apiVersion", "kubeflow.org/v1", "apiVersion", "needed 'kubeflow.org/v1beta1'"),
        ("metadata/name", "x" * 41, "metadata.name", "at most 40"),
        ("spec/objective", ..., "spec.objective", "is missing"),
        ("spec/objective/type", "least", "spec.objective.type", "'minimize' or 'maximize'"),
        (
            "spec/algorithm/algorithmName",
            "magic",
            "spec.algorithm.algorithmName",
            "There is: random",
        ),
        ("spec/algorithm/algorithmName", "enas", "spec.algorithm.algorithmName", "architectures"),
        ("spec/algorithm", GRID, "spec.parameters[0].feasibleSpace.step", "a grid needs a step"),
        ("spec/earlyStopping", GRID, "spec.earlyStopping.algorithmName", "There is: medianstop"),
        ("spec/nasConfig", {}, "spec.nasConfig", "architecture search"),
        ("spec/parameters", [], "spec.parameters", "is missing"),
        (
            "spec/parameters/0/feasibleSpace/min",
            "0.5",
            "spec.parameters[0].feasibleSpace.min",
            "0.5 is above the maximum, 0.05",
        ),
        (
            "spec/parameters/0/feasibleSpace/min",
            0.01,
            "spec.parameters[0].feasibleSpace.min",
            "needed a text, found a number (0.01). Write it in quotes",
        ),
        (
            "spec/parameters/0/feasibleSpace/max",
            ...,
            "spec.parameters[0].feasibleSpace.max",
            "is missing",
        ),
        ("spec/parameters/0", LIST, "spec.parameters[0].feasibleSpace.list[1]", "is no number"),
        ("spec/parallelTrialCount", 13, "spec.parallelTrialCount", "more than spec.maxTrialCount"),
        ("spec/maxTrialCount", 0, "spec.maxTrialCount", "greater than 0"),
        ("spec/resumePolicy", "Maybe", "spec.resumePolicy", "'Never'"),
        (
            "spec/metricsCollectorSpec",
            {"collector": {"kind": "PrometheusMetric"}},
            "spec.metricsCollectorSpec.collector.kind",
            "HTTP server",
        ),
        (
            "spec/trialTemplate/primaryContainerName",
            "main",
            "spec.trialTemplate.trialSpec.spec.template.spec.containers",
            "there is no container 'main'. There is: 'training-container'",
        ),
        (
            "spec/trialTemplate/trialParameters/0/reference",
            "rate",
            "spec.trialTemplate.trialParameters[0].reference",
            "there is no parameter 'rate' in spec.parameters. There is: lr, num-layers",
        ),
        (
            "spec/trialTemplate/trialParameters/0/name",
            "rate",
            "spec.trialTemplate.trialSpec.spec.template.spec.containers[0].command[2]",
            "there is no 'learningRate' in spec.trialTemplate.trialParameters",
        ),
        (
            f"{CONTAINER}/command/2",
            "--lr=0.1",
            "spec.trialTemplate.trialParameters[0].name",
            "does not use ${trialParameters.learningRate}",
        ),
        (
            f"{CONTAINER}/comand",
            [],
            "spec.trialTemplate.trialSpec.spec.template.spec.containers[0].comand",
            "there is no such field",
        ),
        (
            "spec/trialTemplate/trialSpec/kind",
            "PyTorchJob",
            "spec.trialTemplate.trialSpec",
            "need the training operator",
        ),
        (
            "spec/trialTemplate/successCondition",
            "status.*",
            "spec.trialTemplate.successCondition",
            "is not understood",
        ),
        (
            "spec/trialTemplate/successCondition",
            'status.conditions.#(type=="Done")#',
            "spec.trialTemplate.successCondition",
            "would never be over",
        ),
        (
            "spec/trialTemplate/failureCondition",
            "status.conditions",
            "spec.trialTemplate.failureCondition",
            "in state success, too",
        ),
    ],
)
def test_fault_is_told_with_its_path(path: str, value: Any, where: str, what: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        request_of(path, value)

    assert caught.value.details["path"] == where
    assert what in caught.value.message


def test_optimization_job_gives_parameters_as_variables() -> None:
    request = read_optimization_job(object_of(OPTIMIZATION_JOB), runtimes).request

    assert isinstance(request, TuneRequest)
    assert request.payload.command == (
        "env",
        "KUBEFLOW_TRAINER_OPT_LEARNING_RATE=${trialParameters.learning-rate}",
        "KUBEFLOW_TRAINER_OPT_BATCH=${trialParameters.batch}",
        "python",
        "train.py",
    )
    assert request.tune.objective.direction == "maximize"
    assert (request.tune.trials, request.tune.parallel, request.tune.seed) == (20, 4, 7)
    assert request.tune.collector == Collector(kind="push")


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("spec/parallelTrials", 21, "spec.parallelTrials"),
        ("spec/searchAlgorithm", {"grid": {}}, "spec.parameters[0].searchSpace"),
        ("spec/searchAlgorithm", {"tpe": {}}, "spec.searchAlgorithm.tpe"),
        ("spec/searchAlgorithm", {}, "spec.searchAlgorithm"),
        ("spec/objectives", [], "spec.objectives"),
        ("spec/parameters/0/searchSpace", {}, "spec.parameters[0].searchSpace"),
        (
            "spec/parameters/0/searchSpace/logUniform/min",
            "0.1",
            "spec.parameters[0].searchSpace.logUniform.min",
        ),
        (
            "spec/parameters/0/searchSpace/logUniform/min",
            "0",
            "spec.parameters[0].searchSpace.logUniform.min",
        ),
        (
            "spec/trainJobTemplate/metadata",
            {"name": "x"},
            "spec.trainJobTemplate.metadata.name",
        ),
        (
            "spec/trainJobTemplate/spec/runtimeRef/name",
            "none",
            "spec.trainJobTemplate.spec.runtimeRef.name",
        ),
    ],
)
def test_fault_of_an_optimization_job_is_told_with_its_path(
    path: str, value: Any, where: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_optimization_job(changed(OPTIMIZATION_JOB, path, value), runtimes)

    assert caught.value.details["path"] == where


def test_limits_of_a_trials_job_are_those_of_each_trial() -> None:
    job = "spec/trialTemplate/trialSpec/spec"

    assert request_of(f"{job}/backoffLimit", 2).tune.trial_retries == 2
    assert request_of(f"{job}/activeDeadlineSeconds", 90).tune.trial_timeout_s == 90
    with pytest.raises(InvalidInput, match="backoffLimit: needed a whole number"):
        request_of(f"{job}/backoffLimit", -1)


def test_claims_and_empty_folders_are_mounted_others_are_noted() -> None:
    pod = "spec/trialTemplate/trialSpec/spec/template/spec"
    volumes = [
        {"name": "data", "persistentVolumeClaim": {"claimName": "digits", "readOnly": True}},
        {"name": "scratch", "emptyDir": {}},
        {"name": "host", "hostPath": {"path": "/etc"}},
    ]
    wanted = [
        {"name": "data", "mountPath": "/data/", "subPath": "train"},
        {"name": "scratch", "mountPath": "/tmp/scratch"},
        {"name": "host", "mountPath": "/host"},
    ]
    document = changed(EXPERIMENT, f"{pod}/volumes", volumes)
    document = changed(document.raw, f"{CONTAINER}/volumeMounts", wanted)

    read = read_experiment(document, no_config_maps, runtimes)

    assert read.request.payload.mounts == (
        Mount(path="/data", volume="digits", sub_path="train", is_read_only=True),
        Mount(path="/tmp/scratch"),
    )
    assert "ignored, as only a cluster has it: volume 'host' (hostPath)" in read.notes
    with pytest.raises(InvalidInput, match="there is no volume 'other'"):
        request_of(f"{CONTAINER}/volumeMounts", [{"name": "other", "mountPath": "/x"}])
