"""Install, upgrade, remove: each is the same step from what is there to what is wanted."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from jupyter_mlplat.errors import Conflict, InvalidInput, NotFound, PlatformError, Unavailable
from jupyter_mlplat_controller.admin.connection import Cluster, Manifest
from jupyter_mlplat_controller.manifests.kustomize import containers, read_folder, render
from jupyter_mlplat_controller.manifests.tree import OVERLAYS, tree
from jupyter_mlplat_controller.manifests.workloads import PART_OF, WORK
from jupyter_mlplat_controller.profiles.settings import MANAGER

Action = Literal["create", "change", "keep", "remove", "leave", "skip"]

SELECTOR = f"{PART_OF}={MANAGER}"
REMOVED = (
    ("apps/v1", "Deployment"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("v1", "ServiceAccount"),
    ("v1", "LimitRange"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
)
"""What is taken away again once it is not wanted: nothing that holds a user's work."""
KINDS = (("mlplat.jupyter.org/v1alpha1", "ServerKind"),)
DATA = (
    ("v1", "PersistentVolumeClaim"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("v1", "Namespace"),
)
"""What holds users' work: with a definition go all its objects, with a namespace all in it."""
_SETTINGS = ("ServerKind", "ConfigMap")
"""What administrators change in place: their changes outlive an upgrade."""
_ESTABLISH_S = 60.0
_WRITTEN_BY_SERVER = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one object.

    Attributes:
        action: `create` and `change` it, `keep` it as it is, `remove` it, `leave` it to whoever
            made it, `skip` it as the cluster has no such kind.
        kind: Its kind.
        name: Its name, with its namespace before it.
        note: Why, where that is not plain.
    """

    action: Action
    kind: str
    name: str
    note: str = ""

    def to_wire(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {"action": self.action, "kind": self.kind, "name": self.name, "note": self.note}


def objects_of(overlay: str, image: str | None = None) -> list[Manifest]:
    """Return what an overlay installs.

    Args:
        overlay: One of ours by name, or a folder with a kustomization.
        image: Instead of the overlay's own, for controller, engine and server kinds.

    Raises:
        InvalidInput: There is no such overlay, or it cannot be read.
    """
    if overlay in OVERLAYS:
        files = tree()
        objects = render(files.get, PurePosixPath("overlays", overlay))
    elif (folder := Path(overlay).expanduser()).is_dir():
        objects = render(read_folder(Path("/")), PurePosixPath(folder.resolve()))
    else:
        raise InvalidInput(
            f"There is no overlay {overlay!r}: needed {', '.join(OVERLAYS)}, or a folder with a "
            "kustomization.yaml."
        )
    if image is not None:
        for one in objects:
            if one["kind"] == "Deployment":
                for container in containers(one):
                    container["image"] = image
            elif one["kind"] == "ServerKind":
                for choice in one["spec"]["images"]:
                    if choice["name"] == MANAGER:
                        choice["image"] = image
    return objects


def install(
    cluster: Cluster,
    objects: Iterable[Manifest],
    *,
    is_dry: bool,
    tell: Callable[[Step], None] = lambda step: None,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Step]:
    """Make the cluster have these objects and no older ones of ours; doing it twice is no harm.

    Args:
        cluster: Where.
        objects: What `objects_of` returned.
        is_dry: Only say what would be done; the cluster checks each object it can check.
        tell: Is told of each step when it is done.
        sleep: Waits so many seconds.

    Returns:
        What was done, in that order.

    Raises:
        PlatformError: The cluster refused an object; what was done before it stays, and the same
            call goes on from there.
    """
    wanted = list(objects)
    steps: list[Step] = []

    def note(step: Step) -> None:
        steps.append(step)
        tell(step)

    fresh = {one["metadata"]["name"] for one in wanted if _is_definition(one)}
    for one in wanted:
        if not _is_definition(one):
            _await_kind(cluster, one, wanted, fresh, is_dry, sleep)
        note(_install(cluster, one, is_dry))
    names = {_identity(one) for one in wanted}
    for one in _labelled(cluster, REMOVED):
        if _identity(one) not in names:
            if not is_dry:
                cluster.delete(one)
            note(Step("remove", one["kind"], name_of(one), "no longer part of it"))
    return steps


def uninstall(
    cluster: Cluster,
    *,
    with_data: bool,
    is_dry: bool,
    tell: Callable[[Step], None] = lambda step: None,
) -> list[Step]:
    """Remove what was installed; users' servers, volumes and profiles only with their data.

    Args:
        cluster: Where.
        with_data: Also claims, namespaces and definitions of ours, and so everything in them.
        is_dry: Only say what would be done.
        tell: Is told of each step when it is done.
    """
    steps = []
    # Definitions before the controller: it still lets go of what it holds.
    for one in _labelled(cluster, (*DATA, *KINDS, *REMOVED)):
        is_data = (one["apiVersion"], one["kind"]) in DATA
        step = Step("remove", one["kind"], name_of(one))
        if not with_data and (is_data or one["metadata"].get("namespace") == WORK):
            what = "holds users' work" if is_data else "guards users' work"
            step = Step("leave", one["kind"], name_of(one), what)
        elif not is_dry:
            cluster.delete(one)
        steps.append(step)
        tell(step)
    return steps


def name_of(one: Manifest) -> str:
    """Name an object, with its namespace before it."""
    metadata = one["metadata"]
    namespace = metadata.get("namespace")
    return f"{namespace}/{metadata['name']}" if namespace else str(metadata["name"])


def _install(cluster: Cluster, one: Manifest, is_dry: bool) -> Step:
    kind, name = one["kind"], name_of(one)
    if not cluster.kinds(one["apiVersion"]).get(kind):
        if is_dry and one["apiVersion"].startswith(("kubeflow.org", "mlplat.jupyter.org")):
            return Step("create", kind, name)
        return Step("skip", kind, name, f"the cluster has no {one['apiVersion']}")
    found = cluster.find(one)
    if found is not None and _is_definition(one) and not _is_ours(found):
        return Step("leave", kind, name, "is there already, and not ours")
    if found is not None and kind == "PersistentVolumeClaim":
        return Step("keep", kind, name)  # its spec cannot be changed
    try:
        made = cluster.apply(one, is_dry=is_dry, force=kind not in _SETTINGS)
    except Conflict:
        return Step("leave", kind, name, "somebody has changed it since, and it stays so")
    except NotFound:
        if not is_dry:
            raise
        return Step("create", kind, name)  # in a namespace that is not there yet
    if found is None:
        return Step("create", kind, name)
    return Step("keep" if _content(found) == _content(made) else "change", kind, name)


def _await_kind(
    cluster: Cluster,
    one: Manifest,
    wanted: Iterable[Manifest],
    fresh: set[str],
    is_dry: bool,
    sleep: Callable[[float], None],
) -> None:
    """Wait until a kind that was defined a moment ago is served."""
    group = one["apiVersion"].partition("/")[0]
    is_fresh = any(name.endswith(f".{group}") for name in fresh)
    if is_dry or not is_fresh or cluster.kinds(one["apiVersion"]).get(one["kind"]):
        return
    waited = 0.0
    while not cluster.kinds(one["apiVersion"]).get(one["kind"]):
        if waited >= _ESTABLISH_S:
            raise Unavailable(
                f"The cluster has accepted the definition of {one['kind']} and does not serve it "
                f"after {_ESTABLISH_S:.0f} s. See `kubectl describe crd`, then install again."
            )
        cluster.forget()
        sleep(0.25)
        waited += 0.25


def _labelled(cluster: Cluster, kinds: Iterable[tuple[str, str]]) -> Iterable[Manifest]:
    for api_version, kind in kinds:
        try:
            yield from list(cluster.list(api_version, kind, labels=SELECTOR))
        except PlatformError as error:
            if error.details.get("http_status") != 405:  # served, but not to be listed
                raise


def _is_definition(one: Manifest) -> bool:
    return bool(one["kind"] == "CustomResourceDefinition")


def _is_ours(one: Manifest) -> bool:
    return (one["metadata"].get("labels") or {}).get(PART_OF) == MANAGER


def _identity(one: Manifest) -> tuple[str, str]:
    return one["kind"], name_of(one)


def _content(one: Manifest) -> dict[str, Any]:
    """Return what people write in an object."""
    metadata = {
        name: value for name, value in one["metadata"].items() if name not in _WRITTEN_BY_SERVER
    }
    return {name: value for name, value in one.items() if name != "status"} | {"metadata": metadata}
