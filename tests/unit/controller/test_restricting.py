"""Pods written by hand: whatever they say, what comes out is restricted."""

import copy
from random import Random
from typing import Any

import pytest

from jupyter_mlplat.formats.kubernetes.pod_security import violations
from jupyter_mlplat.formats.notebooks.documents import Notebook
from jupyter_mlplat_controller.notebooks.choosing import Offer, Unfit, choose
from jupyter_mlplat_controller.notebooks.restricting import Dropped, Rules, restrict

GOOD = {"containers": [{"name": "nb", "image": "jupyter:latest"}]}


PLAIN = Rules()


def restricted(pod: Any, rules: Rules = PLAIN) -> tuple[dict[str, Any], str]:
    dropped = Dropped()
    return restrict(pod, rules, dropped), dropped.message


def test_a_plain_pod_loses_nothing_and_becomes_restricted() -> None:
    pod, message = restricted(GOOD)

    assert message == ""
    assert violations(pod) == []
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["fsGroup"] == 100


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"hostNetwork": True}, "hostNetwork"),
        ({"nodeName": "gpu-1"}, "nodeName"),
        ({"schedulerName": "mine"}, "schedulerName"),
        ({"priorityClassName": "system-node-critical"}, "priorityClassName"),
        ({"serviceAccountName": "cluster-admin"}, "serviceAccountName"),
        ({"volumes": [{"name": "root", "hostPath": {"path": "/"}}]}, "'root'"),
        ({"tolerations": [{"operator": "Exists"}]}, "tolerations"),
        ({"securityContext": {"runAsUser": 0}}, "runAsUser"),
        ({"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}}, "sysctls"),
        ({"ephemeralContainers": [{"name": "x"}]}, "ephemeralContainers"),
        ({"somethingNew": {"a": 1}}, "somethingNew"),
    ],
)
def test_what_a_server_may_not_have_is_left_out_and_told(said: dict[str, Any], told: str) -> None:
    pod, message = restricted({**GOOD, **said})

    assert violations(pod) == []
    assert told in message


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"securityContext": {"privileged": True}}, "privileged"),
        ({"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}, "SYS_ADMIN"),
        ({"securityContext": {"procMount": "Unmasked"}}, "procMount"),
        ({"securityContext": {"runAsNonRoot": False}}, "runAsNonRoot"),
        ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, "seccompProfile"),
        ({"ports": [{"containerPort": 8888, "hostPort": 80}]}, "hostPort"),
        ({"livenessProbe": {"httpGet": {"host": "169.254.169.254", "port": 80}}}, "host"),
        ({"volumeMounts": [{"name": "root", "mountPath": "/host"}]}, "volumeMounts"),
        ({"volumeDevices": [{"name": "disk", "devicePath": "/dev/x"}]}, "volumeDevices"),
    ],
)
def test_the_same_of_containers(said: dict[str, Any], told: str) -> None:
    container = {**GOOD["containers"][0], **said}
    pod, message = restricted({"containers": [container], "initContainers": [container]})

    assert violations(pod) == []
    assert told in message


def test_tokens_of_service_accounts_are_not_given() -> None:
    sources = [{"serviceAccountToken": {"path": "token"}}, {"configMap": {"name": "a"}}]
    volume = {"name": "all", "projected": {"sources": sources}}

    pod, message = restricted({**GOOD, "volumes": [volume]})

    assert pod["volumes"][0]["projected"]["sources"] == [{"configMap": {"name": "a"}}]
    assert "serviceAccountToken" in message


def test_secrets_and_images_are_those_of_the_lists() -> None:
    env = [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "other", "key": "k"}}}]
    container = {
        "name": "nb",
        "image": "evil.example.org/x",
        "env": env,
        "envFrom": [{"secretRef": {"name": "other"}}, {"configMapRef": {"name": "c"}}],
    }
    rules = Rules(images=("ghcr.io/*",), secrets=("mine-*",))

    pod, message = restricted({"containers": [container]}, rules)

    assert pod["containers"][0]["image"] == ""
    assert "env" not in pod["containers"][0]
    assert pod["containers"][0]["envFrom"] == [{"configMapRef": {"name": "c"}}]
    assert "not on the list of images" in message


WORDS = [
    "hostPath privileged hostNetwork hostPID hostIPC runAsUser runAsNonRoot capabilities add drop "
    "seccompProfile type Unconfined RuntimeDefault appArmorProfile procMount Unmasked sysctls name "
    "securityContext allowPrivilegeEscalation seLinuxOptions user role level spc_t containers "
    "initContainers ephemeralContainers volumes volumeMounts mountPath hostPort ports "
    "containerPort nodeName tolerations key operator Exists serviceAccountName image env envFrom "
    "valueFrom secretKeyRef projected sources serviceAccountToken windowsOptions hostProcess "
    "livenessProbe httpGet tcpSocket host lifecycle postStart preStop nfs emptyDir csi flexVolume "
    "restartPolicy Always hostUsers fsGroup readOnlyRootFilesystem ALL SYS_ADMIN NET_BIND_SERVICE"
][0].split()
LEAVES: list[Any] = [None, True, False, 0, 1, -1, 1000, 1.5, "", "x", "0", [], {}, *WORDS[:20]]


def hostile(random: Random) -> dict[str, Any]:
    """Write a pod that tries: fields as they should be, mixed with anything anywhere."""

    def anything(depth: int) -> Any:
        choice = random.random()
        if depth <= 0 or choice < 0.4:
            return random.choice(LEAVES) if random.random() < 0.5 else random.choice(WORDS)
        if choice < 0.7:
            return [anything(depth - 1) for _ in range(random.randrange(3))]
        return {random.choice(WORDS): anything(depth - 1) for _ in range(random.randrange(4))}

    def context() -> Any:
        if random.random() < 0.1:
            return anything(2)
        return {
            name: random.choice(values) for name, values in CONTEXT.items() if random.random() < 0.4
        }

    def container() -> Any:
        if random.random() < 0.05:
            return anything(2)
        made: dict[str, Any] = {
            "name": random.choice(["nb", "x", 3]),
            "image": "i",
            "securityContext": context(),
        }
        for name, values in CONTAINER.items():
            if random.random() < 0.3:
                made[name] = random.choice(values)
        for _ in range(random.randrange(3)):
            made[random.choice(WORDS)] = anything(2)
        return made

    pod: dict[str, Any] = {
        "containers": [container() for _ in range(random.randrange(1, 3))],
        "initContainers": [container() for _ in range(random.randrange(2))],
        "securityContext": context(),
        "volumes": [random.choice(VOLUMES) for _ in range(random.randrange(3))],
    }
    for _ in range(random.randrange(5)):
        pod[random.choice(WORDS)] = anything(3)
    return pod


CONTEXT: dict[str, list[Any]] = {
    "privileged": [True, "true", 1],
    "allowPrivilegeEscalation": [True, None, "no"],
    "runAsUser": [0, -1, "0", 0.0, 1000, None, True],
    "runAsGroup": [0, "0", 5],
    "runAsNonRoot": [False, None, "false", True],
    "capabilities": [
        {"add": ["SYS_ADMIN"]},
        {"add": ["ALL"], "drop": []},
        {"add": "ALL"},
        {"add": ["NET_BIND_SERVICE"]},
        [],
    ],
    "procMount": ["Unmasked", "Default", 3],
    "seccompProfile": [{"type": "Unconfined"}, {}, [], {"type": "Localhost"}, None],
    "appArmorProfile": [{"type": "Unconfined"}, {"type": "RuntimeDefault"}, 1],
    "seLinuxOptions": [{"type": "spc_t"}, {"user": "root"}, {"role": "r"}, {"level": "s0"}],
    "sysctls": [[{"name": "kernel.msgmax", "value": "1"}], [3], [{"name": ["x"]}]],
    "windowsOptions": [{"hostProcess": True}],
    "fsGroup": [0, "x", 100],
}
CONTAINER: dict[str, list[Any]] = {
    "ports": [[{"hostPort": 80}], [{"containerPort": "x", "hostIP": "0.0.0.0"}], [1]],
    "livenessProbe": [{"httpGet": {"host": "10.0.0.1"}}, {"tcpSocket": {"host": ["x"]}}, 3],
    "lifecycle": [{"preStop": {"httpGet": {"host": "h"}}}, {"postStart": 3}, {"x": {}}],
    "volumeMounts": [[{"name": "root", "mountPropagation": "Bidirectional"}], [{}]],
    "env": [[{"name": "A"}], [3], "x"],
    "volumeDevices": [[{"name": "v"}]],
    "restartPolicy": ["Always", "Never"],
}
VOLUMES: list[Any] = [
    {"name": "root", "hostPath": {"path": "/"}},
    {"name": "root", "emptyDir": {}, "hostPath": {"path": "/"}},
    {"name": "a", "emptyDir": None},
    {"name": "a", "projected": {"sources": [{"serviceAccountToken": {}}]}},
    {"name": ["a"], "emptyDir": {}},
    {"name": "n", "nfs": {"server": "s", "path": "/"}},
    {"name": "e", "emptyDir": {}},
    7,
]


def test_ten_thousand_hostile_pods_come_out_restricted() -> None:
    random, taken = Random(20260105), 0
    for number in range(10_000):
        pod = hostile(random)
        before = copy.copy(pod)
        out, _ = restricted(pod, Rules(fs_group=random.choice([0, 100])))
        assert violations(out) == [], (number, before)
        assert out["automountServiceAccountToken"] is False
        if number % 10 == 0:  # and the whole way of a Notebook
            notes = {random.choice(["container.apparmor.security.beta.kubernetes.io/nb", "a"]): "x"}
            notebook = Notebook("nb", "ada", {"istio.io/rev": "x", "app": "y"}, notes, pod)
            try:
                wanted = choose(notebook, "nb", "nb-home", Offer())
            except Unfit:
                continue
            taken += 1
            assert violations(wanted.template.spec, wanted.template.annotations) == []
            assert wanted.template.labels == {"app": "y"}
    assert taken > 300
