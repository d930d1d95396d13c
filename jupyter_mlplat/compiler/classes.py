"""What the notebook's classes have and inherit."""

from __future__ import annotations

from jupyter_mlplat.compiler.heap import Obj, Value


def lookup(classes: tuple[Obj, ...], name: str) -> set[Obj]:
    """Return what a class or its bases may have under a name."""
    found: set[Obj] = set()
    seen: set[Obj] = set()
    todo = list(classes)
    while todo:
        cls = todo.pop()
        if cls in seen:
            continue
        seen.add(cls)
        found |= cls.attrs.get(name, set())
        todo.extend(cls.bases)
    return found


def has_unknown_base(classes: tuple[Obj, ...]) -> bool:
    """Tell whether a class inherits or is decorated by code that is not the notebook's."""
    return any(
        cls.kind != "class" or cls.open or has_unknown_base(cls.bases)
        for cls in classes
        if not (cls.kind == "external" and cls.path in ("builtins.object", "abc.ABC"))
    )


def methods_of(classes: tuple[Obj, ...]) -> dict[str, set[Obj]]:
    """Return the functions an instance of these classes has, by name."""
    found: dict[str, set[Obj]] = {}
    for cls in classes:
        for name, values in methods_of(cls.bases).items():
            found.setdefault(name, set()).update(values)
        for name, items in cls.attrs.items():
            functions = {item for item in items if item.kind == "function"}
            if functions:
                found.setdefault(name, set()).update(functions)
    return found


def is_a(classes: tuple[Obj, ...], path: str) -> bool:
    """Tell whether a class inherits from an imported one."""
    return any(cls.path == path or is_a(cls.bases, path) for cls in classes)


_TIED = ("logging.Handler", "logging.StreamHandler", "logging.FileHandler", "threading.")


def is_tied_class(cls: Obj) -> bool:
    """Tell whether a class inherits from one whose objects belong to their process."""
    return any(
        base.path.startswith(_TIED) if base.kind == "external" else is_tied_class(base)
        for base in cls.bases
        if base is not cls
    )


OWN_TEXT = ("__eq__", "__hash__", "__repr__", "__str__")


def shows_address(value: Value) -> bool:
    """Tell whether the text or hash of a value is made from where it lies in memory."""
    return any(
        obj.kind == "function"
        or (
            obj.kind == "instance"
            and not has_unknown_base(obj.bases)
            and not any(getattr(cls.node, "decorator_list", ()) for cls in obj.bases)
            and not any(lookup(obj.bases, name) for name in OWN_TEXT)
        )
        for obj in value
    )


def is_method(function: Obj) -> bool:
    return function.module is not None and function.module.kind == "class"


def is_callable(obj: Obj) -> bool:
    return obj.kind in ("function", "class", "bound", "external", "callable", "instance")
