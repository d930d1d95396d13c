"""What of a pod that was written by hand a server may have: the rest is dropped, and told.

Everything is copied field by field from lists of what is allowed, so that a field nobody thought
of is dropped. What comes out passes the Pod Security Standard *restricted*.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from jupyter_mlplat.formats.kubernetes.objects import words
from jupyter_mlplat.formats.kubernetes.pod_security import (
    ADDED,
    HOOKS,
    PROBES,
    PROFILES,
    SELINUX_TYPES,
    SYSCTLS,
    VOLUMES,
    among,
)

Json = Mapping[str, Any]

_POD = words(
    "affinity dnsConfig enableServiceLinks imagePullSecrets nodeSelector resourceClaims resources "
    "shareProcessNamespace terminationGracePeriodSeconds topologySpreadConstraints"
)
_POD_SILENT = words("automountServiceAccountToken restartPolicy serviceAccount")
"""Said by many and without a choice here: not worth a note."""
_CONTAINER = words(
    "name image command args workingDir imagePullPolicy stdin stdinOnce tty "
    "terminationMessagePath terminationMessagePolicy resources resizePolicy"
)
_PORT = words("name containerPort protocol")
_MOUNT = words("name mountPath subPath subPathExpr readOnly recursiveReadOnly")
_PROJECTED = words("configMap downwardAPI secret clusterTrustBundle")
_MOST_TOLD = 8


@dataclass(frozen=True, slots=True)
class Rules:
    """What is allowed beyond what the standard says.

    Attributes:
        images, secrets: Patterns of names.
        accounts: Service accounts that may be named.
        fs_group: Owns the volumes where the pod names no group; 0: none is set.
        user: Who runs where the pod names nobody; 0: the image's user.
    """

    images: tuple[str, ...] = ("*",)
    secrets: tuple[str, ...] = ("*",)
    accounts: tuple[str, ...] = ()
    fs_group: int = 100
    user: int = 0


@dataclass(slots=True)
class Dropped:
    """Remembers what was left out, and why."""

    notes: list[str] = field(default_factory=list)

    def say(self, place: str, why: str) -> None:
        note = f"{place} ({why})"
        if note not in self.notes:
            self.notes.append(note)

    @property
    def message(self) -> str:
        """All notes as one sentence; empty: nothing was dropped."""
        if not self.notes:
            return ""
        more = len(self.notes) - _MOST_TOLD
        told = "; ".join(note[:200] for note in self.notes[:_MOST_TOLD])
        return f"Left out of the pod: {told}{f'; and {more} more' if more > 0 else ''}."


def restrict(pod: Json, rules: Rules, dropped: Dropped) -> dict[str, Any]:
    """Return the pod's spec as far as a server may have it.

    Args:
        pod: A pod's spec; values of any type are borne.
        rules: What is allowed beside the standard.
        dropped: Is told of everything that is left out.
    """
    kept = {name: pod[name] for name in _POD if pod.get(name) is not None}
    for name, value in pod.items():
        if name not in _TREATED and name not in _POD and value not in (None, False, [], {}, ""):
            dropped.say(name, _WHY.get(name, "a server's pod does not have it"))
    if pod.get("hostUsers") is False:
        kept["hostUsers"] = False
    if among(policy := pod.get("dnsPolicy"), words("ClusterFirst Default None")):
        kept["dnsPolicy"] = policy
    if account := pod.get("serviceAccountName") or pod.get("serviceAccount"):
        if account in rules.accounts:
            kept["serviceAccountName"] = account
        else:
            dropped.say("serviceAccountName", f"{account!r} is not one that servers may have")
    if tolerations := _tolerations(pod.get("tolerations"), dropped):
        kept["tolerations"] = tolerations
    volumes = _volumes(pod.get("volumes"), rules, dropped)
    if volumes:
        kept["volumes"] = volumes
    names = frozenset(volume["name"] for volume in volumes)
    for place in ("initContainers", "containers"):
        found = [
            _container(each, f"{place}[{number}]", names, rules, dropped)
            for number, each in enumerate(_maps(pod.get(place)))
        ]
        if found:
            kept[place] = found
    kept["securityContext"] = _pod_context(_map(pod.get("securityContext")), rules, dropped)
    kept["automountServiceAccountToken"] = False
    return kept


_TREATED = words(
    "containers initContainers volumes securityContext tolerations serviceAccountName hostUsers "
    "dnsPolicy"
).union(_POD_SILENT)
_WHY = {
    "nodeName": "the scheduler chooses the node",
    "schedulerName": "the cluster's own scheduler is used",
    "hostNetwork": "a server has no share in the node's network",
    "hostPID": "a server does not see the node's processes",
    "hostIPC": "a server has no share in the node's memory",
    "ephemeralContainers": "they are not part of a pod's template",
    "priorityClassName": "server kinds have it",
    "runtimeClassName": "server kinds have it",
}


def _container(
    container: Json, place: str, volumes: frozenset[str], rules: Rules, dropped: Dropped
) -> dict[str, Any]:
    kept = {name: container[name] for name in _CONTAINER if container.get(name) is not None}
    image = container.get("image")
    if isinstance(image, str) and not fits(image, rules.images):
        kept["image"] = ""
        dropped.say(f"{place}.image", f"{image!r} is not on the list of images")
    for name, value in container.items():
        if name not in _CONTAINER and name not in _TREATED_INNER and value not in _NOTHING:
            dropped.say(f"{place}.{name}", "a server's container does not have it")
    if container.get("restartPolicy") == "Always" and place.startswith("init"):
        kept["restartPolicy"] = "Always"
    for name, found in (
        ("env", _env(container.get("env"), place, rules, dropped)),
        ("envFrom", _env_from(container.get("envFrom"), place, rules, dropped)),
        ("ports", _ports(container.get("ports"), place, dropped)),
        ("volumeMounts", _mounts(container.get("volumeMounts"), place, volumes, dropped)),
    ):
        if found:
            kept[name] = found
    for name in PROBES:
        if isinstance(probe := container.get(name), Mapping):
            kept[name] = _handler(probe, f"{place}.{name}", dropped)
    if isinstance(lifecycle := container.get("lifecycle"), Mapping):
        kept["lifecycle"] = {
            name: _handler(_map(lifecycle[name]), f"{place}.lifecycle.{name}", dropped)
            for name in HOOKS
            if isinstance(lifecycle.get(name), Mapping)
        }
    inner = f"{place}.securityContext"
    kept["securityContext"] = _context(_map(container.get("securityContext")), inner, dropped)
    return kept


_TREATED_INNER = words(
    "env envFrom ports volumeMounts lifecycle securityContext restartPolicy"
).union(PROBES)
_NOTHING: tuple[Any, ...] = (None, False, [], {}, "")


def _pod_context(context: Json, rules: Rules, dropped: Dropped) -> dict[str, Any]:
    place = "securityContext"
    kept = _shared_context(context, place, dropped)
    kept["runAsNonRoot"] = True
    kept.setdefault("seccompProfile", {"type": "RuntimeDefault"})
    for name in ("fsGroup", "supplementalGroups", "fsGroupChangePolicy"):
        if context.get(name) is not None:
            kept[name] = context[name]
    if rules.fs_group:
        kept.setdefault("fsGroup", rules.fs_group)
    if rules.user:
        kept.setdefault("runAsUser", rules.user)
    sysctls = []
    for each in _maps(context.get("sysctls")):
        if among(each.get("name"), SYSCTLS):
            sysctls.append({"name": each["name"], "value": each.get("value")})
        else:
            dropped.say(f"{place}.sysctls", f"{each.get('name')!r} changes more than the pod")
    if sysctls:
        kept["sysctls"] = sysctls
    return kept


def _context(context: Json, place: str, dropped: Dropped) -> dict[str, Any]:
    kept = _shared_context(context, place, dropped)
    kept["allowPrivilegeEscalation"] = False
    kept["runAsNonRoot"] = True
    if isinstance(only := context.get("readOnlyRootFilesystem"), bool):
        kept["readOnlyRootFilesystem"] = only
    for name in ("privileged", "allowPrivilegeEscalation"):
        if context.get(name) and (name == "privileged" or context[name] is True):
            dropped.say(f"{place}.{name}", "a server runs without privileges")
    if context.get("procMount") not in (None, "Default"):
        dropped.say(f"{place}.procMount", "a server sees its own processes only")
    added = []
    for name in _list(_map(context.get("capabilities")).get("add")):
        if among(name, ADDED):
            added.append(name)
        else:
            dropped.say(f"{place}.capabilities.add", f"{name!r} is not one a server may have")
    kept["capabilities"] = {"drop": ["ALL"], **({"add": added} if added else {})}
    return kept


def _shared_context(context: Json, place: str, dropped: Dropped) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if user := _number(context.get("runAsUser")):
        kept["runAsUser"] = user
    elif context.get("runAsUser") is not None:
        dropped.say(f"{place}.runAsUser", "a server does not run as root")
    if (group := _number(context.get("runAsGroup"))) is not None:
        kept["runAsGroup"] = group
    if context.get("runAsNonRoot") is False:
        dropped.say(f"{place}.runAsNonRoot", "a server does not run as root")
    for name in ("seccompProfile", "appArmorProfile"):
        profile = _map(context.get(name))
        if among(profile.get("type"), PROFILES):
            kept[name] = {
                field: profile[field] for field in ("type", "localhostProfile") if field in profile
            }
        elif context.get(name) is not None:
            dropped.say(f"{place}.{name}", f"{profile.get('type')!r} confines too little")
    options = _map(context.get("seLinuxOptions"))
    if options:
        kept_options = {}
        if isinstance(level := options.get("level"), str):
            kept_options["level"] = level
        if (kind := options.get("type")) and among(kind, SELINUX_TYPES):
            kept_options["type"] = kind
        for name in options:
            if name not in ("level", *kept_options) and options[name]:
                dropped.say(f"{place}.seLinuxOptions.{name}", "it confines too little")
        if kept_options:
            kept["seLinuxOptions"] = kept_options
    if context.get("windowsOptions"):
        dropped.say(f"{place}.windowsOptions", "servers run on Linux")
    return kept


def _volumes(volumes: Any, rules: Rules, dropped: Dropped) -> list[dict[str, Any]]:
    kept = []
    for number, volume in enumerate(_maps(volumes)):
        place = f"volumes[{number}]"
        name = volume.get("name")
        if not isinstance(name, str):
            dropped.say(place, "it has no name")
            continue
        sources = {
            field: said for field, said in volume.items() if field != "name" and said is not None
        }
        refused = [field for field in sources if field not in VOLUMES]
        if refused or len(sources) != 1:
            why = f"{refused[0]} is of the node or the network" if refused else "it has no source"
            dropped.say(f"{place} {name!r}", why)
            continue
        ((source, said),) = sources.items()
        if source == "secret" and not _may_use(_map(said).get("secretName"), rules):
            dropped.say(f"{place} {name!r}", "its secret is not one that servers may have")
            continue
        if source == "projected":
            said = _projected(_map(said), f"{place} {name!r}", rules, dropped)
        kept.append({"name": name, source: said})
    return kept


def _projected(projected: Json, place: str, rules: Rules, dropped: Dropped) -> dict[str, Any]:
    sources = []
    for each in _maps(projected.get("sources")):
        secret = _map(each.get("secret")).get("name")
        if any(field not in _PROJECTED for field in each) or (
            "secret" in each and not _may_use(secret, rules)
        ):
            dropped.say(f"{place}.projected", f"a server is given no {', '.join(map(str, each))}")
        else:
            sources.append(each)
    return {**projected, "sources": sources}


def _env(env: Any, place: str, rules: Rules, dropped: Dropped) -> list[dict[str, Any]]:
    kept = []
    for each in _maps(env):
        reference = _map(_map(each.get("valueFrom")).get("secretKeyRef"))
        if reference and not _may_use(reference.get("name"), rules):
            dropped.say(
                f"{place}.env {each.get('name')!r}", "its secret is not one servers may have"
            )
        else:
            kept.append(dict(each))
    return kept


def _env_from(sources: Any, place: str, rules: Rules, dropped: Dropped) -> list[dict[str, Any]]:
    kept = []
    for each in _maps(sources):
        if "secretRef" in each and not _may_use(_map(each["secretRef"]).get("name"), rules):
            dropped.say(f"{place}.envFrom", "its secret is not one servers may have")
        else:
            kept.append(dict(each))
    return kept


def _ports(ports: Any, place: str, dropped: Dropped) -> list[dict[str, Any]]:
    kept = []
    for each in _maps(ports):
        for name in ("hostPort", "hostIP"):
            if each.get(name):
                dropped.say(f"{place}.ports.{name}", "a server has no port of the node")
        kept.append({name: each[name] for name in _PORT if name in each})
    return kept


def _mounts(
    mounts: Any, place: str, volumes: frozenset[str], dropped: Dropped
) -> list[dict[str, Any]]:
    kept = []
    for each in _maps(mounts):
        if not among(each.get("name"), volumes):
            dropped.say(f"{place}.volumeMounts {each.get('name')!r}", "there is no such volume")
            continue
        if each.get("mountPropagation") not in (None, "None", "HostToContainer"):
            dropped.say(f"{place}.volumeMounts.mountPropagation", "it needs privileges")
        kept.append({name: each[name] for name in _MOUNT if name in each})
    return kept


def _handler(handler: Json, place: str, dropped: Dropped) -> dict[str, Any]:
    kept = dict(handler)
    for way in ("httpGet", "tcpSocket"):
        if isinstance(said := handler.get(way), Mapping):
            if said.get("host"):
                dropped.say(f"{place}.{way}.host", "only the server itself is asked")
            kept[way] = {name: value for name, value in said.items() if name != "host"}
    return kept


def _tolerations(tolerations: Any, dropped: Dropped) -> list[dict[str, Any]]:
    kept = []
    for each in _maps(tolerations):
        key = str(each.get("key") or "")
        if not key or key.startswith("node-role.kubernetes.io/"):
            dropped.say(f"tolerations {key!r}", "servers do not run on the control plane's nodes")
        else:
            kept.append(dict(each))
    return kept


def fits(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether a name fits one of the patterns, whose `*` and `?` count."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _may_use(secret: Any, rules: Rules) -> bool:
    return isinstance(secret, str) and fits(secret, rules.secrets)


def _number(value: Any) -> int | None:
    is_one = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_one else None


def _map(value: Any) -> Json:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _maps(value: Any) -> list[Json]:
    return [each for each in _list(value) if isinstance(each, Mapping)]
