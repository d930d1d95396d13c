"""Models and callers that mean harm, or fail."""

import asyncio
import json
import os
import pickle
import random
import socket
import sys
import time

import pytest

from jupyter_mlplat.errors import ExecutionFailed, Forbidden, PlatformError
from jupyter_mlplat.resources.serving import DeployRequest, EndpointState, PredictRequest

ROWS = {"instances": [[5.1, 3.5, 1.4, 0.2]]}


class Touch:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (os.system, (f"touch {self.path}",))


def skops_that_calls(path):
    """Write a skops file by hand whose parts would call `os.system`."""
    import io
    import zipfile

    def text(value):
        return {
            "__class__": "str",
            "__module__": "builtins",
            "__loader__": "JsonNode",
            "content": json.dumps(value),
            "is_json": True,
        }

    call = {
        "__class__": "system",
        "__module__": "os",
        "__loader__": "ReduceNode",
        "__reduce__": {
            "args": {
                "__class__": "tuple",
                "__module__": "builtins",
                "__loader__": "TupleNode",
                "content": [text(f"touch {path}")],
            }
        },
        "content": text(None),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("schema.json", json.dumps({**call, "protocol": 2}))
    return out.getvalue()


def npy_with_objects(path):
    import io
    import zipfile

    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, np.array([Touch(path)], dtype=object), allow_pickle=True)
    out = io.BytesIO()
    node = {
        "__class__": "ndarray",
        "__module__": "numpy",
        "__loader__": "NdArrayNode",
        "type": "numpy",
        "file": "a.npy",
    }
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.npy", buffer.getvalue())
        archive.writestr("schema.json", json.dumps({**node, "protocol": 2}))
    return out.getvalue()


def malicious(path):
    touch = Touch(path)
    source = f"import os\nos.system('touch {path}')".encode()
    for protocol in range(6):
        yield "sklearn", pickle.dumps(touch, protocol)
        yield "onnx", pickle.dumps(touch, protocol)
    yield "sklearn", skops_that_calls(path)
    yield "sklearn", npy_with_objects(path)
    yield "sklearn", source
    yield "onnx", source
    yield "sklearn", b""
    yield "onnx", b""


async def test_malicious_files_run_nothing_and_are_refused(world, tmp_path):
    canary = tmp_path / "canary"
    cases = list(malicious(canary))
    for number, (format, content) in enumerate(cases):
        world.models.add(f"m{number}", content, format=format)

    async def deploy(number):
        with pytest.raises(ExecutionFailed, match=f"Cannot serve 'm{number}' version 1"):
            await world.service.deploy(DeployRequest(model=f"m{number}"))

    for start in range(0, len(cases), 4):
        await asyncio.gather(*(deploy(n) for n in range(start, min(start + 4, len(cases)))))

    assert not canary.exists()


@pytest.mark.parametrize("format", ["pickle", "python"])
async def test_a_malicious_pickle_does_not_even_start_a_process(world, tmp_path, format):
    world.models.add("m", pickle.dumps(Touch(tmp_path / "canary")), format=format)

    with pytest.raises(Forbidden):
        await world.service.deploy(DeployRequest(model="m"))

    assert not (tmp_path / "canary").exists()
    assert not (world.root / "endpoints").exists()


BEHAVIOURS = b"""
import os, time, sys

class P:
    def predict(self, rows):
        what = rows[0][0]
        if what == 1: raise RuntimeError("internal\\nsecond line")
        if what == 2: raise ValueError("too blue")
        if what == 3: os._exit(9)
        if what == 4: time.sleep(600)
        if what == 5: return object()
        if what == 6: raise MemoryError("too big")
        if what == 7: sys.exit(3)
        return rows
"""


async def test_failures_of_a_model_are_told_apart(world):
    world.models.add("iris", BEHAVIOURS, format="python")
    await world.service.deploy(DeployRequest(model="iris", trust_pickle=True))

    async def ask(what):
        answer = await world.call("POST", "/v1/models/iris:predict", {"instances": [[what]]})
        return answer.status, answer.json

    assert await ask(0) == (200, {"predictions": [[0]]})
    assert await ask(1) == (500, {"error": "The model failed: RuntimeError: internal"})
    assert await ask(2) == (400, {"error": "The model refused the input: too blue"})
    assert (await ask(5))[0] == 500
    assert (await ask(6))[0] == 500
    status, body = await ask(3)
    assert status == 502
    assert body["error"].startswith("Revision 1 ended while it was answering.")
    await world.until(lambda: "status 9" in world.service.get("iris").message, "its end noticed")
    await world.until(lambda: world.service.get("iris").state is EndpointState.READY, "restart")
    assert (await ask(7))[0] == 502


async def test_a_model_that_hangs_is_ended_and_started_again(world):
    await world.service.close()
    await world.open(predict_timeout_s=1.0)
    world.models.add("iris", BEHAVIOURS, format="python")
    await world.service.deploy(DeployRequest(model="iris", trust_pickle=True))
    start = time.monotonic()

    answer = await world.call("POST", "/v1/models/iris:predict", {"instances": [[4]]})

    assert answer.status == 504
    assert answer.json == {"error": "Revision 1 did not answer within 1 seconds."}
    assert time.monotonic() - start < 10
    await world.until(
        lambda: "took too long" in world.service.get("iris").message, "its end noticed"
    )
    await world.until(lambda: world.service.get("iris").state is EndpointState.READY, "restart")
    assert (await world.service.predict("iris", PredictRequest(inputs=[[0]])))["outputs"] == [[0]]


async def test_a_server_that_always_dies_is_given_up(world):
    world.models.add("m", b"import os\nos._exit(1)", format="python")

    with pytest.raises(PlatformError, match="ended with status 1; see its log"):
        await world.service.deploy(DeployRequest(model="m", trust_pickle=True))

    assert world.service.get("m").state is EndpointState.FAILED


def mutations(count):
    """Yield request bodies near to right ones, and far from it."""
    dice = random.Random(20261120)
    right = json.dumps(
        {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [1, 2, 3, 4]}]}
    ).encode()
    values = [None, True, -1, 2**70, 1e308, "", "x" * 1000, [], {}, [[[]]], [None] * 4]
    for _ in range(count):
        kind = dice.randrange(3)
        if kind == 0:
            body = bytearray(right)
            for _ in range(dice.randrange(1, 6)):
                body[dice.randrange(len(body))] = dice.randrange(256)
            yield bytes(body)
        elif kind == 1:
            document = json.loads(right)
            entry = document["inputs"][0]
            entry[dice.choice(sorted(entry))] = dice.choice(values)
            yield json.dumps(document).encode()
        else:
            yield json.dumps({"instances": dice.choice([*values, [dice.choice(values)]])}).encode()


async def test_bad_requests_are_never_the_servers_fault(world):
    await world.service.deploy(DeployRequest(model="iris"))
    pid = world.pid(1)

    for body in mutations(300):
        path = f"/v{2 if b'inputs' in body else 1}/models/iris"
        path += "/infer" if b"inputs" in body else ":predict"
        answer = await world.call("POST", path, body)
        assert answer.status in (200, 400, 413), (body, answer)
        assert answer.status == 200 or list(answer.json) == ["error"]

    good = await world.call("POST", "/v1/models/iris:predict", ROWS)
    assert (good.status, world.pid(1)) == (200, pid)


async def test_raw_nonsense_on_the_port_harms_nobody(world):
    endpoint = await world.service.deploy(DeployRequest(model="iris"))
    port = int(endpoint.url.rpartition(":")[2])
    dice = random.Random(7)

    def shout(content):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            return connection.recv(65536)

    for _ in range(100):
        content = dice.randbytes(dice.randrange(1, 300))
        answer = await asyncio.to_thread(shout, content)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4")

    assert (await world.call("POST", "/v1/models/iris:predict", ROWS)).status == 200


async def test_a_page_of_another_site_cannot_use_an_endpoint(world):
    await world.service.deploy(DeployRequest(model="iris"))

    rebound = await world.call("POST", "/v1/models/iris:predict", ROWS, Host="evil.com")
    foreign = await world.call("POST", "/v1/models/iris:predict", ROWS, Origin="https://evil.com")

    assert (rebound.status, foreign.status) == (403, 403)


async def test_a_large_body_does_not_stay_in_memory(world):
    import psutil

    await world.service.deploy(DeployRequest(model="iris"))
    body = json.dumps({"instances": [[0.5] * 4] * 100_000}).encode()
    assert (await world.call("POST", "/v1/models/iris:predict", body)).status == 200
    before = psutil.Process(world.router_pid()).memory_info().rss

    for _ in range(5):
        assert (await world.call("POST", "/v1/models/iris:predict", body)).status == 200

    assert psutil.Process(world.router_pid()).memory_info().rss - before < 30 * 2**20
    assert sys.getsizeof(body) > 10**6
