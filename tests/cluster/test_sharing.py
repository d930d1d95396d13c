"""What people may do in a profile, as a cluster's roles say."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from kubernetes import client

from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.engine.api.identity import User
from jupyter_mlplat.engine.api.permissions import Permissions
from jupyter_mlplat.errors import Forbidden, Unavailable
from jupyter_mlplat.launchers.kubernetes.reviewing import ClusterReviewer
from jupyter_mlplat.ports.reviewing import GROUP
from jupyter_mlplat.resources.routes import BY_NAME
from tests.cluster.cluster import Cluster, eventually
from tests.cluster.memory import MemoryCluster
from tests.fakes.sharing import AUDIENCE, ISSUER, public_jwk, token

ROLES = "rbac.authorization.k8s.io"


def allow(cluster: Cluster, namespace: str, subject: dict[str, str], verbs: list[str]) -> None:
    api = cluster.api()
    client.CoreV1Api(api).create_namespace({"metadata": {"name": namespace}})
    rbac = client.RbacAuthorizationV1Api(api)
    rules = [{"apiGroups": [GROUP], "resources": ["*"], "verbs": verbs}]
    name = {"metadata": {"name": "mlplat"}}
    rbac.create_namespaced_role(namespace, {**name, "rules": rules})
    reference = {"apiGroup": ROLES, "kind": "Role", "name": "mlplat"}
    subjects = [{"apiGroup": ROLES, **subject}]
    rbac.create_namespaced_role_binding(
        namespace, {**name, "roleRef": reference, "subjects": subjects}
    )


async def test_roles_of_the_cluster_decide(api_server: MemoryCluster) -> None:
    allow(api_server, "anna", {"kind": "User", "name": "anna"}, ["get", "update"])
    allow(api_server, "team", {"kind": "Group", "name": "staff"}, ["get"])
    reviewer = ClusterReviewer(api_server.kubeconfig)
    permissions = Permissions(reviewer)
    anna, bea = User("anna", ("staff",)), User("bea", ("staff",))

    await permissions.check(anna, "anna", BY_NAME["runs.submit"])
    await permissions.check(bea, "team", BY_NAME["runs.list"])
    for user, profile, route in (
        (anna, "anna", "gc.run"),
        (anna, "team", "runs.submit"),
        (bea, "anna", "runs.list"),
        (bea, "nowhere", "events.watch"),
    ):
        with pytest.raises(Forbidden, match=f"'{user.name}' may not"):
            await permissions.check(user, profile, BY_NAME[route])
    await reviewer.close()


async def test_nobody_passes_while_the_cluster_is_away() -> None:
    with MemoryCluster(actors=False, storage=False) as cluster:
        allow(cluster, "anna", {"kind": "User", "name": "anna"}, ["get"])
        reviewer = ClusterReviewer(cluster.kubeconfig)
        permissions = Permissions(reviewer)
        await permissions.check(User("anna"), "anna", BY_NAME["runs.list"])

    with pytest.raises(Unavailable, match="API server does not answer"):
        await permissions.check(User("anna"), "anna", BY_NAME["models.list"])
    await reviewer.close()


# - an engine as it is started, with everything -


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for this machine, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    cert, private = folder / "tls.crt", folder / "tls.key"
    cert.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
    return cert, private


class Keys(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = json.dumps({"keys": [public_jwk()]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def keys() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/keys"
        server.shutdown()


def test_engine_is_shared_as_its_settings_say(
    api_server: MemoryCluster, keys: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(api_server, "anna", {"kind": "User", "name": "anna"}, ["get", "update"])
    cert, private = certificate(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text(
        f'[server]\naddress = "localhost:{port}"\nhosts = ["localhost"]\n'
        f'tls_cert = "{cert}"\ntls_key = "{private}"\n'
        f'[server.oidc]\nissuer = "{ISSUER}"\naudience = "{AUDIENCE}"\nkeys = "{keys}"\n'
    )
    token_file = tmp_path / "token"
    token_file.write_text(token("anna"))
    monkeypatch.setenv("MLPLAT_ENGINE_URL", f"https://localhost:{port}")
    monkeypatch.setenv("MLPLAT_TOKEN_FILE", str(token_file))
    monkeypatch.setenv("MLPLAT_CA_FILE", str(cert))
    environment = {**os.environ, "KUBECONFIG": str(api_server.kubeconfig), "MLPLAT_CPU": "1"}
    command = [sys.executable, "-I", "-m", "jupyter_mlplat.engine", "--home", str(home)]
    with subprocess.Popen(command, env=environment, start_new_session=True) as engine:
        try:
            by_socket = EngineClient(home, start=False)
            assert eventually(by_socket.find_engine, 30)

            shared = eventually(lambda: EngineClient().get_engine(), 30)

            assert shared.home == str(home / "profiles" / "anna")
            assert by_socket.get_engine().home == str(home)
            monkeypatch.setenv("MLPLAT_PROFILE", "bea")
            with pytest.raises(Forbidden, match="profile 'bea'"):
                EngineClient().get_engine()
        finally:
            engine.terminate()
            assert engine.wait(20) == 0
    lines = [json.loads(line) for line in (home / "audit.log").read_text().splitlines()]
    assert {(line["user"], line["profile"], line["status"]) for line in lines} == {
        ("anna", "anna", 200),
        ("anna", "bea", 403),
    }
    assert not (home / "profiles" / "bea").exists()
