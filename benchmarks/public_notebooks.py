"""Notebooks nobody here wrote: `python -m benchmarks.public_notebooks FOLDER...`.

Each folder is a checkout of a repository. Every notebook in it is compiled with either split; those
that can run here without a network are then run by a Jupyter kernel from top to bottom, and those
that do are verified with either split. Nothing of them is kept but the rows of the table.
"""

import argparse
import importlib.util
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from functools import cache, partial
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from benchmarks.peers import table
from jupyter_mlplat.compiler import FolderView, compile_notebook
from jupyter_mlplat.engine.notebooks import read_modules

COMPILE_LIMIT_S = 20  # of processor time; more than 5 is worth a look
SPLITS = ("auto", "cell")
# What a notebook does not contain that runs offline, without a keyboard, a shell and long waits.
_NEEDS_MORE = re.compile(
    r"https?://|\bfetch_\w+\(|load_dataset\(|^\s*[!%]|urlopen|urlretrieve|requests|\binput\("
    r"|raw_input|\bprint [\"'\w]|time\.sleep",
    re.MULTILINE,
)
_HARMLESS = re.compile(r"^\s*%(matplotlib|config|pylab|precision)\b.*$", re.MULTILINE)

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.public_notebooks")
    parser.add_argument("folders", nargs="+", type=Path, help="checkouts of repositories")
    parser.add_argument("--rows", type=Path, help="file that keeps the rows, to go on from")
    parser.add_argument("--sample", type=int, default=20, help="notebooks to take of a repository")
    parser.add_argument("--runs", type=int, default=60, help="how many notebooks to run")
    parser.add_argument("--limit", type=int, default=90, help="seconds for each run of a notebook")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    kept = _read_rows(given.rows)
    found = {
        str(path): root.name for root in given.folders for path in _notebooks(root, given.sample)
    }
    rows = {path: kept[path] for path in found if path in kept}
    with ProcessPoolExecutor(given.jobs) as pool:
        waiting = [pool.submit(compiled, path) for path in found if path not in rows]
        for done in as_completed(waiting):
            row = done.result()
            rows[row["path"]] = {**row, "repository": found[row["path"]].replace("+", "/")}
            _keep(given.rows, rows[row["path"]])
    chosen = [path for path in _in_turns(rows.values()) if "verify" not in rows[path]]
    with (
        tempfile.TemporaryDirectory(prefix="pub-", dir="/tmp") as home,
        ThreadPoolExecutor(given.jobs) as pool,
    ):
        work = partial(_ran, home=Path(home), limit_s=given.limit)
        for done in as_completed(pool.submit(work, rows[path]) for path in chosen[: given.runs]):
            row = done.result()
            rows[row["path"]] = row
            _keep(given.rows, row)
            print(_line(row), file=sys.stderr, flush=True)
        _mlplat(Path(home), ["engine", "stop"], given.limit)
    show(list(rows.values()))


def compiled(path: str) -> Row:
    """Compile a notebook with either split; say how long it took and what was found."""
    row: Row = {"path": path, "compile": {}}
    try:
        text = Path(path).read_text("utf-8-sig")
        notebook = _modern(text)
    except Exception as error:  # whatever nbformat says about a file that is no notebook
        return {**row, "unreadable": f"{type(error).__name__}: {error}"[:200]}
    row["cells"] = sum(1 for cell in _sources(notebook) if cell.strip())
    folder = FolderView(read_modules(Path(path).parent, text))
    signal.signal(signal.SIGPROF, _too_long)
    for split in SPLITS:
        began = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, COMPILE_LIMIT_S)
        try:
            plan = compile_notebook(
                notebook, name=Path(path).stem, path=path, split=split, folder=folder
            )
            errors = [
                f"{problem.code}: {problem.message}"
                for problem in plan.problems
                if problem.severity == "error"
            ]
            entry: Row = {"steps": len(plan.steps), "errors": errors}
        except (Exception, RecursionError) as error:
            entry = {"crash": f"{type(error).__name__}: {error}"[:300]}
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        row["compile"][split] = {**entry, "s": round(time.process_time() - began, 3)}
    row["plausible"] = 3 <= row["cells"] <= 80 and _is_plausible(Path(path), notebook)
    return row


def _too_long(*_: object) -> None:
    raise TimeoutError(f"compiles for more than {COMPILE_LIMIT_S} s")


def _modern(text: str) -> dict[str, Any]:
    notebook = nbformat.reads(text, as_version=4)
    content: dict[str, Any] = json.loads(nbformat.writes(notebook))
    return content


def _sources(notebook: Mapping[str, Any]) -> list[str]:
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return ["".join(cell["source"]) for cell in cells]


def _is_plausible(path: Path, notebook: Mapping[str, Any]) -> bool:
    text = "\n".join(_sources(notebook))
    if _NEEDS_MORE.search(_HARMLESS.sub("", text)):
        return False
    modules = set(re.findall(r"^\s*(?:from|import)\s+(\w+)", text, re.MULTILINE))
    local = {item.stem for item in path.parent.iterdir()}
    return all(name in local or _is_installed(name) for name in modules)


@cache
def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _ran(row: Row, home: Path, limit_s: int) -> Row:
    """Run a notebook with a kernel of its own; verify it if it runs."""
    path = Path(row["path"])
    with tempfile.TemporaryDirectory(prefix="nb-", dir=home) as place:
        folder = Path(place) / "folder"
        shutil.copytree(path.parent, folder, ignore=shutil.ignore_patterns("*.ipynb", ".git"))
        notebook = nbformat.reads(path.read_text("utf-8-sig"), as_version=4)
        began = time.monotonic()
        why_not = _top_to_bottom(notebook, folder, limit_s)
        row = {**row, "runs": why_not is None, "why_not": why_not, "verify": {}}
        row["kernel_s"] = round(time.monotonic() - began, 1)
        copy = folder / path.name
        nbformat.write(nbformat.reads(path.read_text("utf-8-sig"), as_version=4), copy)
        for split in SPLITS if row["runs"] else ():
            extra = ["--cell-steps"] if split == "cell" else []
            row["verify"][split] = _mlplat(home, ["verify", "--json", *extra, str(copy)], limit_s)
    return row


def _top_to_bottom(notebook: Any, folder: Path, limit_s: int) -> str | None:
    """Return why the notebook does not run from top to bottom here, or None."""
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook,
        timeout=limit_s,
        kernel_name="python3",
        resources=resources,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    try:
        client.execute()
    except CellExecutionError as error:
        return f"{error.ename}: {error.evalue}"[:200]
    except (CellTimeoutError, DeadKernelError) as error:
        return type(error).__name__
    return None


def _mlplat(home: Path, words: Sequence[str], limit_s: int) -> Row:
    """Run a command of ours; return the report it prints, or what became of it."""
    began = time.monotonic()
    command = Path(sys.executable).with_name("jupyter-mlplat")
    environment = {**os.environ, "MLPLAT_HOME": str(home / "h")}
    try:
        done = subprocess.run(
            [command, *words], env=environment, capture_output=True, text=True, timeout=limit_s
        )
        report: Row = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        report = {"failed": f"took more than {limit_s} s"}
    except ValueError:
        report = {"failed": (done.stdout + done.stderr)[-300:]}
    return {**report, "s": round(time.monotonic() - began, 1)}


def _notebooks(root: Path, count: int) -> list[Path]:
    paths = sorted(
        path
        for path in root.resolve().rglob("*.ipynb")
        if ".ipynb_checkpoints" not in path.parts and path.is_file()
    )
    random.Random(5).shuffle(paths)
    return paths[:count]


def _in_turns(rows: Iterable[Row]) -> list[str]:
    """Order the notebooks that may run here so that the repositories take turns."""
    by: dict[str, list[str]] = {}
    for row in rows:
        if row.get("plausible"):
            by.setdefault(row["repository"], []).append(row["path"])
    for paths in by.values():
        random.Random(5).shuffle(paths)
    longest = max(map(len, by.values()), default=0)
    return [paths[turn] for turn in range(longest) for paths in by.values() if turn < len(paths)]


def _word(row: Row, split: str) -> str:
    report = row["verify"].get(split, {"failed": "not run"})
    if "failed" in report:
        return "failed"
    return "refused" if report["refused"] else "equal" if report["equal"] else "different"


def _line(row: Row) -> str:
    words = " ".join(f"{split}: {_word(row, split)}" for split in SPLITS)
    return f"{row['repository']} {Path(row['path']).name}: {row['why_not'] or words}"


def show(rows: Sequence[Row]) -> None:
    """Print a line per repository, then what was not equal, and why."""
    lines = []
    for repository in [*sorted({row["repository"] for row in rows}), "all"]:
        some = [row for row in rows if repository in (row["repository"], "all")]
        fine = [row for row in some if row["compile"] and not _crashes(row)]
        tried = [row for row in some if "verify" in row]
        runs = [row for row in tried if row["runs"]]
        words = {split: Counter(_word(row, split) for row in runs) for split in SPLITS}
        lines.append(
            [repository, len(some), len(fine), len(tried), len(runs)]
            + [words[split][word] for split in SPLITS for word in ("equal", "refused")]
        )
    head = ["repository", "notebooks", "compiled", "tried", "run offline"]
    head += ["equal, auto", "refused, auto", "equal, cell", "refused, cell"]
    print(table(head, [[str(item) for item in line] for line in lines]))
    for row in rows:
        name = f"{row['repository']} {Path(row['path']).name}"
        for text in (row.get("unreadable"), *_crashes(row), row.get("why_not")):
            if text:
                print(f"- {name}: {text}")
        for split, report in row.get("verify", {}).items():
            if _word(row, split) != "equal":
                print(f"- {name} ({split}): {_word(row, split)}: {_reason(report)}")
    seconds = sorted(item["s"] for row in rows for item in row["compile"].values())
    if seconds:
        print(f"compile: median {seconds[len(seconds) // 2]} s, slowest {seconds[-1]} s")


def _crashes(row: Row) -> list[str]:
    return [item["crash"] for item in row["compile"].values() if "crash" in item]


def _reason(report: Row) -> str:
    if "failed" in report:
        return str(report["failed"])
    first = [problem["message"] for problem in report["refused"]] or [
        f"{difference.get('cell')}: {difference['what']}" for difference in report["differences"]
    ]
    return str(first[0])[:300]


def _read_rows(path: Path | None) -> dict[str, Row]:
    if path is None or not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return {row["path"]: row for row in rows}


def _keep(path: Path | None, row: Row) -> None:
    if path is not None:
        with path.open("a") as file:
            file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
