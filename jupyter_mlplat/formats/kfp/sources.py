"""The Python source of a component that runs a step: the step, a function, an archive.

The text is what `kfp` itself makes of a lightweight component with an embedded archive. It can be
read: the step with its cells comes first, the archive last. Equal steps give equal bytes.
"""

import ast
import base64
import gzip
import io
import keyword
import re
import tarfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

STEP = "STEP"

_HEAD = """
import kfp
from kfp import dsl
from kfp.dsl import *
from typing import *

"""
_FUNCTION = '''

def {name}({arguments}
):
    """{title}"""
    given = {{**locals()}}
    from jupyter_mlplat_runtime import portable
    portable.run(__KFP_EMBEDDED_ASSET_DIR, STEP, given)


'''
_UNPACK = """
import base64 as __kfp_b64
import io as __kfp_io
import sys as __kfp_sys
import tarfile as __kfp_tarfile
import tempfile as __kfp_tempfile

__kfp_tmpdir = __kfp_tempfile.TemporaryDirectory()
__KFP_EMBEDDED_ASSET_DIR = __kfp_tmpdir.name
with __kfp_tarfile.open(
    fileobj=__kfp_io.BytesIO(__kfp_b64.b64decode(__KFP_EMBEDDED_ARCHIVE_B64)), mode='r:gz'
) as __kfp_tar:
    __kfp_tar.extractall(path=__KFP_EMBEDDED_ASSET_DIR)
__kfp_sys.path.insert(0, __KFP_EMBEDDED_ASSET_DIR)
"""
_LINE = 96


def write_source(
    function: str, title: str, arguments: Iterable[tuple[str, str]], step: object, archive: str
) -> str:
    """Return the source of a component.

    Args:
        function: Its name, an identifier.
        title: What the step is called, for people.
        arguments: Names and annotations.
        step: What `runtime.portable.run` takes as `step`: plain values.
        archive: Of `pack`.
    """
    listed = "".join(f"\n    {name}: {annotation}," for name, annotation in arguments)
    doc = re.sub(r"[^\w .,:;()!?/+-]", " ", title)
    return (
        f"{_HEAD}\n{STEP} = {literal(step)}\n"
        + _FUNCTION.format(name=function, arguments=listed, title=doc)
        + f"__KFP_EMBEDDED_ARCHIVE_B64 = '{archive}'\n{_UNPACK}"
    )


def identifier(name: str) -> str:
    """Return a name as Python can have it."""
    word = re.sub(r"\W", "_", name)
    is_taken = keyword.iskeyword(word) or word in ("dsl", "kfp", STEP)
    return f"step_{word}" if is_taken or not word.isidentifier() else word


def literal(value: Any, indent: int = 0) -> str:
    """Write plain values as Python that people can read: a text of lines takes as many lines.

    What KFP, Argo or Kubernetes would take for a placeholder inside a text is escaped.
    """
    short = _text(value) if isinstance(value, str) else repr(value)
    if isinstance(value, dict | list | tuple) or (isinstance(value, str) and "\n" in value[:-1]):
        short = _on_one_line(value)
        if len(short) + indent <= _LINE and "\\n" not in short:
            return short
        return _on_lines(value, indent + 4, " " * indent)
    return short


def _on_one_line(value: Any) -> str:
    match value:
        case str():
            return _text(value)
        case dict():
            items = ", ".join(
                f"{_text(str(key))}: {_on_one_line(item)}" for key, item in value.items()
            )
            return f"{{{items}}}"
        case list() | tuple():
            return f"[{', '.join(map(_on_one_line, value))}]"
        case _:
            return repr(value)


def _on_lines(value: Any, inner: int, end: str) -> str:
    pad = " " * inner
    match value:
        case str():
            lines = "\n".join(f"{pad}{_text(line)}" for line in value.splitlines(keepends=True))
            return f"(\n{lines}\n{end})"
        case dict():
            items = (f"{_text(str(key))}: {literal(item, inner)}" for key, item in value.items())
            return "{\n" + "".join(f"{pad}{item},\n" for item in items) + end + "}"
        case _:
            return "[\n" + "".join(f"{pad}{literal(item, inner)},\n" for item in value) + end + "]"


def _text(value: str) -> str:
    text = repr(value)
    return text.replace("{{", "{\\x7b").replace("$(", "$\\x28")


def pack(files: Mapping[str, bytes]) -> str:
    """Return files as a base64 text; equal files give equal texts."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), 0o644
            archive.addfile(entry, io.BytesIO(files[name]))
    return base64.b64encode(gzip.compress(packed.getvalue(), 9, mtime=0)).decode("ascii")


@lru_cache(maxsize=128)
def trim(source: bytes) -> bytes:
    """Return Python source without comments and docstrings: every component carries it."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree).encode()
