"""What a step must leave alone because later steps read older versions."""

from jupyter_mlplat.compiler import compile_notebook
from jupyter_mlplat.resources.pipeline import Pipeline
from jupyter_mlplat.services.pipelines.reliance import reliances


def pipeline_of(*cells: str) -> Pipeline:
    notebook = {
        "cells": [
            {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": source}
            for n, source in enumerate(cells)
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return compile_notebook(notebook, name="nb", split="cell")


def test_a_name_read_past_a_step_is_relied_on_there() -> None:
    pipeline = pipeline_of("x = [1]", "y = len(x)", "print(x, y)")
    first, second, _ = (step.name for step in pipeline.steps)

    found = reliances(pipeline)

    assert found[first].relied == ()
    assert found[second].relied == ("x",)


def test_a_name_the_step_saves_itself_is_its_own() -> None:
    pipeline = pipeline_of("x = [1]", "x.append(2)", "print(x)")

    assert "x" not in reliances(pipeline)[pipeline.steps[1].name].relied


def test_a_name_that_is_not_passed_on_is_elsewhere_until_it_is_deleted() -> None:
    pipeline = pipeline_of("x = 1\ny = 2", "x", "del y", "z = 3")

    _, second, _, fourth = (reliances(pipeline)[step.name].elsewhere for step in pipeline.steps)

    assert second == {"y": "cell-1"}
    assert fourth == {"x": "cell-1"}


def test_a_step_of_unseen_code_is_told_so() -> None:
    pipeline = pipeline_of("code = ' '.join(['y', '=', '1'])", "exec(code)")

    assert [found.unseen for found in reliances(pipeline).values()] == [False, True]
