"""An IPython with the extension loaded, against an engine that only listens."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.fakes.engine import FakeEngine, fake_engine


@dataclass
class Prompt:
    """Runs cells and tells what they printed and gave."""

    shell: Any
    capture: pytest.CaptureFixture[str]

    def run(self, cell: str) -> Any:
        """Run a cell; return its value."""
        result = self.shell.run_cell(cell, store_history=True)
        return result.result

    def printed(self) -> str:
        """Return what was printed since the last question."""
        out, err = self.capture.readouterr()
        return out + err


@pytest.fixture(scope="module")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeEngine]:
    with fake_engine(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture
def engine(shared_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    shared_engine.answers.clear()
    shared_engine.asked.clear()
    monkeypatch.setenv("MLPLAT_HOME", str(shared_engine.home.root))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    return shared_engine


@pytest.fixture
def prompt(
    engine: FakeEngine,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Prompt]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(tmp_path)
    shell = InteractiveShell()
    shell.colors = "nocolor"
    shell.run_line_magic("load_ext", "jupyter_mlplat")
    yield Prompt(shell, capsys)
    shell.history_manager.end_session()
    shell.restore_sys_module_state()
    InteractiveShell.clear_instance()
