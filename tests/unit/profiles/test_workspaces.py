"""What a Workspace becomes, and how it is told."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from jupyter_mlplat.formats.kubernetes.objects import object_of
from jupyter_mlplat.formats.notebooks.workspaces import workspace_kind_spec
from jupyter_mlplat_controller.kinds import NOTEBOOK, WORKSPACE
from jupyter_mlplat_controller.plans import Create, Patch, Plan, Replace
from jupyter_mlplat_controller.workspaces.activity import pause_after
from jupyter_mlplat_controller.workspaces.reconciling import Seen, reconcile, reconcile_kind

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
Manifest = dict[str, Any]


def workspace(paused: bool = False, image: str = "scipy:1", **template: Any) -> Manifest:
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Workspace",
        "metadata": {"name": "lab", "namespace": "ann", "uid": "uid-lab", "resourceVersion": "7"},
        "spec": {
            "paused": paused,
            "kind": "jupyterlab",
            "podTemplate": {
                "volumes": {
                    "home": "home",
                    "data": [{"pvcName": "data", "mountPath": "/data", "readOnly": True}],
                    "secrets": [{"secretName": "key", "mountPath": "/key"}],
                },
                "options": {"imageConfig": image, "podConfig": "big"},
                **template,
            },
        },
    }


def _option(name: str, spec: Manifest, to: str | None = None) -> Manifest:
    labels = [{"key": "size", "value": name[:8] or "x"}]
    redirect = {"redirect": {"to": to}} if to else {}
    return {"id": name, "spawner": {"displayName": name, "labels": labels}, "spec": spec} | redirect


def workspace_kind(**template: Any) -> Manifest:
    """Return a kind with all that upstream's samples use."""
    asset = {"url": "https://example.org/logo.svg"}
    image = {"image": "example.org/scipy:1", "ports": [{"id": "lab", "port": 8888}]}
    rules = [
        {
            "config": {"secondsSinceActive": 7200, "minRunningSeconds": 300},
            "match": {"matchNamespace": {"selector": {"matchLabels": {"tier": "dev"}}}},
            "effect": {"pauseWorkspace": True},
        },
        {"config": {"secondsSinceActive": 86400}, "match": {}, "effect": {"pauseWorkspace": True}},
    ]
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "WorkspaceKind",
        "metadata": {"name": "jupyterlab", "resourceVersion": "3"},
        "spec": {
            "spawner": {
                "displayName": "JupyterLab",
                "description": "In a pod",
                "icon": asset,
                "logo": asset,
            },
            "activityRules": rules,
            "podTemplate": {
                "activityProbe": {"jupyter": {"lastActivity": True, "portId": "lab"}},
                "volumeMounts": {"home": "/home/jovyan"},
                "ports": [{"id": "lab", "protocol": "HTTP", "defaultDisplayName": "Lab"}],
                "extraEnv": [{"name": "NB_PREFIX", "value": '{{ httpPathPrefix "lab" }}'}],
                "extraVolumes": [{"name": "dshm", "emptyDir": {"medium": "Memory"}}],
                "extraVolumeMounts": [{"name": "dshm", "mountPath": "/dev/shm"}],
                "securityContext": {"fsGroup": 100, "seccompProfile": {"type": "RuntimeDefault"}},
                "containerSecurityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "runAsNonRoot": True,
                },
                "options": {
                    "imageConfig": {
                        "spawner": {"default": "scipy:2"},
                        "values": [
                            _option("scipy:1", image, to="scipy:2"),
                            _option("scipy:2", {**image, "image": "example.org/scipy:2"}),
                            _option("round:1", image, to="round:2"),
                            _option("round:2", image, to="round:1"),
                            _option("lost", image, to="nowhere"),
                        ],
                    },
                    "podConfig": {
                        "spawner": {"default": "big"},
                        "values": [
                            _option("big", {"resources": {"requests": {"cpu": "1"}}}),
                            _option("tiny", {"nodeSelector": {"disk": "ssd"}}),
                        ],
                    },
                },
                **template,
            },
        },
    }


def seen(body: Manifest | None = None, **more: Any) -> Seen:
    given: dict[str, Any] = {"kind": workspace_kind(), **more}
    return Seen(body or workspace(), **given)


def created(plan: Plan) -> Manifest:
    (made,) = [write.body for write in plan.writes if isinstance(write, Create)]
    return dict(made)


def status(plan: Plan) -> Manifest:
    (told,) = [
        write.body["status"]
        for write in plan.writes
        if isinstance(write, Patch) and write.subresource == "status"
    ]
    return dict(told)


def child(body: Manifest | None = None, **annotations: str) -> Manifest:
    """Return the Notebook of a Workspace as the cluster has it."""
    made = created(reconcile(seen(body), NOW))
    notes = {**made["metadata"]["annotations"], **annotations}
    metadata = {**made["metadata"], "uid": "uid-nb", "resourceVersion": "9", "annotations": notes}
    return {**made, "metadata": metadata}


def test_workspace_becomes_a_notebook_that_it_owns() -> None:
    made = created(reconcile(seen(), NOW))

    assert (made["kind"], made["metadata"]["name"]) == ("Notebook", "ws-lab")
    assert made["metadata"]["ownerReferences"][0]["uid"] == "uid-lab"
    pod = made["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == "example.org/scipy:1"
    assert container["env"] == [{"name": "NB_PREFIX", "value": "/notebook/ann/ws-lab/"}]
    assert {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]} == {
        "/home/jovyan": "home-volume",
        "/data": "data-volume-0",
        "/key": "secret-volume-0",
        "/dev/shm": "dshm",
    }
    assert container["resources"] == {"requests": {"cpu": "1"}}


def test_option_that_is_redirected_waits_for_a_restart() -> None:
    told = status(reconcile(seen(), NOW))

    assert told["pendingRestart"] is True
    assert told["podTemplateOptions"]["imageConfig"] == {
        "desired": "scipy:2",
        "redirectChain": [{"source": "scipy:1", "target": "scipy:2"}],
    }


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("none", 'Workspace has invalid imageConfig: imageConfig with id "none" not found'),
        (
            "round:1",
            'Workspace has invalid imageConfig: imageConfig with id "round:2" has a circular '
            "redirect",
        ),
        (
            "lost",
            'Workspace has invalid imageConfig: imageConfig with id "nowhere" not found, was '
            'redirected from "lost"',
        ),
    ],
)
def test_option_that_leads_nowhere_is_told_in_upstreams_words(image: str, message: str) -> None:
    plan = reconcile(seen(workspace(image=image)), NOW)

    assert status(plan) == {"state": "Error", "stateMessage": message}
    assert len(plan.writes) == 1


def test_kind_that_is_not_there_is_told_in_upstreams_words() -> None:
    told = status(reconcile(seen(kind=None), NOW))

    assert told["stateMessage"] == "Workspace references unknown WorkspaceKind: jupyterlab"


@pytest.mark.parametrize(
    ("labels", "expected"), [({"tier": "dev"}, "7200s"), ({}, "86400s")], ids=["first", "last"]
)
def test_first_rule_that_fits_is_the_notebooks_idle_rule(
    labels: dict[str, str], expected: str
) -> None:
    made = created(reconcile(seen(namespace_labels=labels), NOW))

    assert made["metadata"]["annotations"]["mlplat.jupyter.org/cull-after"] == expected


def test_rule_may_exempt_and_one_that_says_nothing_is_passed() -> None:
    spec = workspace_kind_spec(object_of(workspace_kind()))
    (big, _) = spec.pod_template.options.pod_config.values
    exempt = {"config": {"secondsSinceActive": 60}, "effect": {"pauseWorkspace": False}}
    silent = {"config": {"secondsSinceActive": 60}, "effect": {}}
    of_size = {
        "config": {"secondsSinceActive": 100},
        "match": {
            "matchPodConfig": {
                "selector": {"matchExpressions": [{"key": "size", "operator": "In",
                                                   "values": ["big"]}]}
            }
        },
        "effect": {"pauseWorkspace": True},
    }  # fmt: skip

    def rules(*said: Manifest) -> Any:
        body = workspace_kind()
        body["spec"]["activityRules"] = list(said)
        return workspace_kind_spec(object_of(body)).activity_rules

    assert pause_after(rules(exempt, of_size), {}, big) is None
    found = pause_after(rules(silent, of_size), {}, big)
    assert found is not None
    assert found.cull_s == 100


def test_probe_that_would_enter_the_pod_is_told_as_failed_and_nothing_is_paused() -> None:
    kind = workspace_kind(activityProbe={"podExec": {"script": "#!/bin/sh"}})
    plan = reconcile(seen(kind=kind), NOW)

    made = created(plan)
    assert made["metadata"]["annotations"]["mlplat.jupyter.org/cull-after"] == "never"
    probe = status(plan)["activity"]["lastProbe"]
    assert probe["result"] == "Failure"
    assert "enters no pod" in probe["message"]


def test_pod_metadata_cannot_steer_the_controller() -> None:
    notes = {"mlplat.jupyter.org/server-kind": "gpu", "kubeflow-resource-stopped": "x", "a": "b"}
    labels = {"mlplat.jupyter.org/server-kind": "gpu", "team": "x"}

    made = created(
        reconcile(seen(workspace(podMetadata={"annotations": notes, "labels": labels})), NOW)
    )["metadata"]

    assert set(made["annotations"]) == {"a", "mlplat.jupyter.org/cull-after"}
    assert set(made["labels"]) == {"team", "notebooks.kubeflow.org/workspace-name"}


def test_notebook_of_somebody_else_is_left_alone() -> None:
    theirs = {**child()}
    theirs["metadata"] = {**theirs["metadata"], "ownerReferences": []}

    plan = reconcile(seen(notebook=theirs), NOW)

    assert status(plan)["state"] == "Error"
    assert len(plan.writes) == 1


def test_pausing_stops_the_notebook() -> None:
    notebook = child()

    plan = reconcile(seen(workspace(paused=True), notebook=notebook), NOW)

    patches = [write for write in plan.writes if isinstance(write, Patch)]
    assert [write.subresource for write in patches] == ["status", ""]  # first on record, then done
    assert patches[1].kind == NOTEBOOK
    assert patches[1].body["metadata"]["annotations"] == {
        "kubeflow-resource-stopped": "2026-01-05T08:00:00Z"
    }


def test_notebook_that_was_idle_pauses_its_workspace() -> None:
    notebook = child(**{"kubeflow-resource-stopped": "2026-01-05T07:00:00Z"})

    plan = reconcile(seen(notebook=notebook), NOW)

    (patch,) = [w for w in plan.writes if isinstance(w, Patch) and not w.subresource]
    assert (patch.kind, patch.body) == (WORKSPACE, {"spec": {"paused": True}})


def test_resuming_starts_the_notebook() -> None:
    notebook = child(**{"kubeflow-resource-stopped": "2026-01-05T07:00:00Z"})
    body = {**workspace(), "status": {"pauseTime": 1767596400000, "state": "Paused"}}

    plan = reconcile(seen(body, notebook=notebook), NOW)

    (patch,) = [w for w in plan.writes if isinstance(w, Patch) and not w.subresource]
    assert patch.kind == NOTEBOOK
    assert patch.body["metadata"]["annotations"]["kubeflow-resource-stopped"] is None


def test_another_option_is_written_over_the_notebook_and_others_marks_stay() -> None:
    notebook = child(**{"notebooks.kubeflow.org/last-activity": "2026-01-05T07:00:00Z"})
    body = workspace(image="scipy:2")

    (write,) = [
        each
        for each in reconcile(seen(body, notebook=notebook), NOW).writes
        if isinstance(each, Replace)
    ]

    (container,) = write.body["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "example.org/scipy:2"
    assert "notebooks.kubeflow.org/last-activity" in write.body["metadata"]["annotations"]
    assert write.body["metadata"]["resourceVersion"] == "9"


def test_kind_counts_who_uses_it() -> None:
    other = workspace(image="scipy:2")

    told = status(reconcile_kind(workspace_kind(), [workspace(), other]))

    assert told["workspaces"] == 2
    counts = {one["id"]: one["workspaces"] for one in told["podTemplateOptions"]["imageConfig"]}
    assert (counts["scipy:1"], counts["scipy:2"], counts["lost"]) == (1, 1, 0)


def test_status_can_be_stored_as_json() -> None:
    plan = reconcile(seen(), NOW)

    assert json.loads(json.dumps(status(plan)))["state"] == "Pending"
