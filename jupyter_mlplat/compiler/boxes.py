"""Arrays and frames whose cells hold the notebook's own objects: lists, dicts, instances.

Copies of such an array are copies of references, so whatever is made of it holds them as well.
"""

from collections.abc import Iterable

from jupyter_mlplat.compiler.heap import Heap, Obj, Value

CELLS = "<cells>"
"""Under this name an array or frame keeps the objects in its cells."""
OBJECTS = "<objects>"
"""An array that has this was made with `dtype=object`."""
BOXES = frozenset({"datum", "frame", "group", "index", "ndarray", "series"})
_ALWAYS = frozenset({"bytearray", "deque", "dict", "instance", "namespace", "set"})
_SEQUENCES = frozenset({"list", "tuple"})
_CONSTRUCTORS = {
    "numpy.array": 1,
    "numpy.asarray": 1,
    "numpy.full": 1,
    "pandas.DataFrame": 2,
    "pandas.Series": 1,
}
"""How deep in the argument the values of cells begin."""


def made_by(
    path: str, positional: list[Value], keywords: dict[str, Value]
) -> tuple[set[Obj], bool]:
    """Return what a constructor puts into cells, and whether they are said to hold objects."""
    dtype = {obj for value in positional[1:] for obj in value} | keywords.get("dtype", frozenset())
    holds = any(obj.path == "builtins.object" or obj.const in ("O", "object") for obj in dtype)
    depth = _CONSTRUCTORS.get(path)
    if depth is None:
        return set(), holds and path.startswith("numpy.")
    first = {obj for name in ("data", "object", "fill_value") for obj in keywords.get(name, ())}
    level = first | {obj for value in positional[:2] for obj in value}
    for _ in range(depth):
        level = {item for obj in level if obj.kind in _SEQUENCES | {"dict"} for item in obj.inner}
    if path.startswith("numpy."):
        return within(level, holds), holds
    return within(level, True), False


def within(level: Iterable[Obj], holds: bool) -> set[Obj]:
    """Return the objects among values that a cell may hold, and those in nested sequences."""
    found: set[Obj] = set()
    todo, seen = list(level), set(level)
    while todo:
        obj = todo.pop()
        if obj.kind in _ALWAYS or (holds and obj.kind in _SEQUENCES):
            found.add(obj)
        if obj.kind in _SEQUENCES:
            new = obj.inner - seen
            seen |= new
            todo.extend(new)
    return found


def of(value: Iterable[Obj]) -> set[Obj]:
    """Return what is in the cells of arrays and frames."""
    return {item for obj in value if obj.kind in BOXES for item in obj.attrs.get(CELLS, ())}


def fill(heap: Heap, made: Iterable[Obj], cells: set[Obj], *, holds: bool = False) -> None:
    """Put objects into the cells of what is an array or frame."""
    for obj in made:
        if obj.kind not in BOXES:
            continue
        if holds:
            obj.attrs.setdefault(OBJECTS, set())
        if cells - {obj}:
            heap.set_attribute(obj, CELLS, frozenset(cells - {obj}))


def store(heap: Heap, obj: Obj, value: Value) -> None:
    """Follow `box[key] = value`."""
    holds = obj.kind != "ndarray" or OBJECTS in obj.attrs or CELLS in obj.attrs
    cells = within(value, holds) | of(value)
    if obj.kind == "frame":  # a whole column is given as a list
        cells -= {item for item in value if item.kind in _SEQUENCES and not item.bit}
    fill(heap, [obj], cells)
