"""What a job takes along from a live kernel."""

import math
import os
import sqlite3
import sys
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_mlplat.client import carrying
from jupyter_mlplat.client.carrying import Cargo, carry_cell, carry_function
from jupyter_mlplat.compiler import compile_notebook
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.pipeline import Pipeline
from jupyter_mlplat.runtime import given
from jupyter_mlplat.runtime.files import Blobs


@dataclass
class Home:
    blobs: Path


@dataclass
class Client:
    """Compiles here; what it carries lies in a folder of the test."""

    home: Home

    def compile_content(self, notebook: Any, path: Any = None, split: str = "auto") -> Pipeline:
        return compile_notebook(notebook, name="cell")


@dataclass
class Kernel:
    """A namespace that cells run in, and where they can be taken along to another."""

    client: Any
    namespace: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})

    def run(self, source: str) -> None:
        exec(source, self.namespace)

    def carry(self, source: str, *given: str) -> Cargo:
        return carry_cell(self.client, source, self.namespace, given)

    def arrive(self, cargo: Cargo) -> dict[str, Any]:
        """Return the namespace that a job would begin with."""
        there: dict[str, Any] = {"__name__": "__main__"}

        def replay() -> None:
            for statement in cargo.prelude:
                exec(statement, there)

        inputs = [{"name": name, "bundle": cargo.bundle} for name in cargo.names]
        given.take(inputs, {}, there, Blobs(str(self.client.home.blobs)), replay)
        return there


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(Client(Home(tmp_path / "blobs")))


def names_of(cargo: Cargo) -> set[str]:
    return {name for name in cargo.names if not name.startswith("@")}


def test_only_what_the_cell_reads_is_carried(kernel: Kernel) -> None:
    kernel.run("x = [1, 2]\ny = 3\nz = 4")

    cargo = kernel.carry("z = 5\nprint(x, z)")

    assert names_of(cargo) == {"x"}
    assert kernel.arrive(cargo)["x"] == [1, 2]


def test_function_brings_the_names_it_reads_and_those_of_the_functions_it_calls(
    kernel: Kernel,
) -> None:
    kernel.run("scale = 10\nunused = 1")
    kernel.run("def inner(a):\n    return a * scale\ndef outer(a):\n    return inner(a) + 1")

    cargo = kernel.carry("result = outer(2)")
    there = kernel.arrive(cargo)
    exec("result = outer(2)", there)

    assert names_of(cargo) == {"inner", "outer", "scale"}
    assert there["result"] == 21


def test_class_brings_what_its_methods_read_and_stays_the_class_of_its_objects(
    kernel: Kernel,
) -> None:
    kernel.run("rate = 0.5\nclass Model:\n    def step(self):\n        return rate")
    kernel.run("model = Model()")

    cargo = kernel.carry("model.step()")
    there = kernel.arrive(cargo)

    assert names_of(cargo) == {"model", "rate"}
    assert there["model"].step() == 0.5


def test_names_that_functions_of_the_cell_read_are_carried_whoever_calls_them(
    kernel: Kernel,
) -> None:
    kernel.run("offset = 3")

    cargo = kernel.carry("rows = list(map(lambda row: row + offset, [1, 2]))")

    assert names_of(cargo) == {"offset"}


def test_modules_are_imported_there_with_their_parts(kernel: Kernel) -> None:
    kernel.run("import numpy as np\nimport xml.dom.minidom\nimport os.path as where")

    cargo = kernel.carry("np.zeros(2), xml.dom.minidom.Document(), where.join('a')")

    assert names_of(cargo) == set()
    assert "import numpy as np" in cargo.prelude
    assert "import posixpath as where" in cargo.prelude
    assert "__import__('xml.dom.minidom')" in cargo.prelude
    assert "numpy" in cargo.preload


def test_values_that_share_an_object_go_on_sharing_it(kernel: Kernel) -> None:
    kernel.run("a = [1]\nb = {'a': a}")

    there = kernel.arrive(kernel.carry("print(a, b)"))

    assert there["b"]["a"] is there["a"]


def test_arrays_arrive_as_they_were(kernel: Kernel) -> None:
    kernel.namespace["table"] = np.arange(300_000.0).reshape(3, -1)

    there = kernel.arrive(kernel.carry("table.sum()"))

    np.testing.assert_array_equal(there["table"], kernel.namespace["table"])


def test_names_that_the_job_binds_itself_are_not_carried(kernel: Kernel) -> None:
    kernel.run("lr = 1\nx = 2")

    assert names_of(kernel.carry("print(lr, x)", "lr", "depth")) == {"x"}


def test_what_cannot_travel_is_refused_by_name_with_the_way_out(kernel: Kernel) -> None:
    kernel.namespace["db"] = sqlite3.connect(":memory:")
    kernel.run("rows = (n for n in range(3))\nx = 1")

    with pytest.raises(InvalidInput) as caught:
        kernel.carry("print(db, list(rows), x)")

    message = caught.value.message
    assert message.startswith("Cannot carry along what the cell needs.")
    assert "'db': sqlite3.Connection" in message
    assert "Carry its address and connect in the cell." in message
    assert "'rows': generator" in message
    assert "Make it a list before." in message
    assert "'x'" not in message


def test_what_cannot_travel_and_is_not_needed_is_no_matter(kernel: Kernel) -> None:
    kernel.namespace["db"] = sqlite3.connect(":memory:")

    assert names_of(kernel.carry("print(1)")) == set()


def test_function_that_reads_what_cannot_travel_is_refused_by_that_name(kernel: Kernel) -> None:
    kernel.namespace["db"] = sqlite3.connect(":memory:")
    kernel.run("def load():\n    return db.execute('select 1')")

    with pytest.raises(InvalidInput, match=r"'db': sqlite3\.Connection"):
        kernel.carry("load()")


def test_name_that_nothing_binds_is_told_before_anything_is_sent(kernel: Kernel) -> None:
    with pytest.raises(InvalidInput, match="reads 'missing' on line 2, and neither"):
        kernel.carry("x = 1\nprint(missing)")


def test_cell_that_cannot_be_read_is_refused(kernel: Kernel) -> None:
    with pytest.raises(InvalidInput, match=r"Cannot read the cell: .*line 1"):
        kernel.carry("x = (")


def test_code_that_nobody_can_read_takes_along_what_can_travel(kernel: Kernel) -> None:
    kernel.namespace["db"] = sqlite3.connect(":memory:")
    kernel.run("x = 1\ncode = 'print(x)'")

    cargo = kernel.carry("exec(code)")

    assert names_of(cargo) == {"code", "x"}
    assert list(cargo.left) == ["db"]
    assert "'db'" in cargo.describe()[0]


def test_large_values_are_told_with_their_size(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "LARGE_BYTES", 1 << 20)
    kernel.namespace["big"] = np.zeros(1 << 18)

    assert kernel.carry("big.sum()").describe() == ["Carried along: big (numpy.ndarray, 2.0 MiB)."]


def test_working_directory_module_path_variables_and_chance_are_carried(
    kernel: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHADE", "green")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    monkeypatch.syspath_prepend(str(tmp_path / "src"))
    kernel.run("import random\nrandom.seed(4)")

    cargo = kernel.carry("print(random.random())")
    expected = kernel.namespace["random"].random()
    monkeypatch.delenv("SHADE")
    os.environ["CUDA_VISIBLE_DEVICES"] = "0"
    there = kernel.arrive(cargo)

    assert {"@cwd", "@rng"} <= set(cargo.names)
    assert there["random"].random() == expected
    assert Path.cwd() == tmp_path
    assert str(tmp_path / "src") in sys.path
    if sys.platform == "linux":
        assert os.environ["SHADE"] == "green"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"


def test_module_that_was_made_by_hand_is_refused(kernel: Kernel) -> None:
    kernel.namespace["made"] = types.ModuleType("made")

    with pytest.raises(InvalidInput, match="the module 'made' was made here"):
        kernel.carry("made.x")


def test_function_is_carried_with_its_globals(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cloudpickle

    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "base", 40, raising=False)
    exec("def objective(x):\n    return base + x", vars(main))

    cargo = carry_function(kernel.client, vars(main).pop("objective"))

    assert cargo.function is not None
    loaded = cloudpickle.loads(Blobs(str(kernel.client.home.blobs)).get(cargo.function))
    assert loaded(2) == 42


def test_function_with_what_cannot_travel_is_refused_by_name(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "db", sqlite3.connect(":memory:"), raising=False)
    exec("def objective(x):\n    return db.execute(x)", vars(main))

    with pytest.raises(InvalidInput, match=r"'db': sqlite3\.Connection"):
        carry_function(kernel.client, vars(main).pop("objective"))


def test_nan_and_plain_values_are_exact(kernel: Kernel) -> None:
    kernel.namespace.update(n=math.nan, t=(1, "ä", None), s={2, 3})

    there = kernel.arrive(kernel.carry("print(n, t, s)"))

    assert math.isnan(there["n"])
    assert (there["t"], there["s"]) == ((1, "ä", None), {2, 3})
