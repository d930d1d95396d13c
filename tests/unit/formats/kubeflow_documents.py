"""Documents as Kubeflow's users write them, for tests; each test changes what it is about."""

import copy
from typing import Any

from jupyter_mlplat.formats.kubernetes.objects import Object, object_of
from jupyter_mlplat.resources.training import TrainRuntime

TORCH = TrainRuntime(name="torch-distributed", title="PyTorch", contract="torch")

EXPERIMENT: dict[str, Any] = {
    "apiVersion": "kubeflow.org/v1beta1",
    "kind": "Experiment",
    "metadata": {"name": "random", "namespace": "kubeflow", "labels": {"team": "risk"}},
    "spec": {
        "objective": {"type": "minimize", "goal": 0.001, "objectiveMetricName": "loss"},
        "algorithm": {"algorithmName": "random"},
        "parallelTrialCount": 3,
        "maxTrialCount": 12,
        "maxFailedTrialCount": 3,
        "parameters": [
            {
                "name": "lr",
                "parameterType": "double",
                "feasibleSpace": {"min": "0.01", "max": "0.05"},
            },
            {
                "name": "num-layers",
                "parameterType": "int",
                "feasibleSpace": {"min": "2", "max": "5"},
            },
        ],
        "trialTemplate": {
            "primaryContainerName": "training-container",
            "trialParameters": [
                {"name": "learningRate", "reference": "lr"},
                {"name": "layers", "reference": "num-layers"},
            ],
            "trialSpec": {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "spec": {
                    "template": {
                        "spec": {
                            "containers": [
                                {
                                    "name": "training-container",
                                    "image": "team/mnist:latest",
                                    "command": [
                                        "python3",
                                        "/opt/mnist.py",
                                        "--lr=${trialParameters.learningRate}",
                                        "--layers=${trialParameters.layers}",
                                    ],
                                    "resources": {"limits": {"memory": "1Gi", "cpu": "0.5"}},
                                }
                            ],
                            "restartPolicy": "Never",
                        }
                    }
                },
            },
        },
    },
}

TRAIN_JOB: dict[str, Any] = {
    "apiVersion": "trainer.kubeflow.org/v1alpha1",
    "kind": "TrainJob",
    "metadata": {"name": "multi-node"},
    "spec": {
        "runtimeRef": {"name": "torch-distributed"},
        "trainer": {
            "numNodes": 3,
            "command": ["torchrun", "--no-python", "python3", "-c", "print(1)"],
            "env": [{"name": "MODE", "value": "fast"}],
            "resourcesPerNode": {"requests": {"cpu": "2"}, "limits": {"memory": "1Gi"}},
        },
    },
}

RUNTIME: dict[str, Any] = {
    "apiVersion": "trainer.kubeflow.org/v1alpha1",
    "kind": "ClusterTrainingRuntime",
    "metadata": {"name": "torch-volcano"},
    "spec": {
        "mlPolicy": {"numNodes": 2, "torch": {}},
        "podGroupPolicy": {"volcano": {}},
        "template": {
            "spec": {
                "failurePolicy": {"maxRestarts": 3},
                "replicatedJobs": [
                    {
                        "name": "node",
                        "template": {
                            "metadata": {
                                "labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}
                            },
                            "spec": {
                                "template": {
                                    "spec": {
                                        "containers": [
                                            {"name": "node", "image": "pytorch/pytorch:2.13"}
                                        ]
                                    }
                                }
                            },
                        },
                    }
                ],
            }
        },
    },
}

OPTIMIZATION_JOB: dict[str, Any] = {
    "apiVersion": "trainer.kubeflow.org/v1alpha1",
    "kind": "OptimizationJob",
    "metadata": {"name": "bert"},
    "spec": {
        "objectives": [{"metric": "accuracy", "direction": "Maximize"}],
        "searchAlgorithm": {"random": {"seed": 7}},
        "parameters": [
            {
                "name": "learning-rate",
                "searchSpace": {"logUniform": {"min": "0.0001", "max": "0.1"}},
            },
            {"name": "batch", "searchSpace": {"categorical": {"choices": ["16", "32"]}}},
        ],
        "numTrials": 20,
        "parallelTrials": 4,
        "trainJobTemplate": {
            "spec": {
                "runtimeRef": {"name": "torch-distributed"},
                "trainer": {"image": "team/bert:1", "command": ["python", "train.py"]},
            }
        },
    },
}


def changed(document: dict[str, Any], path: str, value: Any) -> Object:
    """Return a document with one place set, or taken away where the value is `...`."""
    made = copy.deepcopy(document)
    keys: list[str | int] = [int(key) if key.isdecimal() else key for key in path.split("/")]
    place: Any = made
    for key in keys[:-1]:
        place = place[key]
    if value is ...:
        del place[keys[-1]]
    else:
        place[keys[-1]] = value
    return object_of(made)


def runtimes(name: str) -> TrainRuntime | None:
    """Return the runtime that is always there."""
    return TORCH if name == TORCH.name else None


def no_config_maps(name: str, key: str) -> str | None:
    """Return nothing: no config map is there."""
    return None
