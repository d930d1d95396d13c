"""The platform inside a Jupyter server: the engine's API for its users, and the panel.

Lives here: the handlers (`handlers`), the line to the engine (`upstream`), how files are named
(`paths`), the example notebooks (`examples`). Does not: any rule; a request is checked, passed on
and answered as the engine answered.
"""

from typing import Any

NAME = "jupyter-mlplat"


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": NAME}]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "jupyter_mlplat_server"}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Add the handlers. Nothing is connected or started before somebody asks for something."""
    from jupyter_mlplat_server.extension import load

    load(serverapp)
