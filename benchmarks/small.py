"""What ours costs where it is only present: `python -m benchmarks.small`.

Importing it and loading its magics, an engine that has nothing to do, and the server extension in a
Jupyter server, each beside the same without it.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from benchmarks.peers import Aim, machine, table, verdicts
from benchmarks.serving.load import cpu_s, memory_mb
from jupyter_mlplat.client.engine import EngineClient

IMPORT = "import time; t = time.perf_counter(); {}; print((time.perf_counter() - t) * 1e3)"
LOAD = (
    "from IPython.core.interactiveshell import InteractiveShell; s = InteractiveShell.instance(); "
    + IMPORT.format("s.run_line_magic('load_ext', '{}')")
)
TIMES = {  # what: (program, its bound in ms)
    "import jupyter_mlplat": (IMPORT.format("import jupyter_mlplat"), 50.0),
    "import asyncio": (IMPORT.format("import asyncio"), None),
    "%load_ext jupyter_mlplat": (LOAD.format("jupyter_mlplat"), 200.0),
    "%load_ext autoreload": (LOAD.format("autoreload"), None),
}
EXTENSION = "jupyter_mlplat_server"
UP_WITHIN_S = 120.0
REST_S = 5.0  # for what an engine does once it has started, or a server


@dataclass(frozen=True, slots=True)
class Server:
    """A Jupyter server that has answered: what it took till then, and holds at rest."""

    start_s: float
    cpu_s: float
    memory_mb: float


def milliseconds(program: str, rounds: int) -> float:
    """Return the median that a program prints, each time in an interpreter of its own."""
    times = []
    for _ in range(rounds):
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        times.append(float(done.stdout.splitlines()[-1]))
    return statistics.median(times)


def idle_engine(watch_s: float) -> dict[str, float]:
    """Measure an engine that nobody asks anything, over a while."""
    with tempfile.TemporaryDirectory(prefix="mlps-") as folder:
        client = EngineClient(Path(folder) / "home")
        try:
            pid = client.get_engine().pid
            time.sleep(REST_S)
            before = cpu_s([pid])
            time.sleep(watch_s)
            share = (cpu_s([pid]) - before) / watch_s
            rss_mb = psutil.Process(pid).memory_info().rss / 2**20
            return {"rss_mb": rss_mb, "pss_mb": memory_mb([pid]), "core_percent": share * 100}
        finally:
            client.stop_engine()


def servers(rounds: int) -> dict[bool, Server]:
    """Start a Jupyter server with and without the extension in turns; medians of each."""
    taken: dict[bool, list[Server]] = {False: [], True: []}
    for number in range(rounds):
        for has_extension in (False, True) if number % 2 else (True, False):
            with jupyter_server(has_extension) as server:
                taken[has_extension].append(server)
    return {
        has_extension: Server(
            statistics.median(one.start_s for one in found),
            statistics.median(one.cpu_s for one in found),
            statistics.median(one.memory_mb for one in found),
        )
        for has_extension, found in taken.items()
    }


@contextmanager
def jupyter_server(has_extension: bool) -> Iterator[Server]:
    """Run a server with all its other extensions, from its start until it has answered."""
    folder = Path(tempfile.mkdtemp(prefix="mlps-"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = time.perf_counter()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
                f"--ServerApp.jpserver_extensions={ {EXTENSION: has_extension}!r}",
                f"--ServerApp.port={port}",
                "--IdentityProvider.token=",
            ],
            cwd=folder,
            env={**os.environ, "HOME": str(folder), "MLPLAT_HOME": str(folder / "home")},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/status", process, folder / "log")
        start_s, used_s = time.perf_counter() - start, cpu_s([process.pid])
        is_loaded = (
            f"{EXTENSION} | extension was successfully loaded" in (folder / "log").read_text()
        )
        if is_loaded is not has_extension:
            raise SystemExit(f"The extension is {'' if is_loaded else 'not '}loaded in {folder}.")
        time.sleep(REST_S)
        yield Server(start_s, used_s, memory_mb([process.pid]))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.perf_counter() + UP_WITHIN_S
    while time.perf_counter() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=10):
                return
        except (OSError, urllib.error.HTTPError):
            time.sleep(0.02)
    raise SystemExit(f"A Jupyter server did not answer:\n{log.read_text()[-2000:]}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--watch", type=float, default=20.0, help="seconds an engine is watched")
    given = parser.parse_args()
    times = {what: milliseconds(program, given.rounds) for what, (program, _) in TIMES.items()}
    engine = idle_engine(given.watch)
    found = servers(given.rounds)
    bare, ours = found[False], found[True]
    if given.json:
        jupyter = {"without": asdict(bare), "with": asdict(ours)}
        facts = {"machine": machine(), "ms": times, "engine": engine, "jupyter_server": jupyter}
        print(json.dumps(facts, indent=1))
        return
    print(machine(), "\n")
    print(table(("", "ms"), [(what, f"{took:.1f}") for what, took in times.items()]), "\n")
    print(
        table(
            ("Jupyter server", "start s", "CPU s until then", "memory MB"),
            [
                (name, f"{one.start_s:.2f}", f"{one.cpu_s:.2f}", f"{one.memory_mb:.1f}")
                for name, one in (("without the extension", bare), ("with it", ours))
            ],
        ),
        "\n",
    )
    print(verdicts(aims(times, engine, bare, ours)))


def aims(
    times: dict[str, float], engine: dict[str, float], bare: Server, ours: Server
) -> Iterator[Aim]:
    """Hold the figures against what is aimed for."""
    for what, (_, bound) in TIMES.items():
        if bound is not None:
            yield Aim(f"{what}, ms", times[what], bound, False)
    yield Aim("engine at rest, RSS in MB", engine["rss_mb"], 100, False)
    yield Aim("engine at rest, with its children, PSS in MB", engine["pss_mb"], 100, False)
    yield Aim("engine at rest, percent of a core", engine["core_percent"], 1, False)
    yield Aim(
        "server's start with the extension / without", ours.start_s / bare.start_s, 1.05, False
    )
    yield Aim("the same, CPU", ours.cpu_s / bare.cpu_s, 1.05, False)
    yield Aim("memory it adds to the server, MB", ours.memory_mb - bare.memory_mb, 10, False)


if __name__ == "__main__":
    main()
