"""The platform on a cluster, from installing it to a prediction: `python -m tests.cluster.story`.

It goes as far as the cluster at hand goes: one of `KUBECONFIG`; one of `KUBEBUILDER_ASSETS`, with a
node of its own where containers can run and `--image` names what they run (`tests.cluster.node`);
or our API server in memory. What was not run is named with its reason, and is no success.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.cluster import Cluster
from tests.cluster.node import NAME as NODE
from tests.cluster.node import advertise, cluster_with_node, offer_volumes, why_no_node
from tests.cluster.real import (
    ClusterUnavailable,
    RealCluster,
    ask,
    find_assets,
    free_ports,
    real_cluster,
    why_none,
)

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "notebook_controller" / "manifests"
SYSTEM, PROFILE, SERVER = "mlplat-system", "mlplat", "story"
IMAGE = "mlplat.local/jupyter-mlplat:story"
GPU = "nvidia.com/gpu"
STOPPED = "kubeflow-resource-stopped"
NOTEBOOK = f"/apis/kubeflow.org/v1/namespaces/{PROFILE}/notebooks/{SERVER}"
POD = f"/api/v1/namespaces/{PROFILE}/pods/{SERVER}-0"
JSON, MERGE = "application/json", "application/merge-patch+json"
PENDING_S, RUN_S = 180, 600


class NotRun(Exception):
    """A stage asks for more than the cluster at hand has; the text says for what."""


class Failed(Exception):
    """A stage did not come to its end; the text says what was found instead."""


@dataclass
class Ground:
    """The cluster at hand, and what can be done with it."""

    words: str
    cluster: Cluster
    runs_containers: bool = False
    makes_pods: bool = False
    schedules: bool = False
    image: str = IMAGE
    said: dict[str, Any] = field(default_factory=dict)

    def needs(self, what: str, is_there: bool) -> None:
        if not is_there:
            raise NotRun(f"{self.words}: it has no {what}")

    def request(
        self, method: str, path: str, body: object = None, *, content_type: str = JSON
    ) -> dict[str, Any]:
        """Send a request as the administrator."""
        where = (self.cluster.url, self.cluster.token())
        authority = getattr(self.cluster, "authority", None)
        return ask(*where, method, path, body, content_type, authority=authority)

    def get(self, path: str) -> dict[str, Any] | None:
        """Return an object, None where there is none."""
        try:
            return self.request("GET", path)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise Failed(f"GET {path}: {error.code} {error.read().decode()[:300]}") from error

    def until(
        self, path: str, is_so: Callable[[dict[str, Any]], object], what: str, limit_s: float
    ) -> dict[str, Any]:
        """Wait until an object is as it should be, and return it."""
        deadline = time.monotonic() + limit_s
        found: dict[str, Any] | None = None
        while time.monotonic() < deadline:
            found = self.get(path)
            if found is not None and is_so(found):
                return found
            time.sleep(0.5)
        status = json.dumps((found or {}).get("status"), indent=1)[:1500] if found else "no object"
        told = "\n".join(self.warnings())
        raise Failed(f"{what}: not in {limit_s:.0f} s. {path} has {status}\n{told}")

    def warnings(self) -> list[str]:
        """Return what the cluster has told of lately that is not well."""
        path = f"/api/v1/namespaces/{PROFILE}/events"
        found = self.request("GET", path)["items"]
        bad = [event for event in found if event["type"] != "Normal"][-5:]
        return [f"{event['involvedObject']['name']}: {event['message']}" for event in bad]

    def kubectl(self, *arguments: str, body: object = None) -> str:
        """Run kubectl and return what it says."""
        assets = find_assets()
        program = shutil.which("kubectl", path=f"{assets}:{os.environ['PATH']}")
        if program is None:
            raise NotRun("kubectl is not on this machine")
        done = subprocess.run(
            [program, *arguments],
            env=self.cluster.environment(),
            input=None if body is None else json.dumps(body),
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode:
            raise Failed(f"kubectl {' '.join(arguments)}: {done.stderr.strip()[-1500:]}")
        return done.stdout

    def in_server(self, *command: str, limit_s: float = RUN_S) -> str:
        """Run a command in the notebook's container, as its user does in a terminal."""
        del limit_s
        return self.kubectl("exec", "-n", PROFILE, f"{SERVER}-0", "--", *command)


def install(ground: Ground) -> str:
    """kubectl apply -k of the minimal overlay, with the image that is at hand."""
    with tempfile.TemporaryDirectory(dir=MANIFESTS / "overlays", prefix=".story-") as folder:
        overlay = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": ["../minimal"],
            "images": [_image("ghcr.io/jupyter-mlplat/jupyter-mlplat", ground.image)],
        }
        Path(folder, "kustomization.yaml").write_text(json.dumps(overlay))
        try:
            said = ground.kubectl("apply", "--server-side", "-k", folder)
        except Failed:  # a kind that was defined a moment ago is not served yet
            time.sleep(3)
            said = ground.kubectl("apply", "--server-side", "-k", folder)
    return f"{len(said.splitlines())} objects applied"


def _image(name: str, image: str) -> dict[str, str]:
    new, _, tag = image.rpartition(":")
    return {"name": name, "newName": new, "newTag": tag}


def controller(ground: Ground) -> str:
    """The controller runs: as its Deployment, or as a process of this machine."""
    if ground.runs_containers:
        path = f"/apis/apps/v1/namespaces/{SYSTEM}/deployments/mlplat-controller"
        ground.until(path, _is_available, "the controller's Deployment", PENDING_S)
        return "as its Deployment"
    process = ground.said["stack"].enter_context(_controller(ground))
    deadline = time.monotonic() + PENDING_S
    while not _is_up(ground.said["port"]):
        if process.poll() is not None or time.monotonic() > deadline:
            raise Failed(f"it did not come up: {ground.said['log'].read_text()[-1500:]}")
        time.sleep(0.2)
    return "as a process of this machine, with the token of its own service account"


def _is_up(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
    except OSError:
        return False
    return True


@contextmanager
def _controller(ground: Ground) -> Iterator[subprocess.Popen[bytes]]:
    """Run it with no more rights than its service account has."""
    account = f"system:serviceaccount:{SYSTEM}:mlplat-controller"
    (ground.said["port"],) = free_ports(1)
    ground.said["log"] = Path(tempfile.mkstemp(prefix="mlpc-", suffix=".log")[1])
    with ground.said["log"].open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_mlplat_controller"],
            env=ground.cluster.environment(account)
            | {
                "MLPLAT_CONTROLLER_OWN_NAMESPACE": SYSTEM,
                "MLPLAT_CONTROLLER_PORT": str(ground.said["port"]),
                "MLPLAT_CONTROLLER_CHECK_EVERY": "1s",
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def gpus(ground: Ground) -> str:
    """A node advertises GPUs."""
    if ground.runs_containers:
        if isinstance(ground.cluster, RealCluster) and ground.cluster.is_ours:
            advertise(ground.cluster, GPU, 2)
        nodes = ground.request("GET", "/api/v1/nodes")["items"]
        count = sum(int(node["status"]["capacity"].get(GPU, 0)) for node in nodes)
        if not count:
            raise NotRun(f"{ground.words}: none of its {len(nodes)} nodes has a {GPU}")
        return f"{count} of {GPU}"
    _make_node(ground)
    return f"2 of {GPU}, on a node that is an object only"


def _make_node(ground: Ground) -> None:
    """Make a node that no kubelet stands behind: enough for the scheduler."""
    amounts = {"cpu": "8", "memory": "32Gi", "pods": "110", GPU: "2"}
    condition = {"type": "Ready", "status": "True", "reason": "Story", "message": "by hand"}
    ground.request("POST", "/api/v1/nodes", {"metadata": {"name": NODE}})
    status = {"capacity": amounts, "allocatable": amounts, "conditions": [condition]}
    path = f"/api/v1/nodes/{NODE}"
    ground.request("PATCH", f"{path}/status", {"status": status}, content_type=MERGE)
    ground.request("PATCH", path, {"spec": {"taints": None}}, content_type=MERGE)


def notebook(ground: Ground) -> str:
    """A Notebook that asks for a GPU becomes a StatefulSet and a Service."""
    kind = {
        "title": "Story",
        "images": [{"name": "jupyter-mlplat", "image": ground.image}],
        "cpu": {"default": "250m"},
        "memory": {"default": "512Mi", "burst": 4},
        "gpus": [{"name": "nvidia", "resource": GPU, "default": 1}],
        "idle": {"cull": "20s", "warn": "5s"},
    }
    ground.kubectl(
        "apply", "-f", "-", body=_object("mlplat.jupyter.org/v1alpha1", "ServerKind", kind)
    )
    body = _object("kubeflow.org/v1", "Notebook", {"template": {"spec": {}}})
    body["metadata"] |= {
        "namespace": PROFILE,
        "annotations": {"mlplat.jupyter.org/server-kind": SERVER},
    }
    ground.kubectl("apply", "-f", "-", body=body)
    path = f"/apis/apps/v1/namespaces/{PROFILE}/statefulsets/{SERVER}"
    made = ground.until(path, lambda found: found["spec"]["replicas"] == 1, "StatefulSet", 120)
    wanted = made["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"].get(GPU)
    if wanted != "1":
        raise Failed(f"its pod asks for {wanted!r} of {GPU}")
    ground.until(f"/api/v1/namespaces/{PROFILE}/services/{SERVER}", bool, "Service", 30)
    return "StatefulSet and Service, with one GPU"


def _object(api_version: str, kind: str, spec: object) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": SERVER}, "spec": spec}


def scheduled(ground: Ground) -> str:
    """Its pod is let in by Pod Security restricted, and placed on the node with GPUs."""
    ground.needs("controller of StatefulSets", ground.makes_pods)
    ground.needs("scheduler", ground.schedules)
    pod = ground.until(POD, lambda found: found["spec"].get("nodeName"), "a node for its pod", 60)
    return f"on {pod['spec']['nodeName']}"


def running(ground: Ground) -> str:
    """The pod runs, and the Notebook says that its server is ready."""
    ground.needs("kubelet", ground.runs_containers)
    began = time.monotonic()
    ground.until(POD, _is_pod_ready, "a pod that is ready", PENDING_S)
    ground.until(NOTEBOOK, _is_server_ready, "a Notebook that is ready", 30)
    return f"ready {time.monotonic() - began:.0f} s later"


def lab(ground: Ground) -> str:
    """JupyterLab answers through the Service, with our extensions in it."""
    ground.needs("kubelet", ground.runs_containers)
    base = f"/api/v1/namespaces/{PROFILE}/services/{SERVER}:80/proxy/notebook/{PROFILE}/{SERVER}"
    deadline, version, why = time.monotonic() + 60, None, "404"
    while version is None:  # a pod that runs does not answer yet
        try:
            version = ground.get(f"{base}/api")
        except Failed as error:
            why = str(error)
        if version is None and time.monotonic() > deadline:
            raise Failed(f"no answer in 60 s: {why}")
        time.sleep(0.5)
    extensions = json.dumps(ground.get(f"{base}/lab/api/extensions") or [])
    if "jupyter-mlplat" not in extensions:
        raise Failed(f"the extension is not among {extensions[:300]}")
    if ground.get(f"{base}/mlplat/api/v1/engine") is None:
        raise Failed("the server has no /mlplat/api/v1/engine")
    return f"Jupyter Server {version.get('version')}, side panel and engine answer"


def pipeline(ground: Ground) -> str:
    """The example notebook's pipeline, started in the server, runs as Jobs."""
    ground.needs("kubelet", ground.runs_containers)
    said = ground.in_server(
        *("jupyter", "mlplat", "run", "/opt/examples/01-tumours.ipynb", "--on", "cluster", "--json")
    )
    ground.said["run"] = json.loads(said)["id"]
    jobs = ground.request("GET", f"/apis/batch/v1/namespaces/{PROFILE}/jobs")["items"]
    steps = [job for job in jobs if "mlplat.jupyter.org/step" in job["metadata"].get("labels", {})]
    if not steps:
        raise Failed("the run ended, and no Job of it was seen")
    return f"{len(steps)} Jobs"


def prediction(ground: Ground) -> str:
    """Its model becomes a Deployment and answers."""
    ground.needs("kubelet", ground.runs_containers)
    if "run" not in ground.said:
        raise NotRun("no pipeline has run, so there is no model")
    mlplat = ("jupyter", "mlplat")
    ground.in_server(*mlplat, "models", "register", "tumour", "--run", "latest")
    ground.in_server(*mlplat, "deploy", "tumour/1", "--on", "cluster")
    rows = json.dumps([dict.fromkeys(_COLUMNS, 1.0)])
    answer = json.loads(ground.in_server(*mlplat, "predict", "tumour", "--data", rows, "--json"))
    made = ground.request("GET", f"/apis/apps/v1/namespaces/{PROFILE}/deployments")["items"]
    if not made:
        raise Failed("a prediction came, and there is no Deployment")
    return f"{len(made)} Deployments; {answer['outputs']}"


_COLUMNS = ("mean_radius", "mean_texture")


def culled(ground: Ground) -> str:
    """Idle for its time, it is stopped and its GPU is free."""
    ground.needs("kubelet", ground.runs_containers)
    ground.until(NOTEBOOK, lambda found: STOPPED in _annotations(found), "a stop", PENDING_S)
    deadline = time.monotonic() + 60
    while ground.get(POD) is not None and time.monotonic() < deadline:
        time.sleep(0.5)
    if ground.get(POD) is not None:
        raise Failed("its pod is still there")
    return "stopped, and no pod holds its GPU"


def woken(ground: Ground) -> str:
    """Woken on request, it comes back."""
    ground.needs("kubelet", ground.runs_containers)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    asked = {"metadata": {"annotations": {"mlplat.jupyter.org/wake-requested": now}}}
    ground.request("PATCH", NOTEBOOK, asked, content_type=MERGE)
    ground.until(POD, _is_pod_ready, "a pod that is ready again", PENDING_S)
    return "ready again"


def stopped(ground: Ground) -> str:
    """Stopped and woken by their annotations, the StatefulSet follows."""
    path = f"/apis/apps/v1/namespaces/{PROFILE}/statefulsets/{SERVER}"
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for stop, count in ((now, 0), (None, 1)):
        changed = {"metadata": {"annotations": {STOPPED: stop}}}
        ground.request("PATCH", NOTEBOOK, changed, content_type=MERGE)
        ground.until(
            path,
            lambda found, count=count: found["spec"]["replicas"] == count,
            f"{count} replicas",
            30,
        )
    return "0 replicas, then 1"


def gone(ground: Ground) -> str:
    """Deleted, it leaves nothing behind."""
    ground.needs("garbage collector", ground.makes_pods)
    ground.request("DELETE", NOTEBOOK)
    paths = [
        f"/apis/apps/v1/namespaces/{PROFILE}/statefulsets/{SERVER}",
        f"/api/v1/namespaces/{PROFILE}/services/{SERVER}",
    ]
    deadline = time.monotonic() + 60
    while left := [path for path in paths if ground.get(path) is not None]:
        if time.monotonic() > deadline:
            raise Failed(f"left behind: {', '.join(left)}")
        time.sleep(0.5)
    return "StatefulSet and Service went with it"


STAGES: Sequence[Callable[[Ground], str]] = (
    install,
    gpus,
    controller,
    notebook,
    scheduled,
    running,
    lab,
    pipeline,
    prediction,
    culled,
    woken,
    stopped,
    gone,
)


def _annotations(found: dict[str, Any]) -> dict[str, str]:
    return found["metadata"].get("annotations") or {}


def _is_available(deployment: dict[str, Any]) -> bool:
    return bool(deployment.get("status", {}).get("availableReplicas"))


def _is_pod_ready(pod: dict[str, Any]) -> bool:
    return _holds(pod, "Ready") and "deletionTimestamp" not in pod["metadata"]


def _is_server_ready(found: dict[str, Any]) -> bool:
    return _holds(found, "ServerReady")


def _holds(found: dict[str, Any], kind: str) -> bool:
    conditions = found.get("status", {}).get("conditions") or []
    return any(each["type"] == kind and each["status"] == "True" for each in conditions)


@contextmanager
def ground_at_hand(images: Sequence[Path], *, in_memory: bool) -> Iterator[Ground]:
    """Give the best cluster that can be had here."""
    if in_memory or why_none():
        from tests.cluster.memory import MemoryCluster

        with MemoryCluster(nodes=0) as cluster:
            yield Ground("our API server in memory", cluster, makes_pods=True, schedules=True)
    elif os.environ.get("KUBECONFIG"):
        with real_cluster() as cluster:
            yield Ground("the cluster of KUBECONFIG", cluster, True, True, True)
    elif images and why_no_node() is None:
        with cluster_with_node(images) as cluster:
            yield Ground("a cluster with a node on this machine", cluster, True, True, True)
    else:
        with real_cluster() as cluster:
            offer_volumes(cluster)
            yield Ground(
                "a real control plane without a node",
                cluster,
                makes_pods=cluster.has_controllers,
                schedules=cluster.has_scheduler,
            )


def main() -> int:
    """Return how many stages have failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.story", description=__doc__)
    parser.add_argument("--image", type=Path, action="append", default=[], help="tar to import")
    parser.add_argument("--memory", action="store_true", help="our API server in any case")
    given = parser.parse_args()
    results: list[tuple[str, str, str]] = []
    with ExitStack() as stack:
        ground = stack.enter_context(ground_at_hand(given.image, in_memory=given.memory))
        ground.said["stack"] = stack
        print(f"On {ground.words}.\n", flush=True)
        failed = ""
        for stage in STAGES:
            began = time.monotonic()
            try:
                if failed:
                    raise NotRun(f"{failed} has failed")
                outcome, words = "done", stage(ground)
            except NotRun as reason:
                outcome, words = "not run", str(reason)
            except (Failed, OSError, subprocess.SubprocessError) as error:
                outcome, words, failed = "FAILED", str(error), stage.__name__
            took = f"{time.monotonic() - began:.1f} s"
            about = (stage.__doc__ or stage.__name__).splitlines()[0]
            print(f"{outcome:8}{took:>8}  {about}\n{'':18}{words}", flush=True)
            results.append((stage.__name__, outcome, words))
    counts = {each: sum(1 for _, found, _ in results if found == each) for _, each, _ in results}
    print("\n" + ", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return counts.get("FAILED", 0)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ClusterUnavailable as unavailable:
        sys.exit(str(unavailable))
