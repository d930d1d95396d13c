"""The server in memory answers as a real one did (see `recording`)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster.memory import MemoryCluster
from tests.cluster.recording import FOLDER, asker, play
from tests.cluster.scenarios import ALL, Scenario

RECORDED = [scenario for scenario in ALL if (FOLDER / f"{scenario.name}.json").exists()]


@pytest.mark.parametrize("scenario", RECORDED, ids=[scenario.name for scenario in RECORDED])
def test_the_server_in_memory_answers_as_the_real_one(
    api_server: MemoryCluster, scenario: Scenario
) -> None:
    tokens: dict[str, str] = {}
    ask = asker(api_server.url, lambda user: tokens.setdefault(user, api_server.token(user)))
    recorded: dict[str, Any] = json.loads((FOLDER / f"{scenario.name}.json").read_text())

    answers = play(scenario, ask)

    assert {key: answer["code"] for key, answer in answers.items()} == {
        key: answer["code"] for key, answer in recorded.items()
    }
    for key, answer in recorded.items():
        assert answers[key]["body"] == answer["body"], key
