"""Jupyter notebooks (nbformat 4) as cells. Tolerant of what other tools leave out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.notebook_percent import read_percent

SUPPORTED = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: `index` counts all cells of the notebook from 0."""

    id: str
    index: int
    kind: str
    source: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()


def read_notebook(text: str, *, name: str = "notebook.ipynb") -> dict[str, Any]:
    """Read an .ipynb file or a percent script as nbformat 4 content.

    Raises:
        InvalidInput: It is neither, or of a newer format.
    """
    if name.endswith(".py"):
        return read_percent(text)
    try:
        content = json.loads(text)
    except ValueError as error:
        raise InvalidInput(
            f"Cannot read {name!r} as a notebook: it is not JSON ({error}). Open it in JupyterLab "
            "and save it again, or check that it is the file you meant."
        ) from error
    if not isinstance(content, dict):
        raise InvalidInput(
            f"Cannot read {name!r} as a notebook: found JSON of type {type(content).__name__}, "
            "needed an object with `cells`."
        )
    check_format(content, name=name)
    return content


def check_format(content: Mapping[str, Any], *, name: str) -> None:
    """Refuse content that is no notebook of a format we know.

    Raises:
        InvalidInput: It has no cells, or its format is newer.
    """
    version = content.get("nbformat", SUPPORTED)
    if isinstance(version, int) and version > SUPPORTED:
        raise InvalidInput(
            f"Cannot read {name!r}: its format is nbformat {version}, the newest one known here is "
            f"{SUPPORTED}. Save it as nbformat {SUPPORTED}, or update jupyter-mlplat."
        )
    if not isinstance(content.get("cells"), list) and not isinstance(
        content.get("worksheets"), list
    ):
        raise InvalidInput(
            f"Cannot read {name!r} as a notebook: it has no list `cells`. "
            "Check that it is an .ipynb file."
        )


def list_cells(content: Mapping[str, Any]) -> tuple[Cell, ...]:
    """Return the cells in order; malformed ones become empty raw cells, so that positions hold."""
    raw = content.get("cells")
    if not isinstance(raw, list):
        raw = [
            cell
            for sheet in content.get("worksheets") or []
            if isinstance(sheet, dict)
            for cell in sheet.get("cells") or []
        ]
    seen: set[str] = set()
    cells = []
    for index, item in enumerate(raw):
        cell = _cell(index, item if isinstance(item, dict) else {}, seen)
        seen.add(cell.id)
        cells.append(cell)
    return tuple(cells)


def _cell(index: int, item: Mapping[str, Any], seen: set[str]) -> Cell:
    metadata = item.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    tags = metadata.get("tags")
    tags = tuple(str(tag) for tag in tags) if isinstance(tags, list) else ()
    cell_id = item.get("id")
    if not isinstance(cell_id, str) or not cell_id or cell_id in seen:
        cell_id = f"cell-{index}"
    source = item.get("source", item.get("input", ""))
    return Cell(
        id=cell_id,
        index=index,
        kind=str(item.get("cell_type", "raw")),
        source=_text(source),
        metadata=metadata,
        tags=tags,
    )


def _text(source: object) -> str:
    if isinstance(source, list):
        return "".join(str(line) for line in source)
    return source if isinstance(source, str) else ""


def metadata_of(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the notebook's metadata, empty where it has none."""
    metadata = content.get("metadata")
    return metadata if isinstance(metadata, dict) else {}
