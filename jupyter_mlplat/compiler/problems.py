"""What the compiler says about a notebook: one sentence on what, where, and what to do."""

from collections.abc import Mapping, Sequence

from jupyter_mlplat.compiler.facts import Use
from jupyter_mlplat.compiler.order import Clash
from jupyter_mlplat.compiler.plan import Fusion
from jupyter_mlplat.compiler.steps import Draft
from jupyter_mlplat.formats.notebook import Cell
from jupyter_mlplat.resources.pipeline import Problem, Severity

FIGURES = "open figures"
"""What stands in a library's place where cells share the current figure."""
_KINDS = {
    "archive": "an open archive of arrays",
    "connection": "a connection or context tied to its process",
    "coroutine": "a coroutine",
    "dictview": "a view of a dict",
    "display": "a display that is replaced later",
    "file": "an open file",
    "generator": "a generator",
    "handler": "a log handler",
    "iterator": "an iterator",
    "lock": "a lock",
    "patcher": "a patch that is put in place by hand",
    "setting": "the current decimal context",
    "patch": "an imported module that was changed",
    "thread": "a thread, task or pool",
    "tied": "something that a run could not pass on",
    "address": "the `id()` of an object",
    "dict": "the attributes of an object",
    "function": "functions that share a variable",
    "instance": "an object with a `__del__`",
    "class": "a class with a metaclass, `__init_subclass__` or subclasses that are asked for",
}


def syntax_error(cell: Cell, message: str, line: int | None) -> Problem:
    return Problem(
        code="syntax-error",
        severity=Severity.ERROR,
        message=f"Cannot read cell {cell.index + 1}: {message} (line {line or '?'}). "
        "Correct it; the other cells were compiled.",
        cell=cell.id,
        line=line,
    )


def bad_settings(cell: Cell, trouble: str) -> Problem:
    return Problem(
        code="bad-settings",
        severity=Severity.ERROR,
        message=f"Cannot use all settings of cell {cell.index + 1}: {trouble}. Correct its "
        "metadata `mlplat`, its first line `%%mlplat step …` or its comment `# mlplat: …`.",
        cell=cell.id,
    )


def undefined(cell: Cell, name: str, use: Use, later: int | None) -> Problem:
    where = f"in {use.through}()" if use.through else f"on line {use.line}"
    found = (
        f"it is bound only later, in cell {later + 1}. Move that cell above this one"
        if later is not None
        else "no earlier cell binds it. Define it above, or tag the cell that does 'parameters'"
    )
    return Problem(
        code="undefined-name",
        severity=Severity.ERROR if use.is_certain else Severity.WARNING,
        message=f"Cell {cell.index + 1} reads {name!r} {where}, but {found}.",
        cell=cell.id,
        line=use.line or None,
        name=name,
    )


def fused(fusion: Fusion, drafts: Sequence[Draft]) -> Problem:
    names = ", ".join(draft.name for draft in drafts)
    if fusion.kind == "history":
        message = (
            f"The steps {names} run as one: a cell reads the history of outputs (`_`, `Out`, `In`),"
            " which counts the cells of one process. Give the value a name to keep them apart."
        )
    elif fusion.name.startswith("@lib:"):
        message = _fused_by_library(names, fusion.name.removeprefix("@lib:"))
    elif fusion.name.startswith("@mod:"):
        module = fusion.name.removeprefix("@mod:")
        message = (
            f"The steps {names} run as one: a cell changes what the module {module!r} keeps, and a "
            "later one imports from it again. Keep such state in a value that is passed on, to "
            "keep them apart."
        )
    elif fusion.kind == "patch":
        message = (
            f"The steps {names} run as one: a cell changes an imported module in a way that cannot "
            "be passed on. Make the change with literal values only, or in a function that is "
            "called where it is needed, to keep them apart."
        )
    else:
        kind = _KINDS.get(fusion.kind, f"a {fusion.kind}")
        message = (
            f"The steps {names} run as one: {fusion.name!r} holds {kind}, which cannot be passed "
            "from one process to another. Keep it within one cell, or turn it into plain data "
            "(such as a list) before the cell ends, to keep them apart."
        )
    return Problem(
        code="fused",
        severity=Severity.WARNING,
        message=message,
        cell=fusion.made_in,
        step=drafts[0].name if drafts else None,
        name=fusion.name,
    )


def fused_job(problem: Problem, job: Draft) -> Problem:
    """Refuse what would make cells around a job part of it: they would run in all its processes."""
    _, _, why = problem.message.partition(" run as one: ")
    return problem.model_copy(
        update={
            "code": "fused-job",
            "severity": Severity.ERROR,
            "step": job.name,
            "message": f"Step {job.name!r} is a job with processes of its own, and cannot be one "
            f"with the cells around it: {why}",
        }
    )


def _fused_by_library(names: str, library: str) -> str:
    if library == FIGURES:
        return (
            f"The steps {names} run as one: the chosen backend of matplotlib keeps figures open "
            "from cell to cell, and these cells draw. Use `%matplotlib inline`, or keep each "
            "figure within one cell, to keep them apart."
        )
    if library.startswith("display"):
        return (
            f"The steps {names} run as one: a cell shows a display with an id, and a later one "
            "replaces it. Do both in one cell to keep them apart."
        )
    return (
        f"The steps {names} run as one: a cell calls {library} for its effect, and a later one "
        f"uses {library} again; the state it keeps in between cannot be passed on. Do both in "
        "one cell, or keep the call's result in a name, to keep them apart."
    )


def unknown_step(draft: Draft, name: str, known: Sequence[str]) -> Problem:
    return Problem(
        code="unknown-step",
        severity=Severity.ERROR,
        message=f"Step {draft.name!r} is to run after {name!r}, but there is no such step. "
        f"Steps are: {', '.join(known)}. Correct `after` (or Kale's `prev:` tag).",
        step=draft.name,
        name=name,
    )


def circle(names: Sequence[str]) -> Problem:
    return Problem(
        code="cycle",
        severity=Severity.ERROR,
        message=f"The steps {', '.join(names)} wait for each other: each is to run after another "
        "one of them. Remove one `after` (or Kale's `prev:` tag).",
        step=names[0],
    )


def clash(found: Clash, owner: Mapping[int, str]) -> Problem:
    names = ", ".join(repr(name) for name in found.names)
    one, other = owner[found.first.index], owner[found.second.index]
    cells = f"cell {found.first.index + 1} (step {one})", f"cell {found.second.index + 1}"
    if found.is_cycle:
        message = (
            f"The steps {one} and {other} form a cycle: {cells[1]} (step {other}) needs {names} of "
            f"{cells[0]}, but {other} begins before {one}. Put the two cells into one step, or "
            f"give {cells[1]} a step of its own."
        )
    else:
        message = (
            f"The steps {one} and {other} cannot be parted like this: {cells[1]} (step {other}) "
            f"changes {names} after {cells[0]} has used it, but would run before. Put the two "
            f"cells into one step, or give {cells[1]} a step of its own."
        )
    return Problem(
        code="cycle" if found.is_cycle else "order-hazard",
        severity=Severity.ERROR,
        message=message,
        cell=found.second.id,
        step=other,
        name=found.names[0],
    )


def other_language(language: str) -> Problem:
    return Problem(
        code="other-language",
        severity=Severity.INFO,
        message=f"The notebook is written in {language!r}: all of it runs as one step in its own "
        "kernel, because values of that language cannot be passed between steps.",
    )
