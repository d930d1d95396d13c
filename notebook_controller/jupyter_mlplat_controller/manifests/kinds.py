"""Server kinds to begin with, one set an overlay; an administrator writes better ones."""

from importlib.metadata import version

from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.servers import ServerKindSpec

Manifest = dict[str, JsonValue]

IMAGE = f"ghcr.io/jupyter-mlplat/jupyter-mlplat:{version('jupyter_mlplat')}"
_IMAGES: JsonValue = [{"name": "jupyter-mlplat", "image": IMAGE, "title": "JupyterLab"}]
_IDLE: Manifest = {"cull": "12h", "warn": "15m"}


def _kind(name: str, spec: Manifest) -> Manifest:
    ServerKindSpec.model_validate(spec)
    return {
        "apiVersion": "mlplat.jupyter.org/v1alpha1",
        "kind": "ServerKind",
        "metadata": {"name": name},
        "spec": spec,
    }


def minimal() -> list[Manifest]:
    """Return a small and a large kind without a GPU."""
    return [
        _kind(
            "small",
            {
                "title": "Small",
                "description": "Half a CPU and 1 GiB, more where there is room.",
                "rank": 10,
                "images": _IMAGES,
                "cpu": {"default": "500m", "most": "2", "burst": 4},
                "memory": {"default": "1Gi", "most": "4Gi", "burst": 1.5},
                "idle": _IDLE,
            },
        ),
        _kind(
            "large",
            {
                "title": "Large",
                "description": "4 CPUs and 16 GiB.",
                "rank": 20,
                "images": _IMAGES,
                "cpu": {"default": "4", "most": "16", "burst": 2},
                "memory": {"default": "16Gi", "most": "64Gi"},
                "shm": "1Gi",
                "idle": _IDLE,
            },
        ),
    ]


def gpu() -> list[Manifest]:
    """Return a kind with GPUs: NVIDIA's, AMD's, an instance and a share, as a cluster offers them.

    Its servers are stopped after two idle hours: a GPU that nobody uses is somebody's waiting.
    """
    return [
        _kind(
            "gpu",
            {
                "title": "GPU",
                "description": "4 CPUs, 16 GiB and GPUs as this cluster has them.",
                "rank": 30,
                "images": _IMAGES,
                "cpu": {"default": "4", "most": "16", "burst": 2},
                "memory": {"default": "16Gi", "most": "128Gi"},
                "shm": "2Gi",
                "gpus": [
                    {
                        "name": "nvidia",
                        "resource": "nvidia.com/gpu",
                        "title": "NVIDIA",
                        "counts": [1, 2, 4, 8],
                        "default": 1,
                        "tolerations": [_tolerate("nvidia.com/gpu")],
                    },
                    {
                        "name": "amd",
                        "resource": "amd.com/gpu",
                        "title": "AMD",
                        "counts": [1, 2, 4, 8],
                        "tolerations": [_tolerate("amd.com/gpu")],
                    },
                    {
                        "name": "mig-1g.10gb",
                        "resource": "nvidia.com/mig-1g.10gb",
                        "title": "A seventh of an NVIDIA GPU",
                        "tolerations": [_tolerate("nvidia.com/gpu")],
                    },
                    {
                        "name": "shared",
                        "resource": "nvidia.com/gpu.shared",
                        "title": "A share of an NVIDIA GPU",
                        "tolerations": [_tolerate("nvidia.com/gpu")],
                    },
                ],
                "spot": {
                    "nodes": {"cloud.google.com/gke-spot": "true"},
                    "tolerations": [_tolerate("cloud.google.com/gke-spot")],
                },
                "idle": {"cull": "2h", "warn": "15m", "lifetime": "7d"},
            },
        )
    ]


def kueue() -> list[Manifest]:
    """Return a kind whose servers wait in a queue of Kueue for their turn."""
    return [
        _kind(
            "queued",
            {
                "title": "GPU, in turn",
                "description": "As GPU; where all are taken, it waits in the queue `mlplat`.",
                "rank": 40,
                "images": _IMAGES,
                "cpu": {"default": "4", "most": "16", "burst": 2},
                "memory": {"default": "16Gi", "most": "128Gi"},
                "shm": "2Gi",
                "gpus": [
                    {
                        "name": "nvidia",
                        "resource": "nvidia.com/gpu",
                        "title": "NVIDIA",
                        "counts": [1, 2, 4, 8],
                        "default": 1,
                        "tolerations": [_tolerate("nvidia.com/gpu")],
                    }
                ],
                "queue": "mlplat",
                "idle": {"cull": "2h", "warn": "15m", "lifetime": "2d"},
            },
        )
    ]


def _tolerate(key: str) -> Manifest:
    return {"key": key, "operator": "Exists", "effect": "NoSchedule"}
