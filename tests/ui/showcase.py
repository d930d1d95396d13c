"""A state directory as a small team leaves it: everything the panel can show is in it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from benchmarks.panel.history import fill
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.errors import PlatformError
from tests.ui.conftest import Lab

TUMOURS = "01-tumours.ipynb"
DIGITS = "digits.ipynb"
NIGHTLY = "nightly.ipynb"
TRIAGE = "triage.ipynb"
BROKEN = "broken.ipynb"
REPORT = "churn-report.yaml"
OLD_RUNS = 1000
RUN_S = 240.0
DEGRADED_S = 90.0

CELLS: dict[str, dict[str, str]] = {
    DIGITS: {
        "parameters": "epochs = 40  # passes over the digits\nrate = 0.002\nseed = 1",
        "load": (
            "import pandas as pd\nfrom sklearn.datasets import load_digits\n"
            "pixels, digit = load_digits(return_X_y=True, as_frame=True)\n"
            "pixels = pixels / 16\npixels.head()"
        ),
        "split": (
            "from sklearn.model_selection import train_test_split\n"
            "seen, unseen, known, asked = train_test_split(pixels, digit, random_state=seed)"
        ),
        "train": (
            "import logging, warnings\nimport jupyter_mlplat as mlplat\n"
            "from sklearn.linear_model import SGDClassifier\n"
            "from sklearn.metrics import log_loss\n"
            "logging.basicConfig(format='%(asctime)s %(levelname)s %(name)s: %(message)s')\n"
            "log = logging.getLogger('digits'); log.setLevel(logging.INFO)\n"
            "model = SGDClassifier(loss='log_loss', learning_rate='constant', eta0=rate)\n"
            "for epoch in range(epochs):\n"
            "    model.partial_fit(seen, known, classes=range(10))\n"
            "    loss = log_loss(asked, model.predict_proba(unseen))\n"
            "    accuracy = model.score(unseen, asked)\n"
            "    mlplat.log_metric('loss', loss, step=epoch)\n"
            "    mlplat.log_metric('accuracy', accuracy, step=epoch)\n"
            "    print(f'epoch {epoch:3}  loss \\x1b[36m{loss:.4f}\\x1b[0m  '\n"
            "          f'accuracy \\x1b[32m{accuracy:.3f}\\x1b[0m')\n"
            "    if epoch % 10 == 9: log.info('kept the weights of epoch %s', epoch)\n"
            "    if epoch == 12: warnings.warn('loss went up twice in a row')\n"
        ),
        "keep": "mlplat.log_model(model, 'digits', input_example=unseen.head(2))\naccuracy",
    },
    NIGHTLY: {
        "fetch": "orders = list(range(2000))",
        "clean": "orders = [one for one in orders if one % 7]",
        "score": (
            "import time\nfrom pathlib import Path\n"
            "while not Path('go-on').exists():\n"
            "    print('waiting for the price list', flush=True); time.sleep(2)\n"
            "total = sum(orders)"
        ),
        "report": "print(total)",
    },
    TRIAGE: {
        "rules": (
            "from pathlib import Path\nimport jupyter_mlplat as mlplat\n"
            "class Triage:\n"
            "    needs = None\n"
            "    def predict(self, rows):\n"
            "        return ['urgent' if sum(row) > 2 else 'routine' for row in rows]\n"
            "    def __setstate__(self, state):\n"
            "        if state['needs']: Path(state['needs']).read_text()\n"
            "    def __getstate__(self):\n"
            "        return {'needs': self.needs}\n"
            "triage, table = Triage(), Triage()\n"
            "table.needs = str(Path('thresholds.json').resolve())"
        ),
        "keep": (
            "mlplat.log_model(triage, 'triage', input_example=[[1.0, 0.5]])\n"
            "mlplat.log_model(table, 'triage-table', input_example=[[1.0, 0.5]])"
        ),
    },
    BROKEN: {
        "load": "import pandas as pd\nfrom random import random\nsales = pd.DataFrame()",
        "guess": "exec(open('guess.py').read())\nnoise = random()",
        "train": "model = fit(slaes, noise)",
        "report": "print(model.summary(\n",
    },
}

EVALUATE = """
import math
from kfp import dsl
from kfp.dsl import *

def metr(
    m: Output[Metrics], c: Output[dsl.ClassificationMetrics], h: Output[dsl.HTML],
    md: Output[dsl.Markdown],
):
    m.log_metric("accuracy", 0.912)
    m.log_metric("auc", 0.957)
    seen = [[812, 34, 9], [41, 265, 17], [6, 12, 60]]
    c.log_confusion_matrix(["stays", "leaves", "unsure"], seen)
    shares = [index / 20 for index in range(21)]
    c.log_roc_curve(shares, [math.sqrt(1 - (1 - x) ** 2) for x in shares], shares[::-1])
    with open(h.path, "w") as page:
        page.write("<h2>Churn, November</h2><p>1,256 customers, <b>23 %</b> of them leave.</p>")
    with open(md.path, "w") as page:
        page.write("# What to do\\n\\n1. Call the *unsure*.\\n2. Ask again in `January`.\\n")
"""
"""A component that makes every kind of report that KFP knows."""


TRAIN = """
import math, os, random, time
import jupyter_mlplat as mlplat
rank = int(os.environ.get("RANK", 0))
random.seed(rate)
print(f"rank {rank}: 1,257 digits to learn from")
for step in range(steps):
    if pace: time.sleep(pace)
    loss = 2.3 * math.exp(-step * rate) + 0.16 + random.gauss(0, 0.03)
    accuracy = min(0.99, 1 - 0.9 * math.exp(-1.2 * step * rate) + random.gauss(0, 0.008))
    mlplat.train.report(
        step=step, metrics={"loss": max(0.05, loss), "accuracy": accuracy},
        progress=(step + 1) / steps, message=f"epoch {step // 10 + 1} of {steps // 10}",
    )
    if step % 10 == 9:
        print(f"rank {rank}: epoch {step // 10 + 1:3}  loss {loss:.4f}", flush=True)
    if step % 50 == 49 and rank == 0:
        (mlplat.train.checkpoint_dir() / f"step-{step + 1}.pt").write_bytes(bytes(180_000))
    if step == broken and rank == 1:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied (64x784 and 512x10)")
"""
TRIAL = """
import math, random
import jupyter_mlplat as mlplat
from sklearn.dummy import DummyClassifier
random.seed(repr((rate, depth, optimizer)))
best = 0.96 - 0.05 * abs(math.log10(rate) + 2.6) - 0.006 * abs(depth - 7)
best -= 0.02 * (optimizer == "sgd") + 0.05 * abs(dropout - 0.2) + random.gauss(0, 0.006)
if rate > 0.08: raise FloatingPointError("the loss is not finite any more")
for epoch in range(12):
    mlplat.train.report(step=epoch, metrics={"auc": best * (1 - math.exp(-(epoch + 1) / 3))})
mlplat.log_model(DummyClassifier().fit([[0.0], [1.0]], [0, 1]), "digits", input_example=[[0.0]])
"""
SPACE = [
    {
        **{"name": "rate", "type": "double", "minimum": 1e-5, "maximum": 0.1},
        "distribution": "log-uniform",
    },
    {"name": "depth", "type": "int", "minimum": 2, "maximum": 12},
    {"name": "optimizer", "type": "categorical", "values": ["adam", "sgd", "rmsprop"]},
    {"name": "dropout", "type": "double", "minimum": 0.0, "maximum": 0.5},
]
TRIALS = 60


@dataclass(frozen=True)
class Showcase:
    """What there is to be shown, by the names that scenes use."""

    client: EngineClient
    folder: Path
    good: str
    best: str
    failed: str
    digits: tuple[str, ...]
    running: str
    notebook: str
    kfp: str
    trained: str
    broken_training: str
    training: str
    tuned: str


def fill_showcase(lab: Lab) -> Showcase:
    """Make runs good, bad and going on, models with versions and aliases, endpoints in every state.

    The history is written before the engine starts for the first time.
    """
    home = Path(lab.environment["MLPLAT_HOME"])
    fill(home, OLD_RUNS)
    for name, cells in CELLS.items():
        write_notebook(lab.folder / name, cells)
    client = EngineClient(home)
    tumours = lab.folder / TUMOURS

    digits = tuple(
        run(client, lab.folder / DIGITS, experiment="digits", parameters={"rate": rate})
        for rate in (0.0005, 0.002, 0.01)
    )
    triage = run(client, lab.folder / TRIAGE)
    failed = run(client, tumours, notebook=broken(tumours), experiment="tumours")
    made = [
        run(client, tumours, experiment="tumours", parameters=parameters, tags=tags)
        for parameters, tags in (
            ({"trees": 20}, {"stage": "draft"}),
            ({"trees": 300, "seed": 3}, {"stage": "review"}),
            ({"trees": 300, "seed": 3, "test_share": 0.35}, {"stage": "prod", "owner": "mira"}),
            ({}, {}),
        )
    ]
    client.edit_run(made[2], note="Best so far; a third kept for the test.")
    client.edit_run(failed, note="Forgot that trees may be 0.")
    register(client, made, digits, triage)
    deploy(client, lab.folder)
    write_report_pipeline(lab.folder / REPORT)
    report = run(client, lab.folder / REPORT, experiment="churn")
    plan(client, lab.folder)
    going_on = client.submit(lab.folder / NIGHTLY, experiment="nightly")
    return Showcase(
        *(client, lab.folder, made[3], made[2], failed, digits, going_on.id, str(tumours)),
        *(report, *begin_jobs(client)),
    )


def begin_jobs(client: EngineClient) -> tuple[str, str, str, str]:
    """Train well, badly and still, and tune; return the jobs in this order."""

    def train(rate: float, steps: int, pace: float, broken: int, processes: int) -> str:
        given = f"rate, steps, pace, broken = {rate}, {steps}, {pace}, {broken}"
        job = client.train(
            {
                "name": "digits",
                "title": f"digits at {rate}",
                "experiment": "digits",
                "payload": {"cell": given + TRAIN},
                "train": {"runtime": "plain", "processes": processes},
                "cpu": 1,  # another run goes on
            }
        )
        return job.id

    trained = [train(rate, 300, 0.002, -1, 2) for rate in (0.012, 0.02)]
    failed = train(0.03, 300, 0.002, 120, 4)
    tuned = client.tune(
        {
            "name": "digits",
            "title": "digits: which settings",
            "experiment": "digits",
            "payload": {"cell": TRIAL},
            "tune": {
                "objective": {"metric": "auc", "direction": "maximize"},
                "space": SPACE,
                "trials": TRIALS,
                "parallel": 4,
                "failures": TRIALS,
                "algorithm": {"name": "tpe", "settings": {"random_state": 7}},
            },
        }
    )
    for job in (*trained, failed, tuned.id):
        client.wait_for_run(job, RUN_S)
    return trained[1], failed, train(0.01, 600, 0.6, -1, 2), tuned.id


def run(client: EngineClient, path: Path, **request: Any) -> str:
    """Run a notebook to its end; return the run's id."""
    return client.wait_for_run(client.submit(path, **request).id, RUN_S).id


def write_report_pipeline(path: Path) -> None:
    """Write a KFP pipeline whose first task makes every kind of report."""
    here = Path(__file__).parents[1] / "integration" / "engine" / "kfp" / "metrics.yaml"
    document = yaml.safe_load(here.read_text("utf-8").replace("acc\\", "accuracy\\"))
    document["pipelineInfo"]["name"] = "churn-report"
    tasks = document["root"]["dag"]["tasks"]
    tasks["metr"]["taskInfo"]["name"], tasks["rmetr"]["taskInfo"]["name"] = "evaluate", "read"
    document["deploymentSpec"]["executors"]["exec-metr"]["container"]["command"][-1] = EVALUATE
    path.write_text(yaml.safe_dump(document))


def plan(client: EngineClient, folder: Path) -> None:
    """Make schedules of every kind: one with a history, one that waits, one that is paused."""
    digits = {"path": str(folder / DIGITS), "experiment": "digits"}
    cron = {"kind": "cron", "expression": "30 6 * * 1-5", "time_zone": "Europe/Berlin"}
    whole = {**digits, "whole": True, "parameters": {"epochs": 3}}
    client.create_schedule(
        {"name": "digits-weekdays", "note": "Before the stand-up.", "work": whole, "trigger": cron}
    )
    retrain = {"path": str(folder / TUMOURS), "parameters": {"seed": "{{ now:%j }}"}}
    for name, trigger, paused in (
        ("retrain", {"kind": "model", "model": "tumour"}, False),
        ("hourly", {"kind": "interval", "every_s": 3600}, True),
    ):
        client.create_schedule(
            {"name": name, "work": retrain, "trigger": trigger, "paused": paused}
        )
    gone = {"path": str(folder / BROKEN)}
    nightly = {"kind": "cron", "expression": "0 2 * * *", "time_zone": "UTC"}
    with suppress(PlatformError):
        client.create_schedule({"name": "sales", "work": gone, "trigger": nightly})
    for _ in range(3):
        for firing in client.run_schedule("digits-weekdays"):
            if firing.run_id is not None:
                client.wait_for_run(firing.run_id, RUN_S)


def broken(path: Path) -> dict[str, Any]:
    """Read a notebook, with a fault in it that shows when it runs."""
    content: dict[str, Any] = json.loads(path.read_text())
    for cell in content["cells"]:
        if cell["id"] == "forest":
            cell["source"] = "".join(cell["source"]).replace("=trees,", "=trees // 0,")
    return content


def register(
    client: EngineClient, tumours: list[str], digits: tuple[str, ...], triage: str
) -> None:
    for run_id, words in zip(
        tumours,
        ("A small forest.", "A large forest.", "Judged on a third.", "A hundred trees."),
        strict=True,
    ):
        client.register_model("tumour", run_id=run_id, description=words)
    client.describe_model(
        "tumour", "Is a tumour benign? From 30 measurements of a biopsy. Ask Mira before it moves."
    )
    client.set_alias("tumour", "champion", 3)
    client.set_alias("tumour", "challenger", 4)
    client.set_alias("tumour", "staging", 4)
    for run_id in digits:
        client.register_model("digits", run_id=run_id)
    client.set_alias("digits", "champion", 2)
    for _ in range(2):
        client.register_model("triage", run_id=triage, logged_as="triage")
    client.register_model("triage", run_id=triage, logged_as="triage-table")


def deploy(client: EngineClient, folder: Path) -> None:
    client.deploy("tumour/3")
    client.deploy("tumour/4", traffic=20)
    client.deploy("digits@champion")
    client.deploy("digits/1", name="digits-old")
    client.stop_endpoint("digits-old")
    with suppress(PlatformError):  # its file is not there
        client.deploy("triage/3", name="triage-batch", trust_pickle=True)
    table = folder / "thresholds.json"
    table.write_text("{}")
    client.deploy("triage/1", trust_pickle=True)
    client.deploy("triage/3", traffic=30, trust_pickle=True)
    table.unlink()
    end_revision(client, "triage", 2)


def end_revision(client: EngineClient, endpoint: str, revision: int) -> None:
    """End a revision's server, whose model cannot be loaded again: the endpoint is degraded."""
    config = f"{endpoint}/revisions/{revision}/server.json"
    for process in psutil.process_iter(["cmdline"]):
        if any(part.endswith(config) for part in process.info["cmdline"] or ()):
            process.kill()
    deadline = time.monotonic() + DEGRADED_S
    while client.get_endpoint(endpoint).state != "DEGRADED" and time.monotonic() < deadline:
        time.sleep(0.5)


@contextmanager
def traffic(client: EngineClient) -> Iterator[None]:
    """Ask the endpoints all the while, as their users do."""
    is_over = threading.Event()
    row = [float(number % 5) for number in range(30)]

    def ask() -> None:
        while not is_over.wait(0.15):
            with suppress(PlatformError):
                client.predict("tumour", [row])
            with suppress(PlatformError):
                client.predict("triage", [[1.0, 2.0]])

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def write_notebook(path: Path, cells: dict[str, str]) -> None:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel},
        "cells": [
            {
                "cell_type": "code",
                "id": cell,
                "metadata": {"tags": [cell]}
                if cell == "parameters"
                else {"mlplat": {"step": cell}},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for cell, source in cells.items()
        ],
    }
    path.write_text(json.dumps(content))
