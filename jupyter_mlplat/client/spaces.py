"""Search spaces as people type them, for the faces."""

from jupyter_mlplat.resources.spaces import (
    format_dimension,
    is_dimension,
    parse_dimension,
    parse_space,
)

__all__ = ["format_dimension", "is_dimension", "parse_dimension", "parse_space"]
