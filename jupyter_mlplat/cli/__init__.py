"""`jupyter mlplat`: the platform from a terminal, a script or CI.

Lives here: the commands' arguments (`arguments`), what each does (`commands`), how it is printed
(`terminal`, `progress`). Does not: any rule; a command calls the client and shows its answer.
"""

from jupyter_mlplat.cli.app import main

__all__ = ["main"]
