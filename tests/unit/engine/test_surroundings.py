"""What the engine finds out about folders, interpreters and machines."""

import json
import os
import sys
from pathlib import Path

import pytest

from jupyter_mlplat.engine.environments import Environments
from jupyter_mlplat.engine.git import _without_password
from jupyter_mlplat.engine.interpreters import Interpreter, Interpreters
from jupyter_mlplat.engine.inventory import read_inventory
from jupyter_mlplat.engine.notebooks import Notebooks, read_modules
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.pipeline import Pipeline, Step, StepSettings
from jupyter_mlplat.services.pipelines.devices import Device


def test_only_modules_that_can_be_meant_are_read(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text("import deeper\n")
    (tmp_path / "deeper.py").write_text("x = 1\n")
    (tmp_path / "stranger.py").write_text("y = 1\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "part.py").write_text("z = 1\n")

    found = read_modules(tmp_path, "from helpers import f; import package.part")

    assert set(found) == {"helpers.py", "deeper.py", "package/__init__.py", "package/part.py"}


def test_a_notebook_is_compiled_again_only_when_something_changed(tmp_path: Path) -> None:
    path = tmp_path / "book.ipynb"
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "import helpers\nx = 1"}
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": [cell]}))
    (tmp_path / "helpers.py").write_text("a = 1\n")
    notebooks = Notebooks()

    first = notebooks.compile(str(path), None, "auto")
    second = notebooks.compile(str(path), None, "auto")
    (tmp_path / "helpers.py").write_text("a = 2\n")
    third = notebooks.compile(str(path), None, "auto")

    assert second is first
    assert third is not first


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(InvalidInput, match="needs an absolute path"):
        Notebooks().compile("book.ipynb", None, "auto")


def _environment(root: Path, *names: str) -> Path:
    folder = root / "site-packages"
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).mkdir()
    return folder


def test_the_environment_of_this_interpreter_names_versions_by_module() -> None:
    environment = Environments().get(sys.executable)

    assert environment.version == sys.version.split()[0]
    assert environment.versions_of(["sklearn", "nowhere"])["nowhere"] == "none"
    assert environment.versions_of(["sklearn"])["sklearn"].split(".")[0] == "1"
    assert environment.lock.startswith(f"# Python {environment.version}\n")


def test_an_installed_package_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _environment(tmp_path, "one-1.0.dist-info")
    monkeypatch.setattr(sys, "path", [str(folder)])
    environments = Environments()
    before = environments.get(sys.executable)

    (folder / "two-2.0.dist-info").mkdir()
    os.utime(folder, ns=(1, 1))
    after = environments.get(sys.executable)

    assert before.distributions == {"one": "1.0"}
    assert after.distributions == {"one": "1.0", "two": "2.0"}
    assert before.lock_digest != after.lock_digest


def test_an_interpreter_that_does_not_run_is_named() -> None:
    with pytest.raises(InvalidInput, match="Cannot use the interpreter '/nowhere/python'"):
        Environments().get("/nowhere/python")


def _resolve(own: str, language: str = "python", **settings: str) -> Interpreter:
    step = Step(name="s", title="S", cells=(), settings=StepSettings(**settings))
    pipeline = Pipeline(
        name="p",
        digest="sha256:" + "0" * 64,
        steps=(step,),
        edges=(),
        kernel=own,
        language=language,
    )
    return Interpreters().of_step(step, pipeline)


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    for name, spec in {
        "other": {"language": "python", "argv": ["/bin/sh", "-m", "ipykernel_launcher"]},
        "ir": {"language": "R", "argv": ["R"]},
        "broken": [],
    }.items():
        (tmp_path / "kernels" / name).mkdir(parents=True)
        (tmp_path / "kernels" / name / "kernel.json").write_text(json.dumps(spec))
    return tmp_path


def test_a_step_runs_where_its_settings_or_its_notebook_say(kernels: Path) -> None:
    assert _resolve("other") == Interpreter("/bin/sh")
    assert _resolve("conda-env-of-somebody-else") == Interpreter(sys.executable)
    assert _resolve("other", python="/opt/python") == Interpreter("/opt/python")
    assert _resolve("python3", kernel="ir") == Interpreter(sys.executable, "ir")
    assert _resolve("ir", language="R") == Interpreter(sys.executable, "ir")


def test_a_kernel_that_is_not_installed_is_named_with_those_that_are(kernels: Path) -> None:
    with pytest.raises(InvalidInput, match=r"'julia' is not installed\. There are: ir, other"):
        _resolve("python3", kernel="julia")
    with pytest.raises(InvalidInput, match=r"written in julia for the kernel 'julia-1\.9'"):
        _resolve("julia-1.9", language="julia")


def test_settings_overrule_what_the_machine_has() -> None:
    inventory = read_inventory(3.5, 2**30, 2)

    assert (inventory.cpu, inventory.memory_bytes) == (3.5, 2**30)
    assert inventory.gpus == (Device(0), Device(1))
    assert read_inventory(None, None, None).cpu > 0


@pytest.mark.parametrize(
    ("remote", "shown"),
    [
        ("https://user:secret@example.org/a/b.git", "https://example.org/a/b.git"),
        ("https://example.org/a@b.git", "https://example.org/a@b.git"),
        ("git@example.org:a/b.git", "git@example.org:a/b.git"),
    ],
)
def test_a_password_in_a_remote_is_never_written_down(remote: str, shown: str) -> None:
    assert _without_password(remote) == shown
