"""The program, called as a user calls it, against an engine that only listens."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.cli import main
from tests.fakes.engine import FakeEngine, fake_engine


@dataclass(frozen=True)
class Done:
    """How a call ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(scope="module")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeEngine]:
    with fake_engine(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture
def engine(shared_engine: FakeEngine) -> FakeEngine:
    shared_engine.answers.clear()
    shared_engine.asked.clear()
    return shared_engine


@pytest.fixture
def mlplat(
    engine: FakeEngine,
    capsysbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[..., Done]:
    monkeypatch.setenv("MLPLAT_HOME", str(engine.home.root))
    monkeypatch.chdir(tmp_path)

    def call(*argv: str) -> Done:
        code = main(argv)
        out, err = capsysbinary.readouterr()
        return Done(code, out.decode(errors="surrogateescape"), err.decode())

    return call
