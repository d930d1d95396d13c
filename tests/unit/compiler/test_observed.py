"""What a kernel saw settles what the source leaves open, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest

from jupyter_mlplat.compiler import compile_notebook
from jupyter_mlplat.compiler.observations import parse_observations, source_digest
from jupyter_mlplat.resources.pipeline import Pipeline, Proof
from tests.unit.compiler.conftest import notebook

EXEC = ("x = [1]\nname = 'y'", "exec(f'{name} = x[0] + 1')", "print(x)", "print(y)")
SAME = ["x", "name", "@env", "@cwd"]


def seen(number: int, source: str, **facts: Any) -> dict[str, Any]:
    empty = {key: [] for key in ("binds", "deletes", "mutated", "unchanged", "data", "groups")}
    return {"source": source_digest(source), "run": number + 1, **empty, **facts}


def observed(cells: tuple[str, ...], facts: dict[int, dict[str, Any]]) -> Pipeline:
    """Compile cells that a kernel has run in order, with what it saw of some of them."""
    content = notebook(*cells)
    notes = {f"c{n}": seen(n, source, **facts.get(n, {})) for n, source in enumerate(cells)}
    content["metadata"]["mlplat"] = {"observed": {"version": 1, "cells": notes}}
    return compile_notebook(content, name="n", split="cell")


def proofs(pipeline: Pipeline) -> dict[tuple[str, str, str], Proof]:
    return {
        (edge.source, edge.target, reason.name): reason.proof
        for edge in pipeline.edges
        for reason in edge.reasons
    }


def test_computed_code_is_unknown_until_it_has_run() -> None:
    before = compile_notebook(notebook(*EXEC), name="n", split="cell")
    after = observed(EXEC, {1: {"binds": ["y"], "data": ["y"], "unchanged": SAME}})

    assert [item.what for item in before.unknown] == ["`exec` of computed code"]
    assert proofs(before)["cell-2", "cell-3", "x"] is Proof.ASSUMED
    assert after.unknown == ()
    assert proofs(after) == {
        ("cell-1", "cell-2", "x"): Proof.ASSUMED,
        ("cell-1", "cell-2", "name"): Proof.PROVED,
        ("cell-1", "cell-3", "x"): Proof.PROVED,
        ("cell-2", "cell-4", "y"): Proof.OBSERVED,
    }
    assert after.step("cell-2").effects == ("@files", "@unknown")


def test_magic_that_nobody_knows_is_settled_as_well() -> None:
    cells = ("x = [1]", "%%enrich x\nwith everything", "print(x)")

    pipeline = observed(cells, {1: {"mutated": ["x"]}})

    assert pipeline.unknown == ()
    assert proofs(pipeline)["cell-2", "cell-3", "x"] is Proof.OBSERVED


def test_what_is_proved_stays_whatever_was_seen() -> None:
    pipeline = observed(("x = [1]", "x.append(2)", "print(x)"), {1: {"unchanged": ["x"]}})

    assert proofs(pipeline)["cell-2", "cell-3", "x"] is Proof.PROVED


def test_call_that_changed_nothing_makes_no_version() -> None:
    cells = ("import thing\nx = [1]", "thing.look(x)", "print(x)")

    pipeline = observed(cells, {1: {"unchanged": ["x"]}})

    assert [given.step for given in pipeline.step("cell-3").inputs] == ["cell-1"]


def test_unchanged_name_does_not_clear_one_that_was_not_compared() -> None:
    cells = ("import thing\nx = [1]\ny = {'x': x}", "thing.look(y)", "print(x)")

    pipeline = observed(cells, {1: {"unchanged": ["x"]}})

    assert proofs(pipeline)["cell-2", "cell-3", "x"] is Proof.ASSUMED


@pytest.mark.parametrize(
    ("groups", "source"), [([], "cell-1"), ([["a", "b"]], "cell-3")], ids=["apart", "shared"]
)
def test_groups_decide_whether_a_change_of_one_name_is_one_of_the_other(
    groups: list[list[str]], source: str
) -> None:
    cells = ("import thing\na = [1]", "b = thing.wrap(a)", "b.add(2)", "print(a)")
    facts = {
        1: {"binds": ["b"], "data": ["b"], "groups": groups, "unchanged": ["a"]},
        2: {"mutated": ["b"]},
    }

    pipeline = observed(cells, facts)

    assert [i.step for i in pipeline.step("cell-4").inputs if i.name == "a"] == [source]


def test_bound_name_that_holds_code_may_still_use_every_name() -> None:
    cells = ("x = [1]\ncode = 'def f(): x.append(1)'", "exec(code)", "f()", "print(x)")

    pipeline = observed(cells, {1: {"binds": ["f"], "unchanged": ["x", "code"]}})

    assert [i.step for i in pipeline.step("cell-4").inputs if i.name == "x"] == ["cell-3"]


def edit_above(notes: dict[str, Any]) -> None:
    notes["cells"]["c0"]["source"] = source_digest("x = [2]")


def run_above_again(notes: dict[str, Any]) -> None:
    notes["cells"]["c0"]["run"] = 9


def never_run_above(notes: dict[str, Any]) -> None:
    del notes["cells"]["c0"]


def run_above_unwatched(notes: dict[str, Any]) -> None:
    del notes["cells"]["c0"]
    notes["earlier"] = [source_digest(EXEC[0])]


@pytest.mark.parametrize(
    ("change", "holding"),
    [
        (edit_above, set()),
        (run_above_again, {"c0"}),
        (never_run_above, set()),
        (run_above_unwatched, {"c1", "c2", "c3"}),
    ],
)
def test_observation_holds_while_the_cells_above_ran_as_they_stand(
    change: Callable[[dict[str, Any]], None], holding: set[str]
) -> None:
    notes = {"version": 1, "cells": {f"c{n}": seen(n, text) for n, text in enumerate(EXEC)}}
    change(notes)

    found = parse_observations({"mlplat": {"observed": notes}})

    cells = [(f"c{n}", source) for n, source in enumerate(EXEC)]
    assert set(found.holding(cells)) == holding


def test_cell_that_failed_tells_nothing_but_that_it_ran() -> None:
    notes = {f"c{n}": seen(n, text) for n, text in enumerate(EXEC)}
    notes["c1"] = {key: notes["c1"][key] for key in ("source", "run")}

    found = parse_observations({"mlplat": {"observed": {"version": 1, "cells": notes}}})

    cells = [(f"c{n}", source) for n, source in enumerate(EXEC)]
    assert set(found.holding(cells)) == {"c0", "c2", "c3"}
