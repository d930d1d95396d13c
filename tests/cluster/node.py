"""A real node on this machine: kubelet, containerd, a bridge, kube-proxy and names of Services.

It is for the story as a whole, on a Linux machine where one is root, and asks for more than the
control plane does. `KUBEBUILDER_ASSETS` holds, beside it: `kubelet`, `kube-proxy`, `containerd`,
`containerd-shim-runc-v2`, `runc`, `ctr`, `nft` and, below `cni/`, the plugins `bridge`,
`host-local` and `loopback`. Images are not pulled: they are tar files to import.
"""

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError

from tests.cluster.real import (
    ClusterUnavailable,
    RealCluster,
    find_assets,
    free_ports,
    real_cluster,
)

NAME = "node-0"
BRIDGE, ADDRESS, NETWORK = "mlpcni0", "10.244.0.1", "10.244.0.0/24"
DOMAIN = "cluster.local"
PAUSE = "mlplat.local/pause:1"  # one of the images to import holds it
PROGRAMS = ("kubelet", "kube-proxy", "containerd", "containerd-shim-runc-v2", "runc", "ctr", "nft")
PLUGINS = ("bridge", "host-local", "loopback")
CLASS, VOLUMES = "folders", 8
READY_S = 90
_NAMESPACE = "k8s.io"  # of containerd, where a kubelet's images lie


def why_no_node() -> str | None:
    """Return why no node can run here, or None where one can."""
    if os.environ.get("KUBECONFIG"):
        return "KUBECONFIG names a cluster, which has nodes of its own."
    if not (assets := find_assets()):
        return "KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver."
    needed = [*PROGRAMS, *(f"cni/{plugin}" for plugin in PLUGINS)]
    if missing := [name for name in needed if not (assets / name).exists()]:
        return f"KUBEBUILDER_ASSETS={str(assets)!r} lacks {', '.join(missing)}."
    if os.geteuid() != 0:
        return "Containers need root, and this is an ordinary user."
    return None


@contextmanager
def cluster_with_node(images: Sequence[Path], *, audit: bool = False) -> Iterator[RealCluster]:
    """Start a control plane and a node that runs these images; stop both and clean up.

    Raises:
        ClusterUnavailable: The node cannot run here, or did not get ready.
    """
    if reason := why_no_node():
        raise ClusterUnavailable(reason)
    with ExitStack() as stack:
        stack.enter_context(_bridge())
        cluster = stack.enter_context(real_cluster(audit=audit, address=ADDRESS))
        stack.enter_context(_names(cluster))
        offer_volumes(cluster)
        stack.enter_context(_node(cluster, images))
        yield cluster


def offer_volumes(cluster: RealCluster) -> None:
    """Make folders of this machine volumes, of a class that is the default."""
    assert cluster.folder is not None
    marks = {"storageclass.kubernetes.io/is-default-class": "true"}
    cluster.request(
        "POST",
        "/apis/storage.k8s.io/v1/storageclasses",
        {"metadata": {"name": CLASS, "annotations": marks}, "provisioner": "test.local/folders"},
    )
    for number in range(VOLUMES):
        path = cluster.folder / "volumes" / str(number)
        path.mkdir(parents=True)
        path.chmod(0o777)  # whoever runs in a pod may write: no one hands over a folder of the host
        spec = {
            "capacity": {"storage": "100Gi"},
            "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": CLASS,
            "hostPath": {"path": str(path)},
        }
        body = {"metadata": {"name": f"folder-{number}"}, "spec": spec}
        cluster.request("POST", "/api/v1/persistentvolumes", body)


def advertise(cluster: RealCluster, resource: str, count: int) -> None:
    """Let the node offer this many of an extended resource, as a device plugin would."""
    path = f"/status/capacity/{resource.replace('/', '~1')}"
    cluster.request(
        "PATCH",
        f"/api/v1/nodes/{NAME}/status",
        [{"op": "add", "path": path, "value": str(count)}],
        content_type="application/json-patch+json",
    )


@contextmanager
def _bridge() -> Iterator[None]:
    """Make the bridge at once: the API server listens on it, and on nothing that is outside."""
    _ip("link", "add", BRIDGE, "type", "bridge")
    try:
        _ip("addr", "add", f"{ADDRESS}/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        yield
    finally:
        _ip("link", "del", BRIDGE)


@contextmanager
def _node(cluster: RealCluster, images: Sequence[Path]) -> Iterator[None]:
    assets = find_assets()
    assert assets is not None
    assert cluster.folder is not None
    folder = cluster.folder / "node"
    for name in ("cni", "containerd", "kubelet", "logs", "plugins"):
        (folder / name).mkdir(parents=True)
    address = folder / "containerd.sock"
    (folder / "containerd.toml").write_text(_of_containerd(folder, assets, address))
    (folder / "cni" / "10-mlplat.conflist").write_text(json.dumps(_of_network(folder)))
    (folder / "kubelet.json").write_text(json.dumps(_of_kubelet(folder, address)))
    credentials = cluster.write_kubeconfig(f"system:node:{NAME}")
    environment = {**os.environ, "PATH": f"{assets}:{os.environ['PATH']}"}
    processes: list[subprocess.Popen[bytes]] = []

    def run(name: str, *flags: str) -> None:
        with (folder / f"{name}.log").open("ab") as log:
            processes.append(
                subprocess.Popen(
                    [assets / name, *flags],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    try:
        run("containerd", f"--config={folder / 'containerd.toml'}")
        _until(address.exists, "containerd", folder)
        for image in images:
            _ctr(assets, address, "images", "import", str(image))
        run(
            "kubelet",
            f"--config={folder / 'kubelet.json'}",
            f"--kubeconfig={credentials}",
            f"--hostname-override={NAME}",
            f"--node-ip={ADDRESS}",
            f"--root-dir={folder / 'kubelet'}",
            f"--cert-dir={folder / 'kubelet'}",
        )
        run(
            "kube-proxy",
            f"--kubeconfig={cluster.kubeconfig}",
            f"--hostname-override={NAME}",
            "--proxy-mode=nftables",
            f"--cluster-cidr={NETWORK}",
            "--healthz-bind-address=",
            f"--metrics-bind-address=127.0.0.1:{free_ports(1)[0]}",
        )
        _until(lambda: _is_ready(cluster), "kubelet", folder)
        yield
    finally:
        _clear(cluster)
        for process in reversed(processes):
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()
        _clean(folder, assets, environment)


def _clear(cluster: RealCluster) -> None:
    """Let the kubelet end all pods: containers outlive who started them."""
    with suppress(OSError):
        for collection in ("apis/apps/v1/statefulsets", "apis/apps/v1/deployments"):
            _delete_all(cluster, collection)
        _delete_all(cluster, "apis/batch/v1/jobs")
        _delete_all(cluster, "api/v1/pods", grace_s=1)
        deadline = time.monotonic() + 30
        while cluster.request("GET", "/api/v1/pods")["items"] and time.monotonic() < deadline:
            time.sleep(0.5)


def _delete_all(cluster: RealCluster, collection: str, grace_s: int | None = None) -> None:
    group, _, plural = collection.rpartition("/")
    for found in cluster.request("GET", f"/{group}/{plural}")["items"]:
        meta = found["metadata"]
        path = f"/{group}/namespaces/{meta['namespace']}/{plural}/{meta['name']}"
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        if grace_s is not None:
            options |= {"gracePeriodSeconds": grace_s}  # type: ignore[dict-item]
        with suppress(HTTPError):
            cluster.request("DELETE", path, options)


def _clean(folder: Path, assets: Path, environment: dict[str, str]) -> None:
    """Take away what a node leaves in the kernel: mounts and the rules of the proxy."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((each for each in mounts if each.startswith(str(folder))), reverse=True):
        subprocess.run(["umount", "--lazy", mount], capture_output=True)
    for command in (
        [assets / "kube-proxy", "--cleanup", "--proxy-mode=nftables"],
        [assets / "nft", "delete", "table", "ip", "kube-proxy"],
    ):
        subprocess.run(command, env=environment, capture_output=True)


def _is_ready(cluster: RealCluster) -> bool:
    try:
        found = cluster.request("GET", f"/api/v1/nodes/{NAME}")
    except HTTPError:
        return False
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in found["status"].get("conditions", [])
    )


def _until(is_so: Callable[[], bool], name: str, folder: Path) -> None:
    deadline = time.monotonic() + READY_S
    while not is_so():
        if time.monotonic() > deadline:
            words = (folder / f"{name}.log").read_text(errors="replace")[-3000:]
            raise ClusterUnavailable(f"{name} was not ready in {READY_S} s. Last words:\n{words}")
        time.sleep(0.2)


def _ctr(assets: Path, address: Path, *arguments: str) -> None:
    command = [assets / "ctr", "--address", address, "--namespace", _NAMESPACE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ClusterUnavailable(f"ctr {' '.join(arguments)}: {done.stderr[-500:]}")


def _ip(*arguments: str) -> None:
    done = subprocess.run([shutil.which("ip") or "ip", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise ClusterUnavailable(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def _of_containerd(folder: Path, assets: Path, address: Path) -> str:
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    runc = f"{cri}.containerd.runtimes.runc"
    return f"""version = 2
root = "{folder / "containerd"}"
state = "{folder / "containerd-state"}"
[grpc]
address = "{address}"
[plugins."io.containerd.internal.v1.opt"]
path = "{folder / "opt"}"
[{cri}]
sandbox_image = "{PAUSE}"
disable_apparmor = true
restrict_oom_score_adj = true
[{cri}.cni]
bin_dir = "{assets / "cni"}"
conf_dir = "{folder / "cni"}"
[{cri}.containerd]
snapshotter = "overlayfs"
[{runc}]
runtime_type = "io.containerd.runc.v2"
[{runc}.options]
BinaryName = "{assets / "runc"}"
SystemdCgroup = false
"""


def _of_network(folder: Path) -> dict[str, object]:
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": NETWORK}]],
        "dataDir": str(folder / "addresses"),
    }
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "isDefaultGateway": True,
        "hairpinMode": True,
        "ipam": addresses,
    }
    return {"cniVersion": "0.4.0", "name": "mlplat", "plugins": [bridge]}


def _of_kubelet(folder: Path, address: Path) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": ADDRESS,
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "healthzPort": 0,
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": [],
        "clusterDNS": [ADDRESS],
        "clusterDomain": DOMAIN,
        "containerRuntimeEndpoint": f"unix://{address}",
        "podLogsDir": str(folder / "logs"),
        "volumePluginDir": str(folder / "plugins"),
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
    }


@contextmanager
def _names(cluster: RealCluster) -> Iterator[None]:
    """Answer pods that ask where a Service is; there is no other name they could ask for here."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind((ADDRESS, 53))
    is_over = threading.Event()

    def serve() -> None:
        while not is_over.is_set():
            try:
                query, sender = listener.recvfrom(512)
            except OSError:
                return
            with suppress(OSError, ValueError, struct.error):
                listener.sendto(_answer(cluster, query), sender)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield
    finally:
        is_over.set()
        listener.close()


def _answer(cluster: RealCluster, query: bytes) -> bytes:
    """Answer one question of DNS (RFC 1035): a record per address, none for what is no Service."""
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode().lower())
        at += 1 + length
    end = at + 5
    (kind,) = struct.unpack("!H", query[at + 1 : at + 3])
    addresses = _addresses(cluster, labels)
    is_known = bool(addresses)
    found = addresses if kind == 1 else []  # 1: A
    flags = 0x8580 if is_known else 0x8583  # an answer with authority; 3: no such name
    header = query[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0)
    records = b"".join(
        b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 5, 4) + socket.inet_aton(each) for each in found
    )
    return header + query[12:end] + records


def _addresses(cluster: RealCluster, labels: Sequence[str]) -> list[str]:
    """Return the addresses of `[host.]service.namespace.svc.cluster.local`."""
    if list(labels[-3:]) != ["svc", *DOMAIN.split(".")] or len(labels) not in (5, 6):
        return []
    *host, service, namespace = labels[:-3]
    try:
        found = cluster.request("GET", f"/api/v1/namespaces/{namespace}/services/{service}")
    except HTTPError:
        return []
    if (own := found["spec"].get("clusterIP", "None")) != "None" and not host:
        return [own]
    slices = cluster.request(
        "GET",
        f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        f"?labelSelector=kubernetes.io/service-name={service}",
    )
    return [
        address
        for each in slices["items"]
        for endpoint in each.get("endpoints") or []
        if not host or endpoint.get("hostname") == host[0]
        for address in endpoint["addresses"]
    ]
