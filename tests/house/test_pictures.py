"""The documentation's pictures: each that is shown is there, each that is there is shown."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("labextension/*.md")])
SHOWN = re.compile(r"""!\[([^\]]*)\]\(([^)\s]+)\)|<img\s[^>]*?src=["']([^"']+)["']""")
SOURCE = re.compile(r"""<source\s[^>]*?srcset=["']([^"']+)["']""")
MOST_BYTES = 150_000


def shown_in(page: Path) -> set[Path]:
    text = page.read_text("utf-8")
    names = [first or second for _, first, second in SHOWN.findall(text)] + SOURCE.findall(text)
    return {(page.parent / name).resolve() for name in names if "://" not in name}


def test_every_picture_that_is_shown_is_there() -> None:
    missing = [
        f"{page.relative_to(ROOT)} shows {picture.name}"
        for page in PAGES
        for picture in sorted(shown_in(page))
        if not picture.is_file()
    ]

    assert missing == []


def test_every_picture_that_is_there_is_shown() -> None:
    shown = {picture for page in PAGES for picture in shown_in(page)}

    assert sorted(one.name for one in IMAGES.iterdir() if one not in shown) == []


def test_every_picture_says_what_it_shows() -> None:
    silent = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in PAGES
        for words, name, _ in SHOWN.findall(page.read_text("utf-8"))
        if name and not words.strip()
    ]

    assert silent == []


@pytest.mark.parametrize("picture", sorted(IMAGES.iterdir()), ids=lambda picture: picture.name)
def test_no_picture_is_large(picture: Path) -> None:
    assert picture.suffix == ".png"
    assert picture.stat().st_size < MOST_BYTES
