"""Runs a step in another Jupyter kernel, by papermill.

For other languages and for kernels that are no Python.

Runs with the engine's own interpreter, which has papermill. Values cannot cross: such a step takes
run parameters and inputs that are plain data, and saves nothing. Papermill's own marks are not
believed: it calls a cell completed whose kernel was killed. What counts is the exception, and which
cells have a start time.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from . import bundle, codecs, ranks, trial_orders, trial_results, trials, whole
from .events import Events
from .failures import StepFailed
from .files import BlobError, Blobs, dump_json, write_atomically
from .marks import without_mark
from .outputs import STDERR, STDOUT, LogOrder
from .process import NOT_OURS, claim
from .trial_table import Trial


def run(directory: str, kernel: str) -> int:
    """Run the attempt in this directory in a kernel of this name; return the exit status."""
    with open(os.path.join(directory, "step.json"), "rb") as file:
        order = json.load(file)
    if not claim(directory):
        return NOT_OURS
    open_logs(directory)
    # The schema library of notebooks reads a grammar of internet addresses as it is imported, for
    # 1.5 s. Notebooks have none to be checked; without this module it leaves that check out.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    address = f"{order['run']}/{order['step']}/{order['attempt']}"
    events = Events(os.path.join(directory, "events.jsonl"), order.get("doorbell"), address)
    if order.get("tune"):
        result = run_trials(directory, order, kernel, events)
    else:
        result = run_once(directory, order, kernel, events)
    write_atomically(os.path.join(directory, "result.json"), dump_json(result))
    events.ring()
    return 0


def open_logs(directory: str) -> None:
    """Make descriptors 1 and 2 the logs in a directory."""
    for fd, name in ((STDOUT, "stdout.log"), (STDERR, "stderr.log")):
        log = os.open(os.path.join(directory, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, fd)
        os.close(log)


def run_trials(
    directory: str, order: dict[str, Any], kernel: str, events: Events
) -> dict[str, Any]:
    """Run a notebook as the trials of a tuning job; return the result of the step."""
    import papermill  # noqa: F401  once for all trials

    def be_trial(trial: Trial, _: object) -> None:
        own = {**trial_orders.order_of(order, trial), "tune": None}
        write_atomically(os.path.join(trial.folder, "step.json"), dump_json(own))
        open_logs(trial.folder)
        os.environ["MLPLAT_CHECKPOINTS"] = own["checkpoints"]
        told = Events(os.path.join(trial.folder, "events.jsonl"), None, "")
        result = run_once(trial.folder, own, kernel, told)
        write_atomically(os.path.join(trial.folder, "result.json"), dump_json(result))

    started_at = time.time()
    result: dict[str, Any] = {"state": "succeeded", "error": None, "metrics": {}}
    try:
        best = trials.Host(order, directory, events, be_trial).run()
        metrics, made = trial_results.outcome_of(best, directory)
        result.update(made, metrics=metrics)
        if best is not None:
            trial_results.copy_notebook(best, directory)
    except StepFailed as failed:
        result.update(state="failed", error=failed.error)
    result.update(started_at=started_at, finished_at=time.time(), peak_memory_bytes=None)
    return result


def run_once(directory: str, order: dict[str, Any], kernel: str, events: Events) -> dict[str, Any]:
    """Run the cells, or the whole notebook; return the result."""
    started_at = time.time()
    os.environ["MLPLAT_CHECKPOINTS"] = order.get("checkpoints") or ""
    run = _run_ranks if order.get("train") else _execute
    result = run(directory, order, kernel, events)
    result.update(started_at=started_at, finished_at=time.time(), peak_memory_bytes=None)
    return result


def _run_ranks(
    directory: str, order: dict[str, Any], kernel: str, events: Events
) -> dict[str, Any]:
    """Run the notebook once for each rank, each in a kernel of its own; rank 0's is the step's."""

    def be_rank(place: ranks.Place, folder: str) -> None:
        where = folder if place.rank else directory
        path = os.path.join(where, "events.jsonl")
        result = _execute(where, order, kernel, Events(path, None, "") if place.rank else events)
        write_atomically(os.path.join(folder, "result.json"), dump_json(result))
        if result["error"] is not None:
            raise SystemExit(1)

    os.environ["MLPLAT_BEGAN_AT"] = repr(time.time())
    try:
        return ranks.Agent(order, directory, events).run(be_rank)
    except StepFailed as failed:
        cells = getattr(failed, "result", {}).get("cells") or cell_states(order, None)
        return {**_result(order, kernel, None, failed.error), "cells": cells}


def _execute(directory: str, order: dict[str, Any], kernel: str, events: Events) -> dict[str, Any]:
    """Run the cells, or the whole notebook; return the result of the attempt."""
    notebook: Any = None
    try:
        if order.get("whole") is not None:
            notebook, error = whole.execute(directory, order, kernel, events)
            whole.keep(directory, order, notebook, events)
        else:
            parameters = {**load_plain_inputs(order), **(order.get("parameters") or {})}
            notebook, error = execute(directory, order, kernel, parameters, events)
    except (bundle.MissingInput, BlobError) as missing:
        error = {"code": "missing-input", "message": str(missing)}
    if error is None and order["outputs"]:
        names = ", ".join(map(repr, order["outputs"]))
        error = {
            "code": "not-serialisable",
            "message": f"Cannot pass {names} on to other steps: kernel {kernel!r} keeps its "
            "values to itself. Put the cells that use them into the same step, "
            "or write them to a file.",
        }
    return _result(order, kernel, notebook, error)


def _result(
    order: dict[str, Any], kernel: str, notebook: Any, error: dict[str, Any] | None
) -> dict[str, Any]:
    kept = order.get("kept") or ()
    return {
        "state": "succeeded" if error is None else "failed",
        "error": error,
        "bundle": None,
        "outputs": {},
        "unbound": [],
        "not_kept": dict.fromkeys(kept, f"kernel {kernel!r} keeps its values to itself"),
        "metrics": {},
        "models": [],
        "artifacts": [],
        "cells": cell_states(order, notebook),
    }


def load_plain_inputs(order: dict[str, Any]) -> dict[str, Any]:
    """Load the inputs, which must be plain data.

    Raises:
        MissingInput: One is not there, or is no plain data.
    """
    blobs = Blobs(order["blobs"])
    values: dict[str, Any] = {}
    for item in order.get("inputs") or ():
        name = item["name"]
        if name.startswith("@"):
            continue
        manifest = json.loads(blobs.get(item["bundle"])) if item["bundle"] else {"names": {}}
        entry = manifest["names"].get(name)
        if entry is None:
            if item.get("optional"):
                continue
            raise bundle.MissingInput(bundle.not_bound(name))
        if entry["codec"] != "json":
            raise bundle.MissingInput(
                f"Cannot pass {name!r} ({entry['type']}) to another kernel: only numbers, texts, "
                "lists and dictionaries of them can be passed. Convert it first, "
                "or write it to a file."
            )
        values[name] = codecs.decode("json", entry["digest"], blobs)
    return values


def execute(
    directory: str, order: dict[str, Any], kernel: str, parameters: dict[str, Any], events: Events
) -> tuple[Any, dict[str, Any] | None]:
    """Run the cells by papermill; return the notebook and the error it ended with."""
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    source = os.path.join(directory, "source.ipynb")
    target = os.path.join(directory, "executed.ipynb")
    error: dict[str, Any] | None = None
    try:
        write_atomically(source, dump_json(_source_notebook(order, kernel)))
        events.emit("cell-started", id=order["cells"][0]["id"])
        papermill.execute_notebook(
            source,
            target,
            parameters=parameters,
            kernel_name=kernel,
            progress_bar=False,
            cwd=order["cwd"],
            **whole.quiet(kernel),
        )
    except PapermillExecutionError as failed:
        error = {
            "code": "cell-error",
            "name": failed.ename,
            "value": failed.evalue,
            "traceback": list(failed.traceback),
            "message": f"{failed.ename}: {failed.evalue}",
        }
    except DeadKernelError:
        message = f"Kernel {kernel!r} died while a cell was running."
        error = {"code": "kernel-died", "message": message}
    except Exception as failed:  # no such kernel, a kernel that does not start
        error = {
            "code": "import-error",
            "message": f"Cannot run the step in kernel {kernel!r}: {type(failed).__name__}: "
            f"{failed}. `jupyter kernelspec list` shows the kernels that are there.",
        }
    notebook = None
    if os.path.exists(target):
        with open(target, "rb") as file:
            notebook = json.load(file)
    _write_streams(directory, notebook)
    if error is not None and error["code"] in ("cell-error", "kernel-died"):
        failed_cell = _last_started(order, notebook)
        error.update(cell=failed_cell.get("id"), cell_index=failed_cell.get("index"), line=None)
    return notebook, error


def _source_notebook(order: dict[str, Any], kernel: str) -> dict[str, Any]:
    from jupyter_client.kernelspec import KernelSpecManager

    spec = KernelSpecManager().get_kernel_spec(kernel)
    cells = [
        {
            "cell_type": "code",
            "id": cell["id"],
            "execution_count": None,
            "metadata": {"mlplat": {"index": cell["index"]}},
            "outputs": [],
            "source": without_mark(cell["source"]),
        }
        for cell in order["cells"]
    ]
    kernelspec = {"name": kernel, "display_name": spec.display_name, "language": spec.language}
    metadata = {**(order.get("notebook_metadata") or {}), "kernelspec": kernelspec}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _write_streams(directory: str, notebook: Any) -> None:
    """Copy what the cells printed to the logs.

    A foreign kernel's streams end in the notebook only.
    """
    streams = {"stdout": sys.stdout, "stderr": sys.stderr}
    order = LogOrder(os.path.join(directory, "order.log"))
    for cell in notebook["cells"] if notebook is not None else ():
        for output in cell.get("outputs", ()):
            if output["output_type"] == "stream":
                name = "stderr" if output["name"] == "stderr" else "stdout"
                if name != order.current:
                    fds = (("stdout", STDOUT), ("stderr", STDERR))
                    order.turn(name, {name: os.fstat(fd).st_size for name, fd in fds})
                print("".join(output["text"]), end="", file=streams[name], flush=True)


def _last_started(order: dict[str, Any], notebook: Any) -> dict[str, Any]:
    started = {
        cell.get("id")
        for cell in (notebook["cells"] if notebook is not None else ())
        if (cell.get("metadata", {}).get("papermill") or {}).get("start_time")
    }
    ran = [cell for cell in order["cells"] if cell["id"] in started]
    return ran[-1] if ran else {}


def cell_states(order: dict[str, Any], notebook: Any) -> list[dict[str, Any]]:
    """Tell how far each cell came: it ran if it has a count, failed if it shows an error."""
    shown = {cell.get("id"): cell for cell in (notebook["cells"] if notebook is not None else ())}
    states = []
    for cell in order["cells"]:
        found = shown.get(cell["id"]) or {}
        marks = found.get("metadata", {}).get("papermill") or {}
        failed = any(output["output_type"] == "error" for output in found.get("outputs", ()))
        ran = found.get("execution_count") is not None
        states.append(
            {
                "id": cell["id"],
                "state": "error" if failed else "ok" if ran else "pending",
                "duration_s": marks.get("duration"),
            }
        )
    return states
