"""Which cells form which step, and what is refused."""

import pytest

from jupyter_mlplat.compiler import compile_notebook
from jupyter_mlplat.errors import InvalidInput


def code(source: str, *tags: str, **settings: object) -> dict[str, object]:
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {"tags": list(tags), "mlplat": settings},
    }


def text(source: str) -> dict[str, object]:
    return {"cell_type": "markdown", "source": source}


def test_headings_name_the_steps(compiled) -> None:
    pipeline = compiled(
        text("# My work"),
        "import math",
        text("## Load data"),
        "x = [1]",
        "x",
        text("## Load data"),
        "print(x)",
        split="auto",
    )

    assert [(s.name, s.title, [c.index for c in s.cells]) for s in pipeline.steps] == [
        ("load-data", "Load data", [3, 4]),
        ("load-data-2", "Load data", [6]),
    ]


def test_magic_line_sets_up_a_step(compiled) -> None:
    pipeline = compiled("%%mlplat step --name train --cpu 2 --memory 1Gi --no-cache\nx = 1")

    (step,) = pipeline.steps
    assert (step.name, step.origin) == ("train", "magic")
    assert (step.settings.resources.cpu, step.settings.resources.memory_bytes) == (2, 1 << 30)
    assert not step.settings.cache


def test_kale_tags_make_kale_steps(compiled) -> None:
    pipeline = compiled(
        code("import numpy as np", "imports"),
        code("def f(x):\n    return x * lr", "functions"),
        code("lr = 0.1", "pipeline-parameters"),
        code("x = np.ones(3)", "block:load_data"),
        code("y = f(x)", "step:train", "prev:load_data", "limit:nvidia.com/gpu:1"),
        "y = y + 1",
        code("acc = float(y.sum())", "step:score", "prev:train"),
        code("print(acc)", "pipeline-metrics"),
        code("boom(", "skip"),
    )

    assert [(s.name, [c.index for c in s.cells], s.after) for s in pipeline.steps] == [
        ("load_data", [3], ()),
        ("train", [4, 5], ("load_data",)),
        ("score", [6], ("train",)),
    ]
    assert pipeline.step("train").settings.resources.gpu == 1
    assert pipeline.step("score").metrics == ("acc",)
    assert pipeline.is_runnable


def test_order_told_by_the_user_holds_without_data(compiled) -> None:
    pipeline = compiled(code("x = 1", step="a"), code("y = 2", step="b", after=["a"]))

    assert pipeline.step("b").after == ("a",)


@pytest.mark.parametrize(
    ("cells", "word"),
    [
        (
            [code("x = 1", step="a"), code("y = x", step="b"), code("z = y", step="a")],
            "cycle",
        ),
        (
            [code("x = 1", step="a"), code("y = x", step="b"), code("x = 2", step="a")],
            "order-hazard",
        ),
        ([code("x = 1", step="a", after=["nowhere"])], "unknown-step"),
        ([code("x = 1", step="a", cpu="lots")], "bad-settings"),
        (["x = (", "y = 1"], "syntax-error"),
        (["print(later)", "later = 1"], "undefined-name"),
    ],
    ids=["cycle", "hazard", "unknown step", "settings", "syntax", "undefined"],
)
def test_what_cannot_run_is_refused(compiled, cells, word: str) -> None:
    pipeline = compiled(*cells)

    assert [problem.code for problem in pipeline.problems] == [word]
    assert not pipeline.is_runnable


def test_newer_format_is_refused() -> None:
    with pytest.raises(InvalidInput, match="nbformat 5"):
        compile_notebook({"nbformat": 5, "cells": []}, name="n")


def test_other_language_is_one_step() -> None:
    notebook = {
        "nbformat": 4,
        "metadata": {"kernelspec": {"name": "ir", "language": "R"}},
        "cells": [{"cell_type": "code", "source": "x <- 1", "metadata": {}}],
    }

    pipeline = compile_notebook(notebook, name="n")

    assert [step.settings.kernel for step in pipeline.steps] == ["ir"]
