"""Options that make a call write into what it is given: `inplace=`, `out=`, `copy=False`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlplat.compiler import knowledge
from jupyter_mlplat.compiler.heap import NOTHING, Obj, Value

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.binding import Args
    from jupyter_mlplat.compiler.recorder import Recorder


def change_in_place(machine: Recorder, own: Value, args: Args, what: str) -> Value:
    """Follow keywords; return what the call then gives back."""
    everything = own | args.all
    for name, value in args.keywords.items():
        chosen = machine.literal(value)
        if name == "inplace" and chosen is not False:
            machine.change_deep(own or everything, f"{what} in place")
        elif (name == "out" and chosen is not None) or (name == "out" and not chosen):
            if any(obj.is_mutable for obj in value):
                return write_to(machine, value, what)
        elif (name == "copy" and chosen is False) or (
            name.startswith("overwrite") and chosen is not False
        ):
            machine.change_deep(everything, f"{what} with {name}=")
            return frozenset(obj for obj in everything if obj.is_mutable)
    if args.has_mapping:
        fear_options(machine, own, args, what)
    return NOTHING


def fear_options(machine: Recorder, own: Value, args: Args, what: str) -> None:
    """Assume that an option of unknown name is one of these."""
    name = what.rpartition(".")[2].removesuffix("()")
    frames = [obj for obj in own if obj.kind in ("frame", "series")]
    if frames and name in knowledge.WITH_INPLACE:
        machine.change_deep(frames, f"{what}, perhaps in place", assumed=True)
    arrays = [obj for obj in args.spread if obj.kind == "ndarray"]
    machine.change_deep(arrays, f"{what}, perhaps with out=", assumed=True)


def write_to(machine: Recorder, value: Value, what: str) -> Value:
    """Let a call write its result into an argument, and give that back."""
    machine.change_deep(value, f"{what} with out=")
    return frozenset(obj for obj in value if obj.is_mutable)


def write_positionally(
    machine: Recorder, path: str, args: Args, receiver: Obj | None = None
) -> Value:
    """Follow an `out` that is given by its place among the arguments."""
    place = knowledge.out_place(path)
    given = args.positional[place] if place is not None and place < len(args.positional) else ()
    targets = frozenset(obj for obj in given if obj.is_mutable)
    return write_to(machine, targets, f"calls {path}()") if targets else NOTHING
