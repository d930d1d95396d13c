"""Cards of runs that no kernel draws: drawn by the server, from what the engine says."""

from typing import Any

import pytest

from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.resources.run import RunState
from tests.contracts.documents import a_run
from tests.fakes.engine import FakeEngine
from tests.integration.server_ext.conftest import Server


def test_server_draws_a_run_as_a_kernel_would(server: Server, engine: FakeEngine) -> None:
    run = a_run(number=3, state=RunState.RUNNING)
    engine.answers["runs.get"] = run.model_dump(mode="json")
    engine.answers["runs.metrics"] = {"metrics": []}

    status, card = server.ask("GET", f"/mlplat/cards/{run.id}")

    assert status == 200
    assert isinstance(card, dict)
    assert "Run 3 of churn" in card["text/plain"]
    assert "<strong>Run 3 of churn</strong>" in card["text/html"]


def test_what_the_engine_refuses_is_passed_on(server: Server, engine: FakeEngine) -> None:
    def refuse(_: object) -> Any:
        raise NotFound("There is no run 'run-0'.")

    engine.answers["runs.get"] = refuse

    status, said = server.ask("GET", "/mlplat/cards/run-0")

    assert status == 404
    assert said["message"] == "There is no run 'run-0'."  # type: ignore[index]


@pytest.mark.parametrize("run", ["..%2fapi", "%00", "a/b"])
def test_what_is_no_run_is_not_found(server: Server, run: str) -> None:
    assert server.send("GET", f"/mlplat/cards/{run}").status == 404


def test_stranger_gets_no_card(server: Server) -> None:
    assert server.send("GET", "/mlplat/cards/run-0", token=None).status == 403
