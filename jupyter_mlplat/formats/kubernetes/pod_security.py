"""The Pod Security Standard *restricted*, whole: what of a pod breaks it.

Where versions of the standard differ, the strictest counts, so that what passes here is let in by
every Kubernetes: a user namespace (`hostUsers: false`) relaxes nothing.

Source:
    Kubernetes 1.36, k8s.io/pod-security-admission/policy: all checks of baseline and restricted.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jupyter_mlplat.formats.kubernetes.objects import words

VOLUMES = words(
    "configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret"
)
SYSCTLS = words(
    "kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.ip_unprivileged_port_start "
    "net.ipv4.tcp_syncookies net.ipv4.ping_group_range net.ipv4.ip_local_reserved_ports "
    "net.ipv4.tcp_keepalive_time net.ipv4.tcp_fin_timeout net.ipv4.tcp_keepalive_intvl "
    "net.ipv4.tcp_keepalive_probes net.ipv4.tcp_rmem net.ipv4.tcp_wmem"
)
SELINUX_TYPES = words("container_t container_init_t container_kvm_t") | {""}
PROFILES = words("RuntimeDefault Localhost")
ADDED = words("NET_BIND_SERVICE")
CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
HOOKS = ("postStart", "preStop")
_HOST = ("hostNetwork", "hostPID", "hostIPC")
_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
_SECCOMP = (
    "seccomp.security.alpha.kubernetes.io/pod",
    "container.seccomp.security.alpha.kubernetes.io/",
)

Value = Mapping[str, Any]


def violations(pod: Value, annotations: Mapping[str, str] | None = None) -> list[str]:
    """List what of a pod's spec the standard forbids, each with its path; nothing: it is let in.

    Args:
        pod: A pod's spec, as in `spec` of a Pod or `spec.template.spec` of a Job.
        annotations: The pod's annotations: old ones set profiles, too.
    """
    return [
        *(f"{field} is set" for field in _HOST if pod.get(field)),
        *_of_volumes(_list(pod.get("volumes"))),
        *_of_pod_context(_map(pod.get("securityContext"))),
        *_of_annotations(annotations or {}),
        *(
            found
            for field in CONTAINERS
            for number, container in enumerate(_list(pod.get(field)))
            for found in _of_container(f"{field}[{number}]", _map(container), pod)
        ),
    ]


def _of_volumes(volumes: Iterable[Any]) -> Iterator[str]:
    for number, volume in enumerate(volumes):
        sources = [field for field, said in _map(volume).items() if said is not None]
        sources = [field for field in sources if field != "name"]
        refused = [field for field in sources if field not in VOLUMES]
        for source in refused:
            yield f"volumes[{number}].{source} is no kind of volume that is allowed"
        if not sources:
            yield f"volumes[{number}] has no source"


def _of_pod_context(context: Value) -> Iterator[str]:
    place = "securityContext"
    yield from _of_context(place, context)
    for number, sysctl in enumerate(_list(context.get("sysctls"))):
        if not among(name := _map(sysctl).get("name"), SYSCTLS):
            yield f"{place}.sysctls[{number}] sets {name!r}"


def _of_annotations(annotations: Mapping[str, str]) -> Iterator[str]:
    for name, said in annotations.items():
        value = str(said)
        if name.startswith(_APP_ARMOR) and not (
            value in ("", "runtime/default") or value.startswith("localhost/")
        ):
            yield f"annotation {name} is {value!r}"
        if name.startswith(_SECCOMP) and not (
            value in ("runtime/default", "docker/default") or value.startswith("localhost/")
        ):
            yield f"annotation {name} is {value!r}"


def _of_container(place: str, container: Value, pod: Value) -> Iterator[str]:
    context, of_pod = _map(container.get("securityContext")), _map(pod.get("securityContext"))
    inner = f"{place}.securityContext"
    yield from _of_context(inner, context)
    if context.get("privileged"):
        yield f"{inner}.privileged is true"
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"{inner}.allowPrivilegeEscalation is not false"
    if context.get("procMount") not in (None, "Default"):
        yield f"{inner}.procMount is {context['procMount']!r}"
    if context.get("runAsNonRoot") is None and of_pod.get("runAsNonRoot") is not True:
        yield f"{inner}.runAsNonRoot is not true, nor is the pod's"
    if context.get("seccompProfile") is None and of_pod.get("seccompProfile") is None:
        yield f"{inner}.seccompProfile is missing, as is the pod's"
    capabilities = _map(context.get("capabilities"))
    if "ALL" not in _list(capabilities.get("drop")):
        yield f"{inner}.capabilities.drop does not say ALL"
    for name in _list(capabilities.get("add")):
        if not among(name, ADDED):
            yield f"{inner}.capabilities.add has {name!r}"
    for number, port in enumerate(_list(container.get("ports"))):
        if _map(port).get("hostPort"):
            yield f"{place}.ports[{number}].hostPort is set"
    yield from _of_handlers(place, container)


def _of_handlers(place: str, container: Value) -> Iterator[str]:
    handlers = {name: _map(container.get(name)) for name in PROBES}
    lifecycle = _map(container.get("lifecycle"))
    handlers |= {f"lifecycle.{name}": _map(lifecycle.get(name)) for name in HOOKS}
    for name, handler in handlers.items():
        for way in ("httpGet", "tcpSocket"):
            if _map(handler.get(way)).get("host"):
                yield f"{place}.{name}.{way}.host is set"


def _of_context(place: str, context: Value) -> Iterator[str]:
    """Find what neither a pod's nor a container's security context may say."""
    if context.get("runAsNonRoot") is False:
        yield f"{place}.runAsNonRoot is false"
    user = context.get("runAsUser")
    if user is not None and user == 0:
        yield f"{place}.runAsUser is 0"
    for field in ("seccompProfile", "appArmorProfile"):
        profile = context.get(field)
        if profile is not None and not among(_map(profile).get("type"), PROFILES):
            yield f"{place}.{field} is {_map(profile).get('type')!r}"
    options = _map(context.get("seLinuxOptions"))
    if not among(options.get("type") or "", SELINUX_TYPES):
        yield f"{place}.seLinuxOptions.type is {options['type']!r}"
    for field in ("user", "role"):
        if options.get(field):
            yield f"{place}.seLinuxOptions.{field} is set"
    if _map(context.get("windowsOptions")).get("hostProcess"):
        yield f"{place}.windowsOptions.hostProcess is true"


def among(value: Any, names: frozenset[str]) -> bool:
    """Tell whether a value of any type is one of the names."""
    return isinstance(value, str) and value in names


def _map(value: Any) -> Value:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
