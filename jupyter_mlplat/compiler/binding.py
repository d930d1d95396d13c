"""Arguments: what a call is given, and which parameter takes what."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler import callbacks
from jupyter_mlplat.compiler.heap import NOTHING, Obj, Value
from jupyter_mlplat.compiler.scope import arguments

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.expressions import Expressions
    from jupyter_mlplat.compiler.recorder import Recorder


@dataclass(slots=True)
class Args:
    """Arguments of a call, evaluated."""

    positional: list[Value] = field(default_factory=list)
    keywords: dict[str, Value] = field(default_factory=dict)
    spread: Value = NOTHING
    """What `*args` and `**kwargs` at the call may hold."""
    has_mapping: bool = False
    """A `**mapping` of unknown keys is among them."""

    @property
    def all(self) -> Value:
        return frozenset().union(*self.positional, *self.keywords.values(), self.spread)

    def at(self, position: int, keyword: str = "") -> Value:
        if position < len(self.positional):
            return self.positional[position] | self.spread
        return self.keywords.get(keyword, NOTHING) | self.spread


def parameters_of(
    machine: Recorder, function: Obj, code: ast.AST, args: Args, node: ast.AST
) -> dict[str, Value]:
    """Bind arguments to parameters, as far as that is known."""
    spec: ast.arguments = code.args  # type: ignore[attr-defined]
    params: dict[str, Value] = {}
    plain = [*spec.posonlyargs, *spec.args]
    for position, argument in enumerate(plain):
        name = argument.arg
        given = NOTHING
        if position < len(args.positional):
            given = args.positional[position]
        given |= args.keywords.get(name, NOTHING) | args.spread
        if not given or args.spread:
            given |= function.defaults.get(name, NOTHING)
        params[name] = given or machine.plain
    for argument in spec.kwonlyargs:
        given = args.keywords.get(argument.arg, NOTHING) | args.spread
        if not given or args.spread:
            given |= function.defaults.get(argument.arg, NOTHING)
        params[argument.arg] = given or machine.plain
    known = {argument.arg for argument in arguments(spec)}
    if spec.vararg:
        rest = frozenset().union(*args.positional[len(plain) :], args.spread)
        params[spec.vararg.arg] = machine.fresh("tuple", node, rest, "varargs")
    if spec.kwarg:
        options = machine.fresh("dict", node, args.spread, "kwargs")
        named = {key: value for key, value in args.keywords.items() if key not in known}
        passed = Args([], named, args.spread, args.has_mapping)
        name_items(machine, options, passed, is_whole=True)
        params[spec.kwarg.arg] = options
    return params


def with_self(obj: Obj, args: Args) -> Args:
    return Args([frozenset({obj}), *args.positional], args.keywords, args.spread)


def name_items(machine: Recorder, made: Value, args: Args, *, is_whole: bool) -> None:
    """Let `dict(a=1)` know its keys, and whether it has others."""
    for obj in made:
        for name, value in args.keywords.items():
            machine.heap.set_attribute(obj, f"[{name!r}]", value)
        machine.heap.hold(obj, args.spread)
        obj.open = obj.open or not is_whole or bool(args.spread) or args.has_mapping


def arguments_of(machine: Expressions, node: ast.Call) -> Args:
    args = Args()
    spread: Value = NOTHING
    for item in node.args:
        if isinstance(item, ast.Starred):
            value = machine.evaluate(item.value)
            callbacks.consume(machine, value, node)
            spread |= machine.elements(value, node)
        elif spread:
            spread |= machine.evaluate(item)
        else:
            args.positional.append(machine.evaluate(item))
    for keyword in node.keywords:
        value = machine.evaluate(keyword.value)
        if keyword.arg is None:
            if any(obj.kind == "globals" for obj in value):
                look_up_global(machine, None)
            if not pass_options(value, args):
                args.has_mapping = True
                spread |= machine.elements(value, node)
        else:
            args.keywords[keyword.arg] = value
    args.spread = spread
    if any(obj.kind == "globals" for obj in args.all):
        look_up_global(machine, None)
    return args


def pass_options(value: Value, args: Args) -> bool:
    """Pass the items of `**options` one by one; return False if not all keys are known."""
    for obj in value:
        keys = [key for key in obj.attrs if key.startswith(("['", '["'))]
        if obj.kind != "dict" or obj.open or not keys:
            return False
    for obj in value:
        for key in obj.attrs:
            name = ast.literal_eval(key)[0]
            given = frozenset(obj.attrs[key])
            args.keywords[name] = args.keywords.get(name, NOTHING) | given
    return True


def look_up_global(machine: Expressions, name: object) -> None:
    """Read a name of the notebook by its text, all of them if it is computed."""
    if isinstance(name, str):
        with machine.uncertain():
            machine.read_user(name)
        return
    for known in list(machine.user.names):
        if not known.startswith("@"):
            with machine.uncertain():
                machine.read_user(known)
    machine.ask("a use of all names at once", "It depends on all names bound so far.")
