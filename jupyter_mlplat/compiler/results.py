"""What calls of libraries give back, as the table describes it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler import binding, boxes, callbacks
from jupyter_mlplat.compiler.attributes import DEFAULT
from jupyter_mlplat.compiler.binding import Args
from jupyter_mlplat.compiler.callbacks import ROUTED
from jupyter_mlplat.compiler.effects import Effect
from jupyter_mlplat.compiler.heap import IMMUTABLE, NOTHING, Obj, Value, data_of

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.calls import Calls

ROWS = "<rows>"
"""Under this name an iterator keeps the tuples it gives."""
ADVANCED = frozenset({"buffer", "coroutine", "file", "generator", "instance", "iterator"})
"""Kinds that something which iterates over them later will advance."""
UNHASHABLE = frozenset(
    {"bytearray", "deque", "dict", "estimator", "frame", "list", "ndarray", "series", "set"}
)


def result_of(
    machine: Calls, known: Effect, receiver: Obj | None, args: Args, node: ast.AST
) -> Value:
    own: Value = frozenset({receiver}) if receiver is not None else NOTHING
    source = own or args.at(0)
    keyed = receiver.bit if receiver is not None else 0
    match known.result:
        case "none":
            return machine.none
        case "fresh" if known.kind in ROUTED:
            return callbacks.route(machine, known.kind, args, node)
        case "self" | "alias":
            return source or machine.plain
        case "elem":
            return machine.elements(source, node) | frozenset().union(
                *(args.positional[1:] if receiver is None else args.positional)
            )
        case "like":
            kind = known.kind if known.kind != "imm" else next(iter(source)).kind
            inner = {item for obj in source for item in obj.inner}
            inner |= {item for obj in args.all for item in (obj.inner or {obj})}
            made = machine.fresh(kind, node, inner, keyed)
            for obj in made if kind == "dict" else ():
                obj.open = True
                for factory in (item.attrs[DEFAULT] for item in source if DEFAULT in item.attrs):
                    machine.heap.set_attribute(obj, DEFAULT, frozenset(factory))
            return made
        case "view":
            inner = {item for obj in source for item in {obj, *obj.inner}}
            if known.kind in ("frame", "series"):
                inner = {item for obj in source for item in data_of(obj)}
            return machine.fresh(known.kind, node, inner, keyed)
        case "hold":
            return hold(machine, known.kind, own | args.all, args, node)
        case "many":
            return many(machine, known.kind, args, node)
        case "any":
            return machine.unknown(node, own | args.all)
    return fresh_result(machine, known.kind, own, args, node)


def fresh_result(machine: Calls, kind: str, own: Value, args: Args, node: ast.AST) -> Value:
    kind, _, detail = kind.partition(":")
    if kind in IMMUTABLE:
        addresses = frozenset(obj for obj in args.all if obj.kind == "address")
        return machine.heap.plain(kind) | addresses  # its digits are bound to the process as well
    match kind:
        case "elems":
            inner = machine.elements(args.at(0), node) if args.positional else NOTHING
            if detail == "dict":  # made of pairs, or of another dict
                inner |= frozenset(item for pair in inner for item in pair.inner)
            made = machine.fresh(detail, node, inner)
            binding.name_items(
                machine, made, args, is_whole=not args.positional and detail == "dict"
            )
            return made
        case "defaultdict":
            pairs = machine.elements(args.at(1), node) if len(args.positional) > 1 else NOTHING
            inner = pairs | frozenset(item for pair in pairs for item in pair.inner)
            made = machine.fresh("dict", node, inner)
            binding.name_items(machine, made, args, is_whole=False)
            for obj in made:
                machine.heap.set_attribute(obj, DEFAULT, args.at(0, "default_factory"))
            return made
        case "deepcopy":
            return deep_copy(machine, args.at(0), node)
        case "shallow":
            return frozenset().union(
                *(
                    machine.fresh(obj.kind, node, obj.inner, obj.bit) if obj.is_mutable else {obj}
                    for obj in args.at(0)
                )
            )
        case "argument1":
            return args.at(1)
        case "json":
            made = machine.fresh("dict", node) | machine.fresh("list", node)
            for obj in made:
                machine.heap.hold(obj, made | machine.plain)
            return made
        case "pair":
            return figure_pair(machine, node)
        case "items":
            return rows_of(machine, "dictview", [keys(machine, own), values(machine, own)], node)
        case "enumerate" if args.positional and not args.spread:
            rows = [machine.heap.plain("int"), machine.elements(args.at(0), node)]
            return rows_of(machine, "iterator", rows, node, args.at(0))
        case "zip" if not args.spread:
            rows = [machine.elements(value, node) for value in args.positional]
            return rows_of(machine, "iterator", rows, node, args.all)
        case "zip" | "enumerate":
            return machine.fresh("iterator", node, args.all)
    made = machine.fresh(kind, node, (), *(sorted(obj.bit for obj in own)))
    boxes.fill(machine.heap, made, boxes.of(own | args.all))
    return made


def rows_of(
    machine: Calls, kind: str, columns: list[Value], node: ast.AST, source: Value = NOTHING
) -> Value:
    """Return what gives tuples with these columns, and advances iterators among its source."""
    row = machine.fresh("tuple", node, frozenset().union(*columns), "row")
    for obj in row:
        obj.attrs |= {f"[{n}]": {*obj.attrs.get(f"[{n}]", ()), *c} for n, c in enumerate(columns)}
    made = machine.fresh(kind, node, row, "rows")
    for obj in made:
        machine.heap.set_attribute(obj, ROWS, row)
        moved = frozenset(item for item in source if item.kind in ADVANCED)
        if moved:
            obj.defaults["source"] = moved
    return made


def keys(machine: Calls, dicts: Value) -> Value:
    """Return what may be a key; what was put there under a known one is none."""
    named = {item for obj in dicts for held in obj.attrs.values() for item in held}
    inner = {item for obj in dicts for item in obj.inner}
    return machine.plain | {item for item in inner - named if item.kind not in UNHASHABLE}


def values(machine: Calls, dicts: Value) -> Value:
    return frozenset(item for obj in dicts for item in obj.inner) or machine.plain


def hold(machine: Calls, kind: str, inner: Value, args: Args, node: ast.AST) -> Value:
    made = machine.fresh(kind, node, inner)
    if kind == "estimator":
        for obj in made:
            state = args.keywords.get("random_state")
            if state is not None and all(item.kind == "int" for item in state):
                obj.attrs["seeded"] = set(machine.plain)
    return made


def figure_pair(machine: Calls, node: ast.AST) -> Value:
    """Return the figure and axes of `plt.subplots()`: each leads to the other."""
    figure, axes = machine.fresh("figure", node), machine.fresh("axes", node)
    machine.heap.hold(next(iter(figure)), axes)
    machine.heap.hold(next(iter(axes)), figure | axes)
    pair = machine.fresh("tuple", node, figure | axes, "pair")
    for obj in pair:
        obj.attrs |= {"[0]": set(figure), "[1]": set(axes)}
    return pair


def many(machine: Calls, kind: str, args: Args, node: ast.AST) -> Value:
    """Return a tuple of objects that share nothing with each other."""
    made = machine.fresh("tuple", node, (), "many")
    sources = args.positional or [NOTHING]
    for obj in made:
        for position in range(max(2 * len(sources), 4)):
            source = sources[min(position // 2, len(sources) - 1)]
            if kind == "sample":
                kinds = {"frame": "frame", "series": "series", "list": "list"}
                names = {kinds.get(item.kind, "ndarray") for item in source} or {"ndarray"}
                item = frozenset().union(
                    *(machine.fresh(name, node, (), "many", position) for name in sorted(names))
                )
            else:
                item = machine.fresh(kind, node, (), "many", position)
            machine.heap.set_attribute(obj, f"[{position}]", item)
    return made


def deep_copy(machine: Calls, value: Value, node: ast.AST) -> Value:
    """Copy all that a value reaches, code aside."""
    copies: dict[Obj, Obj] = {}
    for obj in machine.heap.within(value):
        if (obj.is_mutable and obj.kind not in ("class", "function")) or obj.kind == "tuple":
            copies[obj] = machine.heap.make(obj.kind, machine.key(node, "copy", obj.bit))
    for obj, made in copies.items():
        made.bases, made.path = obj.bases, obj.path
        machine.heap.hold(made, (copies.get(item, item) for item in obj.inner))
        for name, items in obj.attrs.items():
            held = frozenset(copies.get(item, item) for item in items)
            machine.heap.set_attribute(made, name, held)
    return frozenset(copies.get(obj, obj) for obj in value)
