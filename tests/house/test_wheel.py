"""What a user installs: three import packages, the built panel, the server's configuration."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "server_ext" / "jupyter_mlplat_server" / "labextension" / "package.json"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not BUNDLE.exists():
        pytest.skip("the side panel is not built: run `make setup`")
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--installer", "uv", "--outdir", out, ROOT],
        check=True,
        capture_output=True,
    )
    return next(out.glob("*.whl"))


def test_wheel_holds_exactly_three_import_packages(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert {name.split("/")[0] for name in names if ".d" not in name.split("/")[0]} == {
        "jupyter_mlplat",
        "jupyter_mlplat_server",
        "jupyter_mlplat_controller",
    }


def test_wheel_carries_the_panel_and_switches_the_server_extension_on(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    data = {name.split(".data/data/")[1] for name in names if ".data/data/" in name}

    assert "share/jupyter/labextensions/jupyter-mlplat/package.json" in data
    assert "share/jupyter/labextensions/jupyter-mlplat/install.json" in data
    assert any(name.startswith("etc/jupyter/jupyter_server_config.d/") for name in data)


def test_wheel_carries_the_examples_to_start_from(wheel: Path) -> None:
    names = {name.split(".data/data/")[-1] for name in zipfile.ZipFile(wheel).namelist()}

    assert {
        f"share/jupyter/mlplat/examples/{path.name}" for path in (ROOT / "examples").glob("*.ipynb")
    } <= names


def test_wheel_passes_the_content_check(wheel: Path) -> None:
    checker = Path(sys.executable).with_name("check-wheel-contents")

    done = subprocess.run([checker, wheel], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout
