"""The Pod Security Standard *restricted*, field by field."""

import copy
from typing import Any

import pytest

from jupyter_mlplat.formats.kubernetes.pod_security import violations

GOOD: dict[str, Any] = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "main",
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            },
        }
    ],
    "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "home"}}],
}
INNER = "containers.0.securityContext"
BREACHES = [
    ("hostNetwork", True),
    ("hostPID", True),
    ("hostIPC", True),
    ("volumes.0", {"name": "v", "hostPath": {"path": "/"}}),
    ("volumes.0", {"name": "v", "nfs": {"server": "s", "path": "/"}}),
    ("volumes.0", {"name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}),
    ("volumes.0", {"name": "v"}),
    ("securityContext.runAsNonRoot", False),
    ("securityContext.runAsNonRoot", None),
    ("securityContext.runAsUser", 0),
    ("securityContext.seccompProfile", None),
    ("securityContext.seccompProfile", {"type": "Unconfined"}),
    ("securityContext.appArmorProfile", {"type": "Unconfined"}),
    ("securityContext.seLinuxOptions", {"type": "spc_t"}),
    ("securityContext.seLinuxOptions", {"user": "root"}),
    ("securityContext.seLinuxOptions", {"role": "r"}),
    ("securityContext.sysctls", [{"name": "kernel.msgmax", "value": "1"}]),
    ("securityContext.windowsOptions", {"hostProcess": True}),
    (INNER, None),
    (f"{INNER}.privileged", True),
    (f"{INNER}.allowPrivilegeEscalation", True),
    (f"{INNER}.allowPrivilegeEscalation", None),
    (f"{INNER}.capabilities", None),
    (f"{INNER}.capabilities.drop", ["NET_RAW"]),
    (f"{INNER}.capabilities.add", ["SYS_ADMIN"]),
    (f"{INNER}.procMount", "Unmasked"),
    (f"{INNER}.runAsUser", 0),
    (f"{INNER}.runAsNonRoot", False),
    (f"{INNER}.seccompProfile", {"type": "Unconfined"}),
    (f"{INNER}.seccompProfile", {}),
    (f"{INNER}.seLinuxOptions", {"type": "container_engine_t"}),
    ("containers.0.ports", [{"containerPort": 80, "hostPort": 80}]),
    ("containers.0.livenessProbe", {"httpGet": {"host": "10.0.0.1", "port": 80}}),
    ("containers.0.startupProbe", {"tcpSocket": {"host": "10.0.0.1", "port": 80}}),
    ("containers.0.lifecycle", {"preStop": {"httpGet": {"host": "10.0.0.1", "port": 80}}}),
    ("initContainers", [{"name": "first"}]),
    ("ephemeralContainers", [{"name": "debug"}]),
]


def put(pod: Any, path: str, value: Any) -> Any:
    changed = place = copy.deepcopy(pod)
    *steps, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    for step in steps:
        place = place[step]
    place[last] = value
    return changed


def test_a_restricted_pod_has_no_violation() -> None:
    assert violations(GOOD, {"container.apparmor.security.beta.kubernetes.io/main": ""}) == []


@pytest.mark.parametrize(("path", "value"), BREACHES)
def test_each_breach_is_found(path: str, value: Any) -> None:
    assert violations(put(GOOD, path, value)) != []


def test_a_user_namespace_relaxes_nothing() -> None:
    assert violations({**put(GOOD, "securityContext.runAsUser", 0), "hostUsers": False}) != []


def test_profiles_set_by_old_annotations_are_seen() -> None:
    name = "container.apparmor.security.beta.kubernetes.io/main"
    assert violations(GOOD, {name: "unconfined"}) == [f"annotation {name} is 'unconfined'"]
    assert violations(GOOD, {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}) != []


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, [1], {"a": None}])
def test_values_of_any_type_are_borne(value: Any) -> None:
    for field in ("containers", "volumes", "securityContext", "initContainers"):
        violations({**GOOD, field: value})
