"""What a loss of power can have torn."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jupyter_mlplat.errors import Unavailable
from jupyter_mlplat.stores.flushing import CLOCK_MARGIN, Flush


def test_nothing_is_torn_in_the_boot_of_the_flush(tmp_path: Path) -> None:
    flush = Flush(tmp_path, tmp_path / "flushed")
    assert flush.torn_since() is None, "there has been no flush yet"

    flush.run()

    assert flush.torn_since() is None


def test_after_another_boot_all_since_the_flush_may_be_torn(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    Flush(tmp_path, tmp_path / "flushed", boot="earlier").run()

    since = Flush(tmp_path, tmp_path / "flushed", boot="later").torn_since()

    assert since is not None
    assert timedelta(0) <= since + CLOCK_MARGIN - before < timedelta(minutes=1)


@pytest.mark.parametrize(
    "mark", [b"", b"\0" * 40, b'{"boot": "x"}', b"[]", b'{"boot": 1, "at": "x"}']
)
def test_a_torn_mark_says_nothing_so_all_may_be_torn(tmp_path: Path, mark: bytes) -> None:
    (tmp_path / "flushed").write_bytes(mark)

    assert Flush(tmp_path, tmp_path / "flushed").torn_since() == datetime.fromtimestamp(0, UTC)


def test_a_flush_that_fails_says_so_and_leaves_no_mark(tmp_path: Path) -> None:
    flush = Flush(tmp_path / "gone", tmp_path / "flushed")

    with pytest.raises(Unavailable, match=r"Cannot flush .*gone.*No such file"):
        flush.run()

    assert not (tmp_path / "flushed").exists()


def test_a_mark_names_its_boot(tmp_path: Path) -> None:
    Flush(tmp_path, tmp_path / "flushed", boot="this").run()

    assert json.loads((tmp_path / "flushed").read_bytes())["boot"] == "this"
