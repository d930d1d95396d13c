"""Verifying through a real engine: whoever asks and leaves ends what was started for it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.integration.engine.conftest import EngineProcess, WriteNotebook


def test_interrupted_command_leaves_no_process(
    running: EngineProcess, write_notebook: WriteNotebook, short_dir: Path
) -> None:
    pid_file = short_dir / "pid"
    source = f"import os, time\nopen({str(pid_file)!r}, 'w').write(f'{{os.getpid()}} ')\n"
    notebook = write_notebook(source + "time.sleep(600)")
    command = [sys.executable, "-m", "jupyter_mlplat.cli", "--home", str(running.home.root)]
    asking = subprocess.Popen([*command, "verify", str(notebook)], stderr=subprocess.PIPE)
    wait_until(lambda: pid_file.exists() and pid_file.read_text().endswith(" "))

    asking.send_signal(signal.SIGINT)
    asking.communicate(timeout=20)

    assert asking.returncode == 130
    pid = int(pid_file.read_text())
    wait_until(lambda: not is_alive(pid))
    wait_until(lambda: not list((running.home.root / "verify").glob("verify-*")))


def test_time_limit_is_told_in_one_message(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    notebook = write_notebook("x = 1", "import time\ntime.sleep(600)")
    command = [sys.executable, "-m", "jupyter_mlplat.cli", "--home", str(running.home.root)]

    done = subprocess.run(
        [*command, "verify", str(notebook), "--timeout", "4", "--json"],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "jupyter mlplat: Cannot compare the two ways: cell 2, run from top to bottom, had not "
        "ended when the 4 s were up. Allow more time, or let it end sooner."
    )


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
