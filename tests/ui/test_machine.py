"""The machine in the main area: who holds a GPU, who waits for it, and how it is taken back."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.kit.process import identify
from jupyter_mlplat.resources.run import RunState
from tests.ui.conftest import Lab, new_lab

pytestmark = [pytest.mark.ui, pytest.mark.slow, pytest.mark.timeout(240)]

CELL: dict[str, Any] = {
    "cell_type": "code",
    "id": "a",
    "metadata": {"mlplat": {"step": "train", "gpu": 1}},
    "source": "import os\nprint(os.environ['CUDA_VISIBLE_DEVICES'])",
    "outputs": [],
    "execution_count": None,
}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """JupyterLab with an engine that is told it has one GPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLPLAT_GPUS", "1")
        with new_lab() as lab:
            yield lab


def test_a_gpu_that_a_kernel_has_forgotten_is_taken_back_for_a_step(lab: Lab, page: Page) -> None:
    client = EngineClient(lab.environment["MLPLAT_HOME"])
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [CELL]}
    (lab.folder / "gpu.ipynb").write_text(json.dumps(notebook))
    with subprocess.Popen(["sleep", "300"]) as kernel:
        client.take_lease(1, identify(kernel.pid), "/work/churn.ipynb")
        run = client.submit(lab.folder / "gpu.ipynb")
        page.goto(lab.page_url("gpu.ipynb"))
        page.wait_for_selector(".jp-Notebook", timeout=60_000)
        page.evaluate(
            """async () => {
                await window.jupyterapp.restored;
                await window.jupyterapp.commands.execute('mlplat:show-machine');
            }"""
        )
        machine = page.get_by_test_id("mlplat-machine")
        who = f"kernel of churn.ipynb (pid {kernel.pid})"
        waiting = machine.get_by_role("list", name="Who waits")
        expect(waiting).to_contain_text(f"0 free ({who} has GPU 0)", timeout=30_000)

        machine.get_by_role("button", name=f"Take the lease of {who}").click()
        page.get_by_role("button", name="Take back", exact=True).click()

        expect(waiting).to_be_hidden(timeout=30_000)
        kernel.kill()
    assert client.wait_for_run(run.id, 30).state is RunState.SUCCEEDED
