"""From what a Profile is to have to what is written: only what differs, and nobody else's."""

from collections.abc import Mapping
from typing import Any

from jupyter_mlplat.kit.digests import digest_json
from jupyter_mlplat_controller.kinds import (
    LIMIT_RANGE,
    NAMESPACE,
    NETWORK_POLICY,
    PROFILE,
    RESOURCE_QUOTA,
    ROLE_BINDING,
    SERVICE_ACCOUNT,
)
from jupyter_mlplat_controller.plans import (
    Create,
    Delete,
    Kind,
    Obj,
    Patch,
    Plan,
    Replace,
    Write,
    holds,
    is_owned,
    key_of,
    uid_of,
    version_of,
)
from jupyter_mlplat_controller.profiles.deciding import Manifest, Seen, decide
from jupyter_mlplat_controller.profiles.settings import GROUP, ProfileSettings

KINDS = {
    kind.kind: kind
    for kind in (
        NAMESPACE,
        NETWORK_POLICY,
        RESOURCE_QUOTA,
        LIMIT_RANGE,
        SERVICE_ACCOUNT,
        ROLE_BINDING,
    )
}
DIGEST = f"{GROUP}/digest"
"""Of what was written last: so that what is no longer wanted is seen, whatever the API server adds
to what is."""


def reconcile(profile: Obj, seen: Seen, settings: ProfileSettings) -> Plan:
    """Say what is to be written about a Profile; it is as right when said twice, or late."""
    if profile["metadata"].get("deletionTimestamp"):
        return Plan()  # the namespace goes with it, and all that is in it
    outcome = decide(dict(profile), seen, settings)
    there = {(str(one["kind"]), key_of(one).name): one for one in seen.objects}
    writes: list[Write] = []
    for one in outcome.delete:
        writes.append(Delete(KINDS[str(one["kind"])], key_of(one), uid_of(one)))
    gone = {(str(one["kind"]), key_of(one).name) for one in outcome.delete}
    for wanted in outcome.apply:
        kind = KINDS[str(wanted["kind"])]
        name = (kind.kind, key_of(wanted).name)
        if kind is NAMESPACE:
            found: Obj | None = seen.namespace
        else:
            found = None if name in gone else there.get(name)
        writes += _write(kind, wanted, found, profile)
    writes += _status(profile, outcome.status)
    return Plan(tuple(writes), again_s=outcome.again_s)


def refused(profile: Obj, message: str) -> Plan:
    """Say that the API server would not do what was wanted."""
    told: Manifest = {
        "type": "Failed",
        "status": "True",
        "reason": "Refused",
        "message": f"The cluster refused what this profile is to have: {message.rstrip('.')}.",
    }
    return Plan(tuple(_status(profile, {"conditions": [told]})))


def _write(kind: Kind, wanted: Manifest, found: Obj | None, profile: Obj) -> list[Write]:
    body: dict[str, Any] = {**wanted, "metadata": {**_metadata(wanted)}}
    if kind is not NAMESPACE:  # others write on a namespace, too
        notes = body["metadata"].get("annotations") or {}
        content = {name: value for name, value in wanted.items() if name != "metadata"}
        body["metadata"]["annotations"] = {**notes, DIGEST: digest_json(content)}
    if found is None:
        return [Create(kind, body)]
    if _metadata(found).get("deletionTimestamp"):
        return []
    if kind is not NAMESPACE and not is_owned(found, profile):
        return []  # what was there before is used as it is, as upstream does
    if _is_as_wanted(kind, body, found):
        return []
    return [Replace(kind, _over(found, body))]


def _is_as_wanted(kind: Kind, body: Obj, found: Obj) -> bool:
    ours, theirs = _metadata(body), _metadata(found)
    if not all(
        holds(ours.get(name) or {}, theirs.get(name) or {}) for name in ("labels", "annotations")
    ):
        return False
    fields = [name for name in body if name not in ("apiVersion", "kind", "metadata")]
    if not all(holds(body[name], found.get(name)) for name in fields):
        return False
    # A wall with a hole more than is wanted is none.
    return kind is not NETWORK_POLICY or holds(found.get("spec"), body["spec"])


def _over(found: Obj, body: Mapping[str, Any]) -> dict[str, Any]:
    theirs, ours = _metadata(found), _metadata(body)
    metadata = {
        **theirs,
        **{
            name: {**(theirs.get(name) or {}), **(ours.get(name) or {})}
            for name in ("labels", "annotations")
        },
    }
    kept = {name: value for name, value in found.items() if name != "status"}
    return {**kept, **body, "metadata": metadata}


def _status(profile: Obj, status: Manifest | None) -> list[Write]:
    before = profile.get("status") or {}
    if status is None or before.get("conditions") == status["conditions"]:
        return []
    body = {"status": status}
    return [Patch(PROFILE, key_of(profile), version_of(profile), body, "status")]


def _metadata(one: Obj) -> Mapping[str, Any]:
    found = one.get("metadata")
    return found if isinstance(found, Mapping) else {}
