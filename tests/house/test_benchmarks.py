"""The benchmarks fit the code they measure, and say plainly whether an aim is met."""

import importlib
import sys
from pathlib import Path

import pytest

from benchmarks import peers
from benchmarks.__main__ import NAMES
from benchmarks.peers import Aim, PeerUnavailable, peer_python, verdicts


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_can_be_loaded(name: str) -> None:
    module = importlib.import_module(f"benchmarks.{name}")
    if hasattr(module, "__path__"):
        module = importlib.import_module(f"benchmarks.{name}.__main__")

    assert callable(module.main)


def test_aims_are_met_or_missed() -> None:
    aims = [
        Aim("faster", 12.34, 10),
        Aim("not fast enough", 9.99, 10),
        Aim("share", 0.4, 0.4, False),
        Aim("too much", 1234.5, 100, False),
    ]

    assert verdicts(aims).splitlines() == [
        "| figure | found | aim |  |",
        "| --- | --- | --- | --- |",
        "| faster | 12.3 | at least 10 | met |",
        "| not fast enough | 9.99 | at least 10 | missed |",
        "| share | 0.4 | at most 0.4 | met |",
        "| too much | 1,234 | at most 100 | missed |",
    ]


def test_a_peer_that_cannot_be_installed_is_named_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'no such\n  version' >&2\nexit 1\n")
    uv.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(peers, "ENVIRONMENTS", tmp_path / "environments")

    with pytest.raises(PeerUnavailable, match=r"^peer: no such version$"):
        peer_python("peer", "peer>=99")
