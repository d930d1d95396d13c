"""A real JupyterLab on a folder of its own, and Debian's chromium in front of it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "test-results"
PROGRAM = Path(sys.executable).with_name("jupyter-mlplat")
START_S = 60  # JupyterLab is up in 7 s on two quiet cores

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# The question about news covers the lower right corner of every picture.
OVERRIDES = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    }
}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: where it answers, and the folder it serves."""

    url: str
    token: str
    folder: Path
    environment: dict[str, str]

    def page_url(self, notebook: str) -> str:
        return f"{self.url}lab/tree/{notebook}?token={self.token}&reset"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium")
    if executable is None:
        pytest.fail("The tests of the panel need chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """JupyterLab with nothing of the user's: its own home, settings, engine and notebooks.

    The tests of a module share it; each opens a clean workspace.
    """
    # The engine's socket lies below: a path of pytest's would be too long for one.
    base = Path(tempfile.mkdtemp(prefix="mlplat-ui-", dir="/tmp"))
    environment = isolated_environment(base)
    folder = base / "work"
    shutil.copytree(ROOT / "examples", folder, ignore=shutil.ignore_patterns("*.py", ".*"))
    with (base / "lab.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab"),
                *("--no-browser", "--allow-root", "--port=0", "--ip=127.0.0.1"),
                f"--ServerApp.root_dir={folder}",
                "--LabApp.expose_app_in_browser=True",
            ],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        info = wait_for_server(base, process)
        yield Lab(info["url"], info["token"], folder, environment)
    finally:
        stop(process)
        subprocess.run([PROGRAM, "engine", "stop"], env=environment, check=True)
        shutil.rmtree(base, ignore_errors=True)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Let JupyterLab shut its kernels down; one that does not answer must not hold up the tests."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def isolated_environment(base: Path) -> dict[str, str]:
    places = {
        "HOME": base / "home",
        "JUPYTER_CONFIG_DIR": base / "config",
        "JUPYTER_DATA_DIR": base / "data",
        "JUPYTER_RUNTIME_DIR": base / "runtime",
        "MLPLAT_HOME": base / "mlplat",
    }
    for place in places.values():
        place.mkdir()
    settings = base / "config" / "labconfig"
    settings.mkdir()
    (settings / "default_setting_overrides.json").write_text(json.dumps(OVERRIDES))
    return {**os.environ, **{name: str(place) for name, place in places.items()}}


def wait_for_server(base: Path, process: subprocess.Popen[bytes]) -> dict[str, str]:
    """Return what the server wrote about itself, once it listens."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        for path in (base / "runtime").glob("jpserver-*.json"):
            try:
                return dict(json.loads(path.read_text()))
            except ValueError:
                break  # half written
        time.sleep(0.1)
    raise AssertionError("JupyterLab did not start:\n" + (base / "lab.log").read_text())


@pytest.fixture
def page(lab: Lab, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that takes no error of ours lightly; a picture of it is kept when the test fails.

    It asks for the lab so that the page is closed before JupyterLab stops.
    """
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    if request.node.stash.get(FAILED, False):
        RESULTS.mkdir(exist_ok=True)
        page.screenshot(path=RESULTS / f"{request.node.name}.png")
    context.close()
    assert errors == []


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if call.when == "call":
        item.stash[FAILED] = call.excinfo is not None
    return report
