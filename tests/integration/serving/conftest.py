"""A serving service with real processes, a store in memory and models in a folder."""

import asyncio
import http.client
import json
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import skops.io
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.kit.digests import digest_bytes
from jupyter_mlplat.launchers.local.serving import LocalServingLauncher
from jupyter_mlplat.ports.serving import ServableModel
from jupyter_mlplat.resources.lineage import ModelSignature, ModelVersion
from jupyter_mlplat.services.serving.service import ServingService
from jupyter_mlplat.serving.process import read_identity

DEADLINE_S = 60.0


class MemoryStore:
    """What a database would hold: it outlives the services that use it."""

    def __init__(self):
        self.rows: dict[str, tuple[Any, str]] = {}

    def save_endpoint(self, endpoint, internal):
        self.rows[endpoint.name] = (endpoint, json.dumps(internal))

    def list_endpoints(self):
        return [(endpoint, json.loads(text)) for endpoint, text in self.rows.values()]

    def delete_endpoint(self, name):
        self.rows.pop(name, None)


@dataclass
class FolderModels:
    """Models as files; `add` registers one more version."""

    folder: Path
    versions: dict[str, list[ServableModel]] = field(default_factory=dict)

    def add(self, name: str, content: bytes, format: str = "sklearn", signature=None) -> str:
        known = self.versions.setdefault(name, [])
        path = self.folder / f"{name}-{len(known) + 1}"
        path.write_bytes(content)
        version = ModelVersion(
            model=name,
            version=len(known) + 1,
            artifact_id="artifact-0123456789ab",
            format=format,
            signature=signature or ModelSignature(),
            created_at=datetime.now(UTC),
        )
        known.append(ServableModel(version, path, digest_bytes(content)))
        return f"{name}/{version.version}"

    def resolve(self, reference: str) -> ServableModel:
        name, _, version = reference.partition("/")
        if name not in self.versions:
            raise NotFound(f"Cannot find model {name!r}.")
        return self.versions[name][int(version) - 1 if version else -1]


class Events:
    def __init__(self):
        self.published: list[tuple[str, str, Any]] = []

    def publish(self, kind, subject, data):
        self.published.append((kind, subject, data))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class World:
    """What one test needs: services that can be replaced as engines are, over one directory."""

    def __init__(self, root: Path):
        self.root = root
        self.store = MemoryStore()
        self.models = FolderModels(root)
        self.events = Events()
        self.service: ServingService
        self.launcher: LocalServingLauncher

    async def open(self, predict_timeout_s: float = 60.0) -> ServingService:
        self.launcher = LocalServingLauncher(
            self.root / "endpoints", predict_timeout_s=predict_timeout_s
        )
        self.service = ServingService(self.store, self.models, self.launcher, self.events)
        await self.service.open()
        return self.service

    async def call(self, method: str, path: str, body: Any = None, name: str = "iris", **headers):
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        address = self.service.get(name).url.removeprefix("http://")
        return await asyncio.to_thread(_call, address, method, path, content, headers)

    async def until(self, is_so, what: str) -> None:
        """Wait, with a deadline, for something that other processes bring about."""
        deadline = time.monotonic() + DEADLINE_S
        while not is_so():
            assert time.monotonic() < deadline, f"in vain waited for: {what}"
            await asyncio.sleep(0.02)

    def pid(self, revision: int, name: str = "iris") -> int:
        return self._pid(self.root / "endpoints" / name / "revisions" / str(revision))

    def router_pid(self, name: str = "iris") -> int:
        return self._pid(self.root / "endpoints" / name / "router")

    @staticmethod
    def _pid(directory: Path) -> int:
        """Return who announced itself there last; 0 while that is being written."""
        identity = read_identity(directory)
        return identity.pid if identity else 0


def _call(address, method, path, body, headers) -> Answer:
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


@pytest.fixture(scope="session")
def iris_model() -> bytes:
    return skops.io.dumps(LogisticRegression(max_iter=1000).fit(*load_iris(return_X_y=True)))


@pytest.fixture
async def world(iris_model):
    # Not pytest's tmp_path: Unix sockets need short paths.
    root = Path(tempfile.mkdtemp(prefix="srv-"))
    world = World(root)
    world.models.add("iris", iris_model)
    await world.open()
    yield world
    for endpoint in world.service.list():
        await world.service.delete(endpoint.name)
    await world.service.close()
    shutil.rmtree(root)
