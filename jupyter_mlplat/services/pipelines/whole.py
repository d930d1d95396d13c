"""A notebook that is run from top to bottom, as a pipeline of one step. Pure."""

import os
from collections.abc import Mapping
from typing import Any

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.notebook import Cell, list_cells, metadata_of
from jupyter_mlplat.kit.digests import digest_json
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.pipeline import Pipeline, Step, StepCell, StepSettings
from jupyter_mlplat.resources.run import SubmitRequest

STEP = "notebook"
_INJECTED = "injected-parameters"


def whole_pipeline(compiled: Pipeline, content: Mapping[str, Any], kernel: str) -> Pipeline:
    """Make one step of all code cells.

    Args:
        compiled: The same notebook as steps, for its name, parameters and language; what speaks
            against steps does not matter here.
        content: nbformat 4.
        kernel: Where it runs.

    Raises:
        InvalidInput: It has no cell with code.
    """
    cells = list_cells(content)
    code = [cell for cell in cells if cell.kind == "code" and cell.source.strip()]
    if not code:
        raise InvalidInput(
            f"Cannot run {compiled.name!r}: it has no cell with code. Write one first."
        )
    document: dict[str, Any] = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": dict(metadata_of(content)),
        "cells": [_document_of(cell, _attachments(content, cell.index)) for cell in cells],
    }
    step = Step(
        name=STEP,
        title=compiled.name,
        cells=tuple(StepCell(id=cell.id, index=cell.index, source=cell.source) for cell in code),
        parameters=tuple(parameter.name for parameter in compiled.parameters),
        settings=StepSettings(cache=False, kernel=kernel),
    )
    return Pipeline(
        name=compiled.name,
        digest=digest_json([document, kernel]),
        notebook=compiled.notebook,
        language=compiled.language,
        kernel=kernel,
        steps=(step,),
        edges=(),
        parameters=compiled.parameters,
        parameters_cell=compiled.parameters_cell,
        notebook_metadata=compiled.notebook_metadata,
        whole=document,
    )


def whole_folder(request: SubmitRequest) -> str | None:
    """Return where a whole notebook is to run, if not where it lies.

    Raises:
        InvalidInput: There is no such folder.
    """
    folder = request.folder
    if folder is not None and not (os.path.isabs(folder) and os.path.isdir(folder)):
        raise InvalidInput(
            f"Cannot run a notebook in {folder!r}: there is no such folder, or its path is not "
            "absolute."
        )
    return folder


def injected_parameters(content: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return the parameters that papermill has put into a notebook already."""
    if not any(_INJECTED in cell.tags for cell in list_cells(content)):
        return {}
    marks = metadata_of(content).get("papermill")
    given = marks.get("parameters") if isinstance(marks, Mapping) else None
    return dict(given) if isinstance(given, Mapping) else {}


def _document_of(cell: Cell, attachments: object) -> dict[str, Any]:
    kept = {name: value for name, value in cell.metadata.items() if name != "papermill"}
    document: dict[str, Any] = {
        "cell_type": cell.kind,
        "id": cell.id,
        "metadata": kept,  # without the marks of an earlier run
        "source": cell.source,
    }
    if cell.kind == "code":
        document.update(outputs=[], execution_count=None)
    elif isinstance(attachments, dict):
        document["attachments"] = attachments
    return document


def _attachments(content: Mapping[str, Any], index: int) -> object:
    cells = content.get("cells")
    raw = cells[index] if isinstance(cells, list) and index < len(cells) else None
    return raw.get("attachments") if isinstance(raw, dict) else None
