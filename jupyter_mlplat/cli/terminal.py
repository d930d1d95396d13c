"""Where a command's words go: JSON or text, with colours only where somebody can see them."""

import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from typing import IO, Any

from jupyter_mlplat.errors import PlatformError

_SGR = {"good": "32", "bad": "31", "busy": "36", "warning": "33", "quiet": "2", "strong": "1"}
_FEWEST_COLUMNS = 60


class Terminal:
    """Standard output and error of one command."""

    def __init__(self, is_json: bool = False) -> None:
        self.is_json = is_json
        for stream in (sys.stdout, sys.stderr):
            # A name that the stream cannot spell must not end the command.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")

    @property
    def is_live(self) -> bool:
        """Tell whether standard output can be drawn over."""
        return is_terminal(sys.stdout) and not self.is_json

    def say(self, text: str) -> None:
        """Print a line for people, where people read."""
        if not self.is_json:
            print(text, flush=True)

    def note(self, text: str) -> None:
        """Tell whoever sits at the terminal what is being waited for."""
        if self.is_live and is_terminal(sys.stderr):
            print(paint_for(sys.stderr)(text, "quiet"), file=sys.stderr, flush=True)

    def show(self, view: Any) -> None:
        """Print a view for people."""
        from jupyter_mlplat.client.views import text

        if not self.is_json:
            columns = max(_FEWEST_COLUMNS, shutil.get_terminal_size().columns)
            limit = columns if is_terminal(sys.stdout) else None
            print(text.draw(view, paint_for(sys.stdout), limit), flush=True)

    def answer(self, document: Any) -> None:
        """Print the answer for machines: one JSON document."""
        if self.is_json:
            print(json.dumps(document, indent=2), flush=True)

    def complain(self, text: str) -> None:
        """Print one message on standard error."""
        from jupyter_mlplat.client.views.text import clean_line

        lines = [clean_line(line) for line in text.splitlines()] or [""]
        print(paint_for(sys.stderr)("jupyter mlplat:", "bad"), "\n".join(lines), file=sys.stderr)

    def fail(self, error: PlatformError) -> None:
        """Say why a command could not be done."""
        body = {
            "code": error.code,
            "message": error.message,
            "details": dict(error.details),
        }
        self.answer({"error": body})
        self.complain(error.message)


def is_terminal(stream: IO[str]) -> bool:
    """Tell whether a stream ends at a screen that understands escapes."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def paint_for(stream: IO[str]) -> Callable[[str, str], str]:
    """Return what colours text for a stream: nothing, unless it is a screen."""
    if not is_terminal(stream) or os.environ.get("NO_COLOR"):
        return lambda text, mood: text
    return _paint


def _paint(text: str, mood: str) -> str:
    code = _SGR.get(mood)
    return f"\x1b[{code}m{text}\x1b[0m" if code and text else text
