"""A live kernel's cells are observed: what they bind, change, share, and what cannot travel."""

from collections.abc import Callable
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from jupyter_mlplat.compiler.observations import Observation, parse_observations, source_digest
from jupyter_mlplat.magics import observer


@pytest.fixture
def shell() -> Any:
    config = Config()
    config.HistoryManager.enabled = False
    return InteractiveShell(config=config)


def observe(shell: Any, *cells: str) -> dict[str, Observation]:
    watching = observer.start(shell)
    for number, source in enumerate(cells):
        shell.run_cell(source, cell_id=f"c{number}")
    return dict(parse_observations({"mlplat": {"observed": watching.to_metadata()}}).cells)


def test_binding_changing_and_deleting_are_told_apart(shell: Any) -> None:
    seen = observe(shell, "xs = [1]\nn = 1", "xs.append(2)", "n = 2\ndel xs")

    assert (seen["c0"].binds, seen["c0"].mutated) == ({"xs", "n"}, frozenset())
    assert (seen["c1"].binds, seen["c1"].mutated) == (frozenset(), {"xs"})
    assert seen["c1"].unchanged == {"n", "@env", "@cwd", "@rng"}
    assert (seen["c2"].binds, seen["c2"].deletes) == ({"n"}, {"xs"})


def test_environment_and_random_state_are_looked_at_as_well(
    shell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SEEN", raising=False)

    seen = observe(
        shell, "import os, random", "os.environ['SEEN'] = '1'\nrandom.random()\nexec('y = 1')"
    )

    assert seen["c1"].mutated == {"@env", "@rng"}


def test_names_that_share_an_object_are_grouped(shell: Any) -> None:
    seen = observe(shell, "import numpy as np\na = np.arange(3)\nb = a[1:]\nc = [1]\nd = {'k': c}")

    assert set(seen["c0"].groups) == {frozenset({"a", "b"}), frozenset({"c", "d"})}
    assert seen["c0"].data == {"np", "a", "b", "c", "d"}


def test_name_that_holds_code_of_the_notebook_is_no_data(shell: Any) -> None:
    seen = observe(shell, "class K: pass\ndef f(): pass\nx = [f]\ny = K()\nz = 1")

    assert seen["c0"].data == {"z"}


def test_what_cannot_be_looked_through_may_share_with_everything(shell: Any) -> None:
    seen = observe(shell, "g = (i for i in range(3))\nx = [1]\nn = 1")

    assert seen["c0"].groups == (frozenset({"g", "x"}),)
    assert seen["c0"].unshippable == {"g": "generator"}


def test_what_is_too_large_to_compare_is_in_neither_list(shell: Any) -> None:
    seen = observe(shell, "big = list(range(100_000))\nx = [1]", "pass")

    assert seen["c1"].mutated == frozenset()
    assert seen["c1"].unchanged == {"x", "@env", "@cwd", "@rng"}


def test_failed_cell_tells_only_that_it_ran(shell: Any) -> None:
    seen = observe(shell, "x = 1\n1 / 0", "y = 1")

    assert (seen["c0"].run, seen["c0"].is_complete) == (1, False)
    assert (seen["c1"].run, seen["c1"].is_complete) == (2, True)


def test_cell_that_runs_again_has_bound_all_that_it_ever_bound(shell: Any) -> None:
    observe(shell, "exec('x = 1')")

    seen = observe(shell, "exec('x = 1')")

    assert (seen["c0"].run, seen["c0"].binds) == (2, {"x"})


def test_cells_that_ran_before_are_known_by_their_source() -> None:
    config = Config()
    config.HistoryManager.hist_file = ":memory:"
    shell = InteractiveShell(config=config)
    shell.run_cell("import math\n", store_history=True)

    watching = observer.start(shell)

    assert watching.to_metadata()["earlier"] == [source_digest("import math")]
    shell.history_manager.end_session()


HOSTILE = """
class Loud:
    def __getstate__(self): print("getstate"); return {}
    def __reduce_ex__(self, protocol): raise SystemExit
    def __iter__(self): print("iter")
    def __getattr__(self, name): print("getattr")
    def __eq__(self, other): raise ValueError
class Items(dict):
    def values(self): print("values")
    def __iter__(self): print("dict iter")
loud, items, many = Loud(), Items(a=1), [Loud()]
"""


def test_watching_runs_no_code_of_the_user(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    observe(shell, HOSTILE, "x = [1]", "y = loud")

    assert capsys.readouterr() == ("", "")


def raising(*_: object) -> None:
    raise RuntimeError("dictionary changed size during iteration")


def test_fault_while_watching_costs_the_note_and_nothing_else(
    shell: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watching = observer.start(shell)
    monkeypatch.setattr(watching, "_values", raising)

    seen = observe(shell, "x = 1")

    assert seen["c0"].is_complete is False
    assert shell.user_ns["x"] == 1
    assert capsys.readouterr() == ("", "")


def test_line_of_a_console_and_a_cell_within_a_cell_are_not_observed(shell: Any) -> None:
    shell.user_ns["shell"] = shell

    seen = observe(shell, "shell.run_cell('inner = 1')\nx = 1")
    shell.run_cell("y = 1")

    assert seen.keys() == {"c0"}
    assert seen["c0"].binds == {"inner", "x"}


@pytest.mark.parametrize("known", [True, False])
def test_front_end_can_ask_for_the_notes(shell: Any, known: bool) -> None:
    if known:
        observe(shell, "x = 1")

    found = observer.notes(shell)._repr_json_()

    assert list(found.get("cells", {})) == (["c0"] if known else [])


def test_looking_stops_when_time_is_up(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock: Callable[[], float] = lambda: 0.0  # noqa: E731
    monkeypatch.setattr(observer, "_deadline", clock)

    seen = observe(shell, "xs = [1]", "xs.append(1)")

    assert seen["c1"].binds == frozenset()
    assert seen["c1"].mutated | seen["c1"].unchanged == {"@env", "@cwd", "@rng"}
