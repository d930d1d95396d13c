"""`papermill --engine mlplat in.ipynb out.ipynb`: papermill's own program, run and recorded here.

Papermill reads the notebook, puts the parameters in and writes the output, as always; the engine
runs it from top to bottom in between. So the run is in the list of runs with its parameters, its
executed notebook, its page and, where a cell fails, that cell.
"""

import json
import os
import sys
from typing import Any

import nbformat
from papermill.engines import Engine

from jupyter_mlplat.errors import ExecutionFailed


class MlplatEngine(Engine):  # type: ignore[misc]  # papermill has no types
    """Named `mlplat` among papermill's engines."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
        """Run the notebook; papermill raises its own error for a cell that failed.

        Raises:
            ExecutionFailed: It ended for another reason: cancelled, or its kernel died.
        """
        from jupyter_mlplat.client.engine import EngineClient
        from jupyter_mlplat.client.progress import watch_run

        client, document = EngineClient(), nb_man.nb
        content = json.loads(json.dumps(document))
        content["metadata"].setdefault("kernelspec", {})["name"] = kernel_name
        source = str(document.metadata.get("papermill", {}).get("input_path") or "")
        path = os.path.abspath(source) if os.path.isfile(source) else None
        run = client.submit(path, notebook=content, whole=True, folder=os.getcwd())
        print(f"Run {run.number} of {run.pipeline} ({run.id})", file=sys.stderr)
        numbers = {cell.get("id"): number for number, cell in enumerate(document.cells)}
        told: dict[str, str] = {}
        try:
            for picture in watch_run(client, run):
                for cell in picture.tasks[0].cells:
                    if told.get(cell.id) != cell.state and cell.id in numbers:
                        told[cell.id] = cell.state
                        _tell(nb_man, numbers[cell.id], cell.state)
        except KeyboardInterrupt:
            client.cancel_run(run.id)
            raise
        done = client.get_run(run.id)
        read: Any = nbformat.reads  # it has no types
        executed = read(json.dumps(client.get_step_notebook(run.id, done.tasks[0].name)), 4)
        has_failed_cell = _take_over(document, executed)
        if done.failure is not None and not has_failed_cell:
            raise ExecutionFailed(done.failure.message)
        if done.state == "CANCELED":
            raise ExecutionFailed(f"Run {done.number} was cancelled.")


def _tell(nb_man: Any, number: int, state: str) -> None:
    """Let papermill's progress bar and its saved output follow."""
    cell = nb_man.nb.cells[number]
    if state == "running":
        nb_man.cell_start(cell, number)
    elif state in ("ok", "error"):
        nb_man.cell_complete(cell, number)


def _take_over(document: Any, executed: Any) -> bool:
    """Copy what the cells gave; tell whether one of them failed."""
    by_id = {cell.get("id"): cell for cell in executed.cells}
    has_failed = False
    for cell in document.cells:
        found = by_id.get(cell.get("id"))
        if found is None or cell.cell_type != "code":
            continue
        cell.outputs, cell.execution_count = found.outputs, found.execution_count
        if "papermill" in found.metadata:
            cell.metadata["papermill"] = found.metadata["papermill"]
        has_failed |= any(output.output_type == "error" for output in cell.outputs)
    return has_failed
