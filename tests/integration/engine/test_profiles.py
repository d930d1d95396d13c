"""Two profiles in one engine process: real stores, blobs, events and files, nothing in common."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.config import EngineConfig
from jupyter_mlplat.engine.api.audit import AuditLog
from jupyter_mlplat.engine.api.identity import Identities
from jupyter_mlplat.engine.api.permissions import Permissions
from jupyter_mlplat.engine.api.rates import Rates
from jupyter_mlplat.engine.api.shared import SharedApi
from jupyter_mlplat.engine.gate import Gate
from jupyter_mlplat.engine.sharing import ServerConfig
from jupyter_mlplat.engine.tenants import OpenEngine, Stop, Tenants, config_of_profile, open_engine
from jupyter_mlplat.errors import Forbidden, InvalidInput, Unauthenticated
from jupyter_mlplat.kit.home import Home
from tests.fakes.postgres import WHERE, find_binaries, postgres_server
from tests.fakes.sharing import ALL, AUDIENCE, ISSUER, Answered, Issuer, Roles, ask, token

SERVER = ServerConfig.model_validate(
    {"address": "127.0.0.1:0", "oidc": [{"issuer": ISSUER, "audience": AUDIENCE}]}
)


class Shared:
    """An engine of many, in this process, and callers of it."""

    def __init__(self, root: Path, database: str | None = None) -> None:
        self.root, self.database = root, database
        self.roles = Roles({user: {user: set(ALL)} for user in ("anna", "bea")})
        self.tenants = Tenants(root, self._open, 10)
        self.app = SharedApi(
            self.tenants,
            Identities([Issuer().believed()]),
            Permissions(self.roles),
            Rates(1e6),
            AuditLog(root / "audit.log"),
        )

    async def _open(self, home: Home, stop: Stop) -> OpenEngine:
        config = config_of_profile(EngineConfig(cpu=1.0), SERVER, home)
        return await open_engine(home, config, stop, self.database)

    async def ask(
        self, user: str, verb: str, target: str, body: object = None, **more: object
    ) -> Answered:
        return await ask(self.app, verb, target, body, bearer=token(user), **more)  # type: ignore[arg-type]


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Shared]:
    made = Shared(tmp_path)
    yield made
    await made.tenants.close()


NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        {"cell_type": "code", "id": "a", "metadata": {}, "source": "x = 1", "outputs": []},
    ],
}


async def test_nothing_of_one_profile_is_seen_in_another(shared: Shared) -> None:
    for user in ("anna", "bea"):
        name = {"title": f"secrets-of-{user}"}
        made = await shared.ask(user, "POST", "/api/v1/experiments", name)
        assert made.status == 201
        put_away = f"/api/v1/experiments/{made.body['name']}"
        assert (await shared.ask(user, "PATCH", put_away, {"archived": True})).status == 200
        value = {"name": "key", "values": {"k": f"{user}-value"}, "kind": "secret"}
        assert (await shared.ask(user, "POST", "/api/v1/secrets", value)).status < 300

    listed = await shared.ask("bea", "GET", "/api/v1/experiments")
    found = await shared.ask("bea", "GET", "/api/v1/lineage/search?q=anna")
    events = await shared.ask("bea", "GET", "/api/v1/events?after=0", enough=200)
    machine = await shared.ask("bea", "GET", "/api/v1/engine")

    assert "secrets-of-bea" in listed.content.decode()
    for answered in (listed, found, events):
        assert answered.status == 200
        assert b"secrets-of-anna" not in answered.content
    assert machine.body["home"] == str(shared.root / "bea")
    apart = [shared.root / user / "metadata.db" for user in ("anna", "bea")]
    assert all(path.exists() for path in apart)
    everything_of_bea = b"".join(
        path.read_bytes() for path in (shared.root / "bea").rglob("*") if path.is_file()
    )
    assert b"anna" not in everything_of_bea


async def test_paths_mean_the_profile_s_own_files(shared: Shared) -> None:
    theirs = shared.root / "anna/files/work/nb.ipynb"
    await shared.ask("anna", "GET", "/api/v1/runs")
    theirs.parent.mkdir(parents=True)
    theirs.write_text(json.dumps(NOTEBOOK))
    (theirs.parent / "way-out").symlink_to("/etc")

    async def compiled(user: str, path: str) -> Answered:
        return await shared.ask(user, "POST", "/api/v1/compile", {"path": path})

    answered = await compiled("anna", "/work/nb.ipynb")
    assert (answered.status, answered.body["notebook"]) == (200, "/work/nb.ipynb")
    assert int(answered.headers["content-length"]) == len(answered.content)
    listed = await shared.ask("anna", "GET", "/api/v1/runs?notebook=/work/nb.ipynb&limit=5")
    assert (listed.status, listed.body["runs"]) == (200, [])
    assert (await shared.ask("anna", "GET", "/api/v1/runs?notebook=/work/way-out/x")).status == 400
    assert (await compiled("anna", str(theirs))).status == 200
    for path in (str(theirs), "/../../anna/files/work/nb.ipynb", "/work/nb.ipynb"):
        assert (await compiled("bea", path)).status == 404
    assert (await compiled("anna", "/work/way-out/passwd")).status == 400
    assert (await compiled("anna", "/etc/passwd")).status == 404


async def test_no_code_runs_where_the_engine_does(shared: Shared) -> None:
    submit = {"notebook": NOTEBOOK, "path": "/nb.ipynb"}
    for target, body in (
        ("/api/v1/runs", submit),
        ("/api/v1/verify", submit),
        ("/api/v1/endpoints", {"name": "e", "model": "m/1"}),
        ("/api/v1/images", {"pattern": "x", "python": "/bin/sh"}),
        ("/api/v1/train-jobs", {"payload": {"command": ["id"]}}),
    ):
        answered = await shared.ask("anna", "POST", target, body)
        assert (answered.status, answered.body["code"]) == (403, "forbidden"), target
    for target in ("/api/v1/kfp/open", "/api/v1/mlflow/open"):
        assert (await shared.ask("anna", "POST", target, {})).status == 403
    compiled = {"notebook": NOTEBOOK}
    compiled["notebook"] = {
        **NOTEBOOK,
        "metadata": {"kernelspec": {"name": "/bin/sh", "language": "python"}},
    }
    assert (await shared.ask("anna", "POST", "/api/v1/compile", compiled)).status == 200


async def test_engine_of_a_profile_can_be_stopped_and_comes_back(shared: Shared) -> None:
    await shared.ask("anna", "POST", "/api/v1/experiments", {"title": "kept"})
    before = (await shared.ask("anna", "GET", "/api/v1/engine")).body["fence"]

    assert (await shared.ask("anna", "POST", "/api/v1/engine/stop", {})).status == 200
    while shared.tenants.open_profiles:
        await asyncio.sleep(0.01)

    assert b"kept" in (await shared.ask("anna", "GET", "/api/v1/experiments")).content
    assert (await shared.ask("anna", "GET", "/api/v1/engine")).body["fence"] == before + 1


async def test_damaged_store_is_one_profile_s_trouble(shared: Shared) -> None:
    home = shared.root / "anna"
    home.mkdir()
    (home / "metadata.db").write_bytes(b"no database at all" * 1000)

    assert (await shared.ask("anna", "GET", "/api/v1/runs")).status == 503
    assert (await shared.ask("bea", "GET", "/api/v1/runs")).status == 200


# - over a real socket, with the client -


class Running:
    """The gate in a thread, with its own event loop."""

    def __init__(self, home: Path, issuer: Issuer) -> None:
        self._home = home
        self._roles = Roles({user: {user: set(ALL)} for user in ("anna", "bea")})
        self._ready, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._work(issuer)))
        self._thread.start()
        assert self._ready.wait(20)

    async def _work(self, issuer: Issuer) -> None:
        gate = Gate(Home(self._home), EngineConfig(cpu=1.0), SERVER, self._roles)
        gate._port._config.app._identities = Identities([issuer.believed()])  # type: ignore[union-attr]
        await gate.open()
        self.url = gate.address
        self._ready.set()
        while not self._stop.is_set():
            await asyncio.sleep(0.02)
        await gate.close()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(20)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp("shared"), Issuer())
    yield made
    made.close()


@pytest.fixture
def token_file(running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "token"
    path.write_text(token("anna"))
    monkeypatch.setenv("MLPLAT_ENGINE_URL", running.url)
    monkeypatch.setenv("MLPLAT_TOKEN_FILE", str(path))
    return path


def test_client_speaks_to_an_engine_on_the_network(token_file: Path, tmp_path: Path) -> None:
    notebook = tmp_path / "nb.ipynb"  # on this side only
    notebook.write_text(json.dumps(NOTEBOOK))

    client = EngineClient()

    assert client.get_engine().home.endswith("/profiles/anna")
    assert client.compile(notebook).steps[0].cells[0].source == "x = 1"
    with pytest.raises(Forbidden, match="others use it"):
        client.stop_engine()


def test_token_is_read_anew_when_it_was_renewed(token_file: Path) -> None:
    client = EngineClient()
    token_file.write_text(token("anna", exp=1))
    with pytest.raises(Unauthenticated, match="expired"):
        client.get_engine()

    token_file.write_text(token("anna"))
    assert client.get_engine().home.endswith("/anna")
    token_file.unlink()
    with pytest.raises(Unauthenticated, match="MLPLAT_TOKEN_FILE"):
        client.get_engine()


def test_profile_is_named_in_the_address_or_beside_it(
    running: Running, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLPLAT_ENGINE_URL", f"{running.url}/profiles/bea")
    with pytest.raises(Forbidden, match="profile 'bea'"):
        EngineClient().get_engine()

    token_file.write_text(token("bea"))
    assert EngineClient().get_engine().home.endswith("/bea")
    monkeypatch.setenv("MLPLAT_ENGINE_URL", running.url)
    monkeypatch.setenv("MLPLAT_PROFILE", "anna")
    with pytest.raises(Forbidden, match="profile 'anna'"):
        EngineClient().get_engine()


def test_events_come_over_the_network(token_file: Path) -> None:
    client = EngineClient()
    made = json.loads(client.fetch("experiments.create", body={"title": "told"}))
    client.fetch("experiments.update", {"experiment": made["name"]}, body={"archived": True})

    event = next(iter(client.watch_events(after=0)))

    assert (event.seq, event.kind) == (1, "experiment.updated")


def test_home_of_one_s_own_is_still_one_s_own(token_file: Path, tmp_path: Path) -> None:
    assert EngineClient(tmp_path / "own").remote is None
    assert EngineClient().remote is not None


@pytest.mark.parametrize("url", ["ftp://a", "mlplat", "http://mlplat.example.org", "https://"])
def test_address_that_would_give_the_token_away_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLPLAT_ENGINE_URL", url)

    with pytest.raises(InvalidInput, match="MLPLAT_ENGINE_URL"):
        EngineClient()


def test_nobody_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlplat.errors import Unavailable

    monkeypatch.setenv("MLPLAT_ENGINE_URL", "http://127.0.0.1:1")

    with pytest.raises(Unavailable, match="cannot be used now"):
        EngineClient().get_engine()


async def test_profiles_can_share_a_database_server(tmp_path: Path) -> None:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip(f"no PostgreSQL server is installed ({WHERE})")
    with postgres_server(binaries) as server:
        made = Shared(tmp_path, server.url)
        for user in ("anna", "bea"):
            title = {"title": f"secrets-of-{user}"}
            assert (await made.ask(user, "POST", "/api/v1/experiments", title)).status == 201
        await made.tenants.close()
        again = Shared(tmp_path, server.url)

        listed = (await again.ask("bea", "GET", "/api/v1/experiments")).content
        engine = (await again.ask("bea", "GET", "/api/v1/engine")).body

        await again.tenants.close()
    assert b"secrets-of-bea" in listed
    assert b"secrets-of-anna" not in listed
    assert engine["fence"] == 2
    assert not list(tmp_path.rglob("metadata.db"))
