"""Names that components import from here now and then."""

from .type_annotations import is_artifact_class, is_parameter

__all__ = ["is_artifact_class", "is_parameter"]
