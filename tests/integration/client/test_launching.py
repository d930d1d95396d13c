"""Finding, starting, replacing and stopping a real engine."""

import os
import signal
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import jupyter_mlplat
from jupyter_mlplat.client import launching
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.errors import Conflict, Unavailable
from tests.fakes.engine import fake_engine, status


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    EngineClient(tmp_path / "home", start=False).stop_engine()


def test_first_question_starts_an_engine_that_outlives_the_asker(home: Path) -> None:
    client = EngineClient(home)

    engine = client.get_engine()

    assert (engine.home, engine.version) == (str(home), jupyter_mlplat.__version__)
    assert engine.pid not in (os.getpid(), 0)
    assert os.getsid(engine.pid) == engine.pid
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE(client.home.log.stat().st_mode) == 0o600


def test_many_faces_at_once_start_one_engine(home: Path) -> None:
    found: list[int] = []
    gate = threading.Barrier(6)

    def ask() -> None:
        gate.wait()
        found.append(EngineClient(home).get_engine().pid)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(found) == 6
    assert len(set(found)) == 1
    assert EngineClient(home).get_engine().fence == 1


def test_engine_that_was_killed_is_started_again_by_the_next_question(home: Path) -> None:
    client = EngineClient(home)
    first = client.get_engine()

    os.kill(first.pid, signal.SIGKILL)
    second = client.get_engine()

    assert (second.pid != first.pid, second.fence) == (True, first.fence + 1)


def test_stopped_engine_is_gone_when_stop_returns(home: Path) -> None:
    client = EngineClient(home)
    client.get_engine()

    assert client.stop_engine() is True
    assert client.find_engine() is None
    assert client.stop_engine() is False


def test_client_that_must_not_start_an_engine_says_how_to(home: Path) -> None:
    with pytest.raises(Unavailable, match="Start it with: jupyter mlplat engine start"):
        EngineClient(home, start=False).get_engine()

    assert not home.exists()


def test_engine_that_cannot_start_is_reported_with_its_last_words(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir(mode=0o700)
    (home / "metadata.db").mkdir()

    with pytest.raises(Unavailable) as caught:
        EngineClient(home).get_engine()

    assert "Cannot start the engine: it ended with status" in caught.value.message
    assert str(home / "engine.log") in caught.value.message
    assert len(caught.value.message.splitlines()) > 1


def test_state_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Unavailable, match="Name another one with MLPLAT_HOME"):
        EngineClient(tmp_path / "file" / "home").get_engine()


def test_idle_engine_of_another_version_is_replaced(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = EngineClient(home).get_engine()
    monkeypatch.setattr("jupyter_mlplat.client.link._own_version", lambda: "9.9.9")

    new = EngineClient(home).get_engine()

    assert (new.pid != old.pid, new.fence) == (True, old.fence + 1)


def test_busy_engine_of_another_version_is_left_alone(tmp_path: Path) -> None:
    with fake_engine(tmp_path) as engine:
        engine.answers["engine.get"] = status(engine.home, version="0.0.1", running_runs=2)

        with pytest.raises(Conflict) as caught:
            EngineClient(tmp_path).list_models()

    assert caught.value.message == (
        f"The engine of {str(tmp_path)!r} is version 0.0.1, this is version "
        f"{jupyter_mlplat.__version__}, and 2 of its runs are going. "
        "Wait for them or cancel them, then: jupyter mlplat engine stop"
    )
    assert [asked.route for asked in engine.asked] == ["engine.get"]


def test_engine_knows_nothing_of_the_server_that_started_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_TOKEN", "canary-1")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "canary-2")
    monkeypatch.setenv("JPY_SESSION_NAME", "canary-3")

    pid = EngineClient(home).get_engine().pid

    assert b"canary" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_long_path_of_a_state_directory_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / ("long" * 25) / ("er" * 20)

    try:
        assert EngineClient(home).get_engine().home == str(home)
    finally:
        EngineClient(home, start=False).stop_engine()


def test_lock_left_by_a_starter_that_died_is_free(home: Path) -> None:
    home.mkdir(mode=0o700)
    (home / "start.lock").touch()

    assert EngineClient(home).get_engine().fence == 1


def test_waiting_for_a_start_that_never_ends_has_a_bound(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir(mode=0o700)
    client = EngineClient(home)
    begun = time.monotonic()

    with (
        launching._start_lock(client.home, time.monotonic() + 1),
        pytest.raises(Unavailable, match="another program has been starting it for too long"),
    ):
        launching.start_engine(client.home, lambda: False, timeout_s=0.2)

    assert time.monotonic() - begun < 5
