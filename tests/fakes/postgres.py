"""A PostgreSQL server of the tests' own, on a Unix socket in a temporary folder."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WHERE = "/usr/lib/postgresql/*/bin"
# Nothing has to outlive the machine, and initdb's own checks take longer than the tests.
_FAST = ("fsync=off", "listen_addresses=", "max_connections=200", "shared_buffers=16MB")


def find_binaries() -> Path | None:
    """Return the folder of the newest server that is installed."""
    folders = sorted(Path("/").glob(WHERE.lstrip("/")), key=lambda path: int(path.parent.name))
    return folders[-1] if folders else None


class PostgresServer:
    """Can be stopped in the hard way and started again."""

    def __init__(self, binaries: Path, folder: Path, user: str | None) -> None:
        self._binaries, self._folder, self._user = binaries, folder, user
        self.url = f"postgresql:///postgres?host={folder}&user=tests"

    def run(self, program: str, *arguments: str) -> None:
        """Run one of its programs, as somebody other than root."""
        subprocess.run(
            [self._binaries / program, *arguments],
            check=True,
            cwd=self._folder,
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else [],
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )

    def start(self) -> None:
        options = " ".join(f"-c {option}" for option in _FAST)
        options += f" -c unix_socket_directories={self._folder}"
        log = str(self._folder / "log")
        self.run(
            "pg_ctl", "start", "-w", "-D", str(self._folder / "data"), "-l", log, "-o", options
        )

    def stop(self) -> None:
        """End it at once, as a crash would."""
        self.run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self._folder / "data"))


@contextmanager
def postgres_server(binaries: Path) -> Iterator[PostgresServer]:
    """Have a server as long as the block takes."""
    user = None
    if os.getuid() == 0:  # which initdb refuses
        user = "postgres"
        pwd.getpwnam(user)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="mlplat-pg-", dir=memory))
    try:
        if user is not None:
            shutil.chown(folder, user, user)
        server = PostgresServer(binaries, folder, user)
        server.run(
            "initdb",
            "--no-sync",
            "-A",
            "trust",
            "-U",
            "tests",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-D",
            str(folder / "data"),
        )
        server.start()
        try:
            yield server
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
