"""The service over a world of its own making: decisions, back-off, what is remembered."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jupyter_mlplat.errors import Conflict, ExecutionFailed, Forbidden, InvalidInput, NotFound
from jupyter_mlplat.ports.serving import (
    EndpointReport,
    LoadReport,
    LogPiece,
    ServableModel,
    ServerReport,
    ServerState,
    Tally,
)
from jupyter_mlplat.resources.lineage import ModelVersion
from jupyter_mlplat.resources.serving import (
    DeployRequest,
    EndpointState,
    PredictRequest,
    Traffic,
    TrafficRequest,
)
from jupyter_mlplat.services.serving.deciding import wait_before_restart
from jupyter_mlplat.services.serving.service import ServingService

STARTING = ServerReport(ServerState.STARTING)
READY = ServerReport(ServerState.READY)
KILLED = ServerReport(ServerState.ENDED, "Revision 1 was killed.")
BROKEN = ServerReport(ServerState.ENDED, "Cannot serve: the file is torn.", is_final=True)


class Launcher:
    """Starts nothing, and reports what the test says; servers are ready as soon as they start."""

    def __init__(self):
        self.done = []
        self.router = set()
        self.servers = {}
        self.becomes = READY
        self.taken = set()
        self.on_change = None

    def bind(self, on_change):
        self.on_change = on_change

    def reserve_port(self, endpoint, port):
        if port in self.taken:
            raise Conflict(f"Cannot serve endpoint {endpoint!r} on port {port}.")
        return port or 4711

    async def adopt(self, endpoint):
        self.done.append(("adopt", endpoint))

    def observe(self, endpoint):
        return EndpointReport(endpoint in self.router, dict(self.servers.get(endpoint, {})))

    async def start_router(self, endpoint, port):
        if port in self.taken:
            raise Conflict(f"Cannot serve endpoint {endpoint!r} on port {port}.")
        self.done.append(("router", port))
        self.router.add(endpoint)

    async def start_server(self, order):
        self.done.append(("start", order.revision, order.model.version.version))
        self.servers.setdefault(order.endpoint, {})[order.revision] = STARTING
        if self.becomes is not None:
            loop = asyncio.get_running_loop()
            loop.call_soon(self.say, order.endpoint, order.revision, self.becomes)

    async def route(self, endpoint, versions, percent):
        self.done.append(("route", dict(versions), dict(percent)))

    async def stop_server(self, endpoint, revision):
        self.done.append(("stop", revision))
        self.servers[endpoint].pop(revision, None)

    async def stop(self, endpoint):
        self.done.append(("stop all",))
        self.router.discard(endpoint)
        self.servers[endpoint] = {}

    async def remove(self, endpoint):
        await self.stop(endpoint)
        self.done.append(("remove",))

    def read_log(self, endpoint, revision, offset=None):
        return LogPiece(f"log of {revision}".encode(), 100)

    async def measure(self, endpoint):
        return LoadReport(10.0, (0.1,), [(10.0, {}), (0.0, {1: Tally((3, 1), 0, 1)})])

    async def predict(self, endpoint, instances):
        return [len(instances)], 1

    async def close(self):
        self.done.append(("close",))

    def say(self, endpoint, revision, report):
        self.servers[endpoint][revision] = report
        self.on_change(endpoint)


class Store:
    def __init__(self):
        self.rows = {}

    def save_endpoint(self, endpoint, internal):
        self.rows[endpoint.name] = (endpoint, json.loads(json.dumps(internal)))

    def list_endpoints(self):
        return list(self.rows.values())

    def delete_endpoint(self, name):
        del self.rows[name]


class Models:
    def __init__(self):
        self.format = "sklearn"
        self.missing = set()

    def resolve(self, reference):
        name, _, version = reference.partition("/")
        if reference in self.missing:
            raise NotFound(f"Cannot find model version {reference!r}.")
        found = ModelVersion(
            model=name,
            version=int(version or 1),
            artifact_id="artifact-0123456789ab",
            format=self.format,
            created_at=datetime.now(UTC),
        )
        return ServableModel(found, Path("/models/m"), None)


class Events:
    def __init__(self):
        self.kinds = []

    def publish(self, kind, subject, data):
        self.kinds.append((kind, data.get("state")))


class World:
    def __init__(self):
        self.now, self.place = 1000.0, "here"
        self.store, self.models = Store(), Models()
        self.restart()

    def restart(self):
        self.launcher, self.events = Launcher(), Events()
        self.service = ServingService(
            self.store, self.models, self.launcher, self.events, lambda: self.now, self.place
        )

    async def deploy(self, **more):
        return await self.service.deploy(DeployRequest(model="m", **{"wait_s": 5, **more}))

    async def settle(self):
        """Let everything that is ready to happen happen."""
        for _ in range(30):
            await asyncio.sleep(0)


@pytest.fixture
async def world():
    world = World()
    await world.service.open()
    yield world
    await world.service.close()


def shares(endpoint):
    return {part.revision: part.percent for part in endpoint.traffic}


def revisions(endpoint):
    return {found.number: found.state.value for found in endpoint.revisions}


async def test_a_first_deployment_starts_server_and_router_and_then_takes_traffic(world):
    endpoint = await world.deploy()

    assert world.launcher.done == [
        ("start", 1, 1),
        ("router", 4711),
        ("route", {1: 1}, {}),
        ("route", {1: 1}, {1: 100}),
    ]
    assert endpoint.url == "http://127.0.0.1:4711"
    assert (endpoint.state, shares(endpoint)) == (EndpointState.READY, {1: 100})
    assert world.events.kinds == [("endpoint.updated", "PENDING"), ("endpoint.updated", "READY")]


async def test_a_revision_leaves_the_router_before_its_server_is_stopped(world):
    await world.deploy()
    world.launcher.done.clear()

    endpoint = await world.service.deploy(DeployRequest(model="m/2", name="m"))

    assert world.launcher.done == [
        ("start", 2, 2),
        ("route", {1: 1, 2: 2}, {1: 100}),
        ("route", {2: 2}, {2: 100}),
        ("stop", 1),
    ]
    assert revisions(endpoint) == {1: "STOPPED", 2: "READY"}


async def test_traffic_stays_where_it_is_until_the_new_revision_is_ready(world):
    await world.deploy()
    world.launcher.becomes = None

    waiting = await world.deploy(wait_s=0.01)
    world.launcher.say("m", 2, READY)
    await world.settle()

    assert (waiting.state, shares(waiting)) == (EndpointState.READY, {1: 100})
    assert revisions(waiting) == {1: "READY", 2: "LOADING"}
    assert shares(world.service.get("m")) == {2: 100}


async def test_a_model_that_cannot_be_loaded_changes_nothing(world):
    await world.deploy()
    world.launcher.becomes = BROKEN

    with pytest.raises(ExecutionFailed, match="the file is torn"):
        await world.deploy()

    endpoint = world.service.get("m")
    assert (endpoint.state, shares(endpoint)) == (EndpointState.READY, {1: 100})
    assert revisions(endpoint) == {1: "READY", 2: "FAILED"}
    assert world.launcher.done.count(("start", 2, 1)) == 1


async def test_a_first_model_that_cannot_be_loaded_leaves_a_failed_endpoint_to_try_again(world):
    world.launcher.becomes = BROKEN
    with pytest.raises(ExecutionFailed):
        await world.deploy()
    failed = world.service.get("m")
    world.launcher.becomes = READY

    mended = await world.service.start("m")

    assert failed.state is EndpointState.FAILED
    assert (mended.state, shares(mended)) == (EndpointState.READY, {1: 100})


def test_waits_between_restarts_grow_to_a_minute():
    assert [wait_before_restart(n) for n in range(1, 10)] == [0, 1, 2, 4, 8, 16, 32, 60, 60]


async def test_a_crashed_server_is_restarted_at_once_and_then_with_growing_waits(world):
    await world.deploy()
    world.launcher.done.clear()

    world.launcher.say("m", 1, KILLED)
    await world.settle()
    first = world.launcher.done.count(("start", 1, 1))
    world.launcher.say("m", 1, KILLED)
    await world.settle()
    waiting = world.service.get("m")
    second = world.launcher.done.count(("start", 1, 1))
    world.now += 1.0
    world.launcher.on_change("m")
    await world.settle()

    assert (first, second) == (1, 1)
    assert (waiting.state, revisions(waiting)) == (EndpointState.PENDING, {1: "LOADING"})
    assert waiting.message == "Revision 1 was killed."
    assert world.launcher.done.count(("start", 1, 1)) == 2
    assert world.service.get("m").state is EndpointState.READY
    assert world.service.get("m").revisions[0].restarts == 2


async def test_a_server_that_ran_well_for_a_minute_has_recovered(world):
    await world.deploy()
    for _ in range(3):
        world.now += 61.0
        world.launcher.say("m", 1, KILLED)
        await world.settle()

        assert world.service.get("m").state is EndpointState.READY


async def test_a_server_that_never_gets_ready_is_given_up_after_three_starts(world):
    world.launcher.becomes = KILLED
    deploying = asyncio.create_task(world.deploy())
    for _ in range(10):
        await world.settle()
        world.now += 60.0
        if "m" in world.launcher.servers:
            world.launcher.on_change("m")

    with pytest.raises(ExecutionFailed, match="was killed"):
        await deploying

    assert world.launcher.done.count(("start", 1, 1)) == 3
    assert world.service.get("m").state is EndpointState.FAILED


async def test_a_router_whose_port_was_taken_meanwhile_says_so(world):
    await world.deploy()
    world.launcher.taken.add(4711)
    world.launcher.router.clear()

    world.launcher.on_change("m")
    await world.settle()

    endpoint = world.service.get("m")
    assert endpoint.state is EndpointState.PENDING
    assert endpoint.message == "Cannot serve endpoint 'm' on port 4711."


async def test_a_new_engine_goes_on_with_what_is_remembered(world):
    await world.deploy()
    await world.deploy(traffic=25)
    await world.service.close()

    world.restart()
    await world.service.open()
    await world.settle()

    endpoint = world.service.get("m")
    assert world.launcher.done[0] == ("adopt", "m")
    assert (endpoint.state, shares(endpoint)) == (EndpointState.READY, {1: 75, 2: 25})


async def test_a_stopped_endpoint_stays_stopped_over_a_restart(world):
    await world.deploy()
    await world.service.stop("m")
    await world.service.close()

    world.restart()
    await world.service.open()
    await world.settle()

    assert world.service.get("m").state is EndpointState.STOPPED
    assert world.launcher.done == [("adopt", "m")]


async def test_endpoints_of_a_copied_state_directory_stay_stopped_until_they_are_started(world):
    await world.deploy()
    world.place = "elsewhere"
    world.restart()

    await world.service.open()
    await world.settle()
    copied = world.service.get("m")
    started = await world.service.start("m")

    assert copied.state is EndpointState.STOPPED
    assert copied.message == (
        "Not started: this state directory is a copy, and the original may still serve the "
        "endpoint. To serve it from here as well: jupyter mlplat endpoints start m"
    )
    assert (started.state, started.message) == (EndpointState.READY, "")


async def test_a_model_version_that_is_gone_fails_its_revision_in_words(world):
    await world.deploy()
    world.models.missing.add("m/1")

    world.launcher.say("m", 1, KILLED)
    await world.settle()

    endpoint = world.service.get("m")
    assert endpoint.state is EndpointState.FAILED
    assert endpoint.revisions[0].message == "Cannot find model version 'm/1'."


@pytest.mark.parametrize("format", ["pickle", "python"])
async def test_code_must_be_trusted_in_so_many_words(world, format):
    world.models.format = format

    with pytest.raises(Forbidden, match="loading it runs the code inside it"):
        await world.deploy()
    endpoint = await world.deploy(trust_pickle=True)

    assert endpoint.state is EndpointState.READY


async def test_a_taken_port_leaves_nothing_behind(world):
    world.launcher.taken.add(80)

    with pytest.raises(Conflict):
        await world.deploy(port=80)

    assert (world.service.list(), world.store.rows) == ((), {})


async def test_wrong_orders_are_refused(world):
    with pytest.raises(NotFound, match=r"Cannot find endpoint 'm'\. There are: none"):
        await world.service.stop("m")
    await world.deploy()
    with pytest.raises(Conflict, match="it has had one split only"):
        await world.service.rollback("m")
    with pytest.raises(InvalidInput, match="it has no revision 7"):
        await world.service.set_traffic(
            "m", TrafficRequest(traffic=(Traffic(revision=7, percent=100),))
        )
    with pytest.raises(Conflict, match="it has port 4711"):
        await world.deploy(port=1)


@pytest.mark.parametrize(
    ("inputs", "rows"),
    [([[1, 2], [3, 4]], 2), ([1, 2], 1), ({"a": 1}, 1), ([{"a": 1}, {"a": 2}], 2)],
    ids=["rows", "a row", "a record", "records"],
)
async def test_inputs_of_a_prediction_may_be_rows_records_or_one_of_them(world, inputs, rows):
    await world.deploy()

    answer = await world.service.predict("m", PredictRequest(inputs=inputs))

    assert answer == {"outputs": [rows], "revision": 1, "duration_s": 0.0}


@pytest.mark.parametrize("inputs", [[], 5, "text", None], ids=repr)
async def test_inputs_that_are_no_rows_are_refused(world, inputs):
    await world.deploy()

    with pytest.raises(InvalidInput, match="must be rows or records"):
        await world.service.predict("m", PredictRequest(inputs=inputs))


async def test_many_deployments_at_once_each_become_a_revision(world):
    await asyncio.gather(*(world.deploy() for _ in range(5)))
    await world.settle()

    endpoint = world.service.get("m")
    assert [found.number for found in endpoint.revisions] == [1, 2, 3, 4, 5]
    assert (endpoint.state, shares(endpoint)) == (EndpointState.READY, {5: 100})


@pytest.mark.parametrize("end", ["stop", "delete"])
async def test_who_waits_for_a_deployment_is_not_left_waiting_when_it_is_ended(world, end):
    world.launcher.becomes = None
    deploying = asyncio.create_task(world.deploy(wait_s=600))
    await world.settle()

    await getattr(world.service, end)("m")
    endpoint = await asyncio.wait_for(deploying, 5)

    assert endpoint.state is EndpointState.STOPPED


async def test_a_change_that_comes_after_a_deletion_does_not_bring_the_endpoint_back(world):
    await world.deploy()

    deleted, changed = await asyncio.gather(
        world.service.delete("m"), world.service.promote("m"), return_exceptions=True
    )

    assert deleted is None
    assert isinstance(changed, NotFound)
    assert (world.service.list(), world.store.rows) == ((), {})


async def test_moving_traffic_does_not_make_a_server_forget_that_it_was_ready(world):
    await world.deploy()
    for _ in range(4):
        await world.service.promote("m")
        world.now += 61.0
        world.launcher.say("m", 1, KILLED)
        await world.settle()

    assert world.service.get("m").state is EndpointState.READY


async def test_what_the_machine_refuses_is_said_and_tried_again(world, monkeypatch):
    async def full(order):
        raise OSError(28, "No space left on device")

    start_server = world.launcher.start_server
    monkeypatch.setattr(world.launcher, "start_server", full)
    endpoint = await world.deploy(wait_s=0.01)
    monkeypatch.setattr(world.launcher, "start_server", start_server)
    world.launcher.on_change("m")
    await world.settle()

    assert endpoint.message == "[Errno 28] No space left on device"
    assert world.service.get("m").state is EndpointState.READY
