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
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.jupyter import jupyter_server

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "test-results"
PROGRAM = Path(sys.executable).with_name("jupyter-mlplat")
START_S = 120  # on two busy cores; 7 on quiet ones

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# The question about news covers the lower right corner of every picture; most tests know the way.
OVERRIDES = {
    "jupyter-mlplat:panel": {"firstRun": False},
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
}


@dataclass
class Lab:
    """A running JupyterLab: where it answers, and the folder it serves."""

    base: Path
    folder: Path
    environment: dict[str, str]
    url: str = ""
    token: str = ""
    process: subprocess.Popen[bytes] | None = None
    module: str = "jupyterlab"
    application: str = "LabApp"

    def page_url(self, notebook: str) -> str:
        return f"{self.url}lab/tree/{notebook}?token={self.token}&reset"

    def start(self) -> None:
        """Start it; again, at the address it had."""
        again = []
        if self.url:
            port = self.url.rstrip("/").rpartition(":")[2]
            again = [f"--ServerApp.port={port}", f"--IdentityProvider.token={self.token}"]
        with (self.base / "lab.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *jupyter_server(self.module),
                    *("--no-browser", "--allow-root", "--ip=127.0.0.1"),
                    *(again or ["--ServerApp.port=0"]),
                    f"--ServerApp.root_dir={self.folder}",
                    f"--{self.application}.expose_app_in_browser=True",
                ],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        info = wait_for_server(self.base, self.process)
        self.url, self.token = info["url"], info["token"] or self.token

    def stop(self) -> None:
        """Let it shut its kernels down; one that does not answer must not hold up the tests."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


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
    with new_lab() as lab:
        yield lab


@contextmanager
def new_lab() -> Iterator[Lab]:
    """Start JupyterLab on a copy of the examples; nothing of it is left in the end."""
    yield from serving("jupyterlab", "LabApp")


def serving(module: str, application: str) -> Iterator[Lab]:
    """Serve the examples in a folder of their own, and leave nothing behind."""
    # The engine's socket lies below: a path of pytest's would be too long for one.
    base = Path(tempfile.mkdtemp(prefix="mlplat-ui-", dir="/tmp"))
    environment = isolated_environment(base)
    folder = base / "work"
    shutil.copytree(ROOT / "examples", folder, ignore=shutil.ignore_patterns("*.py", ".*"))
    lab = Lab(base, folder, environment, module=module, application=application)
    lab.start()
    try:
        yield lab
    finally:
        lab.stop()
        remove_endpoints(environment)
        subprocess.run([PROGRAM, "engine", "stop"], env=environment, check=True)
        shutil.rmtree(base, ignore_errors=True)


def remove_endpoints(environment: dict[str, str]) -> None:
    """End what is served: it would outlive the engine, as it should for users."""
    if not any(Path(environment["MLPLAT_HOME"], "endpoints").glob("*")):
        return
    listed = subprocess.run(
        [PROGRAM, "endpoints", "--json"], env=environment, check=True, stdout=subprocess.PIPE
    )
    for endpoint in json.loads(listed.stdout)["endpoints"]:
        subprocess.run(
            [PROGRAM, "endpoints", "delete", endpoint["name"]], env=environment, check=True
        )


def kill_engine(lab: Lab) -> None:
    """Let the engine die as by a loss of power: what it had begun, the next one takes up."""
    done = subprocess.run(
        [PROGRAM, "engine", "status", "--json"],
        env=lab.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    os.kill(json.loads(done.stdout)["engine"]["pid"], signal.SIGKILL)


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
    written = base / "runtime" / f"jpserver-{process.pid}.json"
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return dict(json.loads(written.read_text()))
        except (FileNotFoundError, ValueError):
            time.sleep(0.1)  # not there, or half written
    raise AssertionError("JupyterLab did not start:\n" + (base / "lab.log").read_text())


@pytest.fixture
def page(lab: Lab, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that takes no error of ours lightly; a picture of it is kept when the test fails.

    It asks for the lab so that the page is closed before JupyterLab stops.
    """
    with new_page(browser) as page:
        yield page
        if request.node.stash.get(FAILED, False):
            RESULTS.mkdir(exist_ok=True)
            page.screenshot(path=RESULTS / f"{request.node.name}.png")


@contextmanager
def new_page(browser: Browser) -> Iterator[Page]:
    """Open a page with nothing kept of others; in the end it must have had no error."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.stack or str(error)))
    try:
        yield page
    finally:
        context.close()
    assert errors == []


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if call.when == "call":
        item.stash[FAILED] = call.excinfo is not None
    return report
