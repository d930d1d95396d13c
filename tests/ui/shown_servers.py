"""Notebook servers as a cluster in use has them: answers of the engine, for pictures."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, Route

from jupyter_mlplat.resources.clusters import ClusterStatus, PlacedServers, ServerOffer
from tests.fakes.servers import a_kind, a_server

NVIDIA = "nvidia.com/gpu"
IMAGE = "registry.example.org/notebooks/pytorch:2026.11"


def in_minutes(minutes: float) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


def servers() -> list[Any]:
    """Return one server of each look."""
    gpu = {"resource": NVIDIA, "count": 1}
    shared: dict[str, Any] = {"image": IMAGE, "cpu": "4", "memory": "32Gi", "node": "gpu-2"}
    return [
        a_server(
            "churn",
            **shared,
            gpu=gpu,
            pod="churn-0",
            started_at=in_minutes(-190),
            active_at=in_minutes(-18),
            culls_at=in_minutes(42),
        ),
        a_server(
            "embeddings",
            **{**shared, "node": ""},
            gpu={"resource": NVIDIA, "count": 4},
            state="PENDING",
            reason="WaitingForGpu",
            message="Waiting for 4 GPUs: 4 of 4 in use, by churn, nightly-train and 2 others.",
        ),
        a_server(
            "eda",
            kind="cpu",
            image="jupyter:2026.11",
            cpu="2",
            memory="8Gi",
            started_at=in_minutes(-400),
            active_at=in_minutes(-55),
            warned_at=in_minutes(-1),
            culls_at=in_minutes(5),
        ),
        a_server(
            "llm",
            **shared,
            gpu={"resource": "nvidia.com/mig-1g.10gb", "count": 1},
            state="PENDING",
            reason="PullingImage",
            message="Pulling the image, 11 GiB.",
        ),
        a_server(
            "forecast",
            kind="cpu",
            image="jupyter:2026.11",
            state="STOPPED",
            reason="Culled",
            message="Stopped: it was idle for 1 hour.",
            stopped_at=in_minutes(-700),
        ),
        a_server(
            "old-torch",
            **shared,
            gpu=gpu,
            state="FAILED",
            reason="ImagePullFailed",
            message=f"The image {IMAGE} cannot be pulled: not found. Choose another one.",
        ),
    ]


def many(count: int = 50) -> list[Any]:
    shown = servers()
    names = (f"{one.name}-{number}" for number in range(1, count) for one in shown)
    return [
        shown[index % len(shown)].model_copy(update={"name": name})
        for index, name in zip(range(count), names, strict=False)
    ]


OFFER = ServerOffer(
    place="team",
    kinds=(
        a_kind(
            "gpu",
            title="GPU: PyTorch and JAX",
            description="For training. Stops after an hour without work.",
            images=[
                {"name": "torch", "image": IMAGE, "title": "PyTorch 2.12"},
                {"name": "jax", "image": "registry.example.org/notebooks/jax", "title": "JAX 0.9"},
            ],
            cpu={"default": "4", "most": "16"},
            memory={"default": "32Gi", "most": "128Gi"},
            gpus=[
                {"name": "a100", "title": "A100, 80 GB", "counts": [1, 2, 4], "default": 1},
                {"name": "mig", "resource": "nvidia.com/mig-1g.10gb", "title": "A seventh of one"},
            ],
            home={"size": "20Gi", "most": "200Gi"},
            idle={"cull": "1h", "lifetime": "3d"},
            spot={},
        ),
        a_kind("cpu", title="CPU: tables and reports"),
    ),
    claims=("datasets", "team-share"),
    presets=({"name": "proxy", "title": "Reach the internet by the proxy"},),  # type: ignore[arg-type]
)

HISTORY = {
    "events": [
        {
            "at": in_minutes(-minutes).isoformat(),
            "is_warning": warning,
            "reason": reason,
            "message": message,
            "count": count,
        }
        for minutes, warning, reason, message, count in (
            (
                *(1, True, "FailedScheduling"),
                "0/5 nodes are available: 4 Insufficient nvidia.com/gpu, 1 node is cordoned.",
                9,
            ),
            (12, False, "SuccessfulCreate", "create Pod embeddings-0 in StatefulSet successful", 1),
            (12, False, "ProvisioningSucceeded", "Successfully provisioned volume pvc-3f1c", 1),
        )
    ],
    "mounts": [
        {
            "claim": "embeddings-home",
            "path": "/home/jovyan",
            "size": "20Gi",
            "phase": "Bound",
            "is_writable": True,
            "is_home": True,
        },
        {
            "claim": "datasets",
            "path": "/data",
            "size": "2Ti",
            "phase": "Bound",
            "is_writable": False,
            "is_home": False,
        },
    ],
}

PLACES = {
    "places": [
        {
            "name": name,
            "kind": kind,
            "is_default": name == "this-machine",
            "answers": True,
            "problem": "",
            "version": "",
            "namespace": "anna",
            "image": image,
            "exchange": "volume",
        }
        for name, kind, image in (
            ("this-machine", "machine", ""),
            ("team", "cluster", "registry.example.org/python:3.12"),
        )
    ]
}

LOG = """[I 2026-11-20 09:12:01.120 ServerApp] jupyter_mlplat_server | extension was loaded.
[I 2026-11-20 09:12:01.420 ServerApp] Jupyter Server 2.21.1 is running at http://churn-0:8888/
[W 2026-11-20 09:14:44.002 ServerApp] 404 GET /notebook/anna/churn/api/none
"""


def show(page: Page, shown: list[Any], problem: str = "") -> None:
    """Let the engine answer with these servers."""
    clusters = [ClusterStatus(name="team", profile="anna")]
    if problem:
        clusters.append(ClusterStatus(name="west", profile="anna", problem=problem))
    listed = PlacedServers(servers=tuple(shown), clusters=tuple(clusters))
    answers = {
        "servers": json.dumps(listed.to_wire()),
        "server-kinds": json.dumps(OFFER.to_wire()),
        "places": json.dumps(PLACES),
        "events": json.dumps(HISTORY),
        "log": LOG,
    }

    def answer(route: Route) -> None:
        word = urlsplit(route.request.url).path.rsplit("/", 1)[-1]
        kind = "text/plain" if word == "log" else "application/json"
        route.fulfill(content_type=kind, body=answers[word])

    for pattern in ("servers", "servers/*/*", "server-kinds**", "places"):
        page.route(f"**/mlplat/api/v1/{pattern}", answer)
        page.route(f"**/mlplat/api/v1/{pattern}?**", answer)
