"""Recognises what KFP's compiler makes of a Python function: so no shell and no pip run for it.

A Python component is a container whose command installs packages, writes the function's source to a
file and hands it to `kfp.dsl.executor_main`. What does not look exactly like that is left alone: it
is a command like any other.
"""

import ast
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_SHELLS = ("sh", "/bin/sh", "bash", "/bin/bash")
_MAIN = ("kfp.dsl.executor_main", "kfp.components.executor_main")
_WRITES = re.compile(
    r"^program_path=\$\(mktemp -d\)\s+"
    r'printf "%s" "\$0" > "\$program_path/ephemeral_component\.py"\s+'
    r"(?:_KFP_RUNTIME=true )?python3 -m (?P<main>[\w.]+)\s+--component_module_path\s+"
    r'"\$program_path/ephemeral_component\.py"\s+"\$@"\s*$'
)
_PIP = ("-m", "pip", "install")
_PINNED = re.compile(r"^kfp(\[[^\]]*\])?(==[\w.+!-]+)?$")
_SOURCE_TREE = re.compile(r"kubeflow/pipelines.*sdk/python|/sdk/python/?$")
_QUIET = frozenset({"--quiet", "-q", "--no-warn-script-location", "--disable-pip-version-check"})
_WITH_VALUE = frozenset(
    {"--index-url", "-i", "--extra-index-url", "--trusted-host", "--find-links", "-f"}
)
_AROUND = re.compile(
    r"^(if ! \[ -x .*; then|fi|python3 -m ensurepip.*|(export )?PIP_\w+=1|tmp=\$\(mktemp -d\)"
    r'|python3 -m venv .*|\. "\$tmp/venv/bin/activate"|)$'
)
_RUNS_ON = ("$0", "$@")
_PUNCTUATION = re.compile(r"^[();<>|&`]+$")  # of the shell, where it was not quoted


@dataclass(frozen=True, slots=True)
class Packages:
    """What is to be installed before a command runs."""

    requirements: tuple[str, ...] = ()
    options: tuple[str, ...] = ()  # of the installer: which indexes, which hosts
    has_kfp: bool = False  # the kfp of the component's own runtime, not one that the user asked for

    @property
    def wants_real_kfp(self) -> bool:
        """Whether the user's own list names kfp: for its client, say."""
        return any(re.match(r"^kfp(?![\w-])", entry) for entry in self.requirements)


@dataclass(frozen=True, slots=True)
class PythonComponent:
    """A function to call in this process's kind of Python, with what it needs installed."""

    source: str
    function: str
    arguments: tuple[str, ...]
    packages: Packages


def python_component(command: Sequence[str], args: Sequence[str]) -> PythonComponent | None:
    """Return the Python component that a container's command stands for; None for others."""
    packages, rest = without_installation(command)
    if len(rest) != 4 or rest[0] not in _SHELLS or rest[1] not in ("-ec", "-c"):
        return None
    match = _WRITES.match(rest[2].strip())
    function = _option(args, "--function_to_execute")
    if match is None or match["main"] not in _MAIN or function is None:
        return None
    return PythonComponent(rest[3], function, tuple(args), packages)


@lru_cache(maxsize=1024)
def imports_of(source: str) -> tuple[str, ...]:
    """Return the modules that a component imports, but for Python's own: a worker has them ready.

    Where in the source does not matter: nearly every component imports inside its function.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    found: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found[node.module] = None
    own = sys.stdlib_module_names | {"kfp"}
    return tuple(name for name in found if name.partition(".")[0] not in own)


def _option(args: Sequence[str], name: str) -> str | None:
    for position, word in enumerate(args):
        if word == name and position + 1 < len(args):
            return args[position + 1]
        if word.startswith(name + "="):
            return word.partition("=")[2]
    return None


def without_installation(command: Sequence[str]) -> tuple[Packages, list[str]]:
    """Split a command into what its beginning installs by pip and what it runs afterwards.

    Nothing is split off where the beginning does anything else as well.
    """
    nothing = Packages(), list(command)
    if len(command) < 4 or command[0] not in _SHELLS or command[1] not in ("-c", "-ec"):
        return nothing
    packages = _installed_by(command[2])
    return nothing if packages is None else (packages, list(command[3:]))


@lru_cache(maxsize=1024)  # the tasks of a loop have one script
def _installed_by(script: str) -> Packages | None:
    """Return what a script installs; None where it does anything else as well."""
    calls = _pip_calls(script)
    if calls is None:
        return None
    requirements: list[str] = []
    options: list[str] = []
    has_kfp = False
    for words in calls:
        named, chosen, is_alone = _read_pip(words)
        if _is_runtime(named, is_alone):
            has_kfp = True
        else:
            requirements += named
        options += chosen
    if not requirements:
        options = []
    return Packages(tuple(dict.fromkeys(requirements)), _deduplicated(options), has_kfp)


def _pip_calls(script: str) -> list[list[str]] | None:
    """Return the arguments of each `pip install`; None where the script does anything else."""
    calls: list[list[str]] = []
    runs_on = False
    for line in script.strip().splitlines():
        if _AROUND.match(line.strip()):
            continue
        lexer = shlex.shlex(line.strip(), posix=True, punctuation_chars="();<>|&")
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:
            return None
        for call in _split(words):
            if tuple(call) == _RUNS_ON:
                runs_on = True
            elif (found := _pip_arguments(call)) is not None:
                calls.append(found)
            else:
                return None
    return calls if runs_on else None


def _split(words: Sequence[str]) -> list[list[str]]:
    """Split a line at `&&`; of `(a || b)`, which tries the same in two ways, the first counts."""
    calls: list[list[str]] = [[]]
    is_second_way = False
    for word in words:
        if word == "&&":
            calls.append([])
            is_second_way = False
        elif word == "||":
            is_second_way = True
        elif word == ")":
            is_second_way = False
        elif not is_second_way and (word != "(" or calls[-1]):
            calls[-1].append(word)
    return [call for call in calls if call]


def _pip_arguments(call: Sequence[str]) -> list[str] | None:
    words = list(call)
    while words and re.match(r"^[A-Z_]+=\S*$", words[0]):
        words.pop(0)
    if len(words) < 5 or words[0] not in ("python3", "python") or tuple(words[1:4]) != _PIP:
        return None
    if any("$" in word or "`" in word or _PUNCTUATION.match(word) for word in words):
        return None
    if any(word in ("-r", "--requirement", "-e", "--editable", "--target") for word in words):
        return None
    return words[4:]


def _read_pip(words: Sequence[str]) -> tuple[list[str], list[str], bool]:
    """Return requirements, options that say where from, and whether dependencies are left out."""
    requirements: list[str] = []
    options: list[str] = []
    no_deps = False
    rest = iter(words)
    for word in rest:
        if word in _WITH_VALUE:
            options += [word, next(rest, "")]
        elif word == "--no-deps":
            no_deps = True
        elif word.startswith("-"):
            options += [] if word in _QUIET or word == "--user" else [word]
        else:
            requirements.append(word)
    return requirements, options, no_deps


def _is_runtime(requirements: Sequence[str], no_deps: bool) -> bool:
    """Tell whether a call only installs the kfp that executes the component."""
    others = [name for name in requirements if not name.startswith("typing-extensions")]
    if len(others) != 1:
        return False
    return bool(
        _PINNED.match(others[0]) or _SOURCE_TREE.search(others[0]) or (no_deps and "kfp" in others)
    )


def _deduplicated(options: Sequence[str]) -> tuple[str, ...]:
    """Leave out what is said twice; an option stays with its value."""
    pairs: dict[tuple[str, ...], None] = {}
    rest = iter(options)
    for word in rest:
        pairs[(word, next(rest, "")) if word in _WITH_VALUE else (word,)] = None
    return tuple(word for pair in pairs for word in pair)
