"""What a reconciler decides, as values: objects to write, a status, when to look again.

Nothing here speaks to a cluster; `acting` carries a plan out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from jupyter_mlplat.kit.quantities import parse_quantity

Obj = Mapping[str, Any]
"""An object of Kubernetes as JSON; never changed in place."""


class Key(NamedTuple):
    """Which object: of the whole cluster where the namespace is empty."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of objects and where the API server has them."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As in an object's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the path of an object, of those of a namespace, or of all."""
        parts = [f"/apis/{self.group}" if self.group else "/api", self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part]
        return "/".join(parts)


@dataclass(frozen=True, slots=True)
class Create:
    """Make an object; where one of its name is there, nothing is written."""

    kind: Kind
    body: Obj


@dataclass(frozen=True, slots=True)
class Replace:
    """Write an object over the one that was seen: the body carries its resourceVersion."""

    kind: Kind
    body: Obj


@dataclass(frozen=True, slots=True)
class Patch:
    """Merge fields into the object that was seen, unless it has changed since."""

    kind: Kind
    key: Key
    version: str
    body: Obj
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the object that was seen, unless another has its name by now."""

    kind: Kind
    key: Key
    uid: str


Write = Create | Replace | Patch | Delete


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done about one object.

    Attributes:
        writes: In this order; the first that fails ends the round, and another follows.
        again_s: Look again after so long, though nothing was heard; None: no need to.
        questions: What the reconciler wants to know before it can say more; see its own words.
        counts: Names of counters that go up when all is written.
        more: Another round follows what was written; not where this one has said all.
    """

    writes: tuple[Write, ...] = ()
    again_s: float | None = None
    questions: frozenset[str] = frozenset()
    counts: tuple[str, ...] = ()
    more: bool = True


def key_of(body: Obj) -> Key:
    """Return where an object is."""
    metadata = body.get("metadata") or {}
    return Key(str(metadata.get("namespace") or ""), str(metadata.get("name") or ""))


def version_of(body: Obj) -> str:
    """Return an object's resourceVersion."""
    return str((body.get("metadata") or {}).get("resourceVersion") or "")


def uid_of(body: Obj) -> str:
    """Return an object's uid."""
    return str((body.get("metadata") or {}).get("uid") or "")


def owner_of(owner: Obj, kind: Kind) -> dict[str, Any]:
    """Write the reference by which an object is deleted with its owner, and is the owner's alone.

    It does not block the owner's deletion: that would need leave to write the owner's finalizers.
    """
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "name": key_of(owner).name,
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": False,
    }


def is_owned(body: Obj, owner: Obj) -> bool:
    """Tell whether an object is controlled by just this owner: by uid, never by name."""
    return any(
        reference.get("uid") == uid_of(owner) and reference.get("controller")
        for reference in controllers_of(body)
    )


def controllers_of(body: Obj) -> list[Obj]:
    """Return the references of an object to who controls it; there is one at most."""
    references = (body.get("metadata") or {}).get("ownerReferences") or []
    return [each for each in references if isinstance(each, Mapping) and each.get("controller")]


def holds(wanted: Any, found: Any) -> bool:
    """Tell whether all that is wanted is there; what the API server added is no matter."""
    if found is None:
        return wanted in ("", None, [], {}, False, 0)
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            holds(value, found.get(name)) for name, value in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        return (
            isinstance(found, list | tuple)
            and len(wanted) == len(found)
            and all(holds(one, other) for one, other in zip(wanted, found, strict=True))
        )
    if wanted == found:
        return True
    return isinstance(wanted, str) and isinstance(found, str) and _is_one_amount(wanted, found)


def _is_one_amount(wanted: str, found: str) -> bool:
    """Tell whether two texts are one quantity: the API server writes `1000m` as `1`."""
    try:
        return parse_quantity(wanted) == parse_quantity(found)
    except ValueError:
        return False
