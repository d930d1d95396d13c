"""What calls back: functions handed to libraries, operators, iterators, unknown code."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler import classes, following, knowledge, reading, unseen
from jupyter_mlplat.compiler.binding import Args
from jupyter_mlplat.compiler.effects import short
from jupyter_mlplat.compiler.heap import NOTHING, Obj, Value

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.calls import Calls

FRESH_EACH_CALL = frozenset({"__init__", "__new__", "__del__", "__init_subclass__", "__set_name__"})
CALLABLE_BACK = frozenset(
    {"callable", "class", "coroutine", "external", "function", "generator", "instance"}
)
CODE = frozenset({"class", "function", "instance"})
ROUTED = frozenset({"attrgetter", "itemgetter", "methodcaller"})
"""What the operator module makes callables of."""
TAKES_ANYTHING = frozenset({"dict", "instance", "list", "set", "unknown"})
"""Kinds that an unknown library may make hold other objects."""
PROTOCOLS = ("__", "_repr_", "_ipython_")
"""How methods begin that operators, printing and displaying call."""


def route(machine: Calls, kind: str, args: Args, node: ast.AST) -> Value:
    """Return a callable that calls a method, or gets a part, of what it is given."""
    made = machine.fresh("callable", node, args.all, kind)
    for obj in made:
        obj.path = kind
        obj.defaults["name"] = args.at(0)
        obj.defaults["rest"] = frozenset().union(*args.positional[1:])
    return made


def call_routed(machine: Calls, obj: Obj, args: Args, node: ast.AST) -> Value:
    """Follow a call of such a callable."""
    given = args.at(0)
    name, rest = obj.defaults["name"], obj.defaults["rest"]
    text = machine.literal(name)
    if obj.path == "itemgetter":
        return machine.load_item(given, name | rest, node)
    if not isinstance(text, str):
        return call_unknown(machine, Args([given, rest]), node, None, f"calls an {obj.path}")
    if obj.path == "methodcaller":
        passed = Args([rest] if rest else [], {}, NOTHING)
        found = [machine.call_method(item, text, passed, node) for item in given]
        return frozenset().union(*found)
    for part in text.split("."):
        given = machine.load_attribute(given, part, node)
    return given


def call_unknown(
    machine: Calls, args: Args, node: ast.AST, receiver: Obj | None, what: str
) -> Value:
    """Assume the worst: arguments change, are kept, are called and come back."""
    own: Value = frozenset({receiver}) if receiver is not None else NOTHING
    everything = own | args.all
    reached = machine.heap.within(everything)
    if machine.is_main(reached) or any(obj.kind == "globals" for obj in reached):
        made = unseen.run_unknown(
            machine, f"a call that is given the notebook's names ({what})", node
        )
        return made | machine.unknown(node, [o for o in reached if o.kind == "globals"], "keeps")
    reading.read_mentioned(machine, (obj for obj in reached if obj.kind in CODE))
    machine.fuel -= len(reached) // 4
    made = blob(machine, reached, everything, node)
    consume(machine, everything, node)
    call_back(machine, everything, made, node, all_methods=True)
    machine.change_deep(everything, what, assumed=True)
    machine.change(
        (obj for obj in args.all if obj.kind in ("class", "function")), what, assumed=True
    )
    for obj in reached:
        if obj.kind in TAKES_ANYTHING:
            machine.heap.hold(obj, made - {obj})
            obj.open = True
    if any(obj.kind in ("handler", "logger") for obj in everything):
        machine.trace.settings = True
    machine.use_rng_maybe()
    machine.use_all_libraries()
    path = next((str(o.const) for o in args.all if isinstance(o.const, str)), None)
    if path is not None or any(obj.kind in ("path", "str", "unknown") for obj in args.all):
        machine.use_files(writes=True, path=None)
    return made


def blob(machine: Calls, reached: set[Obj], everything: Value, node: ast.AST) -> Value:
    """Return what stands for anything an unknown call may make of its arguments.

    It holds all of them and they all may hold it, so an unknown object among them serves as
    well as a new one: both would reach the same.
    """
    known = min((o for o in reached if o.kind == "unknown"), key=_bit, default=None)
    if known is None:
        return machine.unknown(node, everything)
    machine.heap.hold(known, everything - {known})
    return frozenset({known})


def consume(machine: Calls, value: Value, node: ast.AST) -> None:
    """Advance iterators and run generators."""
    for obj in value:
        if obj.kind in ("iterator", "generator", "coroutine", "file", "buffer"):
            machine.change_deep([obj], "consumes it")
            run_generators(machine, obj, node)
        elif obj.kind == "instance":
            for name in ("__iter__", "__next__", "__len__", "__getitem__"):
                if classes.lookup(obj.bases, name):
                    machine.call_dunder(obj, name, [machine.plain], node)


def run_generators(machine: Calls, obj: Obj, node: ast.AST) -> None:
    for item in machine.heap.within([obj]):
        if item.kind in ("generator", "coroutine"):
            following.resume(machine, item, node)


def touch(machine: Calls, value: Value, node: ast.AST) -> None:
    """Follow the operators an instance of one of the notebook's classes may define."""
    for obj in value:
        if obj.kind == "instance":
            machine.use_instance(obj)
            call_methods(machine, obj, machine.plain, node, dunder_only=True)


def call_back(
    machine: Calls, value: Value, passed: Value, node: ast.AST, *, all_methods: bool = False
) -> None:
    """Follow the functions a library may call back."""
    for obj in machine.heap.within(value):
        if obj.kind not in CALLABLE_BACK:
            continue
        with machine.uncertain():
            match obj.kind:
                case "function" if obj in value or all_methods or obj.path == "":
                    if classes.is_method(obj):
                        continue
                    machine.call_function(obj, Args([], {}, passed), node)
                case "instance":
                    call_methods(machine, obj, passed, node, dunder_only=not all_methods)
                case "class" if obj in value:
                    following.instantiate(machine, obj, Args([], {}, passed), node)
                case "generator" | "coroutine":
                    following.resume(machine, obj, node)
                case "callable" if obj in value and obj.path in ROUTED:
                    call_routed(machine, obj, Args([passed]), node)
                case "external" if obj in value and passed:
                    known = knowledge.function(obj.path)
                    if known is not None and known.changes:
                        machine.change_deep(passed, f"calls {short(obj.path)}()")


def call_methods(
    machine: Calls, obj: Obj, passed: Value, node: ast.AST, *, dunder_only: bool
) -> None:
    for name, functions in classes.methods_of(obj.bases).items():
        if name in FRESH_EACH_CALL or (dunder_only and not name.startswith(PROTOCOLS)):
            continue
        for function in functions:
            machine.call_function(
                function, Args([frozenset({obj})], {}, passed), node, receiver=obj
            )


def _bit(obj: Obj) -> int:
    return obj.bit
