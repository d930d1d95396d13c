"""The fields of a Profile, spelled and bounded as upstream has them.

Source:
    kubeflow/kubeflow 4df4c97, components/profile-controller/api/v1/profile_types.go.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from jupyter_mlplat.formats.kubernetes.objects import Fault, Object, Part, mapping, shape
from jupyter_mlplat.resources.base import JsonValue

API_VERSIONS = ("kubeflow.org/v1", "kubeflow.org/v1beta1")
"""Both have the same fields; v1 is stored."""

QUANTITY = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
Quantity = int | Annotated[str, StringConstraints(pattern=QUANTITY)]
Role = Literal["admin", "edit", "view"]


class Subject(Part):
    """Who: a user, a group or a service account, as in a RoleBinding."""

    kind: Literal["User", "Group", "ServiceAccount"]
    name: str = Field(min_length=1)
    api_group: str | None = None
    namespace: str | None = None


class Plugin(Part):
    """What another platform is to do for the profile."""

    api_version: str | None = None
    kind: str | None = None
    spec: dict[str, JsonValue] | None = None


class ScopeExpression(Part):
    scope_name: str
    operator: str
    values: list[str] | None = None


class ScopeSelector(Part):
    match_expressions: list[ScopeExpression] | None = None


class QuotaSpec(Part):
    """The `spec` of a ResourceQuota."""

    hard: dict[str, Quantity] | None = None
    scopes: list[str] | None = None
    scope_selector: ScopeSelector | None = None


class ProfileSpec(Part):
    """What a Profile asks for."""

    owner: Subject
    plugins: list[Plugin] | None = None
    resource_quota_spec: QuotaSpec | None = None


class ProfileCondition(Part):
    type: str | None = None
    status: str | None = None
    message: str | None = None
    reason: str | None = None


class ProfileStatus(Part):
    conditions: list[ProfileCondition] | None = None


class Contributor(Part):
    """Somebody else who may work in the profile."""

    kind: Literal["User", "Group", "ServiceAccount"] = "User"
    name: str = Field(min_length=1, max_length=253)
    role: Role = "edit"


def profile_spec(document: Object) -> ProfileSpec:
    """Read what a Profile asks for.

    Raises:
        Fault: It is no Profile, or a field is none of upstream's.
    """
    if document.kind != "Profile" or document.api_version not in API_VERSIONS:
        raise Fault("kind", f"needed a Profile, found {document.api_version} {document.kind}")
    return shape(ProfileSpec, mapping(document.raw.get("spec"), "spec"), "spec")
