"""Annotations of a component's arguments, and what they say."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin

from .artifact_types import _SCHEMA_TITLE_TO_TYPE, Artifact

_UNIONS: tuple[Any, ...] = (Union,)
if sys.version_info >= (3, 10):
    from types import UnionType

    _UNIONS = (Union, UnionType)

_PARAMETER_NAMES = frozenset(
    {"integer", "int", "double", "float", "string", "str", "text"}
    | {"bool", "boolean", "dict", "list", "jsonobject", "jsonarray"}
)
_ARTIFACT_NAMES = {kind.__name__.lower(): title for title, kind in _SCHEMA_TITLE_TO_TYPE.items()}


class InputAnnotation:
    """Marks an artifact that a component reads."""


class OutputAnnotation:
    """Marks an artifact that a component makes."""


class EmbeddedAnnotation:
    """Marks an artifact that lies inside the component itself."""


class _Path:
    def __init__(self, type: Any = None) -> None:
        self.type = _path_type(type)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, self.__class__) and self.type == other.type

    def __hash__(self) -> int:
        return hash((self.__class__, str(self.type)))


class OutputPath(_Path):
    """An argument that takes the path to write a parameter or an artifact to."""


class InputPath(_Path):
    """An argument that takes the path of an artifact."""


def _path_type(kind: Any) -> Any:
    if is_artifact_class(kind):
        return f"{kind.schema_title}@{kind.schema_version}"
    if isinstance(kind, str) and kind.lower() in _ARTIFACT_NAMES:
        return f"{_ARTIFACT_NAMES[kind.lower()]}@0.0.1"
    if is_parameter(kind):
        return kind
    return f"{Artifact.schema_title}@0.0.1"


def is_artifact_class(kind: Any) -> bool:
    """Tell whether a class is one of artifacts, ours or somebody else's."""
    return hasattr(kind, "schema_title") and hasattr(kind, "schema_version")


def marker_of(annotation: Any) -> Any:
    """Return the marker of `Input[…]`, `Output[…]` or `EmbeddedInput[…]`; None for others."""
    metadata = getattr(annotation, "__metadata__", None)
    return metadata[0] if metadata else None


def without_optional(annotation: Any) -> Any:
    """Return `X` for `Optional[X]` and `X | None`."""
    if get_origin(annotation) in _UNIONS:
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        if len(kinds) == 1 and len(get_args(annotation)) == 2:
            return kinds[0]
    return annotation


def artifact_classes_in(annotation: Any) -> Iterator[Any]:
    """Find the artifact class that an annotation names, however deep."""
    if is_artifact_class(annotation):
        yield annotation
    for inner in get_args(annotation):
        yield from artifact_classes_in(inner)


def is_list_of_artifacts(annotation: Any) -> bool:
    """Tell whether an annotation is `List[…]` of artifacts, marked or not."""
    annotation = without_optional(annotation)
    if marker_of(annotation) is not None:
        annotation = without_optional(annotation.__origin__)
    return get_origin(annotation) is list and any(artifact_classes_in(annotation))


def is_parameter(annotation: Any) -> bool:
    """Tell whether an annotation is a parameter's."""
    annotation = without_optional(annotation)
    if annotation in (str, int, float, bool, dict, list) or is_pydantic_model(annotation):
        return True
    if is_literal(annotation):
        return True
    if getattr(annotation, "__name__", "") in ("PipelineTaskFinalStatus", "TaskConfig"):
        return True
    match = re.match(r"(?:typing\.)?(\w+)(?:\[.+\])?", str(annotation))
    return match is not None and match[1].lower() in _PARAMETER_NAMES


def is_literal(annotation: Any) -> bool:
    """Tell whether an annotation is `Literal[…]`."""
    return str(get_origin(annotation)) in ("typing.Literal", "typing_extensions.Literal")


def is_pydantic_model(annotation: Any) -> bool:
    """Tell whether an annotation is a pydantic model, without importing pydantic."""
    model: type | None = getattr(sys.modules.get("pydantic"), "BaseModel", None)
    return isinstance(annotation, type) and model is not None and issubclass(annotation, model)


def is_named_tuple(annotation: Any) -> bool:
    """Tell whether an annotation is a class of named tuples."""
    return (
        isinstance(annotation, type)
        and issubclass(annotation, tuple)
        and hasattr(annotation, "_fields")
        and hasattr(annotation, "__annotations__")
    )
