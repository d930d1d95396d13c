"""gpus."""

from argparse import Namespace
from typing import TYPE_CHECKING

from jupyter_mlplat.cli.terminal import Terminal

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient


def show(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Show what the machine has, who holds it, who waits for it."""
    from jupyter_mlplat.client.views import nouns

    machine = client.inventory()
    terminal.answer(machine.to_wire())
    terminal.show(nouns.view_inventory(machine))
    return 0


def release(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Take a lease from whoever holds it."""
    client.release_lease(options.lease)
    terminal.answer({"released": options.lease})
    terminal.say(f"Lease {options.lease} is over. What its kernel has on the device stays there.")
    return 0
