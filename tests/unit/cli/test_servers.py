"""Notebook servers from a terminal."""

from collections.abc import Callable

import pytest

from jupyter_mlplat.client import servers as handles
from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.resources.clusters import ClusterStatus, PlacedServers, ServerOffer
from tests.contracts.documents import a_run
from tests.fakes.engine import Asked, FakeEngine
from tests.fakes.servers import a_kind, a_server
from tests.unit.cli.conftest import Done

Call = Callable[..., Done]


def test_without_a_cluster_the_list_teaches(engine: FakeEngine, mlplat: Call) -> None:
    engine.answers["servers.list"] = PlacedServers(servers=(), clusters=()).to_wire()

    done = mlplat("servers")

    assert done.code == 0
    assert "[cluster.NAME]" in done.out
    assert mlplat("servers", "--json").json == {"servers": [], "clusters": []}


def test_list_says_why_and_which_cluster_is_silent(engine: FakeEngine, mlplat: Call) -> None:
    waiting = a_server(
        state="PENDING",
        reason="WaitingForGpu",
        message="Waiting for a GPU: 4 of 4 in use.",
        gpu={"resource": "nvidia.com/gpu", "count": 2},
    )
    engine.answers["servers.list"] = PlacedServers(
        servers=(waiting,), clusters=(ClusterStatus(name="far", problem="It is gone."),)
    ).to_wire()

    out = mlplat("servers", "list").out

    for said in ("waiting", "2 × nvidia.com/gpu", "4 of 4 in use", "far: It is gone."):
        assert said in out


def test_create_waits_and_tells_what_for(
    engine: FakeEngine, mlplat: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handles, "_LOOK_S", 0)
    starting = a_server(state="PENDING", reason="Starting", message="It is being started.")
    later = iter([starting, a_server()])
    engine.answers["server_kinds.list"] = ServerOffer(place="team", kinds=(a_kind(),)).to_wire()
    engine.answers["servers.create"] = starting.to_wire()
    engine.answers["servers.get"] = lambda asked: next(later).to_wire()

    done = mlplat(
        *("servers", "create", "lab", "--gpu", "a100:2", "--memory", "8Gi", "--on", "team"),
        *("--volume", "data=/data:ro", "--env", "A=1", "--cull-after", "2h"),
    )

    assert done.code == 0
    (asked,) = engine.requests("servers.create")
    assert asked.query == {"place": "team"}
    assert asked.body == {
        "name": "lab",
        "kind": "gpu",
        "options": {
            "image": None,
            "resources": {"cpu": None, "memory": "8Gi"},
            "gpu": {"name": "a100", "count": 2},
            "home": None,
            "volumes": [{"claim": "data", "mount": "/data", "writable": False}],
            "env": {"A": "1"},
            "presets": [],
            "spot": False,
        },
        "cull_after": "2h",
        "max_lifetime": None,
    }


def test_server_that_does_not_come_up_fails_with_what_to_do(
    engine: FakeEngine, mlplat: Call
) -> None:
    message = "The image cannot be pulled. Choose another one."
    failed = a_server(state="FAILED", reason="ImagePullFailed", message=message)
    engine.answers["servers.start"] = failed.to_wire()

    done = mlplat("servers", "start", "lab")

    assert done.code == 1
    assert message in done.err


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "STOPPED", "reason": "Culled", "message": "It was idle."}, "servers start lab"),
        ({"address": None}, "kubectl -n anna port-forward service/lab 8888:80"),
    ],
    ids=["stopped", "no address"],
)
def test_open_says_what_is_in_the_way(
    engine: FakeEngine, mlplat: Call, changes: dict[str, object], said: str
) -> None:
    engine.answers["servers.get"] = a_server(**changes).to_wire()

    done = mlplat("servers", "open", "lab")

    assert done.code == 1
    assert said in done.err


def test_delete_keeps_the_home_unless_it_is_named(engine: FakeEngine, mlplat: Call) -> None:
    assert "home is kept" in mlplat("servers", "delete", "lab").out
    assert mlplat("servers", "delete", "lab", "--with-home", "--json").json["with_home"] is True
    first, second = engine.requests("servers.delete")
    assert (first.query, second.query) == ({}, {"volumes": "true"})


def test_unknown_server_and_wrong_words_are_wrong_input(engine: FakeEngine, mlplat: Call) -> None:
    def refuse(asked: Asked) -> None:
        raise NotFound("There is no server 'gone' on any cluster.")

    engine.answers["servers.get"] = refuse

    assert mlplat("servers", "show", "gone").code == 2
    assert "a100:2" in mlplat("servers", "create", "lab", "--kind", "g", "--gpu", "many").err
    assert "data=/data" in mlplat("servers", "create", "lab", "--kind", "g", "--volume", "x").err


@pytest.mark.parametrize(
    ("words", "route"),
    [
        (("run", "a.ipynb", "--on", "team", "--no-wait"), "runs.submit"),
        (("train", "--on", "team", "--no-wait", "a.py"), "jobs.train"),
        (
            ("tune", "a.py", "x=int(1,2)", "--maximize", "m", "--on", "team", "--no-wait"),
            "jobs.tune",
        ),
    ],
    ids=["run", "train", "tune"],
)
def test_work_is_sent_where_it_is_said(
    engine: FakeEngine, mlplat: Call, words: tuple[str, ...], route: str
) -> None:
    engine.answers[route] = a_run().to_wire()

    mlplat(*words)

    (asked,) = engine.requests(route)
    assert asked.body["run_on"] == "team"
