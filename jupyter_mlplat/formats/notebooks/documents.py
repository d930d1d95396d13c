"""Objects of a cluster that servers are made from, read with all their fields."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from jupyter_mlplat.formats.kubernetes.objects import (
    Fault,
    Object,
    Part,
    mapping,
    naming,
    place_of,
    shape,
)
from jupyter_mlplat.formats.notebooks import GROUP, OUR_GROUP, SERVER_KIND, VERSIONS
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.servers import ServerKind

Raw = dict[str, JsonValue]


class NotebookTemplate(Part):
    spec: Raw = {}


class NotebookSpec(Part):
    template: NotebookTemplate = NotebookTemplate()


@dataclass(frozen=True, slots=True)
class Notebook:
    """What a Notebook asks for: a kind with choices, or a pod written by hand."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    pod: Mapping[str, JsonValue]

    @property
    def kind(self) -> str | None:
        """The server kind it names, by annotation or label."""
        return self.annotations.get(SERVER_KIND) or self.labels.get(SERVER_KIND) or None


def read_notebook(document: Object) -> Notebook:
    """Read a Notebook of any of its versions; they have the same fields.

    Raises:
        InvalidInput: A field is unknown to upstream or has another type.
    """
    with naming(document.what):
        _demand(document, GROUP, VERSIONS, "Notebook")
        spec = shape(NotebookSpec, dict(document.spec), "spec")
        return Notebook(
            document.name,
            document.namespace,
            document.labels,
            document.annotations,
            spec.template.spec,
        )


class LabelRequirement(Part):
    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: list[str] | None = None

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels are as required; NotIn holds where there is no such label."""
        said, values = labels.get(self.key), self.values or []
        match self.operator:
            case "In":
                return said in values
            case "NotIn":
                return said not in values
            case "Exists":
                return said is not None
            case _:
                return said is None


class LabelSelector(Part):
    match_labels: dict[str, str] | None = None
    match_expressions: list[LabelRequirement] | None = None

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels are selected; an empty selector selects everything."""
        return all(
            labels.get(key) == said for key, said in (self.match_labels or {}).items()
        ) and all(one.matches(labels) for one in self.match_expressions or ())


class PodDefaultSpec(Part):
    selector: LabelSelector
    desc: str = ""
    init_containers: list[Raw] = []
    sidecars: list[Raw] = []
    service_account_name: str = ""
    automount_service_account_token: bool | None = None
    env: list[Raw] = []
    env_from: list[Raw] = []
    volumes: list[Raw] = []
    volume_mounts: list[Raw] = []
    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}
    tolerations: list[Raw] = []
    command: list[str] | None = None
    args: list[str] | None = None
    image_pull_secrets: list[Raw] = []


@dataclass(frozen=True, slots=True)
class PodDefault:
    """Settings that pods with certain labels get."""

    name: str
    namespace: str
    version: str
    spec: PodDefaultSpec


def read_pod_default(document: Object) -> PodDefault:
    """Read a PodDefault.

    Raises:
        InvalidInput: A field is unknown to upstream or has another type.
    """
    with naming(document.what):
        _demand(document, GROUP, ("v1alpha1",), "PodDefault")
        said = {field: value for field, value in document.spec.items() if value is not None}
        spec = shape(PodDefaultSpec, said, "spec")
        version = mapping(document.raw.get("metadata"), "metadata").get("resourceVersion")
        return PodDefault(document.name, document.namespace, str(version or ""), spec)


def read_server_kind(document: Object) -> ServerKind:
    """Read a ServerKind.

    Raises:
        InvalidInput: A field has a value that it cannot have.
    """
    with naming(document.what):
        _demand(document, OUR_GROUP, ("v1alpha1",), "ServerKind")
        fields: dict[str, Any] = {**document.spec, "name": document.name}
        try:
            return ServerKind.model_validate(fields)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise Fault("spec" + place_of(first["loc"]), first["msg"].lower()) from error


_FRACTION = re.compile(r"\.\d+")


def moment_of(text: str | None) -> datetime | None:
    """Read a time as Kubernetes or Jupyter writes it; None where it is none, or has no zone."""
    try:
        found = datetime.fromisoformat(_FRACTION.sub("", text or ""))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _demand(document: Object, group: str, versions: tuple[str, ...], kind: str) -> None:
    if document.kind != kind:
        raise Fault("kind", f"needed {kind}, found {document.kind!r}")
    if document.api_version not in {f"{group}/{version}" for version in versions}:
        known = ", ".join(f"{group}/{version}" for version in versions)
        raise Fault("apiVersion", f"needed {known}, found {document.api_version!r}")
