"""A real Kubernetes control plane for the length of a test session, or the one of `KUBECONFIG`.

The folder in `KUBEBUILDER_ASSETS` holds `etcd` and `kube-apiserver`, and, where pods shall come of
StatefulSets, Deployments and Jobs, `kube-controller-manager` and `kube-scheduler`. All listens on
127.0.0.1, on ports that are free, with RBAC, certificates and tokens made for this one time; all
data lies in one temporary folder, and nothing of it outlives the process that started it.

    python -m tests.cluster.real   # start one, print its kubeconfig, stop it on Ctrl-C
"""

import ctypes
import json
import os
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

START_S = 60  # etcd and the API server are up in 3 s on two quiet cores
STOP_S = 10
SERVICE_NETWORK = "10.96.0.0/16"
_PR_SET_PDEATHSIG = 1

# Who may come with a token of their own, and their groups. Service accounts need not be here.
PEOPLE: Mapping[str, tuple[str, ...]] = {
    "admin": ("system:masters",),
    "operator": ("system:masters",),
    "alice@example.org": (),
    "bob@example.org": (),
    "carol@example.org": (),
    "system:kube-controller-manager": (),
    "system:kube-scheduler": (),
    "system:node:node-0": ("system:nodes",),
    "system:node:node-1": ("system:nodes",),
}


class ClusterUnavailable(Exception):
    """There is no real cluster here; the text says what would make one."""


@dataclass(slots=True)
class RealCluster:
    """A cluster that answers: where, and with whose tokens."""

    url: str
    kubeconfig: Path
    authority: str | None = None
    tokens: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    is_ours: bool = False
    has_controllers: bool = True
    has_scheduler: bool = True

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        user: str = "admin",
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        """Send one request as this user and return the document that comes back."""
        return ask(
            self.url, self.token(user), method, path, body, content_type, authority=self.authority
        )

    def token(self, user: str = "admin") -> str:
        """Return a token with which the API server takes one for this user.

        Raises:
            LookupError: This cluster has no token for them.
        """
        if known := self.tokens.get(user):
            return known
        if user.startswith("system:serviceaccount:"):
            namespace, name = user.split(":")[2:]
            made = self.request(
                "POST",
                f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
                {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
            )
            return made["status"]["token"]
        raise LookupError(f"No token for {user!r}: there are some for {', '.join(self.tokens)}.")

    def api(self, user: str = "admin"):  # type: ignore[no-untyped-def]
        """Return a client of the `kubernetes` package for this user."""
        from kubernetes import client

        if self.is_ours:
            return client.ApiClient(self._configuration(user))
        from kubernetes import config

        return config.new_client_from_config(str(self.kubeconfig))

    def _configuration(self, user: str):  # type: ignore[no-untyped-def]
        from kubernetes import client

        configuration = client.Configuration(host=self.url)
        configuration.ssl_ca_cert = str(self.folder / "ca.crt") if self.folder else None
        configuration.api_key = {"authorization": f"Bearer {self.token(user)}"}
        return configuration

    def kubeconfig_of(self, user: str) -> Path:
        """Return where their file is, or will be; a colon would end its name in KUBECONFIG."""
        return self.kubeconfig.with_name(f"{user.replace(':', '-')}.kubeconfig")

    def write_kubeconfig(self, user: str) -> Path:
        """Write a file with which a program comes as this user, beside the administrator's."""
        assert self.folder is not None
        name, trust = "mlplat-test", str(self.folder / "ca.crt")
        cluster = {"server": self.url, "certificate-authority": trust}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self.token(user)}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
            "current-context": name,
        }
        path = self.kubeconfig_of(user)
        path.write_text(json.dumps(document))
        return path

    def environment(self, user: str = "admin") -> dict[str, str]:
        """Return what a program needs in its environment to find this cluster as this user."""
        path = self.kubeconfig
        if self.is_ours:
            path = self.kubeconfig_of(user)
            if not path.exists():
                self.write_kubeconfig(user)
        return {**os.environ, "KUBECONFIG": str(path)}

    def calls(self) -> Iterator[dict[str, Any]]:
        """Yield what the API server has been asked, as its audit log has it (`audit=True`)."""
        if self.folder is None or not (log := self.folder / "audit.log").exists():
            raise LookupError("This cluster keeps no audit log. Start it with audit=True.")
        with log.open() as lines:
            for line in lines:
                if line.endswith("\n"):
                    yield json.loads(line)


def ask(
    url: str,
    token: str,
    method: str,
    path: str,
    body: object = None,
    content_type: str = "application/json",
    *,
    authority: str | None = None,
) -> dict[str, Any]:
    """Send one request to an API server and return the document that comes back.

    Raises:
        urllib.error.HTTPError: It was refused.
    """
    request = urllib.request.Request(
        url + path,
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={"Authorization": f"Bearer {token}", "Content-Type": content_type},
    )
    trust = ssl.create_default_context(cadata=authority) if url.startswith("https") else None
    with urllib.request.urlopen(request, context=trust, timeout=30) as answer:
        return json.loads(answer.read() or b"{}")


def find_assets() -> Path | None:
    """Return the folder of the programs, where one is named and has what is needed."""
    named = os.environ.get("KUBEBUILDER_ASSETS")
    if named and all((Path(named) / name).exists() for name in ("etcd", "kube-apiserver")):
        return Path(named)
    return None


def why_none() -> str | None:
    """Return why there can be no real cluster here, or None where there can be one."""
    if os.environ.get("KUBECONFIG") or find_assets():
        return None
    if named := os.environ.get("KUBEBUILDER_ASSETS"):
        return f"KUBEBUILDER_ASSETS={named!r} lacks etcd or kube-apiserver."
    return (
        "There is no real cluster: neither KUBECONFIG names one, nor KUBEBUILDER_ASSETS a folder "
        "with etcd and kube-apiserver."
    )


@contextmanager
def real_cluster(
    *,
    audit: bool = False,
    address: str = "127.0.0.1",
    without: Sequence[str] = (),
    flags: Mapping[str, Sequence[str]] = {},
) -> Iterator[RealCluster]:
    """Give the cluster of `KUBECONFIG`, else start a control plane and stop it at the end.

    Args:
        audit: Write down each request, for `RealCluster.calls`.
        address: Where the API server listens; pods in networks of their own need one they reach.
        without: Programs that are not to run although they are there.
        flags: Further flags by program, after ours.

    Raises:
        ClusterUnavailable: There is neither, or what is there does not start.
    """
    if reason := why_none():
        raise ClusterUnavailable(reason)
    assets = find_assets()
    if assets is None:
        yield _of_kubeconfig(Path(os.environ["KUBECONFIG"].split(os.pathsep)[0]))
        return
    folder = Path(tempfile.mkdtemp(prefix="mlpk-"))
    plane = _ControlPlane(assets, folder, address, audit, without, flags)
    try:
        yield plane.start()
    finally:
        plane.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _of_kubeconfig(path: Path) -> RealCluster:
    """Read where the current context leads, and its token if it has one in clear."""
    document = yaml.safe_load(path.read_text())
    named = {
        kind: {entry["name"]: entry[kind.rstrip("s")] for entry in document[kind]}
        for kind in ("contexts", "clusters", "users")
    }
    context = named["contexts"][document["current-context"]]
    token = named["users"][context["user"]].get("token")
    return RealCluster(
        url=named["clusters"][context["cluster"]]["server"],
        kubeconfig=path,
        tokens={"admin": token} if token else {},
    )


class _ControlPlane:
    """The programs of a control plane, in the order in which they start."""

    def __init__(
        self,
        assets: Path,
        folder: Path,
        address: str,
        audit: bool,
        without: Sequence[str],
        flags: Mapping[str, Sequence[str]],
    ) -> None:
        self._assets, self._folder, self._address = assets, folder, address
        self._audit, self._without, self._flags = audit, without, flags
        self._processes: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self) -> RealCluster:
        tokens = {name: secrets.token_hex(16) for name in PEOPLE}
        _write_authority(self._folder, self._address)
        (self._folder / "tokens.csv").write_text(
            "".join(
                f'{tokens[name]},{name},{name},"{",".join(groups)}"\n'
                for name, groups in PEOPLE.items()
            )
        )
        has = {
            name: (self._assets / name).exists() and name not in self._without
            for name in ("kube-controller-manager", "kube-scheduler")
        }
        storage, peers, port = free_ports(3)
        url = f"https://{self._address}:{port}"
        authority = (self._folder / "ca.crt").read_text()
        cluster = RealCluster(
            url=url,
            kubeconfig=self._folder / "admin.kubeconfig",
            authority=authority,
            tokens=tokens,
            folder=self._folder,
            is_ours=True,
            has_controllers=has["kube-controller-manager"],
            has_scheduler=has["kube-scheduler"],
        )
        cluster.write_kubeconfig("admin")
        self._run(
            "etcd",
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls=http://127.0.0.1:{storage}",
            f"--advertise-client-urls=http://127.0.0.1:{storage}",
            f"--listen-peer-urls=http://127.0.0.1:{peers}",
            "--unsafe-no-fsync",  # nothing here is to outlive the machine
        )
        self._run("kube-apiserver", *self._of_api_server(storage, port, has))
        self._wait("kube-apiserver", lambda: cluster.request("GET", "/api/v1/namespaces/default"))
        for name, is_there in has.items():
            if is_there:
                self._run(
                    name,
                    f"--kubeconfig={cluster.write_kubeconfig(f'system:{name}')}",
                    "--leader-elect=false",
                    "--secure-port=0",
                    *(self._of_controllers() if name == "kube-controller-manager" else ()),
                )
        if cluster.has_controllers:  # a namespace takes pods once it has its service account
            account = "/api/v1/namespaces/default/serviceaccounts/default"
            self._wait("kube-controller-manager", lambda: cluster.request("GET", account))
        return cluster

    def stop(self) -> None:
        for _, process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def _of_api_server(self, storage: int, port: int, has: Mapping[str, bool]) -> list[str]:
        here = self._folder
        flags = [
            f"--etcd-servers=http://127.0.0.1:{storage}",
            f"--secure-port={port}",
            f"--bind-address={self._address}",
            f"--tls-cert-file={here / 'server.crt'}",
            f"--tls-private-key-file={here / 'server.key'}",
            f"--client-ca-file={here / 'ca.crt'}",
            f"--token-auth-file={here / 'tokens.csv'}",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={here / 'accounts.pub'}",
            f"--service-account-signing-key-file={here / 'accounts.key'}",
            f"--service-cluster-ip-range={SERVICE_NETWORK}",
            "--allow-privileged=true",
            "--kubelet-preferred-address-types=InternalIP",  # nobody else knows nodes by name
        ]
        if self._address.startswith("127."):  # which no Endpoints may name
            flags.append("--endpoint-reconciler-type=none")
        if not has["kube-controller-manager"]:  # who makes them
            flags.append("--disable-admission-plugins=ServiceAccount")
        if self._audit:
            policy = {
                "apiVersion": "audit.k8s.io/v1",
                "kind": "Policy",
                "omitStages": ["RequestReceived", "ResponseStarted"],
                "rules": [{"level": "Metadata"}],
            }
            (here / "audit.yaml").write_text(json.dumps(policy))
            flags += [
                f"--audit-policy-file={here / 'audit.yaml'}",
                f"--audit-log-path={here / 'audit.log'}",
            ]
        return flags

    def _of_controllers(self) -> list[str]:
        return [
            "--use-service-account-credentials=true",  # each controller has its own roles
            f"--service-account-private-key-file={self._folder / 'accounts.key'}",
            f"--root-ca-file={self._folder / 'ca.crt'}",
            f"--cluster-signing-cert-file={self._folder / 'ca.crt'}",
            f"--cluster-signing-key-file={self._folder / 'ca.key'}",
        ]

    def _run(self, name: str, *flags: str) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [self._assets / name, *flags, *self._flags.get(name, ())],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # an interrupt of the tests is not theirs
                preexec_fn=_die_with_parent,
            )
        self._processes.append((name, process))

    def _wait(self, name: str, is_up: Callable[[], object]) -> None:
        deadline = time.monotonic() + START_S
        while True:
            try:
                is_up()
                return
            except (urllib.error.URLError, ConnectionError, ssl.SSLError) as error:
                last = error
            ended = [said for said, process in self._processes if process.poll() is not None]
            if ended or time.monotonic() > deadline:
                of = ended[0] if ended else name
                log = (self._folder / f"{of}.log").read_text(errors="replace")
                told = "ended" if ended else f"was not up in {START_S} s ({last})"
                raise ClusterUnavailable(f"{of} {told}. Its last words:\n{log[-3000:]}")
            time.sleep(0.1)


def _write_authority(folder: Path, address: str) -> None:
    """Make an authority, a certificate of the API server and the key of service accounts."""
    names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost"]
    numbers = {"127.0.0.1", address, re.sub(r"\.0/\d+$", ".1", SERVICE_NETWORK)}
    subject = ",".join([*(f"DNS:{n}" for n in names), *(f"IP:{n}" for n in sorted(numbers))])
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30")
    _openssl(
        folder,
        *("req", "-x509", *curve, "-subj", "/CN=mlplat-test-authority"),
        *("-keyout", "ca.key", "-out", "ca.crt"),
        *("-addext", "keyUsage=critical,keyCertSign,digitalSignature,cRLSign"),
    )
    _openssl(
        folder,
        *("req", "-x509", *curve, "-subj", "/CN=kube-apiserver", "-CA", "ca.crt", "-CAkey"),
        *("ca.key", "-keyout", "server.key", "-out", "server.crt"),
        *("-addext", f"subjectAltName={subject}", "-addext", "basicConstraints=critical,CA:FALSE"),
        *("-addext", "extendedKeyUsage=serverAuth"),
    )
    _openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "accounts.key")
    _openssl(folder, "ec", "-in", "accounts.key", "-pubout", "-out", "accounts.pub")


def _openssl(folder: Path, *arguments: str) -> None:
    try:
        done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
    except FileNotFoundError:
        raise ClusterUnavailable("openssl is needed for its certificates, and not here.") from None
    if done.returncode:
        raise ClusterUnavailable(f"openssl {arguments[0]} refused: {done.stderr[-500:]}")


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback that nobody listens on at this moment."""
    holders = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def main() -> None:
    """Start one, say where, and wait for Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with real_cluster() as cluster:
        print(f"export KUBECONFIG={cluster.kubeconfig}", flush=True)
        signal.pause()


if __name__ == "__main__":
    try:
        main()
    except ClusterUnavailable as unavailable:
        sys.exit(str(unavailable))
    except KeyboardInterrupt:
        pass
