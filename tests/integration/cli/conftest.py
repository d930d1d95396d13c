"""The program as a process of its own, with a real engine."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.client.engine import EngineClient

PROGRAM = [
    sys.executable,
    "-c",
    "import sys; from jupyter_mlplat.cli import main; sys.exit(main())",
]


@dataclass(frozen=True)
class Workplace:
    """A folder with notebooks and a state directory."""

    folder: Path
    home: Path

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "MLPLAT_HOME": str(self.home), **more}

    def mlplat(self, *argv: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*PROGRAM, *argv],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            timeout=120,
        )

    def ask(self, *argv: str) -> Any:
        done = self.mlplat(*argv, "--json")
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def write(self, name: str, *cells: str, parameters: str = "") -> Path:
        sources = [(parameters, ["parameters"])] if parameters else []
        sources += [(source, []) for source in cells]
        notebook = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"cell-{number}",
                    "metadata": {"tags": tags},
                    "source": source,
                    "outputs": [],
                    "execution_count": None,
                }
                for number, (source, tags) in enumerate(sources, 1)
            ],
        }
        path = self.folder / name
        path.write_text(json.dumps(notebook))
        return path


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    folder = tmp_path_factory.mktemp("work")
    yield Workplace(folder, folder / "home")
    EngineClient(folder / "home", start=False).stop_engine()
