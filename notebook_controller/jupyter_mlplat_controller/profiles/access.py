"""Who may do what in a profile's namespace.

The roles are fixed and come with the installation: this controller only binds them. It may, without
the verb `bind`, because it holds itself what they grant: whatever an administrator adds to them is
added to what the controller holds, by the same aggregation (`manifests/bases/profiles`).
"""

from collections.abc import Iterator, Sequence

from jupyter_mlplat.formats.profiles.spec import Contributor, Plugin, Role, Subject
from jupyter_mlplat.kit.names import object_name
from jupyter_mlplat.resources.base import JsonValue

Manifest = dict[str, JsonValue]

RBAC = "rbac.authorization.k8s.io"
OWNER_BINDING = "namespaceAdmin"
"""Upstream's names, as are those of the service accounts: what names them goes on working."""
EDITOR = "default-editor"
VIEWER = "default-viewer"
ENGINE = "mlplat-engine"
"""Role, account and binding of the engine: it works in the namespaces of profiles only."""
_LONGEST_BINDING = 253

_AWS = "AwsIamForServiceAccount"
_GOOGLE = "WorkloadIdentity"


def names_of(kind: str) -> tuple[str, ...]:
    """Name the objects that a profile always has of a kind: they may be there already."""
    return {"RoleBinding": (OWNER_BINDING, EDITOR, VIEWER, ENGINE)}.get(kind, (EDITOR, VIEWER))


def role_name(role: Role) -> str:
    """Name the fixed role that stands for one of upstream's three."""
    return f"mlplat-profile-{role}"


def accounts(
    namespace: str, annotations: dict[str, str], roles: dict[str, Role]
) -> Iterator[Manifest]:
    """Return the service accounts that pods of a profile may run as; no token is mounted unasked.

    Args:
        namespace: The profile's.
        annotations: What plugins put on the editor.
        roles: The accounts and what each may do.
    """
    for name in roles:
        metadata: Manifest = {"name": name, "namespace": namespace}
        if name == EDITOR and annotations:
            metadata["annotations"] = dict(annotations)
        yield {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata,
            "automountServiceAccountToken": False,
        }


def bindings(
    namespace: str, owner: Subject, contributors: Sequence[Contributor], system_namespace: str
) -> Iterator[Manifest]:
    """Return the role bindings of a profile: owner, service accounts, engine, contributors."""
    yield _role_binding(namespace, OWNER_BINDING, "admin", _subject(owner), owner.name)
    roles: dict[str, Role] = {EDITOR: "edit", VIEWER: "view"}
    for account, role in roles.items():
        subject: Manifest = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
        yield _role_binding(namespace, account, role, subject)
    engine: Manifest = {"kind": "ServiceAccount", "name": ENGINE, "namespace": system_namespace}
    yield _binding(namespace, ENGINE, ENGINE, engine)
    for who in contributors:
        subject = _subject(Subject(kind=who.kind, name=who.name), namespace)
        name = object_name(who.kind, who.name, who.role, longest=_LONGEST_BINDING)
        yield _role_binding(namespace, name, who.role, subject, who.name)


def plugin_annotations(plugins: Sequence[Plugin]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return what plugins put on the editor's account, and what is told of each.

    The half of a plugin that lies outside the cluster, such as a trust policy of a cloud, is not
    done here: it is recorded in words.
    """
    found: dict[str, str] = {}
    told = []
    for plugin in plugins:
        spec = plugin.spec or {}
        role, account = spec.get("awsIamRole"), spec.get("gcpServiceAccount")
        if plugin.kind == _AWS and isinstance(role, str) and role:
            found["eks.amazonaws.com/role-arn"] = role
            told.append(
                f"{_AWS}: {EDITOR!r} names the role {role!r}; let the role trust that account"
            )
        elif plugin.kind == _GOOGLE and isinstance(account, str) and account:
            found["iam.gke.io/gcp-service-account"] = account
            told.append(
                f"{_GOOGLE}: {EDITOR!r} names {account!r}; "
                "grant that account roles/iam.workloadIdentityUser"
            )
        else:
            told.append(
                f"{plugin.kind or 'a plugin without a kind'}: recorded, not applied; "
                "nothing here knows what it does"
            )
    return found, tuple(told)


def _subject(who: Subject, namespace: str | None = None) -> Manifest:
    """Write a subject as the API server completes it, so that ours and its own never differ."""
    if who.kind == "ServiceAccount":
        return {"kind": who.kind, "name": who.name, "namespace": who.namespace or namespace or ""}
    return {"kind": who.kind, "name": who.name, "apiGroup": RBAC}


def _role_binding(
    namespace: str, name: str, role: Role, subject: Manifest, user: str | None = None
) -> Manifest:
    found = _binding(namespace, name, role_name(role), subject)
    if user is not None:  # upstream's access management lists bindings by these two
        metadata: Manifest = {"name": name, "namespace": namespace}
        found["metadata"] = metadata | {"annotations": {"user": user, "role": role}}
    return found


def _binding(namespace: str, name: str, role: str, subject: Manifest) -> Manifest:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    }
