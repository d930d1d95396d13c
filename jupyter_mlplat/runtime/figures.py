"""Matplotlib figures of a notebook: shown as pictures wherever they arrive.

Matplotlib pickles a figure without its canvas. IPython shows it as a picture only once the inline
backend is loaded, which pyplot does when it makes its first figure: in a later step it makes none.
"""

from __future__ import annotations

import importlib
import sys
import weakref
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
    _number_parents(figure)
    _number_parents(attributes)
    figure.__setstate__(attributes)
    if figure.canvas.manager is not None:
        return  # it was open, and pyplot has taken it back
    canvas = canvas_kind(figure)
    if number is not None:
        canvas.manager_class(canvas, number)


def _forgetting(numbered: dict[int, Any], key: int) -> Any:
    return lambda _: numbered.pop(key, None)


def _number_parents(root: Any) -> None:
    """Let transforms know their parents by the ids these have here.

    Matplotlib keeps the ids of the process that pickled them: a new transform that happens to get
    one of these would take the place of a parent, which then misses that the figure was resized.
    """
    node: Any = importlib.import_module("matplotlib.transforms").TransformNode
    seen: set[int] = set()
    todo: list[Any] = [root]
    while todo:
        item = todo.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, node):
            kept = {id(ref()): ref() for ref in item._parents.values() if ref() is not None}
            item._parents = numbered = dict[int, Any]()
            for key, parent in kept.items():
                numbered[key] = weakref.ref(parent, _forgetting(numbered, key))
            todo.extend(kept.values())
        if isinstance(item, dict):
            todo.extend(item.values())
        elif isinstance(item, (list, tuple, set)):
            todo.extend(item)
        elif type(item).__module__.startswith("matplotlib."):
            todo.extend(getattr(item, "__dict__", {}).values())
