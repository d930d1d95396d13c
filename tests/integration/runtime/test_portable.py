"""A step as a KFP component, run without KFP: how it ends when it does not end well."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mlplat.compiler import compile_notebook
from jupyter_mlplat.engine.environments import Environments
from jupyter_mlplat.engine.exporting import Exporter
from jupyter_mlplat.engine.interpreters import Interpreters
from jupyter_mlplat.resources.exporting import ExportRequest
from tests.integration.engine.conftest import notebook_of

HARNESS = """
import json, sys
from types import SimpleNamespace

class Artifact(SimpleNamespace):
    def log_metric(self, name, value):
        self.metadata[name] = value

given = {
    name: Artifact(path=f"{sys.argv[1]}/{name}", metadata={})
    for name in STEP["outputs"].values()
}
from jupyter_mlplat_runtime import portable
portable.run(__KFP_EMBEDDED_ASSET_DIR, STEP, given)
print(json.dumps({name: item.metadata for name, item in given.items()}))
"""


def run(folder: Path, cell: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Run a component's source as KFP's executor would, with what kfp gives it left out."""
    notebook = notebook_of([(cell, {"step": "only", **settings})])
    request = ExportRequest(pipeline=compile_notebook(notebook, name="book"))
    text = Exporter(Environments(), Interpreters()).export(request).text
    spec = next(iter(yaml.safe_load_all(text)))
    source = spec["deploymentSpec"]["executors"]["exec-only"]["container"]["command"][-1]
    kept = [
        node
        for node in ast.parse(source).body
        if not isinstance(node, ast.FunctionDef) and "kfp import" not in ast.unparse(node)
    ]
    text = "\n".join(ast.unparse(node) for node in kept if ast.unparse(node) != "import kfp")
    script = folder / "component.py"
    script.write_text(text.replace("from kfp.dsl import *", "") + HARNESS)
    return subprocess.run(
        [sys.executable, script, folder], capture_output=True, text=True, timeout=100
    )


def test_a_step_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    done = run(tmp_path, "import time\nprint('begun', flush=True)\ntime.sleep(60)", timeout=6)

    assert done.returncode == 1
    assert "begun" in done.stdout
    assert "Step 'only' did not finish: it took longer than 6 s." in done.stderr


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("import os\nos._exit(3)", "its process ended with status 3"),
        ("import os\nos.kill(os.getpid(), 9)", "its process was ended by signal SIGKILL"),
    ],
    ids=["exit", "signal"],
)
def test_a_step_whose_process_dies_says_how(tmp_path: Path, cell: str, why: str) -> None:
    done = run(tmp_path, cell)

    assert done.returncode == 1
    assert f"Step 'only' did not finish: {why}." in done.stderr


def test_models_metrics_and_the_executed_notebook_are_handed_over(tmp_path: Path) -> None:
    cell = (
        "import jupyter_mlplat as mlplat\nclass Twice:\n    def predict(self, x):\n"
        "        return 2 * x\nmlplat.log_metric('size', 3)\n"
        "for name in ('a', 'b'):\n    mlplat.log_model(Twice(), name)\nTwice().predict(4)"
    )

    done = run(tmp_path, cell)

    assert done.returncode == 0, done.stderr
    assert '"metrics": {"size": 3.0}' in done.stdout
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["a", "b"]
    assert (tmp_path / "models" / "a" / "model.pkl").stat().st_size > 0
    assert "<pre>8</pre>" in (tmp_path / "page").read_text()
