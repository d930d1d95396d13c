"""What kind of value something is, said in few words and without running code of the user."""

from __future__ import annotations

import math
import pickle
import sys
from typing import Any


class Refused(pickle.PicklingError):
    """A value that must not be pickled: its copy would not be what the original is."""


ATOMS = frozenset({int, float, str, bool, type(None)})


def is_array(obj: Any) -> bool:
    """Tell whether this is a NumPy array, without importing NumPy."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(obj, getattr(numpy, "ndarray", ()))


def is_index(obj: Any) -> bool:
    """Tell whether this is the index of a frame, without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(obj, getattr(pandas, "Index", ()))


def nan_home(nan: float) -> str | None:
    """Return the module whose NaN this is, None if it is a NaN of its own."""
    numpy = sys.modules.get("numpy")
    if nan is math.nan:
        return "math"
    return "numpy" if numpy is not None and nan is getattr(numpy, "nan", None) else None


def type_name(value: Any) -> str:
    """Name a value's type as a user would: without `builtins` and `__main__`."""
    kind = type(value)
    module = kind.__module__
    return (
        kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"
    )


def preview(value: Any, width: int = 120) -> str:
    """Describe a value in one short line, without running code of the user."""
    kind = type(value)
    if kind in ATOMS:
        text = repr(value[: width + 1]) if kind is str else _number(value)
    elif is_array(value):
        text = f"shape {tuple(value.shape)}, {value.dtype}"
    elif kind.__name__ == "DataFrame" and kind.__module__.startswith("pandas"):
        text = f"{value.shape[0]} rows × {value.shape[1]} columns"
    elif kind.__name__ == "Series" and kind.__module__.startswith("pandas"):
        text = f"{len(value)} rows, {value.dtype}"
    elif kind in (list, dict, set, tuple, frozenset):
        text = f"{len(value)} items"
    elif isinstance(value, type):
        text = f"class {value.__name__}"
    elif callable(value) and hasattr(value, "__name__"):
        text = f"{value.__name__}()"
    else:
        text = kind.__name__
    return text if len(text) <= width else text[: width - 1] + "…"


COLUMNS = 200
"""As many column names are recorded of a value: more than anybody looks through."""
_LONGEST_COLUMN = 100


def columns(value: Any) -> list[str] | None:
    """Return the names of a table's columns, without running code of the user.

    None where there are none: the value is no frame, series or structured array, or unnamed.
    """
    kind = type(value)
    library = kind.__module__.partition(".")[0]
    labels: Any = ()
    if is_array(value):
        labels = value.dtype.names or ()
    elif library in ("pandas", "polars") and kind.__name__ == "DataFrame":
        labels = value.columns[:COLUMNS]
    elif library in ("pandas", "polars") and kind.__name__ == "Series":
        labels = () if value.name is None else (value.name,)
    return column_names(labels)


def column_names(labels: Any) -> list[str] | None:
    """Return labels as texts, as far as they are plain: those of the user may run code."""
    names = [_label(label) for label in labels[:COLUMNS]]
    return names or None


def _label(label: Any) -> str:
    if type(label) is tuple:
        text = ", ".join(map(_label, label))
    elif isinstance(label, str):
        text = str.__str__(label)
    else:
        text = _number(label) if type(label) in ATOMS else type(label).__name__
    return text if len(text) <= _LONGEST_COLUMN else text[: _LONGEST_COLUMN - 1] + "…"


def _number(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:  # an integer of more digits than Python cares to spell out
        return f"an integer of {value.bit_length()} bits"
