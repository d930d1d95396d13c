"""Servers read from their Notebooks, and Notebooks written for those who ask for a server."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationError

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kubernetes.objects import Object, place_of
from jupyter_mlplat.formats.notebooks import (
    CREATOR,
    CULL_AFTER,
    GROUP,
    LAST_ACTIVITY,
    LAST_CHECK,
    MAX_LIFETIME,
    OPTIONS,
    SERVER_KIND,
    SERVER_READY,
    STARTED_AT,
    STOP_REASON,
    STOPPED,
    WARNED_AT,
)
from jupyter_mlplat.formats.notebooks.documents import moment_of
from jupyter_mlplat.formats.notebooks.idling import idle_rule
from jupyter_mlplat.kit.clock import from_unix
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.servers import (
    KindIdle,
    Server,
    ServerCondition,
    ServerDevices,
    ServerKind,
    ServerOptions,
    ServerReason,
    ServerRequest,
    ServerState,
)

FAILURES = frozenset(
    {
        ServerReason.NO_STORAGE_CLASS,
        ServerReason.VOLUME_MISSING,
        ServerReason.IMAGE_PULL_FAILED,
        ServerReason.QUOTA_EXCEEDED,
        ServerReason.POD_REFUSED,
        ServerReason.CRASHING,
        ServerReason.UNKNOWN_KIND,
        ServerReason.KIND_NOT_OFFERED,
        ServerReason.OPTIONS_INVALID,
        ServerReason.IMAGE_NOT_OFFERED,
        ServerReason.GPU_NOT_OFFERED,
        ServerReason.AMOUNT_NOT_OFFERED,
        ServerReason.SPEC_INVALID,
        ServerReason.PRESET_MISSING,
        ServerReason.PRESET_CONFLICT,
        ServerReason.NAME_TAKEN,
        ServerReason.FAILED,
    }
)
"""Reasons that hold until someone acts."""

_STOPPED = {ServerReason.STOPPED, ServerReason.CULLED, ServerReason.LIFETIME_OVER}


def path_of(namespace: str, name: str) -> str:
    """Return where a server is reached, below the cluster's address; also its NB_PREFIX."""
    return f"/notebook/{namespace}/{name}"


def read_options(text: str | None) -> ServerOptions:
    """Read the choices of a user from the annotation that has them.

    Raises:
        InvalidInput: It is no JSON, or a choice cannot be one.
    """
    try:
        return ServerOptions.model_validate_json(text or "{}")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = place_of(first["loc"]).lstrip(".") or "the whole"
        raise InvalidInput(
            f"Cannot use the annotation {OPTIONS}: {place}: {first['msg'].lower()}.", path=place
        ) from error


def notebook_of(request: ServerRequest, namespace: str, creator: str = "") -> dict[str, JsonValue]:
    """Write the Notebook that asks for a server."""
    options = request.options.model_dump(mode="json", exclude_defaults=True)
    wishes = {
        SERVER_KIND: request.kind,
        OPTIONS: json.dumps(options, sort_keys=True) if options else "",
        CULL_AFTER: request.cull_after or "",
        MAX_LIFETIME: request.max_lifetime or "",
        CREATOR: creator,
    }
    annotations: dict[str, JsonValue] = {name: said for name, said in wishes.items() if said}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Notebook",
        "metadata": {"name": request.name, "namespace": namespace, "annotations": annotations},
        "spec": {
            "template": {"spec": {"containers": [{"name": request.name, "image": "by-kind"}]}}
        },
    }


def server_of(
    document: Object, kind: ServerKind | None = None, pod: Mapping[str, Any] | None = None
) -> Server:
    """Read how a server is from its Notebook.

    Args:
        document: The Notebook as the cluster has it.
        kind: The kind that it names, where it is known: it has the rules and the defaults.
        pod: Its pod, where it is known: it has the node and what was really asked for.
    """
    notes, metadata = document.annotations, _map(document.raw.get("metadata"))
    status = _map(document.raw.get("status"))
    conditions = tuple(_condition(each) for each in _list(status.get("conditions")))
    state, reason, message = _state_of(notes, status, conditions)
    rule = idle_rule(kind.idle if kind else KindIdle(), notes)
    is_up = state is ServerState.RUNNING
    return Server(
        name=document.name,
        profile=document.namespace,
        creator=notes.get(CREATOR, ""),
        kind=notes.get(SERVER_KIND) or document.labels.get(SERVER_KIND),
        state=state,
        reason=reason,
        message=message,
        url=path_of(document.namespace, document.name) + "/",
        **_asked_for(document, kind, pod),
        created_at=moment_of(str(metadata.get("creationTimestamp", ""))) or from_unix(0),
        started_at=moment_of(notes.get(STARTED_AT)),
        stopped_at=moment_of(notes.get(STOPPED)),
        active_at=moment_of(notes.get(LAST_ACTIVITY)),
        checked_at=moment_of(notes.get(LAST_CHECK)),
        warned_at=moment_of(notes.get(WARNED_AT)),
        culls_at=rule.culls_at(notes) if is_up else None,
        ends_at=rule.ends_at(notes) if is_up else None,
        conditions=conditions,
    )


def _state_of(
    notes: Mapping[str, str], status: Mapping[str, Any], conditions: tuple[ServerCondition, ...]
) -> tuple[ServerState, str, str]:
    if _map(status).get("readyReplicas") and STOPPED in notes:
        return ServerState.STOPPING, ServerReason.STOPPING, "It is being stopped."
    ours = next((each for each in conditions if each.type == SERVER_READY), None)
    if ours is not None and (ours.reason in _STOPPED) == (STOPPED in notes):
        return _state_by(ours), ours.reason, ours.message
    if STOPPED in notes:
        return ServerState.STOPPED, notes.get(STOP_REASON) or ServerReason.STOPPED, "It is stopped."
    if status.get("readyReplicas"):
        return ServerState.RUNNING, ServerReason.READY, "It is running."
    waiting = _map(_map(status.get("containerState")).get("waiting"))
    message = str(waiting.get("message") or waiting.get("reason") or "It is being started.")
    return ServerState.PENDING, ServerReason.STARTING, message


def _state_by(ours: ServerCondition) -> ServerState:
    if ours.status == "True":
        return ServerState.RUNNING
    if ours.reason in _STOPPED:
        return ServerState.STOPPED
    if ours.reason in (ServerReason.STOPPING, ServerReason.DELETING):
        return ServerState.STOPPING
    return ServerState.FAILED if ours.reason in FAILURES else ServerState.PENDING


def _condition(value: Any) -> ServerCondition:
    said = _map(value)
    status = said.get("status")
    known: Literal["True", "False", "Unknown"] = (
        "True" if status == "True" else "False" if status == "False" else "Unknown"
    )
    return ServerCondition(
        type=str(said.get("type", "")),
        status=known,
        reason=str(said.get("reason", "")),
        message=str(said.get("message", "")),
        since=moment_of(str(said.get("lastTransitionTime", ""))),
    )


def _asked_for(
    document: Object, kind: ServerKind | None, pod: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Read image and resources: from the pod, else from the choices, else from the Notebook."""
    template = _map(_map(document.raw.get("spec")).get("template"))
    spec = _map(pod.get("spec")) if pod else _map(template.get("spec"))
    container = _map(next(iter(_list(spec.get("containers"))), None))
    resources = _map(container.get("resources"))
    amounts = {**_map(resources.get("limits")), **_map(resources.get("requests"))}
    facts: dict[str, Any] = {
        "image": str(container.get("image", "")),
        "cpu": str(amounts.get("cpu", "")),
        "memory": str(amounts.get("memory", "")),
        "gpu": next(
            (
                ServerDevices(resource=name, count=int(str(count)))
                for name, count in amounts.items()
                if "/" in name and str(count).isdecimal() and int(str(count))
            ),
            None,
        ),
    }
    if pod:
        statuses = _list(_map(pod.get("status")).get("containerStatuses"))
        facts["pod"] = str(_map(pod.get("metadata")).get("name", ""))
        facts["node"] = str(spec.get("nodeName") or "")
        facts["restarts"] = max((_map(each).get("restartCount", 0) for each in statuses), default=0)
    elif kind is not None:
        facts |= _chosen(document, kind)
    return facts


def _chosen(document: Object, kind: ServerKind) -> dict[str, Any]:
    try:
        options = read_options(document.annotations.get(OPTIONS))
    except InvalidInput:
        return {}
    image = options.image or kind.images[0].name
    image = next((each.image for each in kind.images if each.name == image), image)
    gpu = next(
        (each for each in kind.gpus if options.gpu and options.gpu.name in (None, each.name)),
        next((each for each in kind.gpus if each.default), None),
    )
    count = options.gpu.count if options.gpu else gpu.default if gpu else 0
    return {
        "image": image,
        "cpu": options.resources.cpu or kind.cpu.default,
        "memory": options.resources.memory or kind.memory.default,
        "gpu": ServerDevices(resource=gpu.resource, count=count) if gpu and count else None,
    }


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
