"""The front end's types follow from the resources: nothing on the wire is typed twice."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_typescript_types_are_those_of_the_resources() -> None:
    script = ROOT / "labextension" / "scripts" / "generate-types.py"

    done = subprocess.run(
        [sys.executable, script, "--check"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr


def test_side_panel_loads_less_than_100_kb() -> None:
    static = ROOT / "server_ext" / "jupyter_mlplat_server" / "labextension" / "static"
    if not static.exists():
        pytest.skip("the side panel is not built: run `make setup`")

    loaded = sum(len(gzip.compress(path.read_bytes())) for path in static.glob("*.js"))

    assert loaded < 100_000
