"""The state before a failure, put into a real kernel from the store of a real engine."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client import BlockingKernelClient, KernelManager

from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.run import Run, RunState

CELLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("n = 3  # how many", {"tags": ["parameters"]}),
    ("import math\nfrom fractions import Fraction", {"mlplat": {"step": "load"}}),
    (
        "class Row:\n    def __init__(self, part): self.part = part\n"
        "def half(row): return row.part * SHARE\n"
        "SHARE = Fraction(1, 2)\n"
        "rows = [Row(Fraction(1, k + 1)) for k in range(n)]\n"
        "first = rows[0]",
        {"mlplat": {"step": "load"}},
    ),
    ("halves = [half(row) for row in rows]", {"mlplat": {"step": "train"}}),
    (
        "math.log(sum(halves)) / (len(rows) - n), first, open('beside.txt').read()",
        {"mlplat": {"step": "train"}},
    ),
)


def notebook_of(cells: tuple[tuple[str, dict[str, Any]], ...]) -> str:
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {},
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"c{number}",
                    "metadata": metadata,
                    "source": source,
                    "outputs": [],
                    "execution_count": None,
                }
                for number, (source, metadata) in enumerate(cells)
            ],
        }
    )


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="mlp-"))
    (folder / "book.ipynb").write_text(notebook_of(CELLS))
    (folder / "beside.txt").write_text("beside")
    (folder / "elsewhere").mkdir()
    yield folder
    EngineClient(folder / "home", start=False).stop_engine()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def failed(folder: Path) -> Run:
    client = EngineClient(folder / "home")
    run = client.wait_for_run(client.submit(folder / "book.ipynb", parameters={"n": 4}).id, 60)
    assert run.state is RunState.FAILED
    assert run.failure is not None
    assert run.failure.error_name == "ZeroDivisionError", run.failure
    return run


@pytest.fixture
def kernel(folder: Path) -> Iterator[BlockingKernelClient]:
    """A kernel that was started somewhere else than beside the notebook."""
    manager = KernelManager(kernel_name="python3")
    environment = {
        **os.environ,
        "MLPLAT_HOME": str(folder / "home"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    manager.start_kernel(env=environment, cwd=str(folder / "elsewhere"))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def execute(client: BlockingKernelClient, code: str) -> str:
    """Run a cell; return the text it showed, or the error it ended with."""
    shown: list[str] = []

    def keep(message: dict[str, Any]) -> None:
        content = message["content"]
        if message["msg_type"] == "error":
            shown.append(f"{content['ename']}: {content['evalue']}")
        elif message["msg_type"] == "stream":
            shown.append(content["text"])
        elif "data" in content:
            shown.append(content["data"]["text/plain"])

    client.execute_interactive(code, output_hook=keep, timeout=60)
    return "\n".join(shown)


def test_kernel_stands_where_the_failed_step_began(
    kernel: BlockingKernelClient, failed: Run, folder: Path
) -> None:
    execute(kernel, "%load_ext jupyter_mlplat")

    card = execute(kernel, f"%mlplat restore {failed.number}")

    assert card.startswith(f"State before step train of run {failed.number}  ✓ restored")
    assert f"folder      {folder.resolve()}" in card
    assert "parameters  n=4" in card
    assert "None of the step's cells has run here: the first 1 cell of it ran" in card
    assert execute(kernel, "n, len(rows), rows[0] is first, type(first).__name__") == (
        "(4, 4, True, 'Row')"
    )
    assert execute(kernel, "'halves' in globals()") == "False"
    assert execute(kernel, "SHARE = 2\nhalf(first)") == "Fraction(2, 1)"
    assert execute(kernel, CELLS[3][0]) == ""
    assert execute(kernel, CELLS[4][0]).startswith("ZeroDivisionError")
    assert execute(kernel, "open('beside.txt').read()") == "'beside'"


def test_function_restores_what_a_named_step_was_given_and_says_what_it_replaced(
    kernel: BlockingKernelClient, failed: Run
) -> None:
    execute(kernel, "import jupyter_mlplat as mlplat\nrows = n = 'mine'")

    card = execute(kernel, f"mlplat.restore({failed.id!r}, 'train')")

    assert "Replaced here: n, rows." in card or "Replaced here: rows, n." in card
    assert execute(kernel, "len(rows)") == "4"


def test_what_cannot_be_restored_is_said_and_nothing_is_touched(
    kernel: BlockingKernelClient, failed: Run, folder: Path
) -> None:
    execute(kernel, "%load_ext jupyter_mlplat\nimport os")

    answer = execute(kernel, f"%mlplat restore {failed.number} --step nonsense")

    assert answer == (
        f"UsageError: Cannot restore a state of run {failed.number}: it has no step 'nonsense'. "
        "Name one of its steps: load, train.\n"
    )
    assert execute(kernel, "os.path.basename(os.getcwd()), 'rows' in globals()") == (
        "('elsewhere', False)"
    )


def test_values_that_are_gone_are_missed_before_anything_changes(
    kernel: BlockingKernelClient, failed: Run, folder: Path
) -> None:
    bundle = next(task.bundle for task in failed.tasks if task.name == "load")
    assert bundle is not None
    _, _, name = bundle.partition(":")
    blob = folder / "home" / "blobs" / name[:2] / name[2:]
    blob.rename(folder / "aside")
    try:
        answer = execute(
            kernel, f"import jupyter_mlplat, os\njupyter_mlplat.restore({failed.id!r})"
        )
    finally:
        (folder / "aside").rename(blob)

    assert answer.startswith("NotFound: Cannot restore what step 'train'")
    assert answer.endswith("Run the notebook again to make it anew.")
    assert execute(kernel, "os.path.basename(os.getcwd()), 'n' in globals()") == (
        "('elsewhere', False)"
    )


def test_run_without_a_failure_needs_a_step(failed: Run, folder: Path) -> None:
    from jupyter_mlplat import restore

    client = EngineClient(folder / "home")
    good = client.wait_for_run(client.submit(folder / "book.ipynb", until="load").id, 60)

    with pytest.raises(InvalidInput, match="no step of it failed"):
        restore(good.id, namespace={}, home=folder / "home")
