"""A model server alone, speaking HTTP: what runs in a pod."""

import asyncio
import http.client
import json
import signal
import socket
import subprocess
import sys
import time

from jupyter_mlplat.kit.digests import digest_bytes


async def test_a_model_server_can_serve_without_a_router(tmp_path, iris_model):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "model").write_bytes(iris_model)
    orders = {
        "endpoint": "iris",
        "format": "sklearn",
        "path": str(tmp_path / "model"),
        "digest": digest_bytes(iris_model),
        "link": None,
        "http": ["127.0.0.1", port],
    }
    (tmp_path / "server.json").write_text(json.dumps(orders))
    command = [sys.executable, "-I", "-m", "jupyter_mlplat.serving.server"]
    process = subprocess.Popen([*command, "--config", str(tmp_path / "server.json")])
    try:
        answer = await asyncio.to_thread(first_answer, port)
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(20)

    assert answer == {"predictions": [0]}
    assert status == 0


def first_answer(port):
    """Ask until the server listens, for twenty seconds at most."""
    body = json.dumps({"instances": [[5.1, 3.5, 1.4, 0.2]]})
    for _ in range(400):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("POST", "/v1/models/iris:predict", body)
            return json.loads(connection.getresponse().read())
        except ConnectionRefusedError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise AssertionError("the server did not listen in time")
