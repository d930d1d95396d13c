"""Who is measured: how each is started, called and ended."""

import asyncio
import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import skops.io
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from benchmarks.peers import PeerUnavailable, peer_python
from jupyter_mlplat.kit.digests import digest_bytes
from jupyter_mlplat.launchers.local.serving import LocalServingLauncher
from jupyter_mlplat.ports.serving import ServableModel
from jupyter_mlplat.resources.lineage import ModelFormat, ModelVersion
from jupyter_mlplat.resources.serving import DeployRequest, Endpoint
from jupyter_mlplat.services.serving.service import ServingService

SERVERS = Path(__file__).with_name("peer_servers.py")
ROWS: Mapping[str, list[float]] = {"regression": [5.1, 3.5, 1.4, 0.2], "forest": [14.0] * 30}
UP_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Running:
    """A server that has answered its first request.

    Attributes:
        start_s: From being asked for to that answer.
        answer: The predictions of that answer.
        pids: Its processes; children are found from them.
    """

    url: str
    body: object
    start_s: float
    answer: Any
    pids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to serve; `serve(model, folder)` runs it for the length of a with-block."""

    name: str
    serve: Callable[[str, Path], Any]


def contenders() -> Iterator[Contender]:
    """Name all contenders; environments are made when a peer is first served."""
    yield Contender("jupyter-mlplat", ours("sklearn"))
    yield Contender("jupyter-mlplat, scikit-learn inside", ours("pickle"))
    yield Contender(
        "KServe", peer("kserve", "kserve>=0.16", "scikit-learn>=1.6", "numpy>=2", "joblib>=1.4")
    )
    yield Contender(
        "MLServer", peer("mlserver", "mlserver>=1.6", "mlserver-sklearn>=1.6", "scikit-learn>=1.6")
    )
    yield Contender(
        "starlette + uvicorn",
        peer("starlette", "starlette>=1", "uvicorn[standard]>=0.40", "scikit-learn>=1.6"),
    )


def peer(kind: str, *requirements: str) -> Callable[[str, Path], Any]:
    """Serve with a peer, in an environment of its own."""

    @contextmanager
    def serve(model: str, folder: Path) -> Iterator[Running]:
        python = peer_python(kind, *requirements)
        home = folder / kind
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        if not home.exists():
            made = subprocess.run(
                [python, SERVERS, "make", home], capture_output=True, text=True, env=environment
            )
            if made.returncode:
                raise PeerUnavailable(f"{kind} cannot fit its models: {made.stderr[-300:]}")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        row = ROWS[model]
        if kind == "mlserver":
            path = "/v2/models/m/infer"
            tensor = {"name": "x", "shape": [1, len(row)], "datatype": "FP64", "data": row}
            body: object = {"inputs": [tensor]}
        else:
            path, body = "/v1/models/m:predict", {"instances": [row]}
        start = time.perf_counter()
        with (folder / f"{kind}.log").open("ab") as log:
            process = subprocess.Popen(
                [python, SERVERS, kind, str(port), home / model],
                env=environment,
                cwd=folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            url = f"http://127.0.0.1:{port}{path}"
            answer = _first_answer(url, body, lambda: process.poll() is None)
            yield Running(url, body, time.perf_counter() - start, answer, (process.pid,))
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    return serve


def ours(format: ModelFormat) -> Callable[[str, Path], Any]:
    """Serve as a user does: a service deploys the model, callers use the endpoint's URL."""

    @contextmanager
    def serve(model: str, folder: Path) -> Iterator[Running]:
        loop = asyncio.new_event_loop()
        home = folder / "ours"
        launcher = LocalServingLauncher(home)
        source = _Source(folder / f"{model}.{format}", model, format)
        service = ServingService(_NoStore(), source, launcher, _NoEvents())
        loop.run_until_complete(service.open())
        start = time.perf_counter()
        endpoint = loop.run_until_complete(
            service.deploy(DeployRequest(model=model, name="m", trust_pickle=True))
        )
        try:
            url = endpoint.url + "/v1/models/m:predict"
            body = {"instances": [ROWS[model]]}
            answer = _first_answer(url, body, lambda: True)
            start_s = time.perf_counter() - start
            parts = (home / "m").rglob("process.json")
            pids = tuple(json.loads(path.read_text())["pid"] for path in parts)
            yield Running(url, body, start_s, answer, pids)
        finally:
            loop.run_until_complete(service.delete("m"))
            loop.run_until_complete(service.close())
            loop.close()
            shutil.rmtree(home)

    return serve


def _first_answer(url: str, body: object, is_alive: Callable[[], bool]) -> Any:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    deadline = time.perf_counter() + UP_WITHIN_S
    while time.perf_counter() < deadline and is_alive():
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                answer = json.loads(response.read())
        except (OSError, urllib.error.HTTPError):
            time.sleep(0.01)
        else:
            return (
                answer["predictions"] if "predictions" in answer else answer["outputs"][0]["data"]
            )
    raise PeerUnavailable(f"{url} did not answer within {UP_WITHIN_S:g} s.")


class _Source:
    """One model of the benchmark, fitted here and written in our formats."""

    def __init__(self, path: Path, model: str, format: ModelFormat) -> None:
        if not path.exists():
            estimator, data = {
                "regression": (LogisticRegression(max_iter=1000), load_iris),
                "forest": (RandomForestClassifier(100, random_state=0), load_breast_cancer),
            }[model]
            estimator.fit(*data(return_X_y=True))
            dump = skops.io.dumps if format == "sklearn" else pickle.dumps
            path.write_bytes(dump(estimator))
        version = ModelVersion(
            model=model,
            version=1,
            artifact_id="artifact-0000000000",
            format=format,
            created_at=datetime.now(UTC),
        )
        self._model = ServableModel(version, path, digest_bytes(path.read_bytes()))

    def resolve(self, reference: str) -> ServableModel:
        return self._model


class _NoStore:
    def save_endpoint(self, endpoint: Endpoint, internal: Mapping[str, Any]) -> None: ...

    def list_endpoints(self) -> tuple[()]:
        return ()

    def delete_endpoint(self, name: str) -> None: ...


class _NoEvents:
    def publish(self, kind: str, subject: str, data: Mapping[str, Any]) -> None: ...
