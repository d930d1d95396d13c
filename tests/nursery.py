"""Engines forked from a process that has already imported what they need.

An engine's start is mostly imports, and tests start hundreds. Forked, it is a process like any
other: its own session, environment, log and arguments. `tests/integration/engine/test_life.py` and
all faces start theirs as users do, from nothing.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

_MESSAGE = 1 << 20


class Child:
    """A forked engine: what tests use of `subprocess.Popen`."""

    def __init__(self, nursery: "Nursery", pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._nursery = nursery
        self._handle = os.pidfd_open(pid)

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._handle], [], [], 0)[0]:
            self.returncode = self._nursery.reap(self.pid)
            os.close(self._handle)
        return self.returncode

    def wait(self, timeout: float) -> int:
        if self.returncode is None and not select.select([self._handle], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(f"engine {self.pid}", timeout)
        code = self.poll()
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, number)


class Nursery:
    """The parent of engines; ends with the process that made it."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            subprocess.Popen(
                [sys.executable, "-I", __file__, "jupyter_mlplat", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def fork(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Child:
        order = {"arguments": arguments, "environment": dict(environment), "log": str(log)}
        return Child(self, self._ask(order))

    def reap(self, pid: int) -> int:
        return self._ask({"reap": pid})

    def _ask(self, order: Mapping[str, object]) -> int:
        self._channel.send(json.dumps(order).encode())
        return int(self._channel.recv(_MESSAGE))


@cache
def nursery() -> Nursery:
    """Return the nursery of this process of tests."""
    return Nursery()


def _attend(channel: socket.socket) -> None:
    import gc

    import uvicorn.protocols.http.httptools_impl  # noqa: F401
    import uvloop  # noqa: F401

    import jupyter_mlplat.engine.__main__
    import jupyter_mlplat.engine.api.app
    import jupyter_mlplat.engine.engine
    import jupyter_mlplat.engine.listener  # noqa: F401

    gc.freeze()
    while content := channel.recv(_MESSAGE):
        order = json.loads(content)
        if "reap" in order:
            _, status = os.waitpid(order["reap"], 0)
            answer = os.waitstatus_to_exitcode(status)
        else:
            answer = os.fork()
            if answer == 0:
                channel.close()
                _become_engine(order)
        channel.send(str(answer).encode())


def _become_engine(order: Mapping[str, object]) -> None:
    import random
    import traceback

    from jupyter_mlplat.engine.__main__ import main

    code = 1
    try:
        os.setsid()
        log = os.open(str(order["log"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        os.environ.clear()
        os.environ.update(order["environment"])  # type: ignore[call-overload]
        time.tzset()
        random.seed()
        code = main(order["arguments"])  # type: ignore[arg-type]
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _attend(socket.socket(fileno=int(sys.argv[2])))
