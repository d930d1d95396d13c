from pathlib import Path

import pytest

from jupyter_mlplat.config import ClusterConfig, EngineConfig, read_config
from jupyter_mlplat.engine.crashpoints import POINTS, CrashPoints
from jupyter_mlplat.engine.lock import EngineLock, Holder
from jupyter_mlplat.errors import Conflict, InvalidInput


def test_no_settings_are_the_defaults(tmp_path: Path) -> None:
    assert read_config(tmp_path / "config.toml", {}) == EngineConfig()


def test_the_environment_counts_more_than_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[engine]\ncpu = "1500m"\nmemory = "2Gi"\nidle_shutdown_hours = 0.5\n')

    config = read_config(path, {"MLPLAT_MEMORY": "1Gi", "MLPLAT_GPUS": "0"})

    assert config == EngineConfig(cpu=1.5, memory_bytes=2**30, gpus=0, idle_shutdown_s=1800.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[engine]\nmemory = 'lots'", "'lots' is no amount of bytes"),
        ("[engine]\nspeed = 9", "'speed' is no setting of the engine. There are: cpu, memory"),
        ("[engine", "Cannot read the settings"),
    ],
    ids=["value", "name", "form"],
)
def test_wrong_settings_say_what_and_where(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)

    with pytest.raises(InvalidInput) as refused:
        read_config(path, {})

    assert words in refused.value.message
    assert "config.toml" in refused.value.message


def test_crash_points_can_be_counted_on_to_exist() -> None:
    assert len(POINTS) == len(set(POINTS)) > 30
    assert not CrashPoints("").is_armed
    with pytest.raises(ValueError, match="is not a crash point"):
        CrashPoints("nowhere:2")


def test_a_lock_says_who_has_it_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    first = EngineLock(path)
    first.acquire()
    first.write(Holder.this_process("1.2", 7, "2026-01-01T00:00:00+00:00", tmp_path / "s"))

    with pytest.raises(Conflict, match=r"version 1\.2, since 2026-01-01"):
        EngineLock(path).acquire()

    first.release()
    second = EngineLock(path)
    assert second.read() == {}
    second.acquire()
    second.release()


def test_a_shorter_word_in_the_lock_leaves_nothing_of_the_longer_one(tmp_path: Path) -> None:
    lock = EngineLock(tmp_path / "engine.lock")
    lock.acquire()
    for since in ("a very long time ago", "now"):
        lock.write(Holder.this_process("1", 1, since, tmp_path))
        assert lock.read()["since"] == since
    lock.release()


def test_clusters_are_places_to_run_on(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[engine]\nrun_on = "lab"\n[cluster.lab]\nimage = "i:1"\nvolume = "anna-home"\n'
        'node_selector = {pool = "gpu"}\ntolerations = [{key = "gpu", operator = "Exists"}]\n'
    )

    config = read_config(path, {})

    assert config.run_on == "lab"
    assert config.clusters == (
        ClusterConfig(
            "lab",
            "i:1",
            volume="anna-home",
            node_selector={"pool": "gpu"},
            tolerations=({"key": "gpu", "operator": "Exists"},),
        ),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[cluster.lab]\nvolume = 'v'", "'image' is missing"),
        ("[cluster.lab]\nimage = 'i'", "'volume' is missing, which exchange = 'volume' needs"),
        ("[cluster.lab]\nimage = 'i'\nexchange = 'http'", "'address' is missing"),
        ("[cluster.lab]\nimage = 'i'\nexchange = 'mail'", "'exchange' is 'volume' or 'http'"),
        ("[cluster.lab]\nimage = 7", "Cannot read 'image' from [cluster.lab]"),
        ("[cluster.lab]\nspeed = 9", "'speed' is no setting of a cluster"),
        ("[cluster.Lab]\nimage = 'i'", "small letters"),
        ("[cluster.this-machine]\nimage = 'i'", "small letters"),
        ("[engine]\nrun_on = 'moon'", "there is no place 'moon'. There are: this-machine."),
    ],
)
def test_wrong_settings_of_a_cluster_say_what_is_wrong(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)

    with pytest.raises(InvalidInput) as refused:
        read_config(path, {})

    assert words in refused.value.message
