"""Calls of libraries: what the table says of them, and what is feared where it says nothing."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler import (
    boxes,
    callbacks,
    classes,
    in_place,
    knowledge,
    process,
    reading,
    results,
)
from jupyter_mlplat.compiler.binding import Args
from jupyter_mlplat.compiler.effects import Effect, short
from jupyter_mlplat.compiler.heap import IMMUTABLE, NOTHING, Obj, Value, data_of
from jupyter_mlplat.compiler.knowledge.volatile import volatility

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.calls import Calls

SHOWS_ADDRESS = frozenset({"builtins.hash", "builtins.repr", "builtins.str"})
SHIPPED_SETTINGS = frozenset(
    {"decimal", "locale", "logging", "matplotlib", "numpy", "pandas", "seaborn", "sys", "warnings"}
)
"""Libraries whose settings a step passes on to the next."""
DATA: frozenset[Obj | str] = frozenset(
    {"data", "datum", "frame", "group", "index", "ndarray", "series", "tensor"}
)
"""Kinds that models are fitted to and plots are drawn from: neither changes them."""
KINDS = {
    **{f"builtins.{kind}": kind for kind in ("bytearray", "dict", "list", "set")},
    **{f"collections.{name}": "dict" for name in ("Counter", "OrderedDict", "defaultdict")},
    "collections.deque": "deque",
    "numpy.ndarray": "ndarray",
    "pandas.DataFrame": "frame",
    "pandas.Series": "series",
}
"""Classes whose methods may be called with the object as an argument."""
ITERABLE = frozenset({"list", "tuple", "set", "dict", "frozenset", "deque", "iterator", "dictview"})
SETTING_VERBS = (
    "set",
    "use",
    "config",
    "enable",
    "disable",
    "init_",
    "register",
    "filter",
    "reset",
    "pandas",
)
REGISTERING = ("register", "add_constructor", "add_representer", "add_type")
"""How functions begin that tell a library of something new."""
STORES_ELSEWHERE = frozenset({"azureml", "jupyter_mlplat", "mlflow", "sagemaker", "wandb"})
"""Libraries whose registries are services: what they are told is not kept in the process."""


def call_path(machine: Calls, path: str, args: Args, node: ast.AST) -> Value:
    """Follow a call of an imported or builtin function."""
    machine.use_library(path)
    process.draw(machine, path)
    special = machine.call_special(path, args, node)
    if special is not None:
        return special
    owner, _, name = path.rpartition(".")
    given = args.positional[0] if args.positional else NOTHING
    if given and all(obj.kind == KINDS.get(owner) for obj in given):  # `list.append(items, 1)`
        rest = Args(args.positional[1:], args.keywords, args.spread, args.has_mapping)
        results = [machine.call_method(obj, name, rest, node) for obj in given]
        return frozenset().union(*results) or machine.plain
    known = knowledge.function(path)
    if is_discarded(machine, node) and sets_standard_state(path):
        known = None  # what is said of its module in general does not hold for it
    note_volatile(machine, path, args, known)
    if known is not None and known.settings:
        # Other settings than these can be replayed, but not passed on.
        machine.trace.patches |= path.partition(".")[0] not in SHIPPED_SETTINGS
    if registers(path) or (is_discarded(machine, node) and changes_in_place(path)):
        machine.trace.patches = True
    if known is None:
        return call_unlisted(machine, path, args, node)
    receiver: Obj | None = None
    if known.changes:
        for obj in args.at(known.argument):
            apply(machine, known, obj, args, node, f"{short(path)}()")
    found = apply(machine, known, receiver, args, node, f"{short(path)}()")
    if path in SHOWS_ADDRESS and classes.shows_address(args.at(0)):
        found |= machine.fresh("address", node)
    cells, holds = boxes.made_by(path, args.positional, args.keywords)
    boxes.fill(machine.heap, found, cells, holds=holds)
    return process.tie_figures(machine, found) | in_place.write_positionally(machine, path, args)


def note_volatile(machine: Calls, path: str, args: Args, known: Effect | None) -> None:
    value = args.at(0, "seed")
    why = volatility(
        path,
        len(args.positional) + len(args.keywords) + bool(args.spread),
        machine.literal(value),
        is_none=bool(value) and all(obj.kind == "none" for obj in value),
        opens=known is None or known.reads_files,
        draws=known is not None and known.rng,
        is_seeded=machine.is_seeded,
    )
    if why is not None:
        machine.facts.volatile.setdefault(why)


def call_unlisted(machine: Calls, path: str, args: Args, node: ast.AST) -> Value:
    name = path.rpartition(".")[2]
    if path.startswith("builtins."):
        callbacks.touch(machine, args.all, node)
        return machine.unknown(node, args.all)
    sets = name.startswith(SETTING_VERBS) or is_setting_name(name)
    if "seed" in name and is_discarded(machine, node):
        machine.trace.patches = machine.trace.other = True  # seeding once more would start again
    elif sets and is_discarded(machine, node) and reads_only_literals(args):
        machine.trace.patches = True
        return machine.none
    if is_discarded(machine, node) or name.startswith("set_"):
        # A call made for its effect alone: whatever state the library keeps may change.
        machine.trace.libraries.add(path.partition(".")[0])
        machine.trace.other = True
    return callbacks.call_unknown(machine, args, node, None, f"calls {short(path)}()")


def sets_standard_state(path: str) -> bool:
    """Tell whether no line is about this function of a standard module, and it sets something."""
    top, name = path.partition(".")[0], path.rpartition(".")[2]
    is_standard = top in sys.stdlib_module_names and top != "builtins"
    return is_standard and path not in knowledge.FUNCTIONS and name.startswith(SETTING_VERBS)


def is_discarded(machine: Calls, node: ast.AST) -> bool:
    return isinstance(machine.statement, ast.Expr) and machine.statement.value is node


def reads_only_literals(args: Args) -> bool:
    return all(obj.kind in IMMUTABLE or obj.kind in ("external", "module") for obj in args.all)


def apply(
    machine: Calls, known: Effect, receiver: Obj | None, args: Args, node: ast.AST, what: str
) -> Value:
    """Do what a table entry says."""
    own: Value = frozenset({receiver}) if receiver is not None else NOTHING
    everything = own | args.all
    what = f"calls {what}"
    if known.names or machine.is_main(args.all):
        machine.read_everything(what)
    if known.code:
        reading.read_code(machine)
    if known.consumes:
        callbacks.consume(machine, args.all, node)
    if known.calls:
        passed = callback_args(machine, receiver, args, node)
        callbacks.call_back(machine, everything, passed, node, all_methods=known.any_method)
    if known.rng and not has_own_randomness(machine, own, args):
        machine.use_rng()
    if known.seeds:
        machine.seed_rng()
    use_channels(machine, known, receiver, args)
    if receiver is not None:
        change_receiver(machine, known, receiver, args, what)
    elif known.changes == "deep" and not args.positional:
        machine.change_deep(args.all, what)
    extra = in_place.change_in_place(machine, own, args, what)
    if known.identity:
        machine.facts.identity |= sum_bits(args.all)
    return results.result_of(machine, known, receiver, args, node) | extra


def use_channels(machine: Calls, known: Effect, receiver: Obj | None, args: Args) -> None:
    path = None
    if receiver is None or receiver.kind != "path":  # else the path is the receiver's
        path = next((str(obj.const) for obj in args.all if isinstance(obj.const, str)), None)
    if known.reads_files:
        machine.use_files(writes=False, path=path)
    if known.writes_files:
        machine.use_files(writes=True, path=path)
    if known.settings:
        machine.trace.settings = True
    if known.patches:
        machine.trace.patches = True
    if known.env:
        machine.trace.env = True
    if known.cwd:
        machine.trace.cwd = True


def change_receiver(machine: Calls, known: Effect, receiver: Obj, args: Args, what: str) -> None:
    if known.changes == "own":  # said before it keeps its arguments, which it only reads
        machine.change_deep([receiver], what, sparing=DATA | args.all)
    if known.stores:
        stored = args.all
        if known.consumes:
            stored = frozenset(
                item for obj in args.all for item in (obj.inner if obj.kind in ITERABLE else {obj})
            )
        machine.heap.hold(receiver, stored)
        receiver.open = receiver.open or receiver.kind == "dict"
    if known.changes == "self":
        machine.change([receiver], what)
    elif known.changes == "deep":
        machine.change_deep([receiver], what)


def has_own_randomness(machine: Calls, own: Value, args: Args) -> bool:
    """Tell whether a random state was given, so that the global one is left alone."""
    for name in ("random_state", "seed", "rng"):
        state = args.keywords.get(name)
        if state is None:
            continue
        if any(obj.kind in ("rng", "random") for obj in state):
            machine.change(state, "draws random numbers")
            return True
        return all(obj.kind == "int" for obj in state)
    holders = [obj for obj in own if obj.kind == "estimator"]
    return bool(holders) and all(obj.attrs.get("seeded") for obj in holders)


def callback_args(machine: Calls, receiver: Obj | None, args: Args, node: ast.AST) -> Value:
    """Return what a library may pass to the functions it is given."""
    if receiver is not None and receiver.kind in ("frame", "group"):
        inner = data_of(receiver)
        return machine.fresh("series", node, inner, "row") | (
            machine.fresh("frame", node, inner, "rows") if receiver.kind == "group" else NOTHING
        )
    if receiver is not None and receiver.kind == "series":
        return machine.elements(frozenset({receiver}), node)
    if receiver is not None and receiver.kind in ("list", "dict", "set", "deque"):
        return machine.elements(frozenset({receiver}), node)
    found: set[Obj] = set()
    for obj in args.all:
        if not classes.is_callable(obj):
            found |= machine.elements(frozenset({obj}), node)
    return frozenset(found) or machine.plain


def registers(path: str) -> bool:
    """Tell whether a call teaches a library something that shows wherever its objects are."""
    top, name = path.partition(".")[0], path.rpartition(".")[2]
    return (
        name.startswith(REGISTERING)
        and top not in STORES_ELSEWHERE
        and path not in knowledge.FUNCTIONS
    )


def changes_in_place(path: str) -> bool:
    """Tell whether a call changes what a library keeps under a name: `sys.argv.append()`."""
    owner, _, name = path.rpartition(".")
    return "." in owner and name in MUTATORS and path not in knowledge.FUNCTIONS


def is_setting_name(name: str) -> bool:
    return name.endswith(("_theme", "_style", "_options", "_backend"))


def sum_bits(value: Value) -> int:
    mask = 0
    for obj in value:
        mask |= obj.bit
    return mask


MUTATORS = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove"}
    | {"reverse", "setdefault", "sort", "update"}
)
