"""What the platform's own magics mean inside a step: nothing.

`%%mlplat step …` has said all it has to say to the compiler, and a run starts no runs: a notebook
that shows itself with `%mlplat run` in a cell must not run for ever.
"""

from IPython.core.magic import Magics, line_magic, magics_class

_MARK = "%%mlplat"


def blank_mark(lines: list[str]) -> list[str]:
    """Empty the first line of a marked cell, so that the numbers of the others stay."""
    return ["\n", *lines[1:]] if lines and lines[0].startswith(_MARK) else lines


def without_mark(source: str) -> str:
    """Return a cell's source for a kernel that does not know the mark."""
    return "".join(blank_mark(source.splitlines(keepends=True)))


@magics_class
class MarkMagics(Magics):
    """Stands in for the commands."""

    @line_magic
    def mlplat(self, line: str) -> None:
        """Take a command and do nothing."""
