"""One cell's source, in IPython's language, as a Python syntax tree with the same line numbers."""

import ast
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

PYTHON_BODY = frozenset({"time", "capture", "prun", "memit", "debug"})
"""Cell magics whose body runs as ordinary code in the notebook's namespace."""
OWN_SCOPE = frozenset({"timeit"})
"""Cell magics whose body runs as code in a scope of its own."""
WRITES_FILE = frozenset({"writefile", "file"})
SHELL = frozenset(
    {"!", "bash", "cmd", "perl", "python", "python2", "python3", "ruby", "script", "sh", "sx"}
    | {"system", "pypy"}
)
SHOWS = frozenset({"html", "HTML", "javascript", "js", "latex", "markdown", "svg", "SVG"})
AUTOMAGIC = frozenset(
    {"alias", "autocall", "automagic", "bookmark", "cat", "cd", "config", "conda", "cp", "debug"}
    | {"env", "history", "ldir", "less", "lf", "lk", "ll", "load_ext", "ls", "lx", "man"}
    | {"matplotlib", "mkdir", "more", "mv", "pastebin", "pdb", "pip", "popd", "precision"}
    | {"prun", "pushd", "pwd", "pylab", "reload_ext", "reset", "rm", "rmdir", "run", "set_env"}
    | {"store", "time", "timeit", "who", "who_ls", "whos", "autoreload", "sql"}
)
_MAGIC_LINE = re.compile(r"^\s*%%(?P<name>[\w.!]+|!)[ \t]*(?P<line>.*?)\s*$")
_NEEDS_IPYTHON = re.compile(
    r"(^\s*(%|!|\?|,|;|/|>>>|In \[|\.\.\.)|[=]\s*[%!]|\?\s*$)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class CellMagic:
    name: str
    line: str


@dataclass(frozen=True, slots=True)
class Normalised:
    """What there is to analyse of a cell.

    Attributes:
        tree: The Python code; None where there is none or it cannot be parsed.
        magics: Cell magics around it, outermost first, without our own `%%mlplat`.
        setting: Arguments of a first line `%%mlplat …`, or None.
        body: Text below the cell magics, as it stands.
        error: Why the code cannot be parsed, and the line.
    """

    tree: ast.Module | None
    magics: tuple[CellMagic, ...] = ()
    setting: str | None = None
    body: str = ""
    error: tuple[str, int | None] | None = None

    @property
    def is_empty(self) -> bool:
        return self.error is None and not self.magics and (self.tree is None or not self.tree.body)


def normalise(source: str) -> Normalised:
    """Parse a cell without ever raising."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    magics, setting, body = _peel(source)
    python = all(magic.name in PYTHON_BODY | OWN_SCOPE for magic in magics)
    if not python:
        return Normalised(None, magics, setting, body)
    try:
        tree = _parse(body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        message = getattr(error, "msg", None) or str(error) or type(error).__name__
        return Normalised(None, magics, setting, body, (message, line))
    return Normalised(tree, magics, setting, body)


def _peel(source: str) -> tuple[tuple[CellMagic, ...], str | None, str]:
    """Take the cell magics off the top, leaving blank lines so that numbers stay true."""
    lines = source.split("\n")
    magics: list[CellMagic] = []
    setting: str | None = None
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        found = _MAGIC_LINE.match(line)
        if found is None:
            break
        lines[number] = ""
        name = found["name"].rstrip("?")
        if name == "mlplat":
            setting = found["line"]
            continue
        magics.append(CellMagic(name, found["line"]))
        if name not in PYTHON_BODY | OWN_SCOPE:
            break
    return tuple(magics), setting, "\n".join(lines)


def _parse(source: str) -> ast.Module:
    code = source
    if _NEEDS_IPYTHON.search(source):
        code = _transform(source)
    try:
        return parse(code)
    except SyntaxError:
        prefixed = _prefix_automagics(source)
        if prefixed != source:
            return parse(_transform(prefixed))
        if code is source:
            return parse(_transform(source))
        raise


@lru_cache(maxsize=2048)
def parse(code: str) -> ast.Module:
    """Parse Python, refusing what only compiling would refuse (a stray `return` …)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the user's code: invalid escapes and the like
        tree = ast.parse(code)
        compile(tree, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    return tree


def _prefix_automagics(source: str) -> str:
    """Spell out magics used without their `%`, as the kernel would: `cd data`, `ls -l`."""
    lines = source.split("\n")
    for number, line in enumerate(lines):
        word, _, rest = line.partition(" ")
        if word in AUTOMAGIC and not re.match(r"\s*([-+*/|&^%<>=!]?=|\(|\.)", rest):
            lines[number] = "%" + line
    return "\n".join(lines)


def _transform(source: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about odd line ends
        return str(_manager().transform_cell(source))


@lru_cache(maxsize=1)
def _manager() -> Any:
    # Imported only when a notebook has IPython syntax: it costs a quarter of a second once.
    from IPython.core.inputtransformer2 import TransformerManager

    return TransformerManager()  # type: ignore[no-untyped-call]


def names_expanded(text: str) -> list[ast.expr]:
    """Return the expressions that `{x}` and `$x` bring into a magic or shell line."""
    found: list[ast.expr] = []
    for braced, word in re.findall(r"\{([^{}]+)\}|\$([A-Za-z_]\w*)", text):
        try:
            found.append(ast.parse(braced.split("!")[0].strip() or word, mode="eval").body)
        except SyntaxError:
            continue
    return found
