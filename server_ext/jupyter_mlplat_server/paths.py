"""Files as the server's users name them, and as the engine does."""

import json
import os
from pathlib import Path
from typing import Any

from jupyter_mlplat.errors import InvalidInput

_NESTED = ("work", "trigger")


def resolve_body(content: bytes, root: Path) -> bytes:
    """Make the `path` of a request absolute, leaving every other byte as it is where none is given.

    A path as the file browser shows it lies below the server's root; an absolute path stays. What a
    schedule runs and what it waits for are named one level down.

    Raises:
        InvalidInput: The body is no JSON object, or its path leads out of the root.
    """
    try:
        body: Any = json.loads(content)
    except ValueError as error:
        raise InvalidInput(f"The request's body is no JSON: {error}.") from error
    if not isinstance(body, dict):
        raise InvalidInput("The request's body must be a JSON object.")
    resolved = _resolve_in(body, root)
    for name in _NESTED:
        if isinstance(inner := body.get(name), dict):
            resolved = {**resolved, name: _resolve_in(inner, root)}
    return content if resolved == body else json.dumps(resolved).encode()


def _resolve_in(document: dict[str, Any], root: Path) -> dict[str, Any]:
    path = document.get("path")
    if not isinstance(path, str) or path.startswith("/"):
        return document
    return {**document, "path": resolve(path, root)}


def resolve(path: str, root: Path) -> str:
    """Return the absolute path of a file below the root.

    Raises:
        InvalidInput: It leads out of the root, through `..` or through a link.
    """
    found = Path(root, path)
    if "\0" in path or not found.resolve().is_relative_to(root.resolve()):
        raise InvalidInput(
            f"{path!r} lies outside the folder that this server serves. Name a file below it."
        )
    return os.path.normpath(found)
