"""Where KFP's API is served, from a terminal and from Python."""

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import jupyter_mlplat as mlplat_api
from jupyter_mlplat.errors import Unsupported
from tests.fakes.engine import FakeEngine
from tests.unit.cli.conftest import Done

Call = Callable[..., Done]

DOOR = {"host": "http://127.0.0.1:4711", "token": "a-token"}


def test_the_door_is_opened_and_said(mlplat: Call, engine: FakeEngine) -> None:
    engine.answers["kfp.open"] = DOOR

    done = mlplat("kfp")

    assert 'kfp.Client(host="http://127.0.0.1:4711", existing_token="a-token")' in done.out
    assert mlplat("kfp", "--json").json == {"kfp": DOOR}


def test_the_door_is_closed(mlplat: Call, engine: FakeEngine) -> None:
    engine.answers["kfp.close"] = {}

    assert "not served any longer" in mlplat("kfp", "--close").out
    assert len(engine.requests("kfp.close")) == 1


def test_a_client_is_made_where_kfp_is_installed(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.answers["kfp.open"] = DOOR
    kfp: Any = SimpleNamespace(Client=lambda **given: given)
    monkeypatch.setitem(sys.modules, "kfp", kfp)

    made = mlplat_api.kfp_client(home=engine.home.root, namespace="x")

    assert made == {"host": DOOR["host"], "existing_token": "a-token", "namespace": "x"}


def test_without_kfp_it_is_said_what_to_install(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kfp", None)

    with pytest.raises(Unsupported, match="pip install kfp"):
        mlplat_api.kfp_client(home=engine.home.root)


def test_runs_are_archived_and_taken_back(mlplat: Call, engine: FakeEngine) -> None:
    from tests.contracts.documents import a_run

    engine.answers["runs.update"] = lambda asked: a_run(
        number=3, archived=asked.body["archived"]
    ).to_wire()

    assert "Run 3 is archived." in mlplat("runs", "archive", "3").out
    assert "Run 3 is in the lists again." in mlplat("runs", "archive", "3", "--undo").out
