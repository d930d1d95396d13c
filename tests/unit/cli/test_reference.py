"""Whatever can be typed is in the reference pages."""

import argparse
from pathlib import Path

import pytest

import jupyter_mlplat
from jupyter_mlplat.cli.arguments import list_commands as list_cli_commands
from jupyter_mlplat.magics.arguments import list_commands as list_magic_commands
from jupyter_mlplat.magics.marker import build_parser

PAGES = Path(__file__).parents[3] / "docs" / "reference"


def section(page: str, heading: str) -> str:
    text = (PAGES / page).read_text()
    assert f"\n## `{heading}`\n" in text, f"{heading} has no section in {page}"
    return text.split(f"\n## `{heading}`\n")[1].split("\n## ")[0]


def missing(parser: argparse.ArgumentParser, text: str) -> list[str]:
    options = {option for action in parser._actions for option in action.option_strings}
    return [o for o in sorted(options - {"--json", "--home", "-h", "--help"}) if o not in text]


@pytest.mark.parametrize(
    ("words", "parser"), list_cli_commands().items(), ids=list(list_cli_commands())
)
def test_command_and_its_options_are_in_the_reference(
    words: str, parser: argparse.ArgumentParser
) -> None:
    assert missing(parser, section("cli.md", f"jupyter mlplat {words}")) == []


@pytest.mark.parametrize(
    ("word", "parser"), list_magic_commands().items(), ids=list(list_magic_commands())
)
def test_magic_and_its_options_are_in_the_reference(
    word: str, parser: argparse.ArgumentParser
) -> None:
    assert missing(parser, section("magics.md", f"%mlplat {word}")) == []


@pytest.mark.parametrize("word", ["step", "skip", "train", "tune"])
def test_mark_and_its_options_are_in_the_reference(word: str) -> None:
    assert missing(build_parser(word), section("magics.md", f"%%mlplat {word}")) == []


def test_every_public_name_is_in_the_reference() -> None:
    text = (PAGES / "python.md").read_text()

    assert [name for name in jupyter_mlplat.__all__ if f"mlplat.{name}" not in text] == []
