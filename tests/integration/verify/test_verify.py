"""Verify finds what differs, and only that; the table of small notebooks holds."""

from collections import Counter

import pytest

from tests.integration.verify.oracle import table, verify_all

CASES = {
    "plain": ("x = 1", "print(x + 1)"),
    "chance": ("import random\nr = random.random()", "print(r)"),
    "time": ("import time\nt = time.time()", "print(t)"),
    "address": ("o = object()", "print(o)"),
    "error": ("x = 1", "1 / 0", "print(x)"),
    "missing": ("x = 1", "import nowhere_to_be_found as n", "print(x, n)"),
    "file": ("open('made.txt', 'w').write('x')", "print(open('made.txt').read())"),
    "set": ("s = {'b', 'a', 'c'}", "print(sorted(s))"),
    "image": ("import matplotlib.pyplot as plt\nplt.plot([1, 3, 2]);", "plt.plot([2, 1]);"),
    "lock": ("import threading\nbox = {'l': threading.Lock()}", "box['l'].acquire()", "print(box)"),
    "undefined": ("print(nowhere)",),
}


@pytest.mark.parametrize(
    "name", ["plain", "chance", "time", "address", "error", "missing", "file", "set", "image"]
)
async def test_same_both_ways_is_equal(name: str) -> None:
    outcome = (await verify_all({name: (CASES[name], {})}))[name]

    assert outcome.report.differences == ()
    assert outcome.report.equal


async def test_chance_is_named_and_not_compared() -> None:
    outcome = (await verify_all({"chance": (CASES["chance"], {})}))["chance"]

    assert {difference.cell for difference in outcome.report.ignored} == {"cell-0", "cell-1"}


async def test_what_chance_made_equal_twice_is_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlplat.services.verify import service

    seen = []

    def lucky(ran, files):  # type: ignore[no-untyped-def]
        """Let the second run from top to bottom show in its last cell what the first one did."""
        way = of_whole(ran, files)
        seen.append(way)
        if len(seen) == 2:
            way.outputs["cell-1"][:] = seen[0].outputs["cell-1"]
        return way

    of_whole = service.of_whole
    monkeypatch.setattr(service, "of_whole", lucky)
    cells = ("import random\nr = random.random()", "print(random.random())")

    outcome = (await verify_all({"lucky": (cells, {})}))["lucky"]

    assert outcome.report.differences == ()
    assert len(seen) == 3


async def test_stale_value_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipeline that forgets a mutation is caught: the cell and the name are said."""
    from jupyter_mlplat.services.verify import service

    whole = service.Verifier.verify

    async def with_stale_edge(self, pipeline, notebook, folder=None):  # type: ignore[no-untyped-def]
        steps = [
            step.model_copy(
                update={
                    "inputs": tuple(
                        given.model_copy(update={"step": "cell-1"})
                        if given.name == "xs" and step.name == "cell-3"
                        else given
                        for given in step.inputs
                    )
                }
            )
            for step in pipeline.steps
        ]
        stale = pipeline.model_copy(update={"steps": tuple(steps)})
        return await whole(self, stale, notebook, folder)

    monkeypatch.setattr(service.Verifier, "verify", with_stale_edge)
    cells = ("xs = [1]", "xs.append(2)", "print(xs)")

    outcome = (await verify_all({"stale": (cells, {})}))["stale"]

    assert not outcome.report.equal
    said = [(item.step, item.cell, item.what) for item in outcome.report.differences]
    assert ("cell-3", "cell-2", "showed '[1]\\n', expected '[1, 2]\\n'") in said


async def test_undefined_name_is_refused_by_the_compiler() -> None:
    outcome = (await verify_all({"undefined": (CASES["undefined"], {})}))["undefined"]

    assert outcome.verdict == "refused"
    assert "nowhere" in outcome.report.refused[0].message


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_table_of_notebooks_holds() -> None:
    """At least 95 of 100 notebooks come out equal or are refused by name; hardly any is silent."""
    outcomes = await verify_all(table())

    counts = Counter(outcome.verdict for outcome in outcomes.values())
    silent = sorted(name for name, outcome in outcomes.items() if outcome.verdict == "silent")
    assert counts["equal"] + counts["refused"] + counts["loud"] >= 0.95 * len(outcomes), silent
