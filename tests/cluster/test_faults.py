"""The dials: what they turn goes wrong, for those it shall go wrong for, and no one else."""

from __future__ import annotations

import http.client
from collections.abc import Callable

import pytest

from tests.cluster.memory import MemoryCluster
from tests.cluster.test_api_server import CONFIG_MAPS, Asker, config_map, read_watch, told


@pytest.fixture
def ask(api_server: MemoryCluster) -> Asker:
    return Asker(api_server.url, api_server.token())


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("conflict", 409),
        ("too_many", 429),
        ("internal", 500),
        ("unavailable", 503),
        ("timeout", 504),
    ],
)
def test_the_next_write_fails_and_the_one_after_does_not(
    api_server: MemoryCluster, ask: Asker, fault: str, code: int
) -> None:
    ask("POST", CONFIG_MAPS, config_map())
    api_server.faults.fail(1, fault, verb="write", resource="configmaps")

    assert ask.merge(f"{CONFIG_MAPS}/a", {"data": {"x": "2"}})[0] == code
    assert ask("GET", f"{CONFIG_MAPS}/a")[1]["data"] == {"x": "1"}
    assert ask.merge(f"{CONFIG_MAPS}/a", {"data": {"x": "2"}})[0] == 200


def test_a_write_may_be_done_and_its_answer_lost(api_server: MemoryCluster, ask: Asker) -> None:
    api_server.faults.fail(1, "timeout", done=True, verb="create")

    code, _ = ask("POST", CONFIG_MAPS, config_map())

    assert (code, ask("GET", f"{CONFIG_MAPS}/a")[0]) == (504, 200)


@pytest.mark.parametrize(("when", "kept"), [("before", 404), ("after", 200)])
def test_a_killed_client_gets_no_answer_any_more(
    api_server: MemoryCluster, ask: Asker, when: str, kept: int
) -> None:
    victim = Asker(api_server.url, api_server.token("jane", ["system:masters"]))
    victim("GET", CONFIG_MAPS)
    kill = api_server.faults.kill(1, when, user="jane", verb="create")  # type: ignore[arg-type]

    with pytest.raises((ConnectionError, http.client.HTTPException)):
        victim("POST", CONFIG_MAPS, config_map())

    assert kill.dead
    assert ask("GET", f"{CONFIG_MAPS}/a")[0] == kept


def test_in_an_outage_nobody_is_answered(api_server: MemoryCluster, ask: Asker) -> None:
    api_server.faults.outage = True
    with pytest.raises((OSError, http.client.HTTPException)):
        ask("GET", CONFIG_MAPS)
    api_server.faults.outage = False

    assert ask("GET", CONFIG_MAPS)[0] == 200


def test_rates_are_of_a_seed(ask: Asker) -> None:
    def codes() -> list[int]:
        with MemoryCluster(actors=False, storage=False, seed=7) as cluster:
            cluster.faults.rates = {"internal": 0.5}
            asker = Asker(cluster.url, cluster.token())
            return [asker("GET", CONFIG_MAPS)[0] for _ in range(8)]

    first, second = codes(), codes()

    assert first == second
    assert set(first) == {200, 500}


@pytest.mark.parametrize(
    ("turn", "seen"),
    [
        (lambda faults: faults.watches.rates.update(duplicate=1.0), ["a", "a"]),
        (lambda faults: faults.watches.rates.update(reorder=1.0), ["b", "a"]),
        (lambda faults: setattr(faults.watches, "silent", True), []),
    ],
    ids=["duplicate", "reorder", "silent"],
)
def test_watches_repeat_shuffle_and_fall_silent(
    api_server: MemoryCluster, ask: Asker, turn: Callable[..., None], seen: list[str]
) -> None:
    version = ask("GET", CONFIG_MAPS)[1]["metadata"]["resourceVersion"]
    turn(api_server.faults)
    ask("POST", CONFIG_MAPS, config_map("a"))
    ask("POST", CONFIG_MAPS, config_map("b"))

    path = f"{CONFIG_MAPS}?watch=1&resourceVersion={version}&timeoutSeconds=0.3"

    assert [name for _, name in told(read_watch(ask, path, 2))] == seen


def test_a_call_is_recorded_with_who_made_it(api_server: MemoryCluster) -> None:
    Asker(api_server.url, api_server.token("system:serviceaccount:a:b"))("GET", CONFIG_MAPS)

    (call,) = api_server.calls

    assert (call.user, call.verb, call.resource, call.namespace, call.code) == (
        "system:serviceaccount:a:b",
        "list",
        "configmaps",
        "default",
        403,
    )
