"""`%%mlplat step …`: the mark of a step. The cell below it runs as if the mark were not there.

The compiler reads the mark in the notebook. In a kernel its options are only checked, and its line
becomes a comment, so that line numbers, `await`, errors and the last value are the cell's own.
"""

import contextlib
import re
from collections.abc import Callable

from IPython.core.error import UsageError

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.kit.quantities import parse_bytes, parse_cpu
from jupyter_mlplat.magics.arguments import HelpShown, Parser, split

_FIRST_LINE = re.compile(r"%%mlplat\s+(?P<rest>(?:step|skip)\b.*)")


def transform(lines: list[str]) -> list[str]:
    """Turn a marked cell's first line into a comment; leave every other cell alone.

    Raises:
        UsageError: The mark cannot be understood. IPython shows it as one line.
    """
    match = _FIRST_LINE.match(lines[0]) if lines else None
    if match is None:
        return lines
    try:
        check(split(match["rest"]))
    except InvalidInput as error:
        raise UsageError(error.message) from None
    return [f"# {lines[0]}", *lines[1:]]


# IPython asks transformers without effects also whether a cell is complete; this one complains.
transform.has_side_effects = True  # type: ignore[attr-defined]


def check(words: list[str]) -> None:
    """See that a mark's options are understood.

    Raises:
        InvalidInput: One is unknown, or its value is none.
    """
    with contextlib.suppress(HelpShown):
        build_parser(words[0]).parse_args(words[1:])


def build_parser(word: str) -> Parser:
    """Build the parser of a mark: the options of a step, as the compiler reads them."""
    parser = Parser(prog=f"%%mlplat {word}", description=_ABOUT[word])
    if word == "skip":
        return parser
    parser.add_argument("step", nargs="?", metavar="NAME", help="the step the cell belongs to")
    parser.add_argument("--name", metavar="NAME", help="the same, by name")
    parser.add_argument("--title", metavar="TEXT", help="how people see it")
    parser.add_argument("--cpu", type=_as(parse_cpu), metavar="N", help="cores: 2, 0.5, 500m")
    parser.add_argument("--memory", type=_as(parse_bytes), metavar="N", help="limit: 512Mi, 2Gi")
    parser.add_argument("--gpu", type=int, metavar="N", help="whole devices")
    parser.add_argument("--cache", action="store_true", help="take it from the cache if possible")
    parser.add_argument("--no-cache", action="store_true", help="run it anew every time")
    parser.add_argument("--retries", type=int, metavar="N", help="further attempts if it fails")
    parser.add_argument("--backoff-s", type=float, metavar="S", help="wait before the first one")
    parser.add_argument("--timeout", type=float, metavar="S", help="end it after this long")
    parser.add_argument("--kernel", metavar="NAME", help="another Jupyter kernel")
    parser.add_argument("--python", metavar="PATH", help="another Python interpreter")
    parser.add_argument("--env", action="append", metavar="KEY=VALUE", help="for its environment")
    parser.add_argument("--metrics", action="append", metavar="NAMES", help="names of metrics")
    parser.add_argument("--after", action="append", metavar="STEPS", help="steps that come first")
    parser.add_argument("--in", action="append", metavar="NAMES", help="names it reads")
    parser.add_argument("--out", action="append", metavar="NAMES", help="names it writes")
    return parser


_ABOUT = {
    "step": "Say which step of the pipeline a cell belongs to, and what the step needs.",
    "skip": "Leave a cell out of the pipeline.",
}


def _as(parse: Callable[[str], float]) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            return parse(text)
        except ValueError as error:
            raise InvalidInput(str(error)) from error

    return read
