"""What a job takes along from a live process: the names its code needs, and where it stands.

A job begins as its cell would begin here: with the values that the names have now, the modules that
are imported, the working directory, the module path, variables set since this process began, and
the state of the random generators.
"""

import ast
import contextlib
import dis
import os
import re
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.kit.quantities import format_bytes

LARGE_BYTES = 64 * 2**20
"""Values from this size on are named when they are sent: saving them takes a moment."""

_STEP = "job"
_BEFORE = "before"
_OWN = re.compile(r"_(i\d*|ii|iii|\d+|_|__|ih|oh|dh|exit_code)?$|__\w+__$")
_SHELLS = frozenset({"In", "Out", "exit", "quit", "get_ipython", "display", "open"})
_NOT_A_VARIABLE = re.compile(
    r"(MLPLAT|JPY|JUPYTER|KERNEL|PYDEVD|VSCODE)_\w*"
    r"|CUDA_VISIBLE_DEVICES|CLICOLOR\w*|FORCE_COLOR|TERM|PAGER|GIT_PAGER|MPLBACKEND|IPYTHONDIR"
)
"""Variables of a kernel's own, and the devices that a lease gives."""
_WAYS_OUT = (
    (("generator", "async_generator", "coroutine"), "Make it a list before."),
    (("lock", "RLock", "Condition", "Event", "Semaphore", "Thread"), "Create it in {there}."),
    (
        ("TextIOWrapper", "BufferedReader", "BufferedWriter", "BufferedRandom", "FileIO"),
        "Carry the path and open the file in {there}.",
    ),
    (
        ("Connection", "Cursor", "socket", "SSLSocket", "Engine"),
        "Carry its address and connect in {there}.",
    ),
)


@dataclass(frozen=True, slots=True)
class CarriedValue:
    """One value as it was sent."""

    name: str
    type: str
    size_bytes: int
    preview: str


@dataclass(frozen=True, slots=True)
class Cargo:
    """What a job is given: fields of its `Payload`, and what there is to say of it."""

    bundle: str | None = None
    names: tuple[str, ...] = ()
    prelude: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    function: str | None = None
    values: tuple[CarriedValue, ...] = ()
    left: Mapping[str, str] = field(default_factory=dict)
    """Names that code which cannot be read might want, and why they cannot travel."""

    def payload(self) -> dict[str, Any]:
        """Return the fields of a `Payload` that it fills."""
        fields: dict[str, Any] = {
            "carried": self.bundle,
            "carried_names": list(self.names),
            "prelude": list(self.prelude),
            "preload": list(self.preload),
        }
        return fields | ({"function": self.function} if self.function else {})

    def describe(self) -> list[str]:
        """Say what is worth saying: large values by their size, and what was left behind."""
        large = [
            f"{value.name} ({value.type}, {format_bytes(value.size_bytes)})"
            for value in self.values
            if value.size_bytes >= LARGE_BYTES
        ]
        said = [f"Carried along: {', '.join(large)}."] if large else []
        said += [
            f"Left here, because it cannot travel: {name!r} ({why}). Code that nobody can read "
            "beforehand may want it."
            for name, why in self.left.items()
        ]
        return said


def carry_cell(
    client: EngineClient,
    source: str,
    namespace: dict[str, Any],
    given: Iterable[str] = (),
    transform: Callable[[str], str] = str,
) -> Cargo:
    """Save what a cell needs of a namespace into the engine's store.

    Args:
        client: The engine, which says what the cell reads.
        source: The cell, IPython syntax.
        namespace: Of the kernel.
        given: Names that the job itself binds before the cell runs.
        transform: Turns IPython syntax into Python.

    Raises:
        InvalidInput: The cell cannot be read, needs a name that nothing binds, or a value that
            cannot travel.
    """
    bound = {name: value for name, value in namespace.items() if _is_users(name)}
    needed, possible, preload = _needs_of(client, source, bound, frozenset(given), transform)
    words = set(re.findall(r"[^\W\d]\w*", source))
    return _Carrying(client, namespace, bound, words, "the cell").carry(needed, possible, preload)


def carry_function(client: EngineClient, function: Callable[..., Any]) -> Cargo:
    """Save a function, with all it needs of the module it was typed into.

    Raises:
        InvalidInput: It needs a value that cannot travel.
    """
    import cloudpickle

    namespace: dict[str, Any] = vars(sys.modules["__main__"])
    carrying = _Carrying(client, namespace, namespace, set(), "the function")
    try:
        pickled = cloudpickle.dumps(function)
    except Exception as error:  # whatever a user's __reduce__ raises
        carrying.refuse({name: namespace[name] for name in carrying.reach({"": function})})
        raise InvalidInput(f"Cannot carry {function!r} along: {error}") from error
    digest = carrying.blobs.put(pickled)
    return carrying.carry((), (), (), function=digest, roots=[_root_of(function)])


def _needs_of(
    client: EngineClient,
    source: str,
    bound: Mapping[str, Any],
    given: frozenset[str],
    transform: Callable[[str], str],
) -> tuple[set[str], set[str], tuple[str, ...]]:
    """Return the names a cell needs, those it may need, and what it imports."""
    before = "\n".join(f"{name} = 0" for name in sorted({*bound, *given}))
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "language": "python"}},
        "cells": [_cell(_BEFORE, before or "pass"), _cell(_STEP, source)],
    }
    pipeline = client.compile_content(content, Path.cwd() / "session.ipynb")
    faults = [problem for problem in pipeline.problems if problem.cell == _STEP]
    for problem in faults:
        if problem.code == "syntax-error":
            raise InvalidInput(problem.message.replace("cell 2", "the cell", 1))
    job = next((step for step in pipeline.steps if step.name == _STEP), None)
    if job is None:
        raise InvalidInput(
            "Cannot run this cell as a job: it reads the history of outputs (`_`, `Out`, `In`), "
            "which stays in this kernel. Give the value a name, and use the name."
        )
    lost = next((p for p in faults if p.code == "undefined-name" and p.severity == "error"), None)
    if lost is not None and lost.name not in sys.modules["builtins"].__dict__:
        raise InvalidInput(
            f"Cannot run this cell as a job: it reads {lost.name!r} on line {lost.line}, and "
            "neither the cell nor this kernel binds it. Run the cell that defines it first."
        )
    read = {item.name for item in job.inputs if not item.name.startswith("@")}
    is_opaque = "@unknown" in job.effects
    said = set(re.findall(r"[^\W\d]\w*", source)) if is_opaque else read
    lexical = _deferred_reads(transform(source)) & bound.keys() - given
    needed = ((read & said) | lexical) - given
    return needed, read - needed - given, pipeline.preload


def _cell(step: str, source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": step,
        "metadata": {"mlplat": {"step": step}},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def _deferred_reads(source: str) -> set[str]:
    """Return the names of the namespace that functions and classes of a cell read.

    Whoever calls them need not be seen: a library may, at any time.
    """
    try:
        code = compile(source, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except (SyntaxError, ValueError):
        return set()
    own = {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_NAME"}
    inner = [const for const in code.co_consts if isinstance(const, types.CodeType)]
    return {name for part in inner for name in global_reads(part)} - own


def global_reads(code: types.CodeType) -> set[str]:
    """Return the global names that code reads, and the code within it."""
    found: set[str] = set()
    todo = [code]
    while todo:
        part = todo.pop()
        found.update(
            step.argval
            for step in dis.get_instructions(part)
            if step.opname.startswith("LOAD_")
            and step.opname.endswith(("_NAME", "_GLOBAL", "_GLOBALS"))
        )
        todo += [const for const in part.co_consts if isinstance(const, types.CodeType)]
    return found


def _is_users(name: str) -> bool:
    return name.isidentifier() and name not in _SHELLS and _OWN.match(name) is None


class _Carrying:
    """Values of one namespace on their way into the store."""

    def __init__(
        self,
        client: EngineClient,
        namespace: dict[str, Any],
        bound: Mapping[str, Any],
        words: set[str],
        there: str,
    ) -> None:
        from jupyter_mlplat.runtime.files import Blobs

        self.blobs = Blobs(str(client.home.blobs))
        self._namespace, self._bound, self._words, self._there = namespace, bound, words, there
        self._roots: set[str] = set()

    def carry(
        self,
        needed: Iterable[str],
        possible: Iterable[str],
        preload: Iterable[str],
        function: str | None = None,
        roots: Iterable[str] = (),
    ) -> Cargo:
        """Save names, and all that functions among them need; say how each gets there."""
        from jupyter_mlplat.runtime.bundle import NotSerialisable, save

        needed = self.reach({name: self._bound[name] for name in needed})
        names = sorted({*needed, *possible})
        modules = {n: v for n in names if isinstance(v := self._bound[n], types.ModuleType)}
        values = [name for name in names if name not in modules]
        optional = [name for name in values if name not in needed]
        _name_classes()
        try:
            saved = save(self._namespace, values, self.blobs, self._channels(), None, optional)
            self.blobs.commit()
            self.blobs.touch()
        except NotSerialisable:
            self.blobs.discard()
            self.refuse({name: self._bound[name] for name in values if name in needed})
            raise
        except BaseException:
            self.blobs.discard()
            raise
        sent = [name for name in values if name in saved.outputs]
        prelude = tuple(self._imports(modules))
        return Cargo(
            bundle=saved.digest,
            names=(*sorted(name for name in saved.outputs if name[0] == "@"), *sent),
            prelude=prelude,
            preload=self._preload(modules, {*preload, *roots}),
            function=function,
            values=tuple(
                CarriedValue(name, out["type"], out["size_bytes"], out["preview"])
                for name in sent
                if (out := saved.outputs[name])
            ),
            left=saved.not_kept,
        )

    def reach(self, values: Mapping[str, Any]) -> set[str]:
        """Return names and those that the functions they lead to read, and so on."""
        from jupyter_mlplat.runtime import codecs
        from jupyter_mlplat.runtime.explain import NotSerialisable
        from jupyter_mlplat.runtime.graphs import dump

        found: set[str] = set()
        todo = dict(values)

        def look(item: Any) -> None:
            kind = item if isinstance(item, type) else type(item)
            self._roots.add(str(getattr(kind, "__module__", "")).partition(".")[0])
            if isinstance(item, types.FunctionType):
                self._roots.add(str(item.__module__).partition(".")[0])
                if item.__globals__ is self._namespace:
                    reads = global_reads(item.__code__)
                    self._words |= reads | set(item.__code__.co_names)
                    todo.update({n: self._bound[n] for n in reads & self._bound.keys() - found})

        while todo:
            name, value = todo.popitem()
            found.add(name)
            is_plain = codecs.plain_containers(value) is not None or codecs.is_plain_array(value)
            if is_plain or isinstance(value, types.ModuleType):
                continue
            with contextlib.suppress(NotSerialisable):  # which is told when it is saved
                dump({name: value}, self._namespace, trace=look)
        return found - {""}

    def refuse(self, values: Mapping[str, Any]) -> None:
        """Refuse values that cannot travel, each by its name with what to do.

        Raises:
            InvalidInput: There are such values.
        """
        from jupyter_mlplat.runtime.explain import NotSerialisable
        from jupyter_mlplat.runtime.graphs import dump

        said, names = [], []
        for name, value in values.items():
            if isinstance(value, types.ModuleType):
                continue
            try:
                dump({name: value}, self._namespace)
            except NotSerialisable as error:
                short = error.culprit.rpartition(".")[2].lstrip("_")
                way = next((way for kinds, way in _WAYS_OUT if short in kinds), _FALLBACK)
                names.append(name)
                said.append(f"{name!r}: {error.reason}. {way.format(there=self._there)}")
        if said:
            raise InvalidInput(
                f"Cannot carry along what {self._there} needs. {' '.join(said)}", names=names
            )

    def _channels(self) -> dict[str, Any]:
        from jupyter_mlplat.runtime import channels

        start = channels.Start()
        wanted = ["@cwd", "@rng"]
        began = _environment_at_start()
        if began is not None:
            now = {k: v for k, v in os.environ.items() if not _NOT_A_VARIABLE.fullmatch(k)}
            changed = {key: value for key, value in now.items() if began.get(key) != value}
            gone = [k for k in began if k not in os.environ and not _NOT_A_VARIABLE.fullmatch(k)]
            if changed or gone:
                return {**channels.save(wanted, start), "@env": {"set": changed, "unset": gone}}
        return channels.save(wanted, start)

    def _imports(self, modules: Mapping[str, types.ModuleType]) -> Iterator[str]:
        """Write the imports that bind modules, with the parts of them that the code names."""
        for name, module in modules.items():
            full = module.__name__
            if sys.modules.get(full) is not module:
                raise InvalidInput(
                    f"Cannot carry {name!r} along: the module {full!r} was made here and cannot "
                    f"be imported. Make it in {self._there}."
                )
            yield f"import {full}" if name == full else f"import {full} as {name}"
            todo = [full]
            while todo:
                held = todo.pop()
                parts = [f"{held}.{word}" for word in sorted(self._words)]
                loaded = [part for part in parts if part in sys.modules]
                yield from (f"__import__({part!r})" for part in loaded)
                todo += loaded

    def _preload(
        self, modules: Mapping[str, types.ModuleType], more: Iterable[str]
    ) -> tuple[str, ...]:
        """Return what a warm worker may import beforehand: what is installed."""
        roots = self._roots | {module.__name__ for module in modules.values()} | {*more}
        found = {root for root in roots if _is_installed(root.partition(".")[0])}
        if "log_model" in self._words and any(name.startswith("sklearn") for name in found):
            found.add("skops.io")  # a second or two for each trial that logs a model
        return tuple(sorted(found))


_FALLBACK = "Make it in {there} itself."


def _root_of(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__module__", "")).partition(".")[0]


def _is_installed(root: str) -> bool:
    origin = getattr(sys.modules.get(root), "__file__", None)
    if not origin or root.startswith(("jupyter_mlplat", "IPython", "ipykernel")):
        return False
    return f"{os.sep}site-packages{os.sep}" in origin or f"{os.sep}dist-packages{os.sep}" in origin


def _environment_at_start() -> dict[str, str] | None:
    """Return the variables this process began with; None where the system does not say."""
    try:
        data = Path("/proc/self/environ").read_bytes()
    except OSError:
        return None
    pairs = (os.fsdecode(item).partition("=") for item in data.split(b"\0"))
    return {key: value for key, separator, value in pairs if separator}


@cache
def _name_classes() -> None:
    """Name classes by words of this process: those of another kernel are others."""
    from jupyter_mlplat.runtime.identity import class_identity

    class_identity.begin(os.urandom(16).hex())
