"""The extension with a real engine behind it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.client.engine import EngineClient
from tests.integration.server_ext.conftest import ROOT, Server, run_server

API = "/mlplat/api/v1"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("work") / "home"
    yield home
    EngineClient(home, start=False).stop_engine()


@pytest.fixture(scope="module")
def served(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from run_server(home, tmp_path_factory.mktemp("files"))


def ask(server: Server, path: str) -> Any:
    status, body = server.ask("GET", f"{API}{path}")
    assert status == 200, body
    return body


def test_server_starts_no_engine_before_somebody_asks(served: Server, home: Path) -> None:
    assert not home.exists()

    engine = ask(served, "/engine")

    assert engine["home"] == str(home)


def test_engine_that_died_is_started_again_by_the_next_question(served: Server) -> None:
    first = ask(served, "/engine")["pid"]

    os.kill(first, signal.SIGKILL)

    assert ask(served, "/engine")["pid"] != first
    assert ask(served, "/runs") == {"runs": [], "next": None, "total": 0}


def test_notebook_below_the_servers_root_is_compiled(served: Server) -> None:
    (served.files / "a.ipynb").write_text(
        '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}'
    )

    status, pipeline = served.ask("POST", f"{API}/compile", {"path": "a.ipynb"})

    assert (status, pipeline["notebook"]) == (200, str(served.files / "a.ipynb"))  # type: ignore[index]


def test_extension_loads_next_to_nothing_into_the_server() -> None:
    code = (
        "import sys, jupyter_server.serverapp, jupyter_server.base.handlers\n"
        "before = set(sys.modules)\n"
        "import jupyter_mlplat_server.extension\n"
        "new = sorted(m for m in set(sys.modules) - before "
        "if m.partition('.')[0] not in sys.stdlib_module_names)\n"
        "print(*new)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'server_ext'}"},
    )

    packages = {name.partition(".")[0] for name in done.stdout.split()}
    assert packages == {"jupyter_mlplat", "jupyter_mlplat_server"}
