"""Children of a warm worker get the memory that a step writes to before there is a step."""

import ctypes
import json
import mmap
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_mlplat.runtime.pages import Populate, can_populate, written_pages

PAGE, PAGES = 4096, 256

pytestmark = pytest.mark.skipif(
    not can_populate() or mmap.PAGESIZE != PAGE, reason="needs Linux 5.14 and pages of 4 KiB"
)


@pytest.fixture
def memory() -> mmap.mmap:
    """Private pages, all written to."""
    pages = mmap.mmap(-1, PAGES * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for number in range(PAGES):
        pages[number * PAGE] = 1
    return pages


def address_of(memory: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


def in_child(function: Callable[[], Any]) -> Any:
    """Call a function in a forked child; return what it returns, by JSON."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        theirs.sendall(json.dumps(function()).encode())
        os._exit(0)
    theirs.close()
    with ours, ours.makefile("rb") as file:
        answer = file.read()
    assert os.waitpid(pid, 0)[1] == 0
    return json.loads(answer)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_knows_which_pages_it_has_written_to(memory: mmap.mmap) -> None:
    begin = address_of(memory)

    def child() -> list[list[int]]:
        for number in (3, 4, 9):
            memory[number * PAGE] = 2
        return [
            [(start - begin) // PAGE, length // PAGE]
            for start, length in written_pages()
            if begin <= start < begin + PAGES * PAGE
        ]

    assert in_child(child) == [[3, 2], [9, 1]]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_pages_that_were_asked_for_are_written_to_without_a_fault(memory: mmap.mmap) -> None:
    begin = address_of(memory)
    populate = Populate([(begin, PAGES // 2 * PAGE), (8, PAGE), (begin, PAGES * PAGE)])

    def child() -> int:
        populate()  # what is no memory of ours is passed over
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for number in range(PAGES):
            memory[number * PAGE] = 2
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    assert in_child(child) < PAGES / 4  # some are the interpreter's own


SCOUT = """
import json, os, socket
from jupyter_mlplat.runtime import rehearsal
from jupyter_mlplat.runtime.shell import make_shell
shell = make_shell()
ours, theirs = socket.socketpair()
if os.fork() == 0:
    ours.close()
    rehearsal.run(shell, theirs)
    os._exit(0)
theirs.close()
os.write(1, json.dumps(rehearsal.read_pages(ours)).encode())
"""


def test_a_scout_runs_a_step_and_tells_what_it_wrote_to() -> None:
    done = subprocess.run([sys.executable, "-c", SCOUT], capture_output=True, check=True)

    pages = [length // PAGE for _, length in json.loads(done.stdout)]
    assert sum(pages) > 200, done.stderr
