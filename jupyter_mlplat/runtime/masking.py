"""Keeps secrets out of a step's logs: what is written passes through a process that masks them."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from .files import write_all
from .turns import Turns

MASK = b"***"
END_S = 5.0
"""Processes that the step has left behind may hold its log so long."""

LEAST = 4
"""Shorter secrets are not masked: they would be found in every other word."""


def masked(logs: Sequence[int], secrets: Iterable[str], turns: Turns) -> Callable[[], None]:
    """Put a filter between these descriptors and where they lead; returns how to end it.

    What processes write that are started from now on is masked as well. From here on the filter
    knows best which of the two is written when: it notes the turns.
    """
    words = sorted({word.encode() for word in secrets if len(word) >= LEAST}, key=len, reverse=True)
    if not words:
        return lambda: None
    pipes = {log: os.pipe() for log in logs}
    pid = os.fork()
    if pid == 0:
        for _, write in pipes.values():
            os.close(write)
        _pump({read: log for log, (read, _) in pipes.items()}, words, turns)
    turns.leave()
    for log, (read, write) in pipes.items():
        os.close(read)
        os.dup2(write, log)
        os.close(write)

    def end() -> None:
        null = os.open(os.devnull, os.O_WRONLY)
        for log in logs:
            os.dup2(null, log)  # closes the pipe: the filter reads its end, unless others hold it
        os.close(null)
        deadline = time.monotonic() + END_S
        while os.waitpid(pid, os.WNOHANG)[0] == 0 and time.monotonic() < deadline:
            time.sleep(0.001)

    return end


def _pump(targets: Mapping[int, int], words: Sequence[bytes], turns: Turns) -> None:
    """Copy what comes, secrets masked, until there is no writer left; never returns."""
    status = 70
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # the step's last words are to be written
        rests = dict.fromkeys(targets, b"")
        while rests:
            for source in select.select(list(rests), [], [])[0]:
                data = os.read(source, 1 << 16)
                rest = rests[source] + data
                for word in words:
                    rest = rest.replace(word, MASK)
                kept = _begun(rest, words) if data else 0
                if len(rest) > kept:
                    turns.tell(targets[source])
                write_all(targets[source], rest[: len(rest) - kept])
                rests[source] = rest[len(rest) - kept :]
                if not data:
                    del rests[source]
        status = 0
    finally:
        os._exit(status)


def _begun(text: bytes, words: Sequence[bytes]) -> int:
    """Return how many bytes at the end may be the beginning of a secret."""
    longest = min(len(text), max(map(len, words)) - 1)
    for length in range(longest, 0, -1):
        end = text[-length:]
        if any(word.startswith(end) for word in words):
            return length
    return 0
