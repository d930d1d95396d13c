"""Servers of several clusters, found and followed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from jupyter_mlplat.errors import InvalidInput, NotFound, Unavailable
from jupyter_mlplat.resources.servers import ServerRequest, ServerState
from jupyter_mlplat.services.servers import service as module
from jupyter_mlplat.services.servers.service import ServersService
from tests.fakes.servers import FakeCluster, a_server


class Told:
    """Keeps what was published."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.data: list[Mapping[str, Any]] = []

    def publish(self, kind: str, subject: str, data: Mapping[str, Any]) -> None:
        self.events.append((kind, subject))
        self.data.append(data)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(5):
            await scenario()

    asyncio.run(bounded())


def test_no_cluster_is_an_empty_list_and_no_error() -> None:
    async def scenario() -> None:
        service = ServersService([], Told())
        assert (await service.list()).to_wire() == {"servers": [], "clusters": []}
        assert await service.list_profiles(None) == ()
        with pytest.raises(InvalidInput, match=r"\[cluster.NAME\] of config.toml"):
            await service.get("lab", None)

    run(scenario)


def test_a_silent_cluster_hides_no_other_one() -> None:
    async def scenario() -> None:
        silent, well = FakeCluster("far"), FakeCluster("team", a_server())
        silent.problem = Unavailable("The cluster does not answer.")
        listed = await ServersService([silent, well], Told()).list()
        assert [server.name for server in listed.servers] == ["lab"]
        assert [(one.name, one.problem) for one in listed.clusters] == [
            ("far", "The cluster does not answer."),
            ("team", ""),
        ]

    run(scenario)


def test_a_server_is_found_by_its_name_where_that_is_clear() -> None:
    async def scenario() -> None:
        far = FakeCluster("far", a_server("lab", place="far"), a_server("own", place="far"))
        service = ServersService([FakeCluster("team", a_server()), far], Told())
        assert (await service.get("own", None)).place == "far"
        assert (await service.get("lab", "far")).place == "far"
        with pytest.raises(InvalidInput, match="one on each of team, far"):
            await service.get("lab", None)
        with pytest.raises(NotFound, match="no server 'gone' on any cluster"):
            await service.get("gone", None)
        with pytest.raises(InvalidInput, match="There are: team, far"):
            await service.get("lab", "moon")

    run(scenario)


def test_a_kind_that_is_not_offered_is_refused_with_those_that_are() -> None:
    async def scenario() -> None:
        cluster = FakeCluster()
        service = ServersService([cluster], told := Told())
        with pytest.raises(InvalidInput, match="no kind 'huge'"):
            await service.create(ServerRequest(name="lab", kind="huge"), None, "anna")
        made = await service.create(ServerRequest(name="lab", kind="gpu"), None, "anna")
        assert (made.state, made.creator) == (ServerState.PENDING, "anna")
        assert told.events == [("server.updated", "team/lab")]

    run(scenario)


def test_what_changes_on_a_cluster_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CALM_S", 0)

    async def settle() -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def scenario() -> None:
        cluster = FakeCluster("team", a_server())
        service = ServersService([cluster], told := Told())
        service.follow()
        await settle()
        assert told.events == []  # who listens has listed them

        cluster.put(a_server(checked_at="2026-11-20T12:01:00Z"))
        await settle()
        assert told.events == []  # nobody needs to hear of every look

        cluster.put(a_server(state="FAILED", reason="OutOfMemory"))
        cluster.put(a_server("second"))
        await settle()
        assert told.events == [("server.updated", "team/lab"), ("server.updated", "team/second")]

        await service.delete("lab", None, with_home=True)
        await settle()
        assert told.events[2:] == [("server.deleted", "team/lab")]
        assert cluster.deleted == [("lab", True)]

        cluster.problem = Unavailable("Gone.")
        cluster.signs.put_nowait(None)
        await settle()
        cluster.signs.put_nowait(None)
        await settle()
        assert told.events[3:] == [("cluster.updated", "team")]  # and no server was deleted
        assert told.data[-1]["problem"] == "Gone."

        await service.rest()

    run(scenario)
