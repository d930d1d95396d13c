"""Matplotlib figures of a notebook: shown as pictures wherever they arrive.

Matplotlib pickles a figure without its canvas. IPython shows it as a picture only once the inline
backend is loaded, which pyplot does when it makes its first figure: in a later step it makes none.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

_INLINE = "matplotlib_inline.backend_inline"


def is_figure(obj: Any) -> bool:
    """Tell whether this is a figure, without importing Matplotlib."""
    module = sys.modules.get("matplotlib.figure")
    return module is not None and isinstance(obj, getattr(module, "Figure", ()))


def reduce_figure(figure: Any) -> Any:
    """Reduce a figure together with how it is shown here."""
    if _INLINE not in sys.modules:
        return NotImplemented
    make, arguments, state, *_ = figure.__reduce_ex__(4)
    number = getattr(figure.canvas.manager, "num", None)
    return make, arguments, (state, type(figure.canvas), number), None, None, restore_figure


def restore_figure(figure: Any, state: Any) -> None:
    """Fill a figure, and give it a canvas and a manager if it had them."""
    attributes, canvas_kind, number = state
    importlib.import_module("matplotlib.pyplot")
    importlib.import_module(_INLINE)
    figure.__setstate__(attributes)
    if figure.canvas.manager is not None:
        return  # it was open, and pyplot has taken it back
    canvas = canvas_kind(figure)
    if number is not None:
        canvas.manager_class(canvas, number)
