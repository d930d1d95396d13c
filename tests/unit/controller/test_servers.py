"""What becomes of a Notebook: its pod, its objects, and what is said of it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kubernetes.objects import object_of
from jupyter_mlplat.formats.kubernetes.pod_security import violations
from jupyter_mlplat.formats.notebooks.documents import (
    Notebook,
    PodDefault,
    read_notebook,
    read_pod_default,
)
from jupyter_mlplat.resources.servers import ServerKind, ServerReason
from jupyter_mlplat_controller.kinds import (
    CLAIM,
    HTTP_ROUTE,
    INGRESS,
    NETWORK_POLICY,
    SERVICE,
    STATEFUL_SET,
)
from jupyter_mlplat_controller.notebooks import objects
from jupyter_mlplat_controller.notebooks.choosing import Offer, Unfit, Wanted, choose
from jupyter_mlplat_controller.notebooks.explaining import GpuUse, explain
from jupyter_mlplat_controller.notebooks.objects import Names
from jupyter_mlplat_controller.notebooks.reconciling import Seen, difference, reconcile
from jupyter_mlplat_controller.plans import Create, Patch, holds
from jupyter_mlplat_controller.settings import Settings

UPSTREAM_IMAGE = "ghcr.io/kubeflow/kubeflow/notebook-servers/jupyter:latest"
NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
KIND = ServerKind.model_validate(
    {
        "name": "gpu",
        "images": [
            {"name": "torch", "image": "registry.example.org/torch:1"},
            {"name": "jax", "image": "registry.example.org/jax:1"},
        ],
        "custom": ["registry.example.org/ours/*"],
        "cpu": {"default": "1", "most": "8", "burst": 2},
        "memory": {"default": "4Gi", "most": "32Gi"},
        "gpus": [
            {
                "name": "a100",
                "counts": [1, 2],
                "nodes": {"gpu": "a100"},
                "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
            },
            {"name": "mig", "resource": "nvidia.com/mig-1g.10gb"},
        ],
        "shm": "1Gi",
        "env": {"HF_HOME": "/home/jovyan/.cache"},
        "spot": {"nodes": {"spot": "true"}, "tolerations": [{"key": "spot", "operator": "Exists"}]},
        "volumes": [
            {"claim": "datasets", "mount": "/data", "writable": False, "optional": True},
        ],
        "queue": "team",
    }
)


def notebook(options: Any = None, kind: str | None = "gpu", **metadata: Any) -> dict[str, Any]:
    notes = dict(metadata.pop("annotations", {}))
    if kind:
        notes["mlplat.jupyter.org/server-kind"] = kind
    if options is not None:
        notes["mlplat.jupyter.org/options"] = json.dumps(options)
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "Notebook",
        "metadata": {
            "name": "nb",
            "namespace": "ada",
            "uid": "u",
            "resourceVersion": "1",
            "annotations": notes,
            **metadata,
        },
        "spec": {"template": {"spec": {"containers": [{"name": "nb", "image": "jupyter:1"}]}}},
    }


def read(document: dict[str, Any]) -> Notebook:
    return read_notebook(object_of(document))


def wanted(options: Any = None, offer: Offer | None = None, **metadata: Any) -> Wanted:
    given = offer or Offer(kinds={"gpu": KIND})
    return choose(read(notebook(options, **metadata)), "nb", "nb-home", given)


def test_a_kind_becomes_a_restricted_pod() -> None:
    pod = wanted().template.spec

    assert violations(pod) == []
    container = pod["containers"][0]
    assert container["image"] == "registry.example.org/torch:1"
    assert container["resources"] == {
        "requests": {"cpu": "1", "memory": "4Gi"},
        "limits": {"cpu": "2000m", "memory": "4Gi"},
    }
    assert {each["name"]: each["value"] for each in container["env"]} == {
        "HF_HOME": "/home/jovyan/.cache",
        "NB_PREFIX": "/notebook/ada/nb",
    }
    assert [each["mountPath"] for each in container["volumeMounts"]] == [
        "/home/jovyan",
        "/dev/shm",
        "/data",
    ]
    assert pod["automountServiceAccountToken"] is False


def test_choices_are_within_the_kind() -> None:
    options = {
        "image": "jax",
        "resources": {"cpu": "2", "memory": "8Gi"},
        "gpu": {"name": "a100", "count": 2},
        "env": {"A": "1", "NB_PREFIX": "/elsewhere"},
        "spot": True,
        "volumes": [{"claim": "mine", "mount": "/mine"}],
    }

    pod = wanted(options).template.spec

    container = pod["containers"][0]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "2"
    assert pod["nodeSelector"] == {"gpu": "a100", "spot": "true"}
    assert [each["key"] for each in pod["tolerations"]] == ["nvidia.com/gpu", "spot"]
    assert {"name": "NB_PREFIX", "value": "/notebook/ada/nb"} in container["env"]
    assert wanted(options).template.labels["kueue.x-k8s.io/queue-name"] == "team"


@pytest.mark.parametrize(
    ("options", "reason", "words"),
    [
        ({"image": "evil/x"}, "ImageNotOffered", "Choose one of: torch, jax"),
        ({"gpu": {"name": "h100"}}, "GpuNotOffered", "Choose one of: a100, mig"),
        ({"gpu": {"count": 8}}, "GpuNotOffered", "offers 1, 2"),
        ({"gpu": {"count": 0.5}}, "OptionsInvalid", "gpu.count"),
        ({"resources": {"cpu": "64"}}, "AmountNotOffered", "up to 8"),
        ({"resources": {"cpu": "0"}}, "AmountNotOffered", "up to 8"),
        ({"volumes": [{"claim": "gone", "mount": "/g"}]}, "VolumeMissing", "'gone'"),
        ({"volumes": [{"claim": "mine", "mount": "/home/jovyan"}]}, "OptionsInvalid", "Two"),
        ({"presets": ["none"]}, "PresetMissing", "no preset 'none'"),
        ({"unknown": 1}, "OptionsInvalid", "unknown"),
    ],
)
def test_what_cannot_be_had_is_said_with_what_can(options: Any, reason: str, words: str) -> None:
    offer = Offer(kinds={"gpu": KIND}, claims=frozenset({"mine"}))

    with pytest.raises(Unfit) as caught:
        wanted(options, offer)

    assert caught.value.reason == reason
    assert words in caught.value.message


def test_a_kind_that_is_missing_broken_or_not_for_this_profile_is_told() -> None:
    others = KIND.model_copy(update={"profiles": ("team-*",)})
    broken = InvalidInput("spec.images is missing.")
    for kinds, kind, reason in (
        ({"gpu": KIND}, "gpuu", "UnknownKind"),
        ({"gpu": broken}, "gpu", "UnknownKind"),
        ({"gpu": others}, "gpu", "KindNotOffered"),
    ):
        with pytest.raises(Unfit) as caught:
            choose(read(notebook(kind=kind)), "nb", "home", Offer(kinds=kinds))
        assert caught.value.reason == reason


def test_upstreams_sample_is_accepted_as_it_is() -> None:
    for version in ("v1", "v1beta1", "v1alpha1"):
        sample = {
            "apiVersion": f"kubeflow.org/{version}",
            "kind": "Notebook",
            "metadata": {"name": "notebook-sample-v1", "namespace": "ada"},
            "spec": {
                "template": {
                    "spec": {
                        "containers": [
                            {
                                "name": "notebook-sample-v1",
                                "image": UPSTREAM_IMAGE,
                            }
                        ]
                    }
                }
            },
        }

        found = choose(read(sample), "notebook-sample-v1", "home", Offer())

        assert found.dropped == ""
        assert found.home is None
        container = found.template.spec["containers"][0]
        assert container["workingDir"] == "/home/jovyan"
        assert container["ports"][0]["containerPort"] == 8888
        assert found.template.spec["securityContext"]["fsGroup"] == 100
        assert container["env"] == [
            {"name": "NB_PREFIX", "value": "/notebook/ada/notebook-sample-v1"}
        ]


def preset(name: str, **spec: Any) -> PodDefault:
    selector = spec.pop("selector", {"matchLabels": {name: "true"}})
    document = {
        "apiVersion": "kubeflow.org/v1alpha1",
        "kind": "PodDefault",
        "metadata": {"name": name, "namespace": "ada", "resourceVersion": "9"},
        "spec": {"selector": selector, **spec},
    }
    return read_pod_default(object_of(document))


def test_presets_are_put_in_by_label_and_by_name_and_restricted_too() -> None:
    by_label = preset(
        "git",
        env=[{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "git", "key": "t"}}}],
        volumes=[{"name": "root", "hostPath": {"path": "/"}}],
        volumeMounts=[{"name": "root", "mountPath": "/host"}],
        annotations={"team": "a", "istio.io/rev": "x"},
    )
    by_name = preset("proxy", env=[{"name": "HTTP_PROXY", "value": "p"}], sidecars=[{"name": "s"}])
    offer = Offer(kinds={"gpu": KIND}, presets=(by_label, by_name))

    found = wanted({"presets": ["proxy"]}, offer, labels={"git": "true"})

    pod = found.template.spec
    names = [each["name"] for each in pod["containers"][0]["env"]]
    assert {"TOKEN", "HTTP_PROXY"} <= set(names)
    assert [each["name"] for each in pod["containers"]] == ["nb", "s"]
    assert violations(pod) == []
    assert "root" in found.dropped
    assert found.template.annotations == {
        "team": "a",
        "poddefault.admission.kubeflow.org/poddefault-git": "9",
        "poddefault.admission.kubeflow.org/poddefault-proxy": "9",
    }


def test_presets_that_contradict_each_other_are_told() -> None:
    one = preset("one", env=[{"name": "A", "value": "1"}])
    two = preset("two", env=[{"name": "A", "value": "2"}])
    same = preset("same", env=[{"name": "A", "value": "1"}])

    with pytest.raises(Unfit, match="'two' sets env 'A'"):
        wanted({"presets": ["one", "two"]}, Offer(kinds={"gpu": KIND}, presets=(one, two)))
    wanted({"presets": ["one", "same"]}, Offer(kinds={"gpu": KIND}, presets=(one, same)))


def test_a_name_that_is_too_long_gets_a_hash_and_keeps_its_prefix() -> None:
    names = Names.of(notebook(name="n" * 60))

    assert len(names.server) == 52
    assert names.labels["mlplat.jupyter.org/notebook"] == "n" * 60
    assert Names.of(notebook()).server == "nb"


def test_labels_that_policies_go_by_cannot_be_chosen() -> None:
    labels = {
        "app.kubernetes.io/component": "router",
        "statefulset": "other",
        "app": "mine",
        "istio.io/rev": "x",
    }
    found = wanted(labels=labels)

    template = objects.template_of(Names.of(notebook()), found)

    assert template["metadata"]["labels"] == {
        "app": "mine",
        "app.kubernetes.io/component": "notebook",
        "app.kubernetes.io/managed-by": "jupyter-mlplat",
        "kueue.x-k8s.io/queue-name": "team",
        "mlplat.jupyter.org/notebook": "nb",
        "notebook-name": "nb",
        "statefulset": "nb",
    }


def test_routes_are_made_where_they_are_wanted() -> None:
    names = Names.of(notebook())
    plain = Settings()
    ingress = replace(plain, route="ingress", host="{namespace}.example.org", tls_secret="cert")
    gateway = replace(plain, route="gateway", gateway="infra/main")

    assert objects.route(notebook(), names, plain) is None
    made = objects.route(notebook(), names, ingress)
    assert made is not None
    assert made[0] == INGRESS
    assert made[1]["spec"]["rules"][0]["host"] == "ada.example.org"
    made = objects.route(notebook(), names, gateway)
    assert made is not None
    assert made[0] == HTTP_ROUTE
    assert made[1]["spec"]["parentRefs"] == [{"name": "main", "namespace": "infra"}]


def test_a_round_twice_says_the_same_and_one_on_what_it_made_says_nothing() -> None:
    seen = Seen(notebook(), Settings(), offer=Offer(kinds={"gpu": KIND}))

    plan = reconcile(seen, NOW)

    assert reconcile(seen, NOW) == plan
    made = {each.kind: each.body for each in plan.writes if isinstance(each, Create)}
    assert len(made) == 4
    status = plan.writes[-1]
    assert isinstance(status, Patch)
    later = replace(
        seen,
        notebook={**seen.notebook, **status.body},
        stateful_set=made[STATEFUL_SET],
        service=made[SERVICE],
        policy=made[NETWORK_POLICY],
        home=made[CLAIM],
    )
    assert reconcile(later, NOW + timedelta(hours=1)).writes == ()


def test_a_notebook_that_is_being_deleted_is_let_go() -> None:
    gone = notebook(deletionTimestamp="2026-01-05T08:00:00Z")

    assert reconcile(Seen(gone, Settings()), NOW).writes == ()


def pod(**status: Any) -> dict[str, Any]:
    return {"metadata": {}, "spec": {"containers": [{"name": "nb"}]}, "status": status}


def unscheduled(message: str, reason: str = "Unschedulable") -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
    return pod(conditions=[condition])


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    return pod(containerStatuses=[{"name": "nb", "image": "lab:1", "state": state, **more}])


def event(kind: str, reason: str, message: str, name: str = "nb") -> dict[str, Any]:
    return {
        "involvedObject": {"kind": kind, "name": name},
        "reason": reason,
        "message": message,
    }


GPU = "nvidia.com/gpu"
FULL = {GPU: GpuUse(4, 4)}
QUOTA = (
    'create Pod nb-0 in StatefulSet nb failed error: pods "nb-0" is forbidden: exceeded quota: '
    "kf-resource-quota, requested: requests.nvidia.com/gpu=2, used: requests.nvidia.com/gpu=4, "
    "limited: requests.nvidia.com/gpu=4"
)
NO_CLASS = {"name": "nb-home", "phase": "Pending", "storage": ""}
WITH_CLASS = {"name": "nb-home", "phase": "Pending", "storage": "fast"}
MISSING_CLASS = event(
    "PersistentVolumeClaim",
    "ProvisioningFailed",
    'storageclass.storage.k8s.io "fast" not found',
    "nb-home",
)


@pytest.mark.parametrize(
    ("seen", "claims", "events", "gpus", "reason", "words"),
    [
        (None, [], [], {}, "Starting", "being started"),
        (None, [], [event("StatefulSet", "FailedCreate", QUOTA)], {}, "QuotaExceeded", "4 of 4"),
        (
            None,
            [],
            [event("StatefulSet", "FailedCreate", 'violates PodSecurity "restricted:latest"')],
            {},
            "PodRefused",
            "PodSecurity",
        ),
        (
            unscheduled("0/3 nodes are available: 3 Insufficient nvidia.com/gpu."),
            [],
            [],
            FULL,
            "WaitingForGpu",
            "Waiting for a GPU: 4 of 4 in use",
        ),
        (
            unscheduled("0/3 nodes: 3 Insufficient nvidia.com/gpu."),
            [],
            [],
            {GPU: GpuUse(0, 0)},
            "WaitingForGpu",
            "has no nvidia.com/gpu at all",
        ),
        (unscheduled("2 Insufficient cpu."), [], [], {}, "WaitingForRoom", "enough free cpu"),
        (
            unscheduled("3 node(s) had untolerated taint {a: b}"),
            [],
            [],
            {},
            "WaitingForNode",
            "untolerated",
        ),
        (unscheduled("", "SchedulingGated"), [], [], {}, "WaitingInQueue", "queue"),
        (
            unscheduled('persistentvolumeclaim "data" not found'),
            [],
            [],
            {},
            "VolumeMissing",
            "'data'",
        ),
        (
            unscheduled("pod has unbound immediate PersistentVolumeClaims"),
            [NO_CLASS],
            [],
            {},
            "NoStorageClass",
            "no default StorageClass",
        ),
        (
            unscheduled("pod has unbound immediate PersistentVolumeClaims"),
            [WITH_CLASS],
            [MISSING_CLASS],
            {},
            "NoStorageClass",
            "fast",
        ),
        (waiting("ImagePullBackOff", "not found"), [], [], {}, "ImagePullFailed", "lab:1"),
        (
            waiting(
                "CreateContainerConfigError", "container has runAsNonRoot and image runs as root"
            ),
            [],
            [],
            {},
            "PodRefused",
            "numeric USER",
        ),
        (
            waiting(
                "CrashLoopBackOff",
                restartCount=3,
                lastState={"terminated": {"reason": "OOMKilled", "exitCode": 137}},
            ),
            [],
            [],
            {},
            "OutOfMemory",
            "more memory",
        ),
        (
            waiting("CrashLoopBackOff", lastState={"terminated": {"exitCode": 2}}),
            [],
            [],
            {},
            "Crashing",
            "code 2",
        ),
        (
            waiting("ContainerCreating"),
            [],
            [event("Pod", "FailedMount", "timed out", "nb-0")],
            {},
            "WaitingForVolume",
            "timed out",
        ),
        (waiting("ContainerCreating"), [], [], {}, "PullingImage", "lab:1"),
        (
            pod(phase="Failed", reason="Evicted", message="low on memory"),
            [],
            [],
            {},
            "Evicted",
            "low",
        ),
        (
            pod(conditions=[{"type": "Ready", "status": "True"}]),
            [],
            [],
            {},
            "Ready",
            "running",
        ),
    ],
)
def test_how_a_server_is_comes_in_words(
    seen: Any, claims: Any, events: Any, gpus: Any, reason: str, words: str
) -> None:
    said = explain(seen, claims, events, gpus)

    assert said.reason == reason
    assert words in said.message


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, [None], {"conditions": 3}])
def test_statuses_of_any_shape_are_borne(value: Any) -> None:
    explain({"metadata": {}, "spec": value, "status": value}, [], [{"involvedObject": value}], {})


def test_a_merge_patch_takes_away_what_is_no_longer_said() -> None:
    before = {"containerState": {"waiting": {"reason": "x"}}, "readyReplicas": 0}
    after = {"containerState": {"running": {"startedAt": "t"}}, "readyReplicas": 0}

    assert difference(before, after) == {
        "containerState": {"waiting": None, "running": {"startedAt": "t"}}
    }


def test_quantities_that_the_api_server_rewrites_are_no_difference() -> None:
    assert holds({"cpu": "1000m", "memory": "1024Mi"}, {"cpu": "1", "memory": "1Gi", "x": 1})
    assert not holds({"cpu": "1000m"}, {"cpu": "2"})
    assert holds({"readOnly": False, "items": []}, {})
    assert not holds([1], [1, 2])


def test_reasons_of_ours_are_reasons_of_the_wire() -> None:
    assert str(ServerReason.WAITING_FOR_GPU) == "WaitingForGpu"
