"""Endpoints through deployments, crashes, restarts of the engine, and their end."""

import asyncio
import os
import signal
import socket
from collections import Counter

import psutil
import pytest

from jupyter_mlplat.errors import Conflict, ExecutionFailed, InvalidInput, NotFound
from jupyter_mlplat.launchers.local.serving import LocalServingLauncher
from jupyter_mlplat.ports.serving import LogPiece, ServerOrder
from jupyter_mlplat.resources.serving import (
    DeployRequest,
    EndpointState,
    PredictRequest,
    RevisionState,
    Traffic,
    TrafficRequest,
)

ROWS = {"instances": [[5.1, 3.5, 1.4, 0.2]]}
PREDICT = "/v1/models/iris:predict"


def shares(endpoint):
    return {part.revision: part.percent for part in endpoint.traffic}


def states(endpoint):
    return {revision.number: revision.state.value for revision in endpoint.revisions}


async def deploy(world, **more):
    return await world.service.deploy(DeployRequest(model="iris", **more))


async def answered_by(world, count):
    """Ask so often; count who answered."""
    answers = [await world.call("POST", PREDICT, ROWS) for _ in range(count)]
    assert {answer.status for answer in answers} == {200}
    return Counter(int(answer.headers["x-mlplat-revision"]) for answer in answers)


async def test_traffic_is_split_promoted_and_rolled_back(world):
    first = await deploy(world)
    canary = await deploy(world, traffic=20)
    counts = await answered_by(world, 100)
    promoted = await world.service.promote("iris")
    after = await answered_by(world, 20)
    rolled_back = await world.service.rollback("iris")
    again = await world.service.rollback("iris")

    assert (first.state, shares(first)) == (EndpointState.READY, {1: 100})
    assert (shares(canary), states(canary)) == ({1: 80, 2: 20}, {1: "READY", 2: "READY"})
    assert counts == {1: 80, 2: 20}
    assert (shares(promoted), states(promoted)) == ({2: 100}, {1: "STOPPED", 2: "READY"})
    assert after == {2: 20}
    assert (shares(rolled_back), states(rolled_back)) == (
        {1: 80, 2: 20},
        {1: "READY", 2: "READY"},
    )
    assert shares(again) == {2: 100}
    assert canary.url == first.url == again.url


async def test_a_revision_without_traffic_is_reached_by_its_version(world, iris_model):
    await deploy(world)
    world.models.add("iris", iris_model)
    await deploy(world, traffic=0)

    answer = await world.call("POST", "/v2/models/iris/versions/2/infer", b"{}")

    assert answer.headers["x-mlplat-revision"] == "2"
    assert await answered_by(world, 10) == {1: 10}


async def test_the_whole_split_is_set_at_once_and_checked(world):
    await deploy(world)
    await deploy(world, traffic=10)

    with pytest.raises(InvalidInput, match="sum to 90, needed 100"):
        await world.service.set_traffic(
            "iris", TrafficRequest(traffic=(Traffic(revision=1, percent=90),))
        )
    endpoint = await world.service.set_traffic(
        "iris",
        TrafficRequest(traffic=(Traffic(revision=1, percent=50), Traffic(revision=2, percent=50))),
    )

    assert shares(endpoint) == {1: 50, 2: 50}
    assert await answered_by(world, 20) == {1: 10, 2: 10}


async def test_a_killed_model_server_is_restarted(world):
    await deploy(world)
    killed = world.pid(1)

    os.kill(killed, signal.SIGKILL)
    await world.until(lambda: world.service.get("iris").state is not EndpointState.READY, "death")
    await world.until(lambda: world.service.get("iris").state is EndpointState.READY, "restart")

    endpoint = world.service.get("iris")
    assert world.pid(1) != killed
    assert endpoint.revisions[0].restarts == 1
    assert "was killed by SIGKILL" in endpoint.message
    assert await answered_by(world, 3) == {1: 3}


async def test_the_others_take_over_while_one_is_down(world):
    await deploy(world)
    await deploy(world, traffic=50)

    os.kill(world.pid(1), signal.SIGKILL)
    await world.until(lambda: world.service.get("iris").state is EndpointState.DEGRADED, "death")
    counts = await answered_by(world, 5)

    assert set(counts) <= {1, 2}


async def test_a_killed_router_comes_back_on_its_port(world):
    endpoint = await deploy(world)
    killed = world.router_pid()

    os.kill(killed, signal.SIGKILL)
    await world.until(lambda: world.router_pid() not in (0, killed), "a new router")
    await world.until(lambda: world.service.get("iris").state is EndpointState.READY, "ready")

    assert world.service.get("iris").url == endpoint.url
    assert await answered_by(world, 3) == {1: 3}


async def test_a_new_engine_takes_over_what_runs(world):
    before = await deploy(world)
    pids = (world.pid(1), world.router_pid())
    await world.service.close()

    service = await world.open()
    await world.until(lambda: service.get("iris").state is EndpointState.READY, "adoption")

    assert (world.pid(1), world.router_pid()) == pids
    assert service.get("iris").url == before.url
    assert await answered_by(world, 3) == {1: 3}
    os.kill(pids[0], signal.SIGKILL)
    await world.until(lambda: world.pid(1) not in (0, pids[0]), "restart of what was taken over")


async def test_an_engine_killed_before_it_could_write_anything_down_leaves_no_second_server(world):
    """What was started and not remembered is found when it would be started again."""
    await deploy(world)
    pids = (world.pid(1), world.router_pid())
    await world.service.close()
    _, internal = world.store.list_endpoints()[0]
    launcher = LocalServingLauncher(world.root / "endpoints")
    launcher.bind(lambda name: None)

    await launcher.start_router("iris", internal["port"])
    await launcher.start_server(ServerOrder("iris", 1, world.models.resolve("iris"), False))

    assert (world.pid(1), world.router_pid()) == pids
    assert launcher.observe("iris").is_routed
    await launcher.close()
    await world.open()


async def test_a_new_engine_starts_what_died_meanwhile(world):
    await deploy(world)
    pids = (world.pid(1), world.router_pid())
    await world.service.close()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(psutil.Process(pid).wait, 10)

    service = await world.open()
    await world.until(lambda: service.get("iris").state is EndpointState.READY, "start")

    assert world.pid(1) != pids[0]
    assert await answered_by(world, 3) == {1: 3}


async def test_a_stopped_endpoint_leaves_no_process_and_starts_again_on_its_port(world):
    before = await deploy(world)
    pids = (world.pid(1), world.router_pid())

    stopped = await world.service.stop("iris")
    alive = [pid for pid in pids if psutil.pid_exists(pid)]
    with pytest.raises(Conflict, match="endpoint 'iris' is stopped"):
        await world.service.predict("iris", PredictRequest(inputs=[[1, 2, 3, 4]]))
    with pytest.raises(Conflict, match="is stopped"):
        await world.service.promote("iris")
    started = await world.service.start("iris")

    assert (stopped.state, states(stopped)) == (EndpointState.STOPPED, {1: "STOPPED"})
    assert alive == []
    assert (started.state, started.url) == (EndpointState.READY, before.url)
    assert await answered_by(world, 3) == {1: 3}


async def test_a_deleted_endpoint_is_gone(world):
    await deploy(world)
    pids = (world.pid(1), world.router_pid())

    await world.service.delete("iris")

    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert not (world.root / "endpoints" / "iris").exists()
    assert world.store.rows == {}
    assert world.events.published[-1] == ("endpoint.deleted", "iris", {})
    with pytest.raises(NotFound, match=r"Cannot find endpoint 'iris'\. There are: none"):
        world.service.get("iris")


async def test_a_taken_port_is_said_in_one_message(world):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(Conflict) as caught:
            await deploy(world, port=port)

    assert caught.value.message == (
        f"Cannot serve endpoint 'iris' on port {port}: another program listens there. "
        "Choose another port, or none for a free one."
    )
    assert world.service.list() == ()


async def test_the_port_asked_for_is_kept(world):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    endpoint = await deploy(world, port=port)

    assert endpoint.url == f"http://127.0.0.1:{port}"
    with pytest.raises(Conflict, match=f"it has port {port}"):
        await deploy(world, port=port + 1)


async def test_a_broken_model_gets_no_traffic_and_the_old_one_keeps_it(world):
    await deploy(world)
    world.models.add("iris", b"PK\x03\x04 this is no model")

    with pytest.raises(ExecutionFailed, match="Cannot serve 'iris' version 2"):
        await deploy(world)

    endpoint = world.service.get("iris")
    assert (endpoint.state, shares(endpoint)) == (EndpointState.READY, {1: 100})
    assert states(endpoint) == {1: "READY", 2: "FAILED"}
    assert await answered_by(world, 3) == {1: 3}


async def test_a_file_that_was_changed_after_registration_is_not_loaded(world, iris_model):
    path = world.models.resolve("iris").path
    path.write_bytes(iris_model + b" ")

    with pytest.raises(ExecutionFailed, match=r"has digest sha256:.*registered was sha256:"):
        await deploy(world)

    assert world.service.get("iris").revisions[0].state is RevisionState.FAILED


async def test_long_endpoint_names_and_deep_directories_fit_into_sockets(world):
    name = "a" * 63
    endpoint = await world.service.deploy(DeployRequest(model="iris", name=name))

    answer = await world.call("POST", f"/v1/models/{name}:predict", ROWS, name=name)

    assert endpoint.state is EndpointState.READY
    assert answer.json == {"predictions": [0]}


async def test_model_servers_know_nothing_of_the_engines_environment(world, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-secret")
    await deploy(world)

    for pid in (world.pid(1), world.router_pid()):
        assert "canary-secret" not in str(psutil.Process(pid).environ())
    for path in (world.root / "endpoints").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


async def test_logs_can_be_read(world):
    world.models.add(
        "talk",
        b"class P:\n  def predict(self, x):\n    print('hello')\n    return x\n",
        format="python",
    )
    await world.service.deploy(DeployRequest(model="talk", trust_pickle=True))
    await world.service.predict("talk", PredictRequest(inputs=[[1.0]]))

    await world.until(lambda: world.service.read_log("talk", 1).content == b"hello\n", "the log")
    assert world.service.read_log("talk", 1, offset=4) == LogPiece(b"o\n", 6)
    assert world.service.read_log("talk", 1, offset=99).content == b""
    assert world.service.read_log("talk") == LogPiece()
