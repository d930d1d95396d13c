"""`%%mlplat train` and `%%mlplat tune` in a real kernel, and the notebooks that show them."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client import BlockingKernelClient, KernelManager
from nbclient import NotebookClient

import jupyter_mlplat as mlplat
from jupyter_mlplat.client.engine import EngineClient

EXAMPLES = Path(__file__).parents[3] / "examples"
TRAINING, TUNING = "02-distributed-training.ipynb", "03-tuning.ipynb"
PATIENCE_S = 240  # on two cores that are shared
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("jobs")
    for name in (TRAINING, TUNING):
        shutil.copy(EXAMPLES / name, folder)
    yield folder
    EngineClient(folder / "home", start=False).stop_engine()


@pytest.fixture(scope="module")
def kernel(folder: Path) -> Iterator[BlockingKernelClient]:
    manager = KernelManager(kernel_name="python3")
    places = {"MLPLAT_HOME": str(folder / "home"), "IPYTHONDIR": str(folder / "ipython")}
    manager.start_kernel(env={**os.environ, **places}, cwd=str(folder))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    show(client, "%load_ext jupyter_mlplat")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def show(kernel: BlockingKernelClient, code: str) -> str:
    """Run a cell; return all text it showed."""
    said: list[str] = []

    def keep(message: dict[str, Any]) -> None:
        content = message["content"]
        match message["msg_type"]:
            case "stream":
                said.append(content["text"])
            case "error":
                said.append(content["evalue"])
            case "display_data" | "execute_result" | "update_display_data":
                said.append(content["data"].get("text/plain", ""))

    kernel.execute_interactive(code, output_hook=keep, timeout=PATIENCE_S)
    return "\n".join(said)


def test_cell_runs_as_a_train_job_with_what_it_needs_and_gives_back_what_it_binds(
    kernel: BlockingKernelClient,
) -> None:
    show(kernel, "import math\nscale = 3\ndef widen(x):\n    return math.floor(x * scale)")

    shown = show(
        kernel,
        "%%mlplat train --nproc 2 --runtime plain --as job\n"
        "import os, jupyter_mlplat as mlplat\n"
        "rank, made = mlplat.train.rank(), [widen(1.5)]\n"
        "mlplat.train.report(step=1, metrics={'loss': 0.5}, progress=1.0)\n",
    )

    assert "Train job 1" in shown
    assert "✓ succeeded" in shown
    assert show(kernel, "print(rank, made, len(job.ranks), job.metrics['loss'])") == "0 [4] 2 0.5\n"


def test_cell_runs_once_for_each_trial_and_the_best_one_comes_back(
    kernel: BlockingKernelClient,
) -> None:
    show(kernel, "target = 0.3")

    shown = show(
        kernel,
        "%%mlplat tune --trials 6 --parallel 2 --minimize loss --algorithm random --seed 1 "
        "--as search x=uniform(0,1) n=int(1,3)\nloss = abs(x - target)",
    )

    assert "Tuning job" in shown
    assert "6 of 6" in shown
    assert (
        show(kernel, "print(len(search.trials), (x, n) == tuple(search.best_parameters.values()))")
        == "6 True\n"
    )
    assert show(kernel, "print(abs(loss - search.best_value) < 1e-12)") == "True\n"


def test_what_cannot_travel_is_refused_in_one_line_before_anything_runs(
    kernel: BlockingKernelClient,
) -> None:
    show(kernel, "import sqlite3\ndb = sqlite3.connect(':memory:')")

    shown = show(kernel, "%%mlplat train\nprint(db)")

    assert "Cannot carry along what the cell needs. 'db': sqlite3.Connection" in shown
    assert "connect in the cell" in shown


def test_job_that_fails_stops_the_notebook(kernel: BlockingKernelClient) -> None:
    shown = show(kernel, "%%mlplat train --nproc 2 --runtime plain\nraise ValueError('no data')")

    assert "ValueError: no data" in shown
    assert "failed. Its card says why" in shown


TUNE = """%%mlplat tune --trials 6 --parallel 2 --minimize loss --algorithm random x=uniform(0,1)
import time
time.sleep(0.5)
loss = abs(x - wanted)
"""
TRAIN = """%%mlplat train --nproc 2 --runtime plain
import time, jupyter_mlplat as mlplat
for step in range(6):
    time.sleep(0.3)
    mlplat.train.report(step=step, metrics={"loss": wanted})
"""


@pytest.mark.parametrize("cell", [TUNE, TRAIN], ids=["tune", "train"])
def test_job_goes_on_when_the_kernel_that_asked_for_it_is_killed(tmp_path: Path, cell: str) -> None:
    home = tmp_path / "home"
    manager = KernelManager(kernel_name="python3")
    places = {"MLPLAT_HOME": str(home), "IPYTHONDIR": str(tmp_path / "ipython")}
    manager.start_kernel(env={**os.environ, **places}, cwd=str(tmp_path))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    show(client, "%load_ext jupyter_mlplat\nwanted = 0.25")
    engine = EngineClient(home)
    try:
        client.execute(cell)
        wait_until(lambda: has_begun(engine))
        manager.signal_kernel(signal.SIGKILL)
        (run,) = engine.list_runs()[0]
        done = engine.wait_for_run(run.id, PATIENCE_S)

        assert done.state == "SUCCEEDED", done.failure
        if cell is TUNE:
            trials = mlplat.get_job(run.id, home=home).trials
            assert sorted(trial.number for trial in trials) == [1, 2, 3, 4, 5, 6]
            assert {trial.state for trial in trials} == {"Succeeded"}
        else:
            logged = [m.position for m in engine.list_metrics(run.id) if m.name == "loss"]
            assert logged == [0, 1, 2, 3, 4, 5]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        engine.stop_engine()


def has_begun(engine: EngineClient) -> bool:
    """Tell whether the first trial is over, or the first number was reported."""
    for run in engine.list_runs()[0]:
        if run.kind == "train":
            return bool(engine.list_metrics(run.id))
        trials = mlplat.get_job(run.id, home=engine.home.root).trials
        return any(trial.state == "Succeeded" for trial in trials)
    return False


def wait_until(is_so: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_carried_values_outlive_a_garbage_collection(
    kernel: BlockingKernelClient, folder: Path
) -> None:
    show(kernel, "import numpy as np\ntable = np.arange(300_000.0)")
    show(kernel, "%%mlplat train --runtime plain --as kept\ntotal = table.sum()")

    mlplat_home = folder / "home"
    EngineClient(mlplat_home).collect_garbage()
    job = mlplat.get_job(home=mlplat_home)
    namespace: dict[str, Any] = {}
    mlplat.restore(job, job.step, namespace=namespace, home=mlplat_home)

    assert len(namespace["table"]) == 300_000
    read = {artifact.name for artifact in mlplat.lineage(job, home=mlplat_home).artifacts}
    assert "values of the kernel" in read


def run_in_a_kernel(folder: Path, name: str, **parameters: Any) -> Any:
    notebook = nbformat.read(folder / name, as_version=4)
    given = "\n".join(f"{key} = {value!r}" for key, value in parameters.items())
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", ()):
            cell.source += f"\n{given}"
    manager = KernelManager(kernel_name="python3")
    places = {"MLPLAT_HOME": str(folder / "home"), "IPYTHONDIR": str(folder / "ipython")}
    client = NotebookClient(notebook, km=manager, timeout=PATIENCE_S)
    return client.execute(env={**os.environ, **places}, cwd=str(folder))


def text_of(notebook: Any, cell: str) -> str:
    (found,) = [one for one in notebook.cells if one.get("id") == cell]
    return "\n".join(
        output.get("text") or output.get("data", {}).get("text/plain", "")
        for output in found.outputs
    )


@pytest.mark.slow
@needs_torch
def test_training_example_falls_over_and_goes_on_in_a_kernel(folder: Path) -> None:
    notebook = run_in_a_kernel(folder, TRAINING, epochs=4, stumble=2)

    assert "restarts    1" in text_of(notebook, "train")
    assert "of the digits are read right" in text_of(notebook, "evaluate")


@pytest.mark.slow
@needs_torch
def test_training_example_is_a_pipeline_whose_model_has_its_lineage(folder: Path) -> None:
    home = folder / "home"
    run = mlplat.run(
        folder / TRAINING,
        {"epochs": 4, "stumble": 2},
        timeout_s=PATIENCE_S,
        check=True,
        cache=False,
        home=home,
    )

    task = next(task for task in run.tasks if task.name == "digits")
    assert task.attempt == 2
    logged = EngineClient(home).list_metrics(run.id)
    assert [m.position for m in logged if m.name == "loss"] == [1, 2, 3, 4]
    assert run.metrics["test_accuracy"] > 0.8
    version = mlplat.register("digits", run, home=home)
    assert "digits" in {e.name for e in mlplat.lineage(version, home=home).executions}


@pytest.mark.slow
def test_tuning_example_finds_its_best_in_a_kernel(folder: Path) -> None:
    notebook = run_in_a_kernel(folder, TUNING, stages=2, trees=4)

    assert "16 of 16" in text_of(notebook, "tune")
    assert "on new rows" in text_of(notebook, "judge")


@pytest.mark.slow
def test_tuning_example_is_a_pipeline_whose_best_model_can_be_registered(folder: Path) -> None:
    home = folder / "home"
    run = mlplat.run(
        folder / TUNING,
        {"stages": 2, "trees": 4},
        timeout_s=PATIENCE_S,
        check=True,
        cache=False,
        home=home,
    )

    assert run.metrics["test_auc"] > 0.9
    assert mlplat.register("tumour-tuned", run, home=home).version == 1


SCRIPT = """
import jupyter_mlplat as mlplat

base = 2.0

def objective(x, kind):
    return (x - base) ** 2 + (kind != "a")

def train(epochs):
    for epoch in range(epochs):
        mlplat.train.report(step=epoch, metrics={"loss": 1 / (epoch + 1)})

job = mlplat.tune(objective, {"x": "uniform(0,4)", "kind": ["a", "b"]}, minimize="loss", trials=5,
                  parallel=2, seed=3, check=True)
assert job.best_value == min(trial.value for trial in job.trials)
again = job.rerun_best()
assert again.state == "SUCCEEDED", again
job = mlplat.train_job(train, {"epochs": 2}, processes=2, runtime="plain", check=True)
assert (len(job.ranks), job.metrics) == (2, {"loss": 0.5})
assert mlplat.train_job(["python", "-c", "print('hello')"], check=True).logs() == "hello\\n"
assert len(mlplat.jobs()) == 4
"""


def test_functions_and_commands_of_a_script_are_jobs(folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    home = tmp_path / "home"

    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "MLPLAT_HOME": str(home)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    EngineClient(home, start=False).stop_engine()

    assert done.returncode == 0, done.stderr


def test_what_has_no_place_for_a_job_refuses_it(folder: Path) -> None:
    home = folder / "home"

    with pytest.raises(mlplat.PlatformError, match="'tumour-search' is a tuning job, which KFP"):
        mlplat.compile(folder / TUNING, home=home).to_kfp()
    assert [p.code for p in mlplat.verify(folder / TUNING, home=home).refused] == ["tuning-job"]


def test_examples_have_no_outputs_and_are_offered() -> None:
    offered = (EXAMPLES.parent / "pyproject.toml").read_text()
    for name in (TRAINING, TUNING):
        cells = json.loads((EXAMPLES / name).read_text())["cells"]
        assert not any(cell.get("outputs") for cell in cells)
        assert f'"examples/{name}"' in offered
