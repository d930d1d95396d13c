"""Pods made from templates: what the controllers of workloads have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson

from tests.cluster.actors.manager import Recorder
from tests.cluster.actors.objects import Failure, Objects, clone, owner_reference
from tests.cluster.apiserver.selectors import label_selector

Object = dict[str, Any]
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def template_hash(template: Object) -> str:
    """Name a template by what is in it, in letters that spell nothing."""
    number = int.from_bytes(
        hashlib.sha256(orjson.dumps(template, option=orjson.OPT_SORT_KEYS)).digest()[:6], "big"
    )
    letters = []
    for _ in range(10):
        number, index = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[index])
    return "".join(letters)


def pod_from(template: Object, owner: Object) -> Object:
    meta = clone(template.get("metadata") or {})
    meta.pop("creationTimestamp", None)
    meta["ownerReferences"] = [owner_reference(owner)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": clone(template["spec"])}


def owned_by(objects: Objects, owner: Object) -> list[Object]:
    uid = owner["metadata"]["uid"]
    return [
        pod
        for pod in objects.list("pods", owner["metadata"]["namespace"])
        if any(
            one["uid"] == uid and one.get("controller")
            for one in pod["metadata"].get("ownerReferences") or []
        )
    ]


def create_pod(
    objects: Objects, events: Recorder, owner: Object, pod: Object, failed: Callable[[str], str]
) -> Object | None:
    """Create a pod for an owner; a refusal becomes an event of the owner, and None."""
    try:
        made = objects.create("pods", owner["metadata"]["namespace"], pod)
    except Failure as failure:
        if (
            failure.reason == "AlreadyExists"
            or (failure.details or {}).get("causes", [{}])[0].get("reason")
            == "NamespaceTerminating"
        ):
            return None
        events.tell(owner, "FailedCreate", failed(failure.message), "Warning")
        return None
    return made


def selects(owner: Object) -> Callable[[dict[str, str]], bool]:
    return label_selector(owner["spec"].get("selector"))
