"""Profiles, as their administrator sees and makes them."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from jupyter_mlplat.errors import Conflict, NotFound
from jupyter_mlplat.resources.servers import Contributor, Profile, ProfileState, QuotaUse
from jupyter_mlplat_controller.admin.connection import Cluster, Manifest
from jupyter_mlplat_controller.profiles.deciding import QUOTA
from jupyter_mlplat_controller.profiles.settings import CONTRIBUTORS, EGRESS

API_VERSION = "kubeflow.org/v1"
_WAIT_S = 30.0
_STEP_S = 0.5


def list_profiles(cluster: Cluster) -> list[Profile]:
    """Return all profiles by name, without what they use.

    Raises:
        NotFound: The cluster has no such thing.
    """
    _demand(cluster)
    found = [profile_of(one) for one in cluster.list(API_VERSION, "Profile")]
    return sorted(found, key=lambda profile: profile.name)


def get_profile(cluster: Cluster, name: str) -> Profile:
    """Return one profile, with what it may use and uses.

    Raises:
        NotFound: There is none of that name.
    """
    found = _find(cluster, name)
    if found is None:
        raise NotFound(f"There is no profile {name!r}. `jupyter mlplat profiles list` shows all.")
    quota = cluster.find(
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": _named(QUOTA, name)}
    )
    return profile_of(found, quota)


def create_profile(
    cluster: Cluster,
    name: str,
    owner: str,
    *,
    contributors: Sequence[Contributor] = (),
    quota: Mapping[str, str] | None = None,
    egress: Sequence[str] = (),
    wait: bool = True,
    sleep: Callable[[float], None] = time.sleep,
) -> Profile:
    """Create a profile, or change one of the same owner; wait until the controller has seen it.

    Raises:
        Conflict: There is one of that name, and it is somebody else's.
        NotFound: The cluster has no profiles.
    """
    _demand(cluster)
    found = _find(cluster, name)
    holder = None if found is None else str(found["spec"]["owner"].get("name"))
    if holder not in (None, owner):
        raise Conflict(
            f"Cannot create profile {name!r}: it belongs to {holder!r}. Choose another name."
        )
    annotations: dict[str, str] = {}
    if contributors:
        said = [{"name": one.user, "role": one.role} for one in contributors]
        annotations[CONTRIBUTORS] = json.dumps(said)
    if egress:
        annotations[EGRESS] = ",".join(egress)
    spec: Manifest = {"owner": {"kind": "User", "name": owner}}
    if quota:
        spec["resourceQuotaSpec"] = {"hard": dict(quota)}
    metadata: Manifest = {"name": name}
    if annotations:
        metadata["annotations"] = annotations
    cluster.apply(
        {"apiVersion": API_VERSION, "kind": "Profile", "metadata": metadata, "spec": spec}
    )
    made = get_profile(cluster, name)
    waited = 0.0
    while wait and made.state == ProfileState.PENDING and waited < _WAIT_S:
        sleep(_STEP_S)
        waited += _STEP_S
        made = get_profile(cluster, name)
    return made


def delete_profile(cluster: Cluster, name: str) -> None:
    """Delete a profile and with it its namespace and all that is in it.

    Raises:
        NotFound: There is none of that name.
    """
    one = {"apiVersion": API_VERSION, "kind": "Profile", "metadata": {"name": name}}
    _demand(cluster)
    if not cluster.delete(one):
        raise NotFound(f"There is no profile {name!r}. `jupyter mlplat profiles list` shows all.")


def profile_of(one: Manifest, quota: Manifest | None = None) -> Profile:
    """Read a Profile as we show it."""
    metadata = one["metadata"]
    annotations = metadata.get("annotations") or {}
    state, message = _state(one)
    created = metadata.get("creationTimestamp")
    return Profile(
        name=metadata["name"],
        owner=str(((one.get("spec") or {}).get("owner") or {}).get("name") or ""),
        contributors=_contributors(annotations.get(CONTRIBUTORS)),
        quota=_quota(one, quota),
        state=state,
        message=message,
        created_at=datetime.fromisoformat(created) if created else None,
    )


def _state(one: Manifest) -> tuple[ProfileState, str]:
    if one["metadata"].get("deletionTimestamp"):
        return ProfileState.PENDING, "It is being deleted."
    conditions = (one.get("status") or {}).get("conditions") or ()
    told = {condition.get("type"): str(condition.get("message") or "") for condition in conditions}
    if "Failed" in told:
        return ProfileState.FAILED, told["Failed"]
    if "Successful" in told:
        notes = [told[name] for name in ("Ignored", "PluginsRecorded") if name in told]
        return ProfileState.READY, " ".join(notes)
    return ProfileState.PENDING, "No controller has looked at it yet."


def _contributors(text: str | None) -> tuple[Contributor, ...]:
    try:
        said = json.loads(text or "[]")
        return tuple(Contributor(user=one["name"], role=one.get("role", "edit")) for one in said)
    except (ValueError, TypeError, KeyError, AttributeError):
        return ()  # the controller tells what is wrong


def _quota(one: Manifest, quota: Manifest | None) -> tuple[QuotaUse, ...]:
    asked = ((one.get("spec") or {}).get("resourceQuotaSpec") or {}).get("hard") or {}
    status: dict[str, Any] = (quota or {}).get("status") or {}
    hard, used = status.get("hard") or asked, status.get("used") or {}
    return tuple(
        QuotaUse(resource=name, most=str(most), used=str(used.get(name, "0")))
        for name, most in sorted(hard.items())
    )


def _find(cluster: Cluster, name: str) -> Manifest | None:
    return cluster.find({"apiVersion": API_VERSION, "kind": "Profile", "metadata": {"name": name}})


def _named(name: str, namespace: str) -> Manifest:
    return {"name": name, "namespace": namespace}


def _demand(cluster: Cluster) -> None:
    if not cluster.kinds(API_VERSION).get("Profile"):
        raise NotFound(
            "This cluster has no profiles. Install them: "
            "jupyter mlplat cluster install --overlay profiles --apply"
        )
