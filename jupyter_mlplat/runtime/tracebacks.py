"""Tracebacks: which lines an error came through, without the variables of those frames.

A frame cannot be pickled or made. What a traceback's text needs of one is its code's name, file and
table of positions, so where it is loaded a frame is made of code that has these and does nothing.
"""

from __future__ import annotations

import dis
import types
from typing import Any

from .functions import remember_source, source_of

_POSITIONS = ("co_qualname", "co_linetable")
"""What code says of columns, from Python 3.11 on; before that the line is known anyway."""


def reduce_traceback(trace: types.TracebackType, namespace: dict[str, Any]) -> Any:
    """Reduce a chain of tracebacks to descriptions of its frames."""
    frames = []
    codes: dict[types.CodeType, Any] = {}
    entry: types.TracebackType | None = trace
    while entry is not None:
        frame = entry.tb_frame
        code = codes.setdefault(frame.f_code, _describe(frame.f_code))
        is_own = frame.f_globals is namespace
        home = namespace if is_own else frame.f_globals.get("__name__")
        frames.append((code, home, entry.tb_lasti, entry.tb_lineno))
        entry = entry.tb_next
    return make_traceback, (frames,)


def make_traceback(frames: list[Any]) -> types.TracebackType | None:
    """Make a traceback that reads like the one described."""
    made: types.TracebackType | None = None
    for code, home, instruction, line in reversed(frames):
        namespace = home if isinstance(home, dict) else {"__name__": home}
        made = types.TracebackType(made, _frame(_code(*code), namespace), instruction, line)
    return made


def _describe(code: types.CodeType) -> tuple[Any, ...]:
    has_columns = all(hasattr(code, name) for name in _POSITIONS)
    columns = {name: getattr(code, name) for name in _POSITIONS} if has_columns else {}
    basics = (code.co_filename, code.co_name, code.co_firstlineno, len(code.co_code))
    return (*basics, columns, source_of(code))


def _code(
    filename: str, name: str, line: int, size: int, columns: dict[str, Any], source: Any
) -> types.CodeType:
    remember_source(source)
    base = compile("raise None", filename, "exec")
    rest = bytes([dis.opmap["NOP"], 0]) * ((size - len(base.co_code)) // 2)
    return base.replace(co_name=name, co_firstlineno=line, co_code=base.co_code + rest, **columns)


def _frame(code: types.CodeType, namespace: dict[str, Any]) -> types.FrameType:
    try:
        exec(code, namespace)  # noqa: S102  (it raises, and nothing else)
    except TypeError as error:
        own = error.__traceback__.tb_next if error.__traceback__ is not None else None
        if own is not None:
            return own.tb_frame
    raise AssertionError("`raise None` did not raise. This is a bug.")
