"""Calls that open files."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler import callbacks
from jupyter_mlplat.compiler.binding import Args
from jupyter_mlplat.compiler.heap import Value

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.special import Special


def call_open(machine: Special, args: Args, node: ast.AST) -> Value:
    path = machine.literal(args.at(0, "file"))
    mode = machine.literal(args.at(1, "mode")) if args.at(1, "mode") else "r"
    writes = not isinstance(mode, str) or any(letter in mode for letter in "wax+")
    machine.use_files(writes=writes, path=path if isinstance(path, str) else None)
    return machine.fresh("file", node)


def call_load(machine: Special, args: Args, node: ast.AST) -> Value | None:
    """Follow `np.load`: what it gives for an archive reads from the open file."""
    path = machine.literal(args.at(0, "file"))
    if not isinstance(path, str) or not path.endswith(".npz"):
        return None
    machine.use_files(writes=False, path=path)
    return machine.fresh("archive", node)


def read_in_parts(machine: Special, args: Args, node: ast.AST) -> Value:
    """Follow `pd.read_csv(…, chunksize=…)`: a reader that gives one frame after another."""
    callbacks.consume(machine, args.all, node)
    path = machine.literal(args.at(0))
    machine.use_files(writes=False, path=path if isinstance(path, str) else None)
    return machine.fresh("iterator", node, machine.fresh("frame", node, (), "part"), "parts")
