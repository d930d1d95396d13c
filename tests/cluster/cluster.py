"""What a test may ask of a cluster, whichever it is."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import yaml


class Cluster(Protocol):
    """An API server and what runs beside it: in memory (one a test) or real (one a session)."""

    @property
    def url(self) -> str:
        """Where the API server is."""

    @property
    def kubeconfig(self) -> Path:
        """The file of an administrator, for kubectl and for programs."""

    def api(self, user: str = "admin") -> Any:
        """Return a `kubernetes.client.ApiClient` of a user."""

    def token(self, user: str = "admin") -> str:
        """Return a bearer token of a user;

        `system:serviceaccount:NAMESPACE:NAME` names a service account.
        """

    def environment(self, user: str = "admin") -> dict[str, str]:
        """Return what a program needs in its environment to find this cluster as this user."""


def write_kubeconfig(
    path: Path, url: str, token: str, certificate: Path | None = None, namespace: str = "default"
) -> Path:
    """Write a kubeconfig with one context, `test`."""
    server = {"server": url, **({"certificate-authority": str(certificate)} if certificate else {})}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": server}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [
            {"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}
        ],
    }
    path.write_text(yaml.safe_dump(document))
    path.chmod(0o600)
    return path


def eventually(check: Callable[[], Any], timeout_s: float = 10.0, every_s: float = 0.02) -> Any:
    """Ask until the answer is true, and return it; what was wrong last is told when time is up."""
    ends = time.monotonic() + timeout_s
    while True:
        problem: BaseException | None = None
        try:
            if answer := check():
                return answer
        except Exception as error:
            problem = error
        if time.monotonic() > ends:
            raise TimeoutError(
                f"Not so within {timeout_s} s: {inspect.getsource(check).strip()}"
            ) from problem
        time.sleep(every_s)
