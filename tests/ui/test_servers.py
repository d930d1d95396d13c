"""A notebook server on a cluster: asked for, waited for, stopped by others, woken, deleted.

The API server is in memory; the test is its controller, and says what becomes of servers.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.cluster.memory import MemoryCluster
from tests.ui.conftest import Lab, new_lab

pytestmark = [pytest.mark.ui, pytest.mark.slow, pytest.mark.timeout(300)]

PROFILE = "anna"
NOTEBOOKS = "notebooks.kubeflow.org"
SOON_MS = 20_000


@pytest.fixture(scope="module")
def cluster() -> Iterator[MemoryCluster]:
    with MemoryCluster(actors=False) as cluster:
        cluster.install(
            definition("kubeflow.org", "v1", "Notebook", "notebooks", "Namespaced"),
            definition("mlplat.jupyter.org", "v1alpha1", "ServerKind", "serverkinds", "Cluster"),
        )
        cluster.add_namespace(PROFILE)
        cluster.objects.create(
            "serverkinds.mlplat.jupyter.org",
            "",
            {
                "apiVersion": "mlplat.jupyter.org/v1alpha1",
                "kind": "ServerKind",
                "metadata": {"name": "gpu"},
                "spec": {
                    "title": "With a GPU",
                    "images": [{"name": "torch", "image": "torch:2"}],
                    "gpus": [{"name": "a100", "title": "A100", "counts": [1, 2]}],
                    "idle": {"cull": "1h"},
                },
            },
        )
        yield cluster


@pytest.fixture(scope="module")
def lab(cluster: MemoryCluster) -> Iterator[Lab]:
    with new_lab() as lab:
        groups = ("system:masters",)
        kubeconfig = cluster.kubeconfig_for(PROFILE, groups, namespace=PROFILE)
        (lab.base / "mlplat" / "config.toml").write_text(
            "[cluster.team]\n"
            f'kubeconfig = "{kubeconfig}"\n'
            'image = "python:3.12"\n'
            'volume = "home"\n'
            'browser_url = "https://notebooks.example.org"\n'
        )
        yield lab


def definition(group: str, version: str, kind: str, plural: str, scope: str) -> dict[str, Any]:
    """Write a definition of a kind that takes whatever is written."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {
        "name": version,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [served],
        },
    }


def become(cluster: MemoryCluster, status: str, reason: str, message: str) -> None:
    """Let the server be so: what its controller would write."""
    condition = {"type": "ServerReady", "status": status, "reason": reason, "message": message}
    replicas = {"readyReplicas": 1 if status == "True" else 0}
    told = {"status": {"conditions": [condition], **replicas}}
    cluster.objects.patch(NOTEBOOKS, PROFILE, "lab", told, "status")


def annotate(cluster: MemoryCluster, **notes: str) -> None:
    names = {"stopped": "kubeflow-resource-stopped", "started": "mlplat.jupyter.org/started-at"}
    told = {names[name]: value for name, value in notes.items()}
    cluster.objects.patch(NOTEBOOKS, PROFILE, "lab", {"metadata": {"annotations": told}})


def notes_of(cluster: MemoryCluster) -> dict[str, str]:
    found = cluster.objects.get(NOTEBOOKS, PROFILE, "lab")
    assert found is not None
    return dict(found["metadata"]["annotations"])


def test_a_server_from_the_wish_to_its_end(page: Page, lab: Lab, cluster: MemoryCluster) -> None:
    page.goto(f"{lab.url}lab?token={lab.token}&reset")
    page.wait_for_selector(".jp-Launcher", timeout=60_000)
    show(page, "servers")

    # One chooses a kind, and within it; what is written is a Notebook without a pod.
    page.get_by_role("button", name="New server").click(timeout=60_000)
    form = page.get_by_test_id("mlplat-server-form")
    form.locator("[name=gpu]").select_option("a100", timeout=SOON_MS)
    form.locator("[name=gpuCount]").select_option("2")
    form.get_by_role("button", name="Create server").click()
    detail = page.get_by_test_id("mlplat-server")
    expect(detail).to_be_visible(timeout=SOON_MS)
    assert '"count": 2' in notes_of(cluster)["mlplat.jupyter.org/options"]

    # What it waits for is told as it changes, without a reload. The panel has its answer by then:
    # one that comes after a change would be shown instead of it.
    expect(detail).to_contain_text("None lately", timeout=SOON_MS)
    page.wait_for_timeout(2_000)
    become(cluster, "False", "WaitingForGpu", "Waiting for a GPU: 4 of 4 in use.")
    expect(detail).to_contain_text("4 of 4 in use", timeout=SOON_MS)
    annotate(cluster, started="2026-11-20T12:00:00Z")
    become(cluster, "True", "Ready", "It is running.")
    head = page.locator(".jp-mlplat-Section:visible .jp-mlplat-Header")
    expect(head).to_contain_text("Running", timeout=SOON_MS)
    expect(detail).to_contain_text("https://notebooks.example.org/notebook/anna/lab/")

    # A stop that the cluster refuses is taken back, and said.
    cluster.faults.fail(1, "internal", verb="patch", resource="notebooks")
    detail.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.locator(".Toastify__toast")).to_be_visible(timeout=SOON_MS)
    expect(head).to_contain_text("Running")

    # Stopped by somebody else, as idle: it says so, and is woken from its row.
    annotate(cluster, stopped="2026-11-20T14:00:00Z")
    become(cluster, "False", "Culled", "It was idle for 1 hour.")
    expect(head).to_contain_text("Stopped", timeout=SOON_MS)
    page.get_by_role("button", name="Back to all servers").click()
    row = page.locator("[data-server='team/lab']")
    expect(row).to_contain_text("It was idle for 1 hour.")
    page.get_by_role("button", name="Wake lab").click()
    expect(row).to_contain_text("Starting")
    row.click()
    expect(head).to_contain_text("Starting")
    assert "kubeflow-resource-stopped" not in notes_of(cluster)

    page.get_by_role("button", name="Delete this server").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No servers yet")).to_be_visible(timeout=SOON_MS)
    assert cluster.objects.get(NOTEBOOKS, PROFILE, "lab") is None


def test_work_can_be_sent_to_the_cluster(page: Page, lab: Lab) -> None:
    page.goto(lab.page_url("01-tumours.ipynb"))
    page.wait_for_selector(".jp-Notebook", timeout=60_000)
    show(page, "pipeline")
    choice = page.locator("[name=run-on]")
    expect(choice).to_have_value("this-machine", timeout=60_000)
    choice.select_option("team")

    button = page.get_by_test_id("mlplat-run")
    expect(button).to_be_enabled(timeout=60_000)
    with page.expect_request(
        lambda one: one.method == "POST" and urlsplit(one.url).path.endswith("/v1/runs")
    ) as asked:
        button.click()

    assert asked.value.post_data_json["run_on"] == "team"


def show(page: Page, section: str) -> None:
    page.evaluate(
        "section => void window.jupyterapp.commands.execute('mlplat:open', { section })", section
    )
