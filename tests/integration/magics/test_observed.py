"""What a kernel saw reaches the engine: code that cannot be seen is settled once it has run."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client import BlockingKernelClient, KernelManager

from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.compiler.observations import parse_observations

CELLS = {
    "param": "which = 'y'",
    "make": "%load_ext jupyter_mlplat\nx, y = 1, 1",
    "unseen": "exec(' '.join([which, '= 2']))",
    "show": "print(x, y)",
}
ASK = "__import__('sys').modules['jupyter_mlplat.magics.observer'].notes(get_ipython())"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("work")
    cells = [
        {
            "cell_type": "code",
            "id": cell,
            "metadata": {"tags": ["parameters"]} if cell == "param" else {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for cell, source in CELLS.items()
    ]
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    (folder / "a.ipynb").write_text(json.dumps(notebook))
    yield folder
    EngineClient(folder / "home", start=False).stop_engine()


@pytest.fixture(scope="module")
def kernel(folder: Path) -> Iterator[BlockingKernelClient]:
    manager = KernelManager(kernel_name="python3")
    environment = {
        **os.environ,
        "MLPLAT_HOME": str(folder / "home"),
        "JPY_SESSION_NAME": str(folder / "a.ipynb"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    manager.start_kernel(env=environment, cwd=str(folder))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def execute(client: BlockingKernelClient, code: str, cell: str | None = None) -> str:
    """Run code as JupyterLab does, with the cell's id; return what it printed."""
    content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
    metadata = {"cellId": cell} if cell else {}
    message = client.session.msg("execute_request", content, metadata=metadata)
    client.shell_channel.send(message)
    printed, parent = "", message["header"]["msg_id"]
    while True:
        answer = client.get_iopub_msg(timeout=60)
        if answer["parent_header"].get("msg_id") != parent:
            continue
        if answer["msg_type"] == "stream":
            printed += answer["content"]["text"]
        if answer["content"].get("execution_state") == "idle":
            return printed


def ask(client: BlockingKernelClient) -> dict[str, Any]:
    """Ask for the notes as the panel does; return the answer to the user expression."""
    reply = client.execute(
        "", silent=True, user_expressions={"observed": ASK}, reply=True, timeout=60
    )
    return dict(reply["content"]["user_expressions"]["observed"])


def test_panel_gets_nothing_where_the_extension_is_not_loaded(
    kernel: BlockingKernelClient,
) -> None:
    assert ask(kernel)["status"] == "error"


def test_code_that_cannot_be_seen_is_settled_by_having_run(kernel: BlockingKernelClient) -> None:
    for cell, source in CELLS.items():
        execute(kernel, source, cell)

    steps = "p = %mlplat steps --cell-steps\n"
    show = "for e in p.edges:\n    for r in e.reasons: print(e.source, e.target, r.name, r.proof)\n"
    printed = execute(kernel, steps + show + "print(p.unknown)")

    assert "cell-3 cell-4 y observed" in printed
    assert "cell-2 cell-4 x proved" in printed
    assert printed.endswith("()\n")


def test_notes_answer_a_silent_request_as_json(kernel: BlockingKernelClient) -> None:
    answer = ask(kernel)

    seen = parse_observations({"mlplat": {"observed": answer["data"]["application/json"]}})
    assert (seen.cells["unseen"].run, seen.cells["unseen"].binds) == (2, {"y"})


def test_run_uses_what_was_seen_and_learns_what_was_not(kernel: BlockingKernelClient) -> None:
    run, show = "r = %mlplat run --cell-steps --no-cache ", "print(r.state.value, r.logs('cell-4'))"

    execute(kernel, run)
    assert execute(kernel, show).startswith("SUCCEEDED 1 2")

    # Seen to bind `y` it binds `x` now: the step is refused, the run planned anew with it.
    execute(kernel, run + "-p which=x")
    assert execute(kernel, show).startswith("SUCCEEDED 2 1")
