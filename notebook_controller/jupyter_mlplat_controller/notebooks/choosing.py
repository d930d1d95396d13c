"""From a kind and a user's choices, or from a pod written by hand, to the pod that is wanted."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kubernetes.pod_security import violations
from jupyter_mlplat.formats.notebooks import OPTIONS
from jupyter_mlplat.formats.notebooks.documents import Notebook, PodDefault
from jupyter_mlplat.formats.notebooks.servers import path_of, read_options
from jupyter_mlplat.kit.quantities import format_count, parse_quantity
from jupyter_mlplat.resources.servers import (
    KindAmount,
    KindGpu,
    KindHome,
    KindVolume,
    ServerKind,
    ServerOptions,
    ServerReason,
    ServerVolume,
)
from jupyter_mlplat_controller.notebooks import presets as podpresets
from jupyter_mlplat_controller.notebooks.restricting import Dropped, Rules, fits, restrict

HOME_VOLUME = "home"
SHARED_MEMORY = "dshm"
PORT = 8888
WORKING_DIRECTORY = "/home/jovyan"
RESERVED_VARIABLES = ("NB_PREFIX",)
_MOST_NAMES = 12


class Unfit(Exception):
    """What is asked for cannot be had; says why in words for who asked."""

    def __init__(self, reason: ServerReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class Offer:
    """What a namespace has to choose from.

    Attributes:
        kinds: Server kinds by name; those that cannot be read with what is wrong with them.
        presets: PodDefaults of the namespace; those that cannot be read likewise.
        claims: Volume claims of the namespace; None: not known.
        rules: For pods written by hand.
        handwritten: Whether there may be such pods.
        annotations: Patterns of annotations that are passed on to pods.
    """

    kinds: Mapping[str, ServerKind | InvalidInput] = field(default_factory=dict)
    presets: tuple[PodDefault, ...] = ()
    broken_presets: Mapping[str, str] = field(default_factory=dict)
    claims: Collection[str] | None = None
    rules: Rules = field(default_factory=Rules)
    handwritten: bool = True
    annotations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """The pod that is wanted, and what goes with it.

    Attributes:
        template: Labels, annotations and spec; *restricted*.
        port: Where the server listens.
        kind: The kind it is of; None: it was written by hand.
        home: The volume claim that is made for it; None: none is.
        home_size: How large.
        queue: Kueue's queue.
        dropped: What was asked for and left out, as a sentence; empty: nothing.
    """

    template: podpresets.Template
    port: int
    kind: ServerKind | None = None
    home: KindHome | None = None
    home_size: str = ""
    queue: str | None = None
    dropped: str = ""


def choose(notebook: Notebook, name: str, home_claim: str, offer: Offer) -> Wanted:
    """Work out the pod of a Notebook.

    Args:
        notebook: What is asked for.
        name: The server's name, as its StatefulSet has it.
        home_claim: Name of the volume claim of its home.
        offer: What there is to choose from.

    Raises:
        Unfit: It cannot be had.
    """
    dropped = Dropped()
    kind: ServerKind | None = None
    if notebook.kind is not None:
        kind = _kind(notebook.kind, notebook.namespace, offer)
        options = _options(notebook)
        spec, volumes_home = _by_kind(kind, options, name, home_claim, notebook, offer)
        wanted_presets = (*kind.presets, *options.presets)
        rules = Rules(
            accounts=(kind.account,) if kind.account else (), fs_group=kind.group, user=kind.user
        )
    else:
        spec, options, volumes_home = _by_hand(notebook, name, offer, dropped), None, ""
        wanted_presets, rules = (), offer.rules
    annotations = _passed_on(notebook.annotations, offer.annotations, dropped)
    template = podpresets.Template(dict(notebook.labels), annotations, spec)
    template = _with_presets(template, wanted_presets, offer, dropped, rules, kind)
    labels = {key: text for key, text in template.labels.items() if _may_label(key)}
    if kind is not None and kind.queue:
        labels["kueue.x-k8s.io/queue-name"] = kind.queue
    template = podpresets.Template(labels, template.annotations, template.spec)
    if broken := violations(template.spec, template.annotations):
        raise Unfit(  # never seen: what was put together above is restricted
            ServerReason.SPEC_INVALID,
            f"The pod would not be restricted: {'; '.join(broken[:4])}. Tell your administrator.",
        )
    return Wanted(
        template=template,
        port=_port(template.spec),
        kind=kind,
        home=kind.home if kind else None,
        home_size=volumes_home,
        queue=labels.get("kueue.x-k8s.io/queue-name"),
        dropped=dropped.message,
    )


def _kind(name: str, namespace: str, offer: Offer) -> ServerKind:
    found = offer.kinds.get(name)
    if isinstance(found, InvalidInput):
        raise Unfit(
            ServerReason.UNKNOWN_KIND,
            f"The server kind {name!r} cannot be used: {found.message} Tell your administrator.",
        )
    if found is None:
        has = _told(
            each.name
            for each in offer.kinds.values()
            if isinstance(each, ServerKind) and not each.hidden and _is_offered(each, namespace)
        )
        raise Unfit(
            ServerReason.UNKNOWN_KIND,
            f"There is no server kind {name!r}. Choose one of: {has}."
            if has
            else f"There is no server kind {name!r}, nor any other. Ask your administrator for it.",
        )
    if not _is_offered(found, namespace):
        raise Unfit(
            ServerReason.KIND_NOT_OFFERED,
            f"The server kind {name!r} is not offered in {namespace!r}. Choose another, or ask "
            "your administrator for it.",
        )
    return found


def _is_offered(kind: ServerKind, namespace: str) -> bool:
    return not kind.profiles or fits(namespace, kind.profiles)


def _options(notebook: Notebook) -> ServerOptions:
    try:
        return read_options(notebook.annotations.get(OPTIONS))
    except InvalidInput as error:
        raise Unfit(ServerReason.OPTIONS_INVALID, error.message) from error


def _by_kind(
    kind: ServerKind,
    options: ServerOptions,
    name: str,
    home_claim: str,
    notebook: Notebook,
    offer: Offer,
) -> tuple[dict[str, Any], str]:
    cpu = _amount("CPUs", kind.cpu, options.resources.cpu)
    memory = _amount("memory", kind.memory, options.resources.memory)
    requests = {"cpu": cpu, "memory": memory}
    limits = {
        what: _times(asked, rule.burst)
        for what, asked, rule in (("cpu", cpu, kind.cpu), ("memory", memory, kind.memory))
        if rule.burst
    }
    nodes, tolerations = dict(kind.nodes), list(kind.tolerations)
    gpu, count = _gpu(kind, options)
    if gpu is not None and count:
        requests[gpu.resource] = limits[gpu.resource] = str(count)
        nodes |= gpu.nodes
        tolerations += gpu.tolerations
    if options.spot:
        if kind.spot is None:
            raise Unfit(
                ServerReason.OPTIONS_INVALID,
                f"The server kind {kind.name!r} has no spot nodes. Choose without spot.",
            )
        nodes |= kind.spot.nodes
        tolerations += kind.spot.tolerations
    volumes, mounts = _volumes(kind, options, home_claim, offer)
    env = [
        {"name": variable, "value": said}
        for variable, said in {**kind.env, **options.env, **_prefix(notebook)}.items()
    ]
    container: dict[str, Any] = {
        "name": name,
        "image": _image(kind, options),
        "imagePullPolicy": kind.pull,
        "workingDir": kind.home.mount if kind.home else WORKING_DIRECTORY,
        "env": env,
        "ports": [{"name": "notebook-port", "containerPort": kind.port, "protocol": "TCP"}],
        "resources": {"requests": requests, "limits": limits},
        "volumeMounts": mounts,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
        },
    }
    if kind.command:
        container["command"] = list(kind.command)
    spec: dict[str, Any] = {
        "containers": [container],
        "volumes": volumes,
        "nodeSelector": nodes,
        "tolerations": [
            {name: said for name, said in each.to_wire().items() if said} for each in tolerations
        ],
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": kind.user,
            "runAsGroup": kind.group,
            "fsGroup": kind.group,
            "fsGroupChangePolicy": "OnRootMismatch",  # a large home is not walked at every start
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "imagePullSecrets": [{"name": secret} for secret in kind.secrets],
        "serviceAccountName": kind.account,
        "priorityClassName": kind.priority,
        "runtimeClassName": gpu.runtime if gpu is not None and count else None,
    }
    kept = {name: said for name, said in spec.items() if said not in ([], {}, None)}
    return kept, _home_size(kind, options)


def _prefix(notebook: Notebook) -> dict[str, str]:
    return {"NB_PREFIX": path_of(notebook.namespace, notebook.name)}


def _image(kind: ServerKind, options: ServerOptions) -> str:
    if options.image is None:
        return kind.images[0].image
    for each in kind.images:
        if options.image in (each.name, each.image):
            return each.image
    if fits(options.image, kind.custom):
        return options.image
    more = f", or one that fits {_told(kind.custom)}" if kind.custom else ""
    raise Unfit(
        ServerReason.IMAGE_NOT_OFFERED,
        f"The image {options.image!r} is not offered by the server kind {kind.name!r}. Choose one "
        f"of: {_told(each.name for each in kind.images)}{more}.",
    )


def _amount(what: str, rule: KindAmount, asked: str | None) -> str:
    if asked is None:
        return rule.default
    most = rule.most or rule.default
    if not 0 < parse_quantity(asked) <= parse_quantity(most):
        raise Unfit(
            ServerReason.AMOUNT_NOT_OFFERED,
            f"{asked} of {what} cannot be had: this kind of server has up to {most}. Ask for "
            "less, or choose another kind.",
        )
    return asked


def _times(asked: str, burst: float) -> str:
    if burst == 1:
        return asked
    amount = parse_quantity(asked) * burst
    return f"{round(amount * 1000)}m" if amount < 1000 else str(round(amount))


def _gpu(kind: ServerKind, options: ServerOptions) -> tuple[KindGpu | None, int]:
    if options.gpu is None:
        found = next((each for each in kind.gpus if each.default), None)
        return found, found.default if found else 0
    if not options.gpu.count:
        return None, 0
    wanted = options.gpu.name
    found = next((each for each in kind.gpus if wanted in (None, each.name)), None)
    if found is None:
        has = _told(each.name for each in kind.gpus)
        raise Unfit(
            ServerReason.GPU_NOT_OFFERED,
            f"The server kind {kind.name!r} has no GPU{f' {wanted!r}' if wanted else ''}. "
            + (f"Choose one of: {has}." if has else "Choose a kind that has one."),
        )
    if options.gpu.count not in found.counts:
        counts = _told(map(str, found.counts))
        raise Unfit(
            ServerReason.GPU_NOT_OFFERED,
            f"{format_count(options.gpu.count, 'GPU')} {found.name!r} cannot be had: the server "
            f"kind {kind.name!r} offers {counts}.",
        )
    return found, options.gpu.count


def _home_size(kind: ServerKind, options: ServerOptions) -> str:
    if kind.home is None:
        return ""
    rule = KindAmount(default=kind.home.size, most=kind.home.most)
    return _amount("home", rule, options.home)


def _volumes(
    kind: ServerKind, options: ServerOptions, home_claim: str, offer: Offer
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    volumes: list[dict[str, Any]] = []
    mounts: list[dict[str, Any]] = []

    def add(name: str, source: dict[str, Any], mount: str, writable: bool = True) -> None:
        if any(each["mountPath"] == mount for each in mounts):
            raise Unfit(
                ServerReason.OPTIONS_INVALID,
                f"Two volumes are to be mounted at {mount!r}. Mount one of them elsewhere.",
            )
        if not any(each["name"] == name for each in volumes):
            volumes.append({"name": name, **source})
        mounts.append(
            {"name": name, "mountPath": mount, **({} if writable else {"readOnly": True})}
        )

    if kind.home is not None:
        add(HOME_VOLUME, {"persistentVolumeClaim": {"claimName": home_claim}}, kind.home.mount)
    if kind.shm is not None:
        memory = {"emptyDir": {"medium": "Memory", "sizeLimit": kind.shm}}
        add(SHARED_MEMORY, memory, "/dev/shm")  # noqa: S108  # where the C library looks for it
    if options.volumes and not kind.claims:
        raise Unfit(
            ServerReason.OPTIONS_INVALID,
            f"The server kind {kind.name!r} mounts no volumes of yours. Choose without them.",
        )
    names: dict[str, str] = {}
    asked: list[KindVolume | ServerVolume] = [*kind.volumes, *options.volumes]
    for number, volume in enumerate(asked):
        is_there = offer.claims is None or volume.claim in offer.claims
        if not is_there and isinstance(volume, KindVolume) and volume.optional:
            continue
        if not is_there:
            has = _told(sorted(offer.claims or ()))
            raise Unfit(
                ServerReason.VOLUME_MISSING,
                f"There is no volume {volume.claim!r} here. "
                + (f"Choose one of: {has}." if has else "Make it first, or start without it."),
            )
        name = names.setdefault(volume.claim, f"data-{number}")
        claim = {"persistentVolumeClaim": {"claimName": volume.claim}}
        add(name, claim, volume.mount, volume.writable)
    return volumes, mounts


def _by_hand(notebook: Notebook, name: str, offer: Offer, dropped: Dropped) -> dict[str, Any]:
    if not offer.handwritten:
        raise Unfit(
            ServerReason.SPEC_INVALID,
            "Servers are made from a server kind here, and this one names none. Set the annotation "
            "mlplat.jupyter.org/server-kind.",
        )
    spec = restrict(notebook.pod, offer.rules, dropped)
    if not spec.get("containers"):
        raise Unfit(
            ServerReason.SPEC_INVALID,
            "There is no container to start: needed spec.template.spec.containers, or the "
            "annotation mlplat.jupyter.org/server-kind. Name a kind, or write a container.",
        )
    for place in ("initContainers", "containers"):
        for container in spec.get(place, []):
            if not container.get("image"):
                raise Unfit(
                    ServerReason.IMAGE_NOT_OFFERED,
                    f"The container {container.get('name', name)!r} has no image that may be used. "
                    f"Use one that fits: {_told(offer.rules.images)}.",
                )
    first = spec["containers"][0]
    first.setdefault("workingDir", WORKING_DIRECTORY)
    if not first.get("ports"):
        first["ports"] = [{"name": "notebook-port", "containerPort": PORT, "protocol": "TCP"}]
    env = [each for each in first.get("env", []) if each.get("name") not in RESERVED_VARIABLES]
    first["env"] = [*env, {"name": "NB_PREFIX", "value": _prefix(notebook)["NB_PREFIX"]}]
    return spec


def _with_presets(
    template: podpresets.Template,
    named: Iterable[str],
    offer: Offer,
    dropped: Dropped,
    rules: Rules,
    kind: ServerKind | None,
) -> podpresets.Template:
    """Put PodDefaults into a pod; what they bring is restricted as well."""
    found, missing = podpresets.chosen(offer.presets, template.labels, named)
    if missing:
        broken = [offer.broken_presets[name] for name in missing if name in offer.broken_presets]
        has = _told(each.name for each in offer.presets)
        raise Unfit(
            ServerReason.PRESET_MISSING,
            broken[0]
            if broken
            else f"There is no preset {missing[0]!r} here."
            + (f" Choose one of: {has}." if has else " Choose without it."),
        )
    merged, conflicts = podpresets.apply(template, found)
    if conflicts:
        raise Unfit(
            ServerReason.PRESET_CONFLICT,
            f"Presets do not go together: {'; '.join(conflicts[:3])}. Choose without one of them.",
        )
    if not found:
        return merged
    accounts = {each.spec.service_account_name for each in found}
    allowed = Rules(  # presets are the namespace's: their secrets and accounts may be used
        accounts=(*rules.accounts, *sorted(accounts)),
        fs_group=rules.fs_group,
        user=rules.user,
    )
    spec = restrict(merged.spec, allowed, dropped)
    if kind is not None:
        for name in ("priorityClassName", "runtimeClassName"):
            if template.spec.get(name):
                spec[name] = template.spec[name]
        dropped.notes[:] = [
            note for note in dropped.notes if not note.startswith(("priorityC", "runtimeC"))
        ]
    annotations = {
        name: text
        for name, text in merged.annotations.items()
        if name in template.annotations or _is_plain(name) or name.startswith(podpresets.PREFIX)
    }
    return podpresets.Template(merged.labels, annotations, spec)


_LABELS = (
    "kueue.x-k8s.io/queue-name",
    "kueue.x-k8s.io/priority-class",
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/version",
)


def _is_plain(name: str) -> bool:
    """Tell whether a label or annotation is of nobody: others' switch policies and networks."""
    return "/" not in name


def _may_label(name: str) -> bool:
    return _is_plain(name) or name in _LABELS


def _passed_on(
    annotations: Mapping[str, str], patterns: Iterable[str], dropped: Dropped
) -> dict[str, str]:
    kept = {}
    for name, text in annotations.items():
        if "kubectl" in name or "notebook" in name or "mlplat" in name or name.startswith("kubef"):
            continue  # about the Notebook, not about its pod; upstream leaves these out as well
        if _is_plain(name) or fits(name, patterns) or name == f"{podpresets.PREFIX}/exclude":
            kept[name] = text
        else:
            dropped.say(f"annotation {name}", "it is not passed on to pods")
    return kept


def _port(spec: Mapping[str, Any]) -> int:
    """Return the port of the first container, as upstream does."""
    ports = spec["containers"][0].get("ports") or [{}]
    port = ports[0].get("containerPort")
    return port if isinstance(port, int) and not isinstance(port, bool) else PORT


def _told(names: Iterable[str]) -> str:
    found = list(names)
    more = ", …" if len(found) > _MOST_NAMES else ""
    return ", ".join(found[:_MOST_NAMES]) + more
