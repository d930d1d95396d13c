"""The example notebooks that a user can start from.

They lie in `mlplat/examples` below the Jupyter data folders, ours and whatever an administrator
puts beside them; a user's folder comes first. This server reads them by itself: looking at a
launcher must not start an engine.
"""

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_core.paths import jupyter_path
from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlplat.errors import NotFound
from jupyter_mlplat_server.handlers import PlatformHandler

if TYPE_CHECKING:
    from jupyter_mlplat.resources.examples import Example, ExampleList

LIMIT_BYTES = 4 * 1024 * 1024  # a notebook to begin with holds no outputs worth more


class Examples:
    """The notebooks in some folders. What is no notebook is passed over."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(folders)

    def list(self) -> "ExampleList":
        """Describe each by its first heading and the paragraph below it."""
        # Imported on demand: a server that nobody asks must not carry pydantic.
        from jupyter_mlplat.resources.examples import ExampleList

        described = (_describe(path) for _, path in sorted(self._find().items()))
        return ExampleList(examples=tuple(example for example in described if example))

    def get(self, name: str) -> dict[str, Any]:
        """Return the notebook.

        Raises:
            NotFound: There is none of this name.
        """
        path = self._find().get(name)
        content = None if path is None else _read(path)
        if content is None:
            raise NotFound(f"There is no example {name!r}. Ask for the list of examples.")
        return content

    def _find(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for folder in self._folders:
            for path in folder.glob("*.ipynb"):
                found.setdefault(path.stem, path)
        return found


class ExamplesHandler(PlatformHandler):
    """Lists the examples."""

    @web.authenticated
    @authorized("read")  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """Answer an ExampleList."""
        examples = await asyncio.to_thread(installed().list)
        self.finish(examples.model_dump_json())


class ExampleHandler(PlatformHandler):
    """Gives one example."""

    @web.authenticated
    @authorized("read")  # type: ignore[untyped-decorator]
    async def get(self, name: str) -> None:
        """Answer a notebook."""
        self.finish(json.dumps(await asyncio.to_thread(installed().get, name)))


def installed() -> Examples:
    """Return the examples in the Jupyter data folders."""
    return Examples(Path(folder) for folder in jupyter_path("mlplat", "examples"))


def _read(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > LIMIT_BYTES:
            return None
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return content if _is_notebook(content) else None


def _is_notebook(content: Any) -> bool:
    cells = content.get("cells") if isinstance(content, dict) else None
    return (
        isinstance(cells, list)
        and bool(cells)
        and all(isinstance(cell, dict) and {"cell_type", "source"} <= cell.keys() for cell in cells)
    )


def _describe(path: Path) -> "Example | None":
    from jupyter_mlplat.resources.examples import Example

    content = _read(path)
    if content is None:
        return None
    paragraphs = [
        " ".join(paragraph.split())
        for cell in content["cells"]
        if cell["cell_type"] == "markdown"
        for paragraph in "".join(cell["source"]).replace("\n", "\n\n", 1).split("\n\n")
        if paragraph.strip()
    ]
    title = next((text.lstrip("# ") for text in paragraphs if text.startswith("#")), path.stem)
    summary = next((text for text in paragraphs if not text.startswith("#")), "")
    return Example(name=path.stem, title=title, summary=summary)
