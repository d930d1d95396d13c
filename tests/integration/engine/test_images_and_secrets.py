"""The image map and the secrets of an engine, through its client."""

import json
from pathlib import Path

import pytest

from jupyter_mlplat.errors import InvalidInput, NotFound
from tests.integration.engine.conftest import EngineProcess


def test_image_rules_are_kept_newest_first_and_removed(
    running: EngineProcess, tmp_path: Path
) -> None:
    client = running.client

    client.map_image("team/*", files=str(tmp_path))
    images = client.map_image("team/train:1", commands=False)

    assert [rule.pattern for rule in images.rules if not rule.built_in] == [
        "team/train:1",
        "team/*",
    ]
    assert [entry["pattern"] for entry in json.loads(running.home.images.read_text())] == [
        "team/train:1",
        "team/*",
    ]
    left = client.remove_image("team/train:1")
    assert [rule.pattern for rule in left.rules if not rule.built_in] == ["team/*"]
    with pytest.raises(NotFound, match="built in stay"):
        client.remove_image("python:*")
    with pytest.raises(InvalidInput, match="there is no interpreter"):
        client.map_image("x", python="/no/such/python")


def test_secrets_are_told_by_name_only(running: EngineProcess) -> None:
    client = running.client

    client.set_secret("db", {"user": "me"})
    stored = client.set_secret("db", {"password": "hunter22"})
    client.set_secret("modes", {"mode": "dark"}, "config")

    assert stored.keys == ("password", "user")
    assert [(one.name, one.kind) for one in client.secrets()] == [
        ("db", "secret"),
        ("modes", "config"),
    ]
    assert "hunter22" not in client.fetch("secrets.list").decode()
    with pytest.raises(InvalidInput):
        client.set_secret("db", {"../x": "y"})
    client.delete_secret("db")
    with pytest.raises(NotFound):
        client.delete_secret("db")
