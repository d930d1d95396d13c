"""What is written is what `kfp` writes for a component, and is the same every time."""

import ast
import base64
import io
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mlplat.compiler import FolderView, compile_notebook
from jupyter_mlplat.engine.environments import Environments
from jupyter_mlplat.engine.exporting import Exporter
from jupyter_mlplat.engine.interpreters import Interpreters
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kfp.document import load
from jupyter_mlplat.formats.kfp.sources import identifier, literal
from jupyter_mlplat.resources.exporting import ExportedPipeline, ExportRequest
from jupyter_mlplat.resources.pipeline import Pipeline
from jupyter_mlplat.runtime.portable import page, parameter_value
from tests.integration.engine.conftest import notebook_of

Written = tuple[ExportedPipeline, dict[str, Any], dict[str, Any]]


def compiled(*cells: Any, **more: Any) -> Pipeline:
    return compile_notebook(notebook_of(cells), name="my.book_1", **more)


def exported(*cells: Any, **options: Any) -> Written:
    """Return what was written, the pipeline and the platform document."""
    exporter = Exporter(Environments(), Interpreters())
    found = exporter.export(ExportRequest(pipeline=compiled(*cells), **options))
    load(found.text)  # valid as our own reader has it
    spec, *platform = yaml.safe_load_all(found.text)
    return found, spec, platform[0] if platform else {}


def source_of(spec: dict[str, Any], task: str) -> str:
    command = spec["deploymentSpec"]["executors"][f"exec-{task}"]["container"]["command"]
    return str(command[-1])


def step_of(spec: dict[str, Any], task: str) -> dict[str, Any]:
    """Return the step that a component carries."""
    (found,) = (
        node
        for node in ast.parse(source_of(spec, task)).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "STEP"
    )
    value: dict[str, Any] = ast.literal_eval(found.value)
    return value


def test_settings_carry_over() -> None:
    settings = {
        "step": "train",
        "retries": 3,
        "backoff_s": 0.5,
        "cpu": 4,
        "memory": "2GB",
        "gpu": 1,
        "timeout": 89.5,
        "cache": False,
        "env": {"COLOUR": "blue"},
    }
    _, spec, platform = exported(("x = 1", {"step": "load"}), ("y = x", settings))

    task = spec["root"]["dag"]["tasks"]["train"]
    container = spec["deploymentSpec"]["executors"]["exec-train"]["container"]
    assert task["retryPolicy"] == {
        "maxRetryCount": 3,
        "backoffDuration": "0.5s",
        "backoffFactor": 2.0,
        "backoffMaxDuration": "300s",
    }
    assert task["cachingOptions"] == {}
    assert spec["root"]["dag"]["tasks"]["load"]["cachingOptions"] == {"enableCache": True}
    assert task["dependentTasks"] == ["load"]
    assert task["inputs"]["artifacts"]["from_load"] == {
        "taskOutputArtifact": {"producerTask": "load", "outputArtifactKey": "saved"}
    }
    assert container["env"] == [{"name": "COLOUR", "value": "blue"}]
    assert container["resources"] == {
        "cpuLimit": 4.0,
        "resourceCpuLimit": "4",
        "memoryLimit": 2.0,
        "resourceMemoryLimit": "2000000000",
        "accelerator": {
            "count": "1",
            "resourceCount": "1",
            "type": "nvidia.com/gpu",
            "resourceType": "nvidia.com/gpu",
        },
    }
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors == {"exec-train": {"activeDeadlineSeconds": "90"}}


def test_parameters_have_types_defaults_and_descriptions() -> None:
    _, spec, _ = exported(
        (
            "n = 3  # how many\nshare: float = 1\nwho = 'a'\non = True\n"
            "names = ['b']\nmore = {'k': 1}\nnothing = None",
            {"tags": ["parameters"]},
        ),
        ("print(n, share, who, on, names, more, nothing)", {"step": "show"}),
    )

    given = spec["root"]["inputDefinitions"]["parameters"]
    assert {
        name: (about["parameterType"], about["defaultValue"]) for name, about in given.items()
    } == {
        "n": ("NUMBER_INTEGER", 3),
        "share": ("NUMBER_DOUBLE", 1),
        "who": ("STRING", "a"),
        "on": ("BOOLEAN", True),
        "names": ("LIST", ["b"]),
        "more": ("STRUCT", {"k": 1}),
        "nothing": ("STRING", "null"),
    }
    assert given["n"]["description"] == "how many"
    inputs = spec["root"]["dag"]["tasks"]["show"]["inputs"]["parameters"]
    assert inputs["who"] == {"componentInputParameter": "who"}


def test_names_are_those_kfp_takes() -> None:
    _, spec, _ = exported(
        ("x = 1", {"step": "a.b"}), ("y = 1", {"step": "a_b"}), ("z = 1", {"step": "class"})
    )

    assert spec["pipelineInfo"]["name"] == "my-book-1"
    assert sorted(spec["root"]["dag"]["tasks"]) == ["a-b", "a-b-2", "class"]
    assert "def step_class(" in source_of(spec, "class")


def test_equal_pipelines_give_equal_bytes() -> None:
    cells = (("x = {3, 1}\nprint(x)", {"step": "a"}), ("print(x)", {"step": "b"}))

    assert exported(*cells)[0].text == exported(*cells)[0].text


def test_metrics_and_models_have_artifacts_of_their_own() -> None:
    _, spec, _ = exported(
        ("import jupyter_mlplat as mlplat\nm = 1", {"step": "make"}),
        (
            "mlplat.log_metric('a', 1)\nmlplat.log_model(m, 'tu-mour', input_example=(1,))",
            {"step": "log"},
        ),
        ("for n in 'ab':\n    mlplat.log_model(m, n)", {"step": "many"}),
    )

    def kinds(task: str) -> dict[str, str]:
        outputs = spec["components"][f"comp-{task}"]["outputDefinitions"]["artifacts"]
        return {name: about["artifactType"]["schemaTitle"] for name, about in outputs.items()}

    assert "metrics" not in kinds("make")
    assert kinds("log")["metrics"] == "system.Metrics"
    assert kinds("log")["model_tu_mour"] == "system.Model"
    assert "models" not in kinds("log")
    assert kinds("many")["models"] == "system.Artifact"


def test_what_looks_like_a_placeholder_is_none() -> None:
    cell = "print('{{$.inputs}} {{x}} $(date) \\\\ \"quoted\" äöü 😀')\nprint('''a\n\nb''')"
    _, spec, _ = exported((cell, {"step": "show"}))

    source = source_of(spec, "show")
    assert "{{" not in source
    assert "$(" not in source
    assert step_of(spec, "show")["order"]["cells"][0]["source"] == cell


def test_packages_are_those_of_the_notebooks_environment() -> None:
    found, spec, _ = exported(
        ("import numpy as np, json\nprint(np.arange(3))", {"step": "a"}),
        packages=("numpy>=2", "polars[all]==1.2"),
        image="registry.example/science:3",
    )

    names = [line.partition("=")[0] for line in found.requirements]
    assert names == ["cloudpickle", "ipython", "numpy>", "polars[all]"]
    container = spec["deploymentSpec"]["executors"]["exec-a"]["container"]
    assert container["image"] == "registry.example/science:3"
    assert "'numpy>=2' 'polars[all]==1.2'  &&" in container["command"][2]
    assert f"'kfp=={spec['sdkVersion'][4:]}' '--no-deps'" in container["command"][2]


def test_the_image_is_pythons_own_by_default() -> None:
    _, spec, _ = exported(("x = 1", {"step": "a"}))

    version = "{}.{}".format(*sys.version_info[:2])
    assert (
        spec["deploymentSpec"]["executors"]["exec-a"]["container"]["image"] == f"python:{version}"
    )


def test_modules_beside_the_notebook_are_in_the_archive(tmp_path: Path) -> None:
    (tmp_path / "shapes.py").write_text("side = 2\n")
    (tmp_path / "data.csv").write_text("a\n1\n")
    pipeline = compile_notebook(
        notebook_of(
            [("import shapes\nprint(shapes.side, open('data.csv').read())", {"step": "a"})]
        ),
        name="book",
        path=str(tmp_path / "book.ipynb"),
        folder=FolderView({"shapes.py": "side = 2\n"}),
    )

    found = Exporter(Environments(), Interpreters()).export(ExportRequest(pipeline=pipeline))

    source = source_of(yaml.safe_load(found.text), "a")
    packed = base64.b64decode(source.partition("ARCHIVE_B64 = '")[2].partition("'")[0])
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        names = archive.getnames()
        (module,) = (archive.extractfile(n) for n in names if n == "notebook/shapes.py")
        assert module is not None
        assert module.read() == b"side = 2\n"
    assert "jupyter_mlplat_runtime/portable.py" in names
    assert "jupyter_mlplat_runtime/zygote.py" not in names
    assert [(p.code, p.name) for p in found.problems] == [("file-stays", "data.csv")]


def test_unknown_packages_are_told() -> None:
    found, *_ = exported(("import nowhere_to_be_found\nprint(nowhere_to_be_found)", {"step": "a"}))

    assert [(p.code, p.name) for p in found.problems] == [
        ("unknown-package", "nowhere_to_be_found")
    ]


def test_another_language_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kernels" / "ir").mkdir(parents=True)
    spec = {"argv": ["R"], "language": "R", "display_name": "R"}
    (tmp_path / "kernels" / "ir" / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))

    with pytest.raises(InvalidInput, match="'in-r' as KFP YAML: it runs in the kernel 'ir'"):
        exported(("x = 1", {"step": "in-r", "kernel": "ir"}))


def test_a_module_too_large_for_one_argument_is_refused(tmp_path: Path) -> None:
    import random

    text = "x = " + repr(random.Random(1).randbytes(60_000)) + "\n"
    (tmp_path / "big.py").write_text(text)
    pipeline = compile_notebook(
        notebook_of([("import big\nprint(big.x)", {"step": "a"})]),
        name="book",
        path=str(tmp_path / "book.ipynb"),
        folder=FolderView({"big.py": text}),
    )

    with pytest.raises(InvalidInput, match="one argument of at most 128 kB"):
        Exporter(Environments(), Interpreters()).export(ExportRequest(pipeline=pipeline))


@pytest.mark.parametrize(
    ("value", "kind", "default", "expected"),
    [
        (3.0, "int", 1, 3),
        (3, "float", 1.0, 3.0),
        (2.0, "float", 2, 2),
        ([1.0, 2.0], "list", [1, 2], [1, 2]),
        ([1.0, 2.0], "list", [1.0, 2.0], [1.0, 2.0]),
        ([4.0, 5.5], "list", [1, 2], [4, 5.5]),
        ([4, 5.5], "list", [1.0], [4.0, 5.5]),
        ({"a": {"b": 2.0}}, "dict", {}, {"a": {"b": 2}}),
        ("null", "none", None, None),
        ("7", "any", None, 7),
        ("seven", "any", None, "seven"),
        (None, "any", None, None),
        (True, "bool", False, True),
        ("x", "str", "y", "x"),
    ],
)
def test_a_parameter_is_what_the_notebook_knows(
    value: Any, kind: str, default: Any, expected: Any
) -> None:
    found = parameter_value(value, {"type": kind, "default": default})

    assert repr(found) == repr(expected)


@pytest.mark.parametrize("name", ["a.b", "1st", "class", "dsl", "STEP", "é"])
def test_identifiers_are_those_of_python(name: str) -> None:
    assert identifier(name).isidentifier()


def test_literals_are_read_back() -> None:
    value = {
        "a": ["x" * 120, {"b": (1, 2.5, None, True)}, "l1\n\nl2", "\n", ""],
        "quotes": "'\"\\ \t\r\x00 {{ {{{ $( \\{{",
    }

    assert ast.literal_eval(literal(value)) == json.loads(json.dumps(value))


def test_the_page_shows_what_was_shown_and_escapes_text() -> None:
    cells = [
        {
            "execution_count": 1,
            "source": "print('<b>')",
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": "<b>\x1b[31mred"},
                {"output_type": "error", "traceback": ["\x1b[1mKeyError<"]},
                {"output_type": "display_data", "data": {"text/html": "<table></table>"}},
                {"output_type": "display_data", "data": {"image/png": "aGk="}},
                {"output_type": "execute_result", "data": {"text/plain": "a < b"}},
            ],
        }
    ]

    text = page({"cells": cells, "metadata": {"mlplat": {"step": "<x>"}}})

    for part in ("&lt;b&gt;red", "KeyError&lt;", "<table></table>", "base64,aGk=", "a &lt; b"):
        assert part in text
    assert "<x>" not in text
