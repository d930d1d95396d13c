"""What refused steps have shown becomes part of the plan, where a plan can use it."""

from jupyter_mlplat.compiler import compile_notebook
from jupyter_mlplat.kit.digests import digest_text
from jupyter_mlplat.resources.pipeline import Finding, Pipeline
from jupyter_mlplat.resources.run import Failure
from jupyter_mlplat.services.pipelines.findings import finding_of, heeds, merged

SORTS = (
    "xs = [2, 1]",
    "len(xs)",
    "print(xs)",
)


def planned(cells: tuple[str, ...], *findings: Finding) -> Pipeline:
    notebook = {
        "cells": [
            {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": source}
            for n, source in enumerate(cells)
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return compile_notebook(notebook, name="nb", split="cell", findings=findings)


def test_a_refusal_shows_what_its_cell_does() -> None:
    pipeline = planned(SORTS)
    failure = Failure(
        code="unforeseen-change", message="", step="cell-2", cell="c1", changes=("xs",)
    )

    assert finding_of(pipeline, failure) == Finding(source=digest_text("len(xs)"), changes=("xs",))


def test_other_failures_show_nothing() -> None:
    pipeline = planned(SORTS)

    assert finding_of(pipeline, None) is None
    assert finding_of(pipeline, Failure(code="cell-error", message="", step="cell-2")) is None


def test_what_is_known_of_one_source_is_joined() -> None:
    digest = digest_text("f()")

    found = merged(
        [
            Finding(source=digest, changes=("b",)),
            Finding(source=digest_text("g()")),
            Finding(source=digest, changes=("a",), reads=("r",)),
        ]
    )

    assert found == (
        Finding(source=digest, changes=("a", "b"), reads=("r",)),
        Finding(source=digest_text("g()")),
    )


def test_a_change_that_was_found_makes_a_new_version() -> None:
    finding = Finding(source=digest_text("len(xs)"), changes=("xs",))

    pipeline = planned(SORTS, finding)

    assert pipeline.step("cell-2").outputs == ("xs",)
    assert [(given.name, given.step) for given in pipeline.step("cell-3").inputs] == [
        ("xs", "cell-2")
    ]
    assert [reason.proof for edge in pipeline.edges for reason in edge.reasons][-1] == "observed"
    assert heeds(pipeline, finding)


def test_a_read_that_was_found_becomes_an_input() -> None:
    cells = ("unit = 'cm'", "import lib", "lib.show()")
    finding = Finding(source=digest_text("lib.show()"), reads=("unit", "never_bound"))

    pipeline = planned(cells, finding)

    assert ("unit", "cell-1") in [(given.name, given.step) for given in pipeline.steps[-1].inputs]


def test_cells_that_share_what_could_not_be_passed_on_run_as_one() -> None:
    cells = ("h = lib_handle()", "print(h)", "print(1)")
    finding = Finding(source=digest_text(cells[0]), ties=("h",))

    pipeline = planned(cells, finding)

    assert [[cell.id for cell in step.cells] for step in pipeline.steps] == [["c0", "c1"], ["c2"]]
    assert "'h' holds something that a run could not pass on" in pipeline.problems[-1].message


def test_names_that_share_objects_must_arrive_together() -> None:
    cells = ("a = [1]", "b = [a]", "b = list(b)\nzs = b", "f(b)", "print(a, b, zs)")
    finding = Finding(source=digest_text("f(b)"), changes=("a", "zs"))

    pipeline = planned(cells, finding)
    made = {given.step for given in pipeline.step("cell-4").inputs if given.name in ("a", "zs")}

    assert heeds(pipeline, finding) == (len(made) == 1)
