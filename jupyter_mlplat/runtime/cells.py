"""What a zygote of notebook steps has its children do: run cells in the shell it has made."""

from __future__ import annotations

import socket

from . import rehearsal, step, zygote
from .pages import Ranges
from .shell import make_shell, warm_up


class Work(zygote.Work):
    """Steps of notebooks."""

    rehearses = True

    def __init__(self) -> None:
        self.shell = make_shell()

    def warm_up(self) -> None:
        warm_up(self.shell)

    def rehearse(self, told: socket.socket) -> None:
        rehearsal.run(self.shell, told)

    def read_pages(self, heard: socket.socket) -> Ranges:
        return rehearsal.read_pages(heard)

    def run(self, directory: str) -> int:
        return step.run(directory, self.shell)
