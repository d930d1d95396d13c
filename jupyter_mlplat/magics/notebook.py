"""Which notebook is this? A kernel is not told for certain, so whoever knows is asked in turn."""

import json
import os
import re
from pathlib import Path
from typing import Any

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.magics import observer

_SUFFIXES = frozenset({".ipynb", ".py"})
_COMMAND = re.compile(
    r"^(\w+\s*=\s*)?%(mlplat|(re|un)?load_ext\s+jupyter_mlplat)\b.*$", re.MULTILINE
)


def find_notebook(shell: Any, named: str | None) -> Path | None:
    """Return the notebook named, or the one this kernel runs, if that can be known."""
    if named:
        return Path(named).expanduser().absolute()
    # VS Code says it in the namespace; Jupyter names the session after the file it was opened for,
    # in a variable of newer kernels and in the environment. A file renamed since is not there.
    told = (
        shell.user_ns.get("__vsc_ipynb_file__"),
        shell.user_ns.get("__session__"),
        os.environ.get("JPY_SESSION_NAME"),
    )
    for text in told:
        path = Path(text).absolute() if isinstance(text, str) and text else None
        if path is not None and path.suffix in _SUFFIXES and path.is_file():
            return path
    return None


def need_notebook(shell: Any, named: str | None) -> Path:
    """Return the notebook named, or the one this kernel runs.

    Raises:
        InvalidInput: It cannot be known.
    """
    found = find_notebook(shell, named)
    if found is None:
        raise InvalidInput("Cannot tell which notebook this is. Save it and say: --notebook PATH")
    return found


def observed_content(shell: Any, path: Path) -> dict[str, Any] | None:
    """Return a notebook's content with what this kernel saw of it; None if it saw nothing.

    A file that cannot be read is None as well: the engine reads it again and says what is wrong.
    """
    watching = observer.find(shell)
    notes = watching.to_metadata() if watching is not None else {"cells": {}}
    if not notes["cells"] or path.suffix != ".ipynb":
        return None
    try:
        content = json.loads(path.read_text("utf-8"))
        cells = [{**cell, "outputs": []} for cell in content["cells"]]
        metadata = content.get("metadata", {})
        ours = {**metadata.get("mlplat", {}), "observed": notes}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return {**content, "cells": cells, "metadata": {**metadata, "mlplat": ours}}


def notebook_of_history(shell: Any) -> dict[str, Any]:
    """Write the cells that this session has executed as a notebook; our own commands are none."""
    raw = (_COMMAND.sub("", source) for source in shell.history_manager.input_hist_raw[1:])
    sources = [source for source in raw if source.strip()]
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "cells": [
            {
                "cell_type": "code",
                "id": f"in-{number}",
                "metadata": {},
                "source": source,
                "outputs": [],
                "execution_count": number,
            }
            for number, source in enumerate(sources, 1)
        ],
    }
