"""The front end's types follow from the resources: nothing on the wire is typed twice."""

import gzip
import re
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

    (entry,) = static.glob("remoteEntry.*.js")
    text = entry.read_text("utf-8")
    modules = re.findall(r'"\./(?:extension|style)":\(\)=>(.*?)\.then', text)
    assert len(modules) == 2, "the bundler writes its entry otherwise: read it anew"
    chunks = {number for module in modules for number in re.findall(r"\.e\((\d+)\)", module)}
    files = {number: [*static.glob(f"{number}.*.js")] for number in chunks}
    # A chunk that has no file only names what JupyterLab shares, such as React.
    (shared,) = re.findall(r"consumesLoadingData=\{chunkMapping:\{(.*?)\}", text)
    assert {number for number in chunks if not files[number]} <= set(re.findall(r"(\d+):", shared))
    paths = [entry, *(path for found in files.values() for path in found)]

    loaded = sum(len(gzip.compress(path.read_bytes())) for path in paths)

    assert loaded < 100_000  # what is drawn later (graphs, charts) is loaded later
