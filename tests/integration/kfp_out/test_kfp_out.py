"""A notebook compiled to KFP YAML runs under `kfp.local` as it does under our engine."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers import PeerUnavailable, peer_python
from jupyter_mlplat.client.api import compile
from jupyter_mlplat.client.runs import Run
from jupyter_mlplat.errors import InvalidInput
from tests.integration.engine.conftest import EngineProcess, notebook_of, short_dir
from tests.notebooks.cases import read_cases

__all__ = ["short_dir"]
EXAMPLES = Path(__file__).parents[3] / "examples"
PACKAGES = ("ipython", "cloudpickle", "numpy", "pandas", "scikit-learn", "skops", "matplotlib")
RUN_S = 280

pytestmark = [pytest.mark.slow, pytest.mark.timeout(RUN_S + 120)]


@pytest.fixture(scope="session")
def kfp_python() -> Path:
    """An interpreter with the newest kfp, and what the notebooks import."""
    try:
        pins = (f"{name}=={version(name)}" for name in PACKAGES)
        return peer_python("kfp-notebooks", "kfp>=2.17,<3", "pip", *pins, is_timed=False)
    except PeerUnavailable as reason:
        pytest.skip(f"kfp cannot be installed here: {reason}")


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineProcess]:
    root = Path(tempfile.mkdtemp(prefix="mlk-"))  # short enough for a socket's path
    engine = EngineProcess(root / "home").start()
    yield engine
    engine.stop()
    shutil.rmtree(root, ignore_errors=True)


@dataclass(frozen=True)
class Upstream:
    """What kfp.local made of a pipeline: the steps' folders, and all that was printed."""

    status: int
    log: str
    folder: Path = field(default=Path())

    def artifact(self, step: str, name: str) -> Path:
        return self.folder / step / name

    def saved(self, step: str) -> dict[str, str]:
        """Return what a step has saved: digests by name."""
        folder = self.artifact(step, "saved")
        if not folder.exists():
            return {}
        bundle = json.loads((folder / "saved.json").read_text())["bundle"]
        manifest = json.loads((folder / bundle[7:]).read_text()) if bundle else {"names": {}}
        return {name: entry["digest"] for name, entry in manifest["names"].items()}

    def shown(self, step: str) -> list[Any]:
        notebook = json.loads(self.artifact(step, "notebook").read_text())
        return [cell["outputs"] for cell in notebook["cells"]]

    def metadata(self, step: str, name: str) -> dict[str, Any]:
        output = json.loads(self.artifact(step, "executor_output.json").read_text())
        metadata: dict[str, Any] = output["artifacts"][name]["artifacts"][0]["metadata"]
        return metadata


@dataclass(frozen=True)
class Bench:
    """Runs a notebook both ways."""

    engine: EngineProcess
    python: Path
    folder: Path

    def write(self, *cells: Any, files: Mapping[str, str] | None = None) -> Path:
        for name, content in (files or {}).items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(content)
        path = self.folder / "book.ipynb"
        path.write_text(json.dumps(notebook_of(cells)))
        return path

    def ours(self, path: Path, split: str = "auto", **parameters: Any) -> Run:
        submitted = self.engine.client.submit(path, parameters=parameters, split=split, cache=False)
        return Run(self.engine.client, submitted).wait()

    def upstream(self, path: Path, split: str = "auto", **parameters: Any) -> Upstream:
        target = self.folder / "pipeline.yaml"
        compile(path, split=split, home=self.engine.home.root).to_kfp(target)
        return self.run(target, **parameters)

    def run(self, target: Path, **parameters: Any) -> Upstream:
        root = self.folder / "kfp"
        script = Path(__file__).with_name("upstream.py")
        done = subprocess.run(
            [self.python, script, target, root, json.dumps(parameters)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_S,
            cwd=self.folder,
        )
        runs = [path for path in root.glob("*") if path.is_dir()]
        return Upstream(done.returncode, done.stdout, runs[0] if runs else root)

    def assert_equal(self, path: Path, split: str = "auto", **parameters: Any) -> Upstream:
        """Run both ways; what was saved and shown has to be the same."""
        theirs = self.upstream(path, split, **parameters)
        assert theirs.status == 0, theirs.log[-4000:]
        run = self.ours(path, split, **parameters)
        assert run.state == "SUCCEEDED", run.failure
        ours: dict[str, dict[str, str]] = {task.name: {} for task in run.tasks}
        for output in self.engine.client.list_outputs(run.id):
            if not output.name.startswith("@"):
                ours[output.step][output.name] = output.digest
        assert {name: theirs.saved(name) for name in ours} == ours
        for name in ours:
            assert theirs.shown(name) == [c["outputs"] for c in run.notebook(name)["cells"]]
        return theirs


@pytest.fixture
def bench(engine: EngineProcess, kfp_python: Path, tmp_path: Path) -> Bench:
    return Bench(engine, kfp_python, tmp_path)


def test_the_first_pipeline_gives_what_it_gives_here(bench: Bench, tmp_path: Path) -> None:
    book = shutil.copy(EXAMPLES / "00-first-pipeline.ipynb", tmp_path)

    found = bench.assert_equal(Path(book), beans=120)

    assert set(found.metadata("judge", "metrics")) == {"surprise"}
    assert "<h1>judge</h1>" in found.artifact("judge", "page").read_text()


def test_the_tumours_give_what_they_give_here(bench: Bench, tmp_path: Path) -> None:
    book = shutil.copy(EXAMPLES / "01-tumours.ipynb", tmp_path)

    found = bench.upstream(Path(book), trees=20)
    run = bench.ours(Path(book), trees=20)

    assert found.status == 0, found.log[-4000:]
    assert found.metadata("choose", "metrics") == run.metrics
    logged = run.models()[0]
    assert found.metadata("choose", "model_tumour")["name"] == logged.name == "tumour"
    folder = found.artifact("choose", "model_tumour")
    assert {path.name for path in folder.iterdir()} == {"model.json", "model.skops"}
    for step in ("load", "clean", "split"):
        assert found.shown(step) == [c["outputs"] for c in run.notebook(step)["cells"]]


EVERYTHING = (
    (
        "rate: float = 2  # text of help\nwords = ['a', 'b']\nshares = [1.0, 2.0]\n"
        "limits = {'low': 1, 'high': 2.5}\nmodel_name = None\nis_on = True",
        {"tags": ["parameters"]},
    ),
    (
        "import os, random\nfrom shapes import Square\nrandom.seed(3)\n"
        "class Node:\n    def __init__(self, name):\n        self.name, self.next = name, None\n"
        "a, b = Node('a'), Node('b')\na.next, b.next = b, a\nsquare = Square(rate)\n"
        "os.environ['COLOUR'] = 'blue'\nprint(words, shares, limits, model_name, is_on, rate)",
        {"step": "make"},
    ),
    (
        "import random, os\na.name = 'A'\nr = random.random()\n"
        "os.makedirs('sub', exist_ok=True)\nopen('sub/out.txt', 'w').write('written')\n"
        "print(square.area(), os.environ['COLOUR'], '{{$.inputs}} $(date) {{x}}')",
        {"step": "change", "retries": 2, "cpu": 0.5, "memory": "1G", "timeout": 120},
    ),
    (
        "import random, os, numpy as np\nprint(b.next.name, a.next.next is a, random.random())\n"
        "print(open('sub/out.txt').read())\nrows = np.arange(50_000).reshape(-1, 5)\n"
        "view = rows[1:]\nview[0, 0] = -1\nrows.sum()",
        {"step": "use"},
    ),
)
SHAPES = "class Square:\n    def __init__(self, side):\n        self.side = side\n"
SHAPES += "    def area(self):\n        return self.side ** 2\n"


def test_shared_objects_channels_modules_files_and_parameters_travel(bench: Bench) -> None:
    book = bench.write(*EVERYTHING, files={"shapes.py": SHAPES})

    found = bench.assert_equal(book)

    assert "['a', 'b'] [1.0, 2.0] {'low': 1, 'high': 2.5} None True 2\n" in found.log


def test_parameters_given_at_run_time_keep_their_types(bench: Bench) -> None:
    book = bench.write(
        EVERYTHING[0], "print(rate, words, shares, limits, model_name, is_on, [rate])"
    )

    found = bench.upstream(
        book, rate=3.0, words=["c", 1], shares=[4, 5.5], limits={"low": 7}, model_name="[1, 2]"
    )

    assert "3.0 ['c', 1] [4.0, 5.5] {'low': 7} [1, 2] True [3.0]" in found.log


WALK = (
    (
        "import os, sys\nos.makedirs('deep/er')\nos.chdir('deep')\nsys.path.append(os.getcwd())\n"
        "open('made.py', 'w').write('v = 5')\nx = 1",
        {"step": "go"},
    ),
    (
        "import os\nprint(os.path.basename(os.getcwd()), sorted(os.listdir('.')), x)\n"
        "os.remove('made.py')\ny = x + 1",
        {"step": "look"},
    ),
    ("import os\nprint(sorted(os.listdir('.')), y)", {"step": "look-again"}),
)


def test_the_working_directory_travels_with_what_was_made_and_removed_in_it(bench: Bench) -> None:
    found = bench.assert_equal(bench.write(*WALK))

    assert "deep ['er', 'made.py'] 1\n" in found.log
    assert "['er'] 2\n" in found.log


CASES = (
    "container shares an element",
    "list kept by an object",
)


@pytest.mark.parametrize("name", CASES)
def test_small_notebooks_give_what_they_give_here(bench: Bench, name: str) -> None:
    case = next(case for case in read_cases() if case.name == name)
    book = bench.write(*case.cells, files=case.files)

    bench.assert_equal(book, "cell")


def test_a_cell_that_fails_fails_its_task_with_its_traceback(bench: Bench) -> None:
    book = bench.write(
        ("x = {}\nprint('so far', flush=True)", {"step": "make"}),
        ("y = 1\nx['colour']", {"step": "fail"}),
    )

    found = bench.upstream(book)

    assert found.status != 0
    assert "so far" in found.log
    assert "----> 2 x['colour']" in found.log
    assert "Step 'fail' failed: cell 2, line 2: KeyError: 'colour'" in found.log
    assert "KeyError" in found.artifact("fail", "page").read_text()


def test_a_step_of_another_language_is_refused_by_name(bench: Bench) -> None:
    book = bench.write(("x = 1", {"step": "in-r", "kernel": "ir"}))

    with pytest.raises(InvalidInput, match=r"'in-r'.*'ir'"):
        bench.upstream(book)


def test_the_yaml_gives_here_what_the_notebook_gives(bench: Bench, tmp_path: Path) -> None:
    book = Path(shutil.copy(EXAMPLES / "00-first-pipeline.ipynb", tmp_path))
    target = tmp_path / "pipeline.yaml"
    compile(book, home=bench.engine.home.root).to_kfp(target)

    document = bench.ours(target, beans=60)
    notebook = bench.ours(book, beans=60)

    assert document.state == notebook.state == "SUCCEEDED", document.failure
    assert document.metrics == notebook.metrics
    for task in document.tasks:
        assert task.results is not None
        (artifact,) = task.results.artifacts["notebook"]
        content = json.loads(bench.engine.client.read_artifact(artifact.artifact_id or ""))
        shown = [cell["outputs"] for cell in content["cells"]]
        assert shown == [cell["outputs"] for cell in notebook.notebook(task.name)["cells"]]
