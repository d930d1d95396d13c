"""The Pod Security Standards, in the words of the admission plugin of Kubernetes.

Written on its own, from the standard: the product has its checker, and each is a test of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Object = dict[str, Any]
CAPABILITIES = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
VOLUMES = frozenset(
    [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ]
)
SYSCTLS = frozenset(
    [
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
    ]
)
SELINUX = frozenset(
    {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
)


def violations(spec: Object, level: str) -> list[str]:
    """Say what a pod does that a level (privileged, baseline, restricted) forbids."""
    if level == "privileged":
        return []
    found = list(_baseline(spec))
    if level == "baseline":
        return sorted(found, key=_order)
    # What the restricted level asks in its own words is not said twice.
    again = ("non-default capabilities", "hostPath volumes", "seccompProfile")
    found = [told for told in found if not told.startswith(again)]
    return sorted(found, key=_order) + sorted(_restricted(spec), key=_order)


# The checks stand in the order of their identifiers, which are not always the first words they say.
IDENTIFIERS = {
    "unrestricted": "capabilities",
    "non-default": "capabilities",
    "restricted": "restrictedVolumes",
}


def _order(told: str) -> str:
    first = told.split(" ")[0]
    return IDENTIFIERS.get(first, told.split(" ")[1] if first == "forbidden" else first)


def _containers(spec: Object) -> list[Object]:
    return [
        container
        for group in ("initContainers", "containers", "ephemeralContainers")
        for container in spec.get(group) or []
    ]


def _bad(spec: Object, test: Callable[[Object], bool]) -> list[str]:
    return [
        container.get("name", "")
        for container in _containers(spec)
        if test(container.get("securityContext") or {})
    ]


def _named(names: list[str]) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    return f"container {listed}" if len(names) == 1 else f"containers {listed}"


def _baseline(spec: Object) -> Iterator[str]:
    pod = spec.get("securityContext") or {}
    if shared := [name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]:
        yield f"host namespaces ({', '.join(f'{name}=true' for name in shared)})"
    if names := _bad(spec, lambda context: context.get("privileged") is True):
        yield f"privileged ({_named(names)} must not set securityContext.privileged=true)"
    added = {
        capability
        for container in _containers(spec)
        for capability in ((container.get("securityContext") or {}).get("capabilities") or {}).get(
            "add"
        )
        or []
    }
    if beyond := sorted(added - CAPABILITIES):
        names = _bad(
            spec,
            lambda context: bool(
                set((context.get("capabilities") or {}).get("add") or []) - CAPABILITIES
            ),
        )
        listed = ", ".join(f'"{name}"' for name in beyond)
        yield (
            f"non-default capabilities ({_named(names)} must not include {listed} in "
            "securityContext.capabilities.add)"
        )
    if paths := [volume["name"] for volume in spec.get("volumes") or [] if volume.get("hostPath")]:
        listed = ", ".join(f'"{name}"' for name in paths)
        yield f"hostPath volumes (volume{'s' if len(paths) > 1 else ''} {listed})"
    ports = [
        str(port["hostPort"])
        for container in _containers(spec)
        for port in container.get("ports") or []
        if port.get("hostPort")
    ]
    if ports:
        names = [
            container["name"]
            for container in _containers(spec)
            if any(port.get("hostPort") for port in container.get("ports") or [])
        ]
        yield (
            f"hostPort ({_named(names)} uses hostPort{'s' if len(ports) > 1 else ''} "
            f"{', '.join(ports)})"
        )
    if names := _bad(spec, lambda context: context.get("procMount") not in (None, "", "Default")):
        yield f"procMount ({_named(names)} must not set securityContext.procMount)"
    contexts = [pod, *((container.get("securityContext") or {}) for container in _containers(spec))]
    if any(
        (context.get("seccompProfile") or {}).get("type") == "Unconfined" for context in contexts
    ):
        yield (
            "seccompProfile (pod or containers must not set "
            'securityContext.seccompProfile.type to "Unconfined")'
        )
    if any(
        (context.get("appArmorProfile") or {}).get("type") == "Unconfined" for context in contexts
    ):
        yield (
            "forbidden AppArmor profile (pod or containers must not set "
            'appArmorProfile.type to "Unconfined")'
        )
    for context in contexts:
        options = context.get("seLinuxOptions") or {}
        if options.get("user") or options.get("role") or options.get("type", "") not in SELINUX:
            yield "seLinuxOptions (pod or containers set forbidden securityContext.seLinuxOptions)"
            break
    if unsafe := [
        entry["name"] for entry in pod.get("sysctls") or [] if entry["name"] not in SYSCTLS
    ]:
        yield f"forbidden sysctls ({', '.join(unsafe)})"
    if any((context.get("windowsOptions") or {}).get("hostProcess") for context in contexts):
        yield (
            "hostProcess (pod or containers must not set "
            "securityContext.windowsOptions.hostProcess=true)"
        )


def _restricted(spec: Object) -> Iterator[str]:
    pod = spec.get("securityContext") or {}
    if names := _bad(spec, lambda context: context.get("allowPrivilegeEscalation") is not False):
        yield (
            f"allowPrivilegeEscalation != false ({_named(names)} must set "
            "securityContext.allowPrivilegeEscalation=false)"
        )
    lacking = _bad(
        spec, lambda context: "ALL" not in ((context.get("capabilities") or {}).get("drop") or [])
    )
    adding = _bad(
        spec,
        lambda context: bool(
            set((context.get("capabilities") or {}).get("add") or []) - {"NET_BIND_SERVICE"}
        ),
    )
    told = []
    if lacking:
        told.append(f'{_named(lacking)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        beyond = {
            f'"{name}"'
            for container in _containers(spec)
            for name in ((container.get("securityContext") or {}).get("capabilities") or {}).get(
                "add"
            )
            or []
            if name != "NET_BIND_SERVICE"
        }
        listed = ", ".join(sorted(beyond))
        told.append(
            f"{_named(adding)} must not include {listed} in securityContext.capabilities.add"
        )
    if told:
        yield f"unrestricted capabilities ({'; '.join(told)})"
    odd = [
        (volume["name"], source)
        for volume in spec.get("volumes") or []
        for source in volume
        if source != "name" and source not in VOLUMES
    ]
    if odd:
        listed = ", ".join(
            f'volume "{name}" uses restricted volume type "{source}"' for name, source in odd
        )
        yield f"restricted volume types ({listed})"
    unsure = _bad(
        spec,
        lambda context: (
            context.get("runAsNonRoot") is False
            or (context.get("runAsNonRoot") is None and pod.get("runAsNonRoot") is not True)
        ),
    )
    if pod.get("runAsNonRoot") is False or unsure:
        yield (
            f"runAsNonRoot != true (pod or {_named(unsure)} must set "
            "securityContext.runAsNonRoot=true)"
        )
    roots = _bad(spec, lambda context: context.get("runAsUser") == 0)
    if pod.get("runAsUser") == 0:
        yield "runAsUser=0 (pod must not set runAsUser=0)"
    elif roots:
        yield f"runAsUser=0 ({_named(roots)} must not set runAsUser=0)"
    good = ("RuntimeDefault", "Localhost")
    set_by_pod = (pod.get("seccompProfile") or {}).get("type") in good
    loose = _bad(
        spec,
        lambda context: (
            (context.get("seccompProfile") or {}).get("type") not in good
            if context.get("seccompProfile")
            else not set_by_pod
        ),
    )
    bad = (pod.get("seccompProfile") or {}).get("type")
    if bad is not None and bad not in good:
        yield f'seccompProfile (pod must not set securityContext.seccompProfile.type to "{bad}")'
    elif loose:
        yield (
            f"seccompProfile (pod or {_named(loose)} must set "
            'securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
        )
