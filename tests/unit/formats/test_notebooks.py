"""Notebooks, PodDefaults and server kinds as documents; servers read from them."""

from typing import Any

import pytest

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kubernetes.objects import object_of
from jupyter_mlplat.formats.notebooks.documents import (
    moment_of,
    read_notebook,
    read_pod_default,
    read_server_kind,
)
from jupyter_mlplat.formats.notebooks.idling import idle_rule
from jupyter_mlplat.formats.notebooks.servers import notebook_of, read_options, server_of
from jupyter_mlplat.resources.servers import (
    KindIdle,
    ServerGpu,
    ServerOptions,
    ServerRequest,
    ServerState,
)

POD = {"containers": [{"name": "nb", "image": "jupyter:latest"}]}
KIND = {
    "apiVersion": "mlplat.jupyter.org/v1alpha1",
    "kind": "ServerKind",
    "metadata": {"name": "gpu"},
    "spec": {
        "images": [{"name": "torch", "image": "registry.example.org/torch:1"}],
        "gpus": [{"name": "a100", "resource": "nvidia.com/gpu", "counts": [1, 2]}],
        "idle": {"cull": "2h", "lifetime": "24h"},
    },
}


def notebook(**metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "Notebook",
        "metadata": {"name": "nb", "namespace": "ada", **metadata},
        "spec": {"template": {"spec": POD}},
    }


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
def test_upstreams_versions_are_read_alike(version: str) -> None:
    read = read_notebook(object_of({**notebook(), "apiVersion": f"kubeflow.org/{version}"}))

    assert (read.name, read.namespace, read.pod, read.kind) == ("nb", "ada", POD, None)


@pytest.mark.parametrize(
    ("spec", "place"),
    [({"template": 3}, "spec.template"), ({"x": 1}, "spec.x"), ([], "spec")],
)
def test_a_spec_of_another_shape_is_refused_with_its_place(spec: Any, place: str) -> None:
    with pytest.raises(InvalidInput, match=f": {place}:"):
        read_notebook(object_of({**notebook(), "spec": spec}))


def test_a_pod_default_selects_by_labels_and_expressions() -> None:
    selector = {
        "matchLabels": {"gpu": "yes"},
        "matchExpressions": [{"key": "old", "operator": "DoesNotExist"}],
    }
    document = {
        "apiVersion": "kubeflow.org/v1alpha1",
        "kind": "PodDefault",
        "metadata": {"name": "gpu", "namespace": "ada", "resourceVersion": "7"},
        "spec": {"selector": selector, "env": None, "command": ["start"]},
    }

    read = read_pod_default(object_of(document))

    assert (read.version, read.spec.command) == ("7", ["start"])
    assert read.spec.selector.matches({"gpu": "yes"})
    assert not read.spec.selector.matches({"gpu": "yes", "old": ""})
    assert not read.spec.selector.matches({})


def test_a_kind_is_read_with_its_name() -> None:
    kind = read_server_kind(object_of(KIND))

    assert (kind.name, kind.cpu.default, kind.gpus[0].counts) == ("gpu", "500m", (1, 2))


def test_a_kind_without_an_image_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"spec\.images"):
        read_server_kind(object_of({**KIND, "spec": {"images": []}}))


def test_a_request_becomes_a_notebook_and_back() -> None:
    options = ServerOptions(gpu=ServerGpu(count=2), env={"A": "1"})
    request = ServerRequest(name="nb", kind="gpu", options=options, cull_after="30m")

    document = object_of(notebook_of(request, "ada", "ada@example.org"))

    assert read_notebook(document).kind == "gpu"
    assert read_options(document.annotations["mlplat.jupyter.org/options"]) == options
    server = server_of(document, read_server_kind(object_of(KIND)))
    assert server.image == "registry.example.org/torch:1"
    assert server.gpu is not None
    assert (server.gpu.resource, server.gpu.count) == ("nvidia.com/gpu", 2)
    assert (server.creator, server.url) == ("ada@example.org", "/notebook/ada/nb/")


@pytest.mark.parametrize("text", ["[", "[]", '{"gpus": 1}', '{"gpu": {"count": 0.5}}'])
def test_options_that_cannot_be_used_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="Cannot use the annotation"):
        read_options(text)


@pytest.mark.parametrize(
    ("annotations", "status", "expected"),
    [
        ({}, {}, (ServerState.PENDING, "Starting")),
        ({}, {"readyReplicas": 1}, (ServerState.RUNNING, "Ready")),
        ({"kubeflow-resource-stopped": "t"}, {}, (ServerState.STOPPED, "Stopped")),
        (
            {"kubeflow-resource-stopped": "t"},
            {"readyReplicas": 1},
            (ServerState.STOPPING, "Stopping"),
        ),
        (
            {},
            {"conditions": [{"type": "ServerReady", "status": "False", "reason": "WaitingForGpu"}]},
            (ServerState.PENDING, "WaitingForGpu"),
        ),
        (
            {},
            {"conditions": [{"type": "ServerReady", "status": "False", "reason": "UnknownKind"}]},
            (ServerState.FAILED, "UnknownKind"),
        ),
        ({}, {"conditions": 3, "containerState": []}, (ServerState.PENDING, "Starting")),
    ],
)
def test_state_and_reason_are_read_from_the_notebook(
    annotations: dict[str, str], status: Any, expected: tuple[ServerState, str]
) -> None:
    server = server_of(object_of({**notebook(annotations=annotations), "status": status}))

    assert (server.state, server.reason) == expected


def test_users_may_ask_for_shorter_times_but_not_for_longer_ones() -> None:
    kind = KindIdle(cull="2h", lifetime="24h")
    wishes = {"mlplat.jupyter.org/cull-after": "30m", "mlplat.jupyter.org/max-lifetime": "never"}

    rule = idle_rule(kind, wishes)

    assert (rule.cull_s, rule.lifetime_s) == (1800, 86_400)
    assert "longer than this kind lets" in rule.faults[0]


def test_the_end_of_a_server_is_counted_from_what_its_annotations_say() -> None:
    notes = {"notebooks.kubeflow.org/last-activity": "2026-01-02T03:04:05Z"}
    rule = idle_rule(KindIdle(cull="1h"), notes)

    assert rule.culls_at(notes) == moment_of("2026-01-02T04:04:05Z")
    assert rule.ends_at(notes) is None
