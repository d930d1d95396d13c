"""What cannot travel is refused by name, with the part that is to blame and a way out."""

from collections.abc import Callable
from typing import Any

import pytest

from jupyter_mlplat.runtime.explain import NotSerialisable


@pytest.mark.parametrize(
    ("source", "path", "culprit"),
    [
        ("x = (i for i in range(3))", "x", "generator"),
        ("import threading\nx = {'a': [1, threading.Lock()]}", "x['a'][1]", "_thread.lock"),
        ("x = open('/dev/null')", "x", "_io.TextIOWrapper"),
        ("import socket\nx = [socket.socket()]", "x[0]", "socket.socket"),
        ("import sqlite3\nx = sqlite3.connect(':memory:')", "x", "sqlite3.Connection"),
        (
            "class M:\n    def __init__(self): self.sink = {'out': (i for i in ())}\nx = M()",
            "x.sink['out']",
            "generator",
        ),
        (
            "def make():\n    g = (i for i in ())\n    return lambda: next(g)\nx = make()",
            "x → g",
            "generator",
        ),
        ("import sys\nx = sys._getframe()", "x", "frame"),
        (
            "import threading\nx = threading.Thread(target=print)",
            "x._started._cond",
            "threading.Condition",
        ),
        ("import logging\nx = logging.getLogger('t1'); x.setLevel(10)", "x", "logging.Logger"),
        ("async def f(): ...\nx = f(); x.close()", "x", "coroutine"),
        ("b = bytearray(4)\nx = memoryview(b)[1:]", "x", "memoryview"),
    ],
)
def test_refusal_names_variable_part_and_way_out(
    source: str, path: str, culprit: str, ship: Callable[..., Any]
) -> None:
    with pytest.raises(NotSerialisable) as refused:
        ship(source, "x")

    assert refused.value.name == "x"
    assert refused.value.path.startswith(path)
    assert refused.value.culprit == culprit or path != refused.value.path
    assert refused.value.way_out in str(refused.value)
    assert str(refused.value).startswith("Cannot pass 'x'")
