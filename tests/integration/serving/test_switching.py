"""Requests while traffic moves and model servers die: counts are exact and nothing is dropped."""

import asyncio
import os
import signal
from collections import Counter

from jupyter_mlplat.resources.serving import (
    DeployRequest,
    EndpointState,
    Traffic,
    TrafficRequest,
)

BODY = b'{"instances":[[5.1,3.5,1.4,0.2]]}'
REQUEST = (
    b"POST /v1/models/iris:predict HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
)


class Load:
    """Callers that ask one request after the other over a connection each."""

    def __init__(self, url):
        self.port = int(url.rpartition(":")[2])
        self.statuses = Counter()
        self.revisions = Counter()

    async def ask(self, count):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for _ in range(count):
            writer.write(REQUEST)
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            await reader.readexactly(int(fields["content-length"]))
            self.statuses[int(head.split()[1])] += 1
            self.revisions[fields.get("x-mlplat-revision")] += 1
        writer.close()
        await writer.wait_closed()

    async def run(self, callers, each):
        await asyncio.gather(*(self.ask(each) for _ in range(callers)))


def split(first, second):
    return TrafficRequest(
        traffic=(Traffic(revision=1, percent=first), Traffic(revision=2, percent=second))
    )


async def test_a_canary_of_five_percent_gets_five_percent_of_ten_thousand_requests(world):
    await world.service.deploy(DeployRequest(model="iris"))
    endpoint = await world.service.deploy(DeployRequest(model="iris", traffic=5))
    load = Load(endpoint.url)

    await load.run(callers=20, each=500)

    assert load.statuses == {200: 10_000}
    assert load.revisions == {"1": 9_500, "2": 500}


async def test_twenty_traffic_changes_drop_no_request(world):
    await world.service.deploy(DeployRequest(model="iris"))
    endpoint = await world.service.deploy(DeployRequest(model="iris", traffic=50))
    load = Load(endpoint.url)
    asking = asyncio.create_task(load.run(callers=8, each=1500))

    for n in range(20):
        share = (n * 37) % 101
        await world.service.set_traffic("iris", split(share, 100 - share))
    await asking

    assert load.statuses == {200: 12_000}


async def test_replacing_a_revision_drops_no_request(world):
    endpoint = await world.service.deploy(DeployRequest(model="iris"))
    load = Load(endpoint.url)
    asking = asyncio.create_task(load.run(callers=8, each=2500))

    while not asking.done():
        await world.service.deploy(DeployRequest(model="iris"))
    await asking

    assert load.statuses == {200: 20_000}
    assert len(load.revisions) > 1


async def test_killed_model_servers_lose_only_what_they_were_answering(world):
    await world.service.deploy(DeployRequest(model="iris"))
    endpoint = await world.service.deploy(DeployRequest(model="iris", traffic=50))
    load = Load(endpoint.url)
    callers, kills = 8, 6
    asking = asyncio.create_task(load.run(callers, each=4000))

    for n in range(kills):
        pid = world.pid(n % 2 + 1)
        assert pid
        os.kill(pid, signal.SIGKILL)
        await world.until(
            lambda: world.service.get("iris").state is not EndpointState.READY, "death"
        )
        await world.until(lambda: world.service.get("iris").state is EndpointState.READY, "restart")
    await asking

    assert set(load.statuses) <= {200, 502}
    assert load.statuses[502] <= callers * kills
    assert sum(load.statuses.values()) == callers * 4000


async def test_what_revisions_answered_is_counted_and_survives_a_new_engine(world):
    await world.service.deploy(DeployRequest(model="iris"))
    endpoint = await world.service.deploy(DeployRequest(model="iris", traffic=25))
    load = Load(endpoint.url)
    await load.run(callers=4, each=50)
    await world.call("POST", "/v1/models/iris:predict", {"instances": [[1, 2]]})
    await world.service.close()
    await world.open()

    stats = await world.service.measure("iris")

    counted = {found.revision: found for found in stats.revisions}
    assert {n: found.requests for n, found in counted.items()} in ({1: 151, 2: 50}, {1: 150, 2: 51})
    assert sum(found.refused for found in counted.values()) == 1
    assert sum(found.errors for found in counted.values()) == 0
    assert stats.error_rate == 0.0
    assert stats.rps > 0
    assert 0 < counted[1].p50_ms <= counted[1].p95_ms <= counted[1].p99_ms < 30_000
    assert stats.since is not None

    await world.service.stop("iris")

    assert (await world.service.measure("iris")).since is None
