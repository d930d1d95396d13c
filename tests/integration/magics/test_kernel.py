"""The magics in a real kernel with a real engine: what reaches the notebook."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client import BlockingKernelClient, KernelManager

from jupyter_mlplat.client.engine import EngineClient

CELLS = ("rows = [1, 2, 3]", "total = len(rows)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("work")
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [
            {
                "cell_type": "code",
                "id": f"c{number}",
                "metadata": {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, source in enumerate(CELLS)
        ],
    }
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
        "MLPLAT_GPUS": "1",
    }
    manager.start_kernel(env=environment, cwd=str(folder))
    client = manager.client()
    client.manager = manager
    client.start_channels()
    client.wait_for_ready(timeout=60)
    execute(client, "%load_ext jupyter_mlplat")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def execute(
    client: BlockingKernelClient, code: str, interrupt_at: str = ""
) -> list[tuple[str, dict[str, Any]]]:
    """Run a cell; return what it sent to the notebook, in order."""
    sent: list[tuple[str, dict[str, Any]]] = []

    def keep(message: dict[str, Any]) -> None:
        if message["msg_type"] not in ("status", "execute_input", "comm_msg"):
            sent.append((message["msg_type"], message["content"]))
        if message["msg_type"] == interrupt_at:
            client.manager.interrupt_kernel()

    client.execute_interactive(code, output_hook=keep, timeout=60)
    return sent


def test_run_is_one_card_drawn_over_and_no_second_one(kernel: BlockingKernelClient) -> None:
    sent = execute(kernel, "%mlplat run --cell-steps --no-cache")

    outputs = [(kind, content) for kind, content in sent if not kind.startswith("comm_")]
    kinds = [kind for kind, _ in outputs]
    cards = [content for _, content in outputs]
    assert kinds[0] == "display_data"
    assert set(kinds[1:]) == {"update_display_data"}
    assert len({card["transient"]["display_id"] for card in cards}) == 1
    assert cards[-1]["data"]["text/plain"].startswith("Run 1 of a  ✓ succeeded")
    assert "✓ succeeded" in cards[-1]["data"]["text/html"]
    assert "progressbar" in cards[0]["data"]["text/html"]


def test_steps_show_as_a_card_with_its_twin_in_text(kernel: BlockingKernelClient) -> None:
    ((kind, content),) = execute(kernel, "%mlplat steps --cell-steps")

    assert kind == "execute_result"
    assert content["data"]["text/plain"].splitlines()[:4] == [
        "Pipeline a",
        "",
        "step    cells  needs   gives",
        "cell-1  1              rows",
    ]
    assert content["data"]["text/html"].startswith("<div style=")


def test_run_on_display_is_followed_without_a_cell_that_runs(
    kernel: BlockingKernelClient, folder: Path
) -> None:
    write_long_notebook(folder)
    sent = execute(kernel, "run = %mlplat run long.ipynb --no-wait\nrun")
    views = [content for kind, content in sent if kind == "comm_open"]
    bundle = next(content["data"] for kind, content in sent if kind == "execute_result")
    view = bundle["application/vnd.jupyter.widget-view+json"]["model_id"]
    state = next(one for one in views if one["comm_id"] == view)["data"]["state"]
    assert [action["name"] for action in state["actions"]] == ["pause", "cancel"]
    assert state["status"] == "live"
    assert "application/vnd.mlplat.view+json" in bundle
    assert bundle["text/html"].startswith("<div style=")

    say(kernel, view, {"say": "shown"})
    say(kernel, view, {"say": "act", "name": "cancel"})

    seen = next_state(kernel, view, lambda state: state.get("status") == "still")
    assert seen["view"]["state"]["text"] == "◌ canceled"
    assert [action["name"] for action in seen["actions"]] == ["retry"]
    say(kernel, view, {"say": "hidden"})


def say(kernel: BlockingKernelClient, view: str, content: dict[str, Any]) -> None:
    """Speak as the front end of a view does."""
    data = {"method": "custom", "content": content}
    message = kernel.session.msg("comm_msg", {"comm_id": view, "data": data})
    kernel.shell_channel.send(message)


def next_state(
    kernel: BlockingKernelClient, view: str, is_meant: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Collect what a view's state has become, until it is as meant."""
    state: dict[str, Any] = {}
    while True:
        message = kernel.get_iopub_msg(timeout=30)
        content = message["content"]
        if message["msg_type"] == "comm_msg" and content["comm_id"] == view:
            state |= content["data"].get("state", {})
            if is_meant(state):
                return state


def test_values_of_a_run_come_back_into_the_notebook(kernel: BlockingKernelClient) -> None:
    execute(kernel, "run = %mlplat run --cell-steps")

    ((_, content),) = execute(kernel, "run.value('rows'), run.value('total')")

    assert content["data"]["text/plain"] == "([1, 2, 3], 3)"


def test_interrupt_leaves_the_run_going_and_gives_it_back(
    kernel: BlockingKernelClient, folder: Path
) -> None:
    write_long_notebook(folder)

    sent = execute(kernel, "run = %mlplat run long.ipynb", interrupt_at="display_data")
    ((_, state),) = execute(kernel, "run.refresh().state.value, run.cancel().number == run.number")

    said = "".join(content["text"] for kind, content in sent if kind == "stream")
    assert "goes on. Stop it with: %mlplat cancel" in said
    assert [kind for kind, _ in sent if kind == "error"] == []
    assert state["data"]["text/plain"] in ("('RUNNING', True)", "('PENDING', True)")


def write_long_notebook(folder: Path) -> None:
    notebook = json.loads((folder / "a.ipynb").read_text())
    notebook["cells"] = notebook["cells"][:1]
    notebook["cells"][0]["source"] = "import time\nfor _ in range(600): time.sleep(0.1)"
    (folder / "long.ipynb").write_text(json.dumps(notebook))


def test_error_is_one_line_on_standard_error(kernel: BlockingKernelClient) -> None:
    sent = execute(kernel, "%mlplat runs 999")

    assert [kind for kind, _ in sent] == ["stream"]
    assert sent[0][1]["name"] == "stderr"
    assert sent[0][1]["text"].startswith("UsageError: ")
    assert sent[0][1]["text"].count("\n") == 1


def test_extension_loads_in_less_than_a_fifth_of_a_second(kernel: BlockingKernelClient) -> None:
    code = (
        "import subprocess, sys\n"
        "code = 'import time, IPython.core.interactiveshell as i; s = i.InteractiveShell();' \\\n"
        '  \'t = time.perf_counter(); s.run_line_magic("load_ext", "jupyter_mlplat");\' \\\n'
        "  'print(time.perf_counter() - t)'\n"
        "float(min(subprocess.check_output([sys.executable, '-c', code]) for _ in range(3)))"
    )

    ((_, content),) = execute(kernel, code)

    assert float(content["data"]["text/plain"]) < 0.2


def test_gpu_is_leased_to_the_kernel_and_given_back(kernel: BlockingKernelClient) -> None:
    show = "import os; print(os.environ.get('CUDA_VISIBLE_DEVICES'))"

    ((_, card),) = execute(kernel, "%mlplat gpu 0.5")
    seen = execute(kernel, show)
    ((_, machine),) = execute(kernel, "%mlplat gpu")
    said = execute(kernel, "%mlplat gpu release")
    after = execute(kernel, show)

    assert "● held" in card["data"]["text/plain"]
    assert "A share is a promise among holders" in card["data"]["text/plain"]
    assert "kernel of a.ipynb" in machine["data"]["text/plain"]
    assert [written(one) for one in (seen, said, after)] == ["0\n", "Given back.\n", "None\n"]


def written(sent: list[tuple[str, dict[str, Any]]]) -> str:
    return "".join(content["text"] for kind, content in sent if kind == "stream")


def test_gpu_that_is_not_there_is_refused_in_one_line(kernel: BlockingKernelClient) -> None:
    ((_, refused),) = execute(kernel, "%mlplat gpu 3")

    assert "it asks for 3 GPUs, this machine has 1 GPU" in refused["text"]
