"""A full disk stops work, says so, and harms nothing; when there is space again, all goes on."""

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlplat.errors import PlatformError, Unavailable
from jupyter_mlplat.resources.run import RunState

from .conftest import EngineProcess, notebook_of
from .history import check_history, read_history

BOOK = [
    ("import time\ntime.sleep(1.5)\nx = 1", {"step": "slow", "cache": False}),
    ("y = x + 1", {"step": "after", "cache": False}),
]


@pytest.fixture
def small_disk(short_dir: Path) -> Iterator[Path]:
    """A disk of 40 MB of its own."""
    place = short_dir / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", place]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting needs root")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def _fill(place: Path) -> Path:
    filler = place / "filler"
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (2**20, 2**12, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)
    return filler


def test_a_run_waits_for_space_and_then_ends_as_it_should(
    small_disk: Path, short_dir: Path
) -> None:
    book = short_dir / "book.ipynb"
    book.write_text(json.dumps(notebook_of(BOOK)))
    engine = EngineProcess(small_disk / "home").start()
    try:
        run = engine.client.submit(book)
        time.sleep(0.5)
        filler = _fill(small_disk)
        with pytest.raises(PlatformError, match="full"):
            engine.client.submit(book)
        time.sleep(2.5)

        assert engine.client.get_engine().pid == engine.process.pid, "it answers nevertheless"
        filler.unlink()
        ended = engine.client.wait_for_run(run.id, 30)

        assert ended.state.is_final
        if ended.state is RunState.FAILED:
            assert ended.failure is not None
            assert "full" in ended.failure.message
            engine.client.retry_run(run.id)
            ended = engine.client.wait_for_run(run.id, 30)
        assert ended.state is RunState.SUCCEEDED
        assert engine.client.wait_for_run(engine.client.submit(book).id, 30).state.is_final
    finally:
        with contextlib.suppress(Unavailable):
            assert engine.stop() == 0
    check_history(*read_history(engine.home))
