"""A live kernel's cells are observed: what they bind, change, share, and what cannot travel."""

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from jupyter_mlplat.compiler.observations import parse_observations, source_digest
from jupyter_mlplat.magics import observer


@pytest.fixture
def shell() -> Any:
    config = Config()
    config.HistoryManager.enabled = False
    return InteractiveShell(config=config)


def observe(shell: Any, *cells: str) -> dict[str, Any]:
    watching = observer.start(shell)
    for number, source in enumerate(cells):
        shell.run_cell(source, cell_id=f"c{number}")
    return parse_observations({"mlplat": {"observed": watching.to_metadata()}})  # type: ignore[return-value]


def test_binding_changing_and_deleting_are_told_apart(shell: Any) -> None:
    seen = observe(shell, "xs = [1]\nn = 1", "xs.append(2)", "n = 2\ndel xs")

    assert (seen["c0"].binds, seen["c0"].mutated) == ({"xs", "n"}, frozenset())
    assert (seen["c1"].binds, seen["c1"].mutated, seen["c1"].unchanged) == (
        frozenset(),
        {"xs"},
        {"n"},
    )
    assert (seen["c2"].binds, seen["c2"].deletes) == ({"n"}, {"xs"})


def test_names_that_share_an_object_are_grouped(shell: Any) -> None:
    seen = observe(shell, "import numpy as np\na = np.arange(3)\nb = a[1:]\nc = [1]\nd = {'k': c}")

    assert set(seen["c0"].groups) == {frozenset({"a", "b"}), frozenset({"c", "d"})}


def test_what_cannot_travel_is_named(shell: Any) -> None:
    seen = observe(shell, "g = (i for i in range(3))")

    assert seen["c0"].unshippable == {"g": "generator"}


def test_cell_that_fails_or_is_too_large_is_not_observed(shell: Any) -> None:
    seen = observe(shell, "x = 1\n1 / 0", "big = list(range(100_000))")

    assert seen == {}


def test_source_is_kept_by_its_digest(shell: Any) -> None:
    seen = observe(shell, "x = 1")

    assert seen["c0"].source == source_digest("x = 1")
