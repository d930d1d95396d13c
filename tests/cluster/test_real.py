import os
import socket
import struct
import urllib.error
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import node, real


def test_what_would_make_a_real_cluster_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)

    assert "KUBEBUILDER_ASSETS" in (real.why_none() or "")
    assert "KUBEBUILDER_ASSETS" in (node.why_no_node() or "")


def test_a_folder_that_lacks_programs_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))

    assert real.why_none() == f"KUBEBUILDER_ASSETS={str(tmp_path)!r} lacks etcd or kube-apiserver."


class Services:
    """Service `ranks` is headless, with one pod that has a name."""

    def request(self, method: str, path: str) -> dict[str, Any]:
        assert method == "GET"
        if "endpointslices" in path:
            named = {"hostname": "rank-0", "addresses": ["10.244.0.7"]}
            return {"items": [{"endpoints": [named]}, {"endpoints": None}]}
        if "services/ranks" not in path:
            raise urllib.error.HTTPError(path, 404, "not found", {}, None)  # type: ignore[arg-type]
        return {"spec": {"clusterIP": "None"}}


@pytest.mark.parametrize(
    ("name", "kind", "code", "addresses"),
    [
        ("rank-0.ranks.ml.svc.cluster.local", 1, 0, ["10.244.0.7"]),
        ("ranks.ml.svc.cluster.local", 1, 0, ["10.244.0.7"]),
        ("rank-1.ranks.ml.svc.cluster.local", 1, 3, []),
        ("ranks.ml.svc.cluster.local", 28, 0, []),
        ("other.ml.svc.cluster.local", 1, 3, []),
        ("example.org", 1, 3, []),
    ],
    ids=["pod", "all pods", "no such pod", "version 6", "no such Service", "elsewhere"],
)
def test_names_of_services_are_answered(
    name: str, kind: int, code: int, addresses: list[str]
) -> None:
    labels = b"".join(bytes([len(each)]) + each.encode() for each in name.split("."))
    question = labels + b"\0" + struct.pack("!HH", kind, 1)

    answer = node._answer(Services(), b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + question)  # type: ignore[arg-type]

    number, flags, _, count = struct.unpack("!HHHH", answer[:8])
    records = answer[12 + len(question) :]
    assert (number, flags & 0xF, count) == (0x1234, code, len(addresses))
    assert [socket.inet_ntoa(records[at - 4 : at]) for at in range(16, len(records) + 1, 16)] == (
        addresses
    )


@pytest.mark.cluster
def test_people_may_do_what_they_were_given_only(real_control_plane: real.RealCluster) -> None:
    if os.environ.get("KUBECONFIG"):
        pytest.skip("The cluster of KUBECONFIG knows other people.")

    with pytest.raises(urllib.error.HTTPError, match="403"):
        real_control_plane.request("GET", "/api/v1/secrets", user="alice@example.org")

    accounts = "/api/v1/namespaces/default/serviceaccounts"
    real_control_plane.request("POST", accounts, {"metadata": {"name": "tester"}})
    account = real_control_plane.token("system:serviceaccount:default:tester")
    assert account.count(".") == 2
    assert real_control_plane.request("GET", "/version")["gitVersion"].startswith("v1.")
