"""Whatever stands in the cells: a pipeline, not an exception."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlplat.compiler import compile_notebook
from tests.notebooks.cases import read_cases
from tests.unit.compiler.conftest import notebook

LINES = [line for case in read_cases() for cell in case.cells for line in cell.split("\n")]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.sampled_from(LINES), max_size=6), max_size=5))
def test_shuffled_lines_compile(cells: list[list[str]]) -> None:
    compile_notebook(notebook(*map("\n".join, cells)), name="fuzz", split="cell")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_text_compiles(cells: list[str]) -> None:
    compile_notebook(notebook(*cells), name="fuzz")


@pytest.mark.parametrize("split", ["auto", "cell"])
def test_the_whole_table_compiles(split) -> None:
    for case in read_cases():
        pipeline = compile_notebook(notebook(*case.cells), name=case.name, split=split)
        assert pipeline.is_runnable or case.is_refused
