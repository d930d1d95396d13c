"""Runs a whole notebook from top to bottom in its own kernel, by papermill.

The executed notebook and its page are artifacts of the run, however it ends. Papermill's own marks
are not believed: it calls a cell completed whose kernel was killed.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from typing import Any

from .events import Events
from .files import Blobs, dump_json, write_atomically

ENGINE = "mlplat-step"
ATTEMPT_VARIABLE = "MLPLAT_STEP_DIRECTORY"
"""Tells the kernel which attempt it belongs to: what its cells log is logged there."""

_LINE = re.compile(r"Cell In\s?\[\d+\], line (\d+)")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_PRINTERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PRINT_TIMEOUT_S = 300


def execute(
    directory: str, order: dict[str, Any], kernel: str, events: Events
) -> tuple[Any, dict[str, Any] | None]:
    """Run the notebook; return it as it was executed, and the error it ended with."""
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.engines import papermill_engines
    from papermill.exceptions import PapermillExecutionError

    os.environ[ATTEMPT_VARIABLE] = directory
    source = os.path.join(directory, "source.ipynb")
    target = os.path.join(directory, "executed.ipynb")
    papermill_engines.register(ENGINE, _make_engine(events))
    error: dict[str, Any] | None = None
    try:
        content = dict(order["whole"])
        content["metadata"] = {**content.get("metadata", {}), "kernelspec": _spec(kernel)}
        write_atomically(source, dump_json(content))
        papermill.execute_notebook(
            source,
            target,
            parameters=order.get("parameters") or {},
            engine_name=ENGINE,
            kernel_name=kernel,
            progress_bar=False,
            cwd=order["cwd"],
            **quiet(kernel),
        )
    except PapermillExecutionError as failed:
        traceback = list(failed.traceback)
        error = {
            "code": "cell-error",
            "name": failed.ename,
            "value": failed.evalue,
            "traceback": traceback,
            "line": _line_of(traceback),
            "message": f"{failed.ename}: {failed.evalue}",
        }
    except DeadKernelError:
        message = f"Kernel {kernel!r} died while a cell was running."
        error = {"code": "kernel-died", "message": message}
    except Exception as failed:  # no such kernel, a kernel that does not start
        error = {
            "code": "import-error",
            "message": f"Cannot run the notebook in kernel {kernel!r}: {type(failed).__name__}: "
            f"{failed}. `jupyter kernelspec list` shows the kernels that are there.",
        }
    notebook = _read(target)
    if error is not None and notebook is not None and error["code"] != "import-error":
        error.update(_failing_cell(order, notebook))
        error["message"] = _place(error) + error["message"]
    return notebook, error


def keep(directory: str, order: dict[str, Any], notebook: Any, events: Events) -> None:
    """Keep the executed notebook and what was asked to be made of it."""
    if notebook is None:
        return
    blobs = Blobs(order["blobs"], order.get("flush_from_bytes", 0))
    name = order.get("name") or "notebook"
    made = [(f"{name}.ipynb", "application/x-ipynb+json", dump_json(notebook))]
    asked = order.get("reports") or ()
    page = _page(notebook, name) if asked else None
    if page is not None and "html" in asked:
        made.append((f"{name}.html", "text/html", page))
    if page is not None and "pdf" in asked:
        printed = _print(page)
        if printed is not None:
            made.append((f"{name}.pdf", "application/pdf", printed))
    for filename, kind, content in made:
        digest = blobs.put(content)
        blobs.commit()
        events.emit(
            "artifact",
            name=filename,
            digest=digest,
            size_bytes=len(content),
            codec="file",
            type=kind,
            filename=filename,
        )


def _make_engine(events: Events) -> Any:
    """Return papermill's own engine, which tells of each cell as it goes."""
    from papermill.engines import NBClientEngine

    class StepEngine(NBClientEngine):  # type: ignore[misc, unused-ignore]
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> Any:
            begin, end = nb_man.cell_start, nb_man.cell_complete

            def cell_start(cell: Any, *args: Any, **given: Any) -> None:
                events.emit("cell-started", id=cell.get("id"))
                begin(cell, *args, **given)

            def cell_complete(cell: Any, *args: Any, **given: Any) -> None:
                end(cell, *args, **given)
                _copy_streams(cell)
                marks = cell.metadata.get("papermill") or {}
                state = "error" if marks.get("exception") else "ok"
                duration_s = marks.get("duration")
                told = {"id": cell.get("id"), "state": state, "duration_s": duration_s}
                events.emit("cell-finished", **told)

            nb_man.cell_start, nb_man.cell_complete = cell_start, cell_complete
            return super().execute_managed_notebook(nb_man, kernel_name, **kwargs)

    return StepEngine


def _copy_streams(cell: Any) -> None:
    """Copy what a cell printed to the logs."""
    for output in cell.get("outputs", ()):
        if output["output_type"] == "stream":
            stream = sys.stderr if output["name"] == "stderr" else sys.stdout
            print("".join(output["text"]), end="", file=stream, flush=True)


def quiet(kernel: str) -> dict[str, Any]:
    """Keep ipykernel's own words out of the step's log: how it is connected, how it is ended.

    Papermill ends a kernel by an interrupt first, which a kernel that is idle reports as an error.
    """
    from jupyter_client.kernelspec import KernelSpecManager

    words = KernelSpecManager().get_kernel_spec(kernel).argv
    is_ours = any("ipykernel" in word for word in words)
    return {"extra_arguments": ["--log-level=CRITICAL"]} if is_ours else {}


def _spec(kernel: str) -> dict[str, Any]:
    from jupyter_client.kernelspec import KernelSpecManager

    spec = KernelSpecManager().get_kernel_spec(kernel)
    return {"name": kernel, "display_name": spec.display_name, "language": spec.language}


def _read(path: str) -> Any:
    try:
        with open(path, "rb") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def _line_of(traceback: list[str]) -> int | None:
    found = _LINE.findall(_COLOURS.sub("", "\n".join(traceback)))
    return int(found[0]) if found else None


def _failing_cell(order: dict[str, Any], notebook: Any) -> dict[str, Any]:
    """Name the cell that failed: the one with the exception, else the last that was begun."""
    marked, begun = None, None
    for cell in notebook["cells"]:
        marks = cell.get("metadata", {}).get("papermill") or {}
        if cell.get("cell_type") == "code" and marks.get("start_time"):
            begun = cell.get("id")
            if marks.get("exception"):
                marked = cell.get("id")
    found = marked or begun
    indexes = {cell["id"]: cell["index"] for cell in order["cells"]}
    return {"cell": found, "cell_index": indexes.get(found)}


def _place(error: dict[str, Any]) -> str:
    """Say where it was, counted as people count."""
    if error.get("cell_index") is None:
        return ""
    line = f", line {error['line']}" if error.get("line") else ""
    return f"cell {error['cell_index'] + 1}{line}: "


def _page(notebook: Any, name: str) -> bytes | None:
    """Write the notebook as a page that stands alone; None, and a word in the log, if it cannot."""
    try:
        from nbconvert import HTMLExporter

        exporter: Any = HTMLExporter  # it has no types
        text = io.StringIO(json.dumps(notebook))
        page, _ = exporter().from_file(text, {"metadata": {"name": name}})
        return str(page).encode("utf-8", "replace")
    except Exception as error:
        print(f"No page was made: {type(error).__name__}: {error}", file=sys.stderr)
        return None


def _print(page: bytes) -> bytes | None:
    """Print a page to PDF by a browser, where there is one."""
    printer = next(filter(None, map(shutil.which, _PRINTERS)), None)
    if printer is None:
        print(f"No PDF was made: none of {', '.join(_PRINTERS)} is there.", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "page.html"), os.path.join(folder, "page.pdf")
        write_atomically(source, page)
        words = [
            *(printer, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *(f"--user-data-dir={folder}/profile", "--no-pdf-header-footer"),
            *("--virtual-time-budget=10000", f"--print-to-pdf={target}", f"file://{source}"),
        ]
        try:
            subprocess.run(
                words,
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_PRINT_TIMEOUT_S,
            )
            with open(target, "rb") as file:
                return file.read()
        except (OSError, subprocess.SubprocessError) as error:
            print(f"No PDF was made: {error}", file=sys.stderr)
            return None
