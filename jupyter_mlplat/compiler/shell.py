"""Lines that go to the system's shell, and the names IPython puts into them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler.normalise import names_expanded

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.special import Special


def expand(machine: Special, text: str) -> None:
    """Read the names that IPython puts into a magic or shell line."""
    for expression in names_expanded(text):
        machine.keep(expression)
        names = [item.id for item in ast.walk(expression) if isinstance(item, ast.Name)]
        if all(name in machine.user.names for name in names):
            with machine.uncertain():
                machine.evaluate(expression)


def run_shell(machine: Special, text: str | None) -> None:
    expand(machine, text or "")
    machine.use_files(writes=False)
    machine.use_files(writes=True)
    machine.read_user("@env")
    machine.read_user("@cwd")
