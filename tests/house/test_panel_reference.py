"""Every command, key and setting of the side panel is in its reference page."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "panel.md").read_text("utf-8")
COMMANDS = re.findall(
    r"'(mlplat:[a-z-]+)'", (ROOT / "labextension" / "src" / "commands.ts").read_text("utf-8")
)
SCHEMA = json.loads((ROOT / "labextension" / "schema" / "panel.json").read_text("utf-8"))


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_in_the_reference(command: str) -> None:
    assert f"| `{command}` |" in PAGE


@pytest.mark.parametrize("shortcut", SCHEMA["jupyter.lab.shortcuts"], ids=lambda s: s["keys"][0])
def test_key_is_in_the_reference_and_has_a_command(shortcut: dict[str, Any]) -> None:
    assert f"| `{shortcut['keys'][0]}` |" in PAGE
    assert shortcut["command"] in COMMANDS


@pytest.mark.parametrize("setting", SCHEMA["properties"])
def test_setting_is_in_the_reference(setting: str) -> None:
    assert f"`{setting}`" in PAGE
