"""State of the process that cells share without a name: logs, open figures, displays, modules.

What can be described travels as a setting (`runtime.settings`); what cannot is a channel of a kind
that keeps the cells which share it in one step.
"""

from __future__ import annotations

import ast
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler.heap import NOTHING, Obj, Value
from jupyter_mlplat.compiler.problems import FIGURES

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.binding import Args
    from jupyter_mlplat.compiler.recorder import Recorder

LOGS = frozenset(
    {"debug", "info", "warning", "warn", "error", "critical", "fatal", "exception", "log"}
)
"""Functions and methods that write a record."""
_ASKS = frozenset({"isEnabledFor", "getEffectiveLevel", "hasHandlers", "getChildren", "getChild"})
_PLAIN_HANDLERS = frozenset(
    {"StreamHandler", "FileHandler", "NullHandler", "handlers.RotatingFileHandler"}
    | {"handlers.TimedRotatingFileHandler", "handlers.WatchedFileHandler"}
)
_PROCESS_STREAMS = ("sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__")
_DRAWING = ("matplotlib.pyplot.", "seaborn.")
_DRAWING_METHODS = frozenset({"plot", "hist", "boxplot"})


def call_logger(machine: Recorder, name: str, args: Args) -> Value:
    """Follow a method of a logger, or of its list of handlers."""
    if name in LOGS:
        write_logs(machine)
        return machine.none
    if name in _ASKS:
        return frozenset({machine.heap.make("logger", "child")}) | machine.plain
    machine.trace.settings = True
    if name not in ("setLevel", "removeHandler", "clear") and not describable(machine, args.all):
        machine.trace.patches = True
    return machine.plain


def write_logs(machine: Recorder) -> None:
    for path in machine.log_files:
        machine.use_files(writes=True, path=path)


def set_up_logging(machine: Recorder, args: Args) -> Value:
    """Follow `logging.basicConfig()`."""
    machine.trace.settings = True
    path = args.keywords.get("filename", NOTHING)
    if holds_something(path):
        log_to(machine, path)
    handlers = args.keywords.get("handlers", NOTHING) | args.keywords.get("stream", NOTHING)
    if not describable(machine, handlers):
        machine.trace.patches = True
    return machine.none


def holds_something(value: Value) -> bool:
    return any(obj.kind != "none" for obj in value)


def set_up_logging_from(machine: Recorder, args: Args) -> Value:
    """Follow `dictConfig()` and `fileConfig()`."""
    machine.trace.settings = True
    parts = machine.heap.within(args.all)
    if any("['filename']" in obj.attrs or obj.kind not in ("dict", "list") for obj in parts):
        machine.log_files[None] = None
    return machine.none


def make_handler(machine: Recorder, path: str, args: Args, node: ast.AST) -> Value:
    """Follow the making of a handler: one that can be described is no value to be shipped."""
    name = path.removeprefix("logging.")
    if name.endswith("FileHandler"):
        log_to(machine, args.at(0, "filename"))
    made = machine.fresh("handler", node, args.all)
    for obj in made:
        obj.open = obj.open or name not in _PLAIN_HANDLERS
    return made


def log_to(machine: Recorder, value: Value) -> None:
    path = machine.literal(value)
    known = path if isinstance(path, str) else None
    machine.log_files[known] = None
    machine.use_files(writes=True, path=known)


def describable(machine: Recorder, value: Value) -> bool:
    """Tell whether a step can say how to make these handlers, filters or streams again."""
    return all(
        not (obj.kind == "handler" and obj.open)
        and obj.kind not in ("instance", "class", "function", "buffer", "file", "connection")
        and (obj.kind != "external" or obj.path in _PROCESS_STREAMS)
        for obj in machine.heap.within(value)
    )


def keep_figures_open(machine: Recorder, backend: object) -> None:
    """Note a backend that leaves figures open when a cell ends, as the inline one does not."""
    if not (isinstance(backend, str) and "inline" in backend):
        machine.keeps_figures = True


def draw(machine: Recorder, path: str) -> None:
    """Note a use of the current figure, where it lives longer than a cell."""
    if machine.keeps_figures and path.startswith(_DRAWING):
        share(machine, FIGURES)


def draw_frame(machine: Recorder, obj: Obj, name: str) -> None:
    if machine.keeps_figures and name in _DRAWING_METHODS and obj.kind in ("frame", "series"):
        share(machine, FIGURES)


def tie_figures(machine: Recorder, value: Value) -> Value:
    if machine.keeps_figures:
        for obj in value:
            obj.is_tied = obj.is_tied or obj.kind in ("figure", "axes", "grid")
    return value


def show_display(machine: Recorder, args: Args, node: ast.AST, *, updates: bool) -> Value | None:
    """Follow a display that a later one replaces: it stays with the cell that showed it."""
    name = args.keywords.get("display_id", args.at(1) if updates else NOTHING)
    if not updates and not holds_something(name):
        return None
    key = machine.literal(name)
    if isinstance(key, str):
        share(machine, f"display {key}")
    elif updates or not isinstance(key, bool):
        share(machine, "displays")
    return machine.fresh("display", node)


def share(machine: Recorder, state: str) -> None:
    machine.trace.libraries.add(state)
    machine.trace.other = True


def use_module_state(machine: Recorder, module: Obj) -> None:
    """Note an import of a local module whose state an earlier cell may have changed."""
    name = f"@mod:{module.path}"
    if name not in machine.user.names:
        machine.user.names[name] = frozenset({module})
        machine.user.sure.add(name)
        return
    machine.read_user(name)
    if (machine.changed_before | machine.facts.mutated) & machine.heap.reach([module]):
        machine.trace.other = True  # importing it anew would give what it was at first


def rewrite_module(machine: Recorder, path: str | None) -> None:
    """Keep cells together once a file is rewritten that an imported module came from.

    A file whose name is not known may be that of a module that the notebook has written itself.
    """
    if path is None:
        parts = tuple(sorted(machine.written_modules))
    elif path.endswith(".py"):
        parts = PurePosixPath(path).with_suffix("").parts
    else:
        return
    if not any(part in machine.modules for part in parts):
        return
    machine.use_channel("@patch", "rewrites a module that is in use")
    for name, value in list(machine.user.names.items()):
        owners = {part for obj in value for part in obj.path.split(".")}
        if not name.startswith("@") and owners & set(parts):
            machine.read_user(name)
            machine.facts.binds.setdefault(name, False)  # loading it again may replace it


def call_process(machine: Recorder, path: str, args: Args, node: ast.AST) -> Value | None:
    """Follow the calls of libraries whose state the process keeps."""
    module, _, name = path.rpartition(".")
    if module == "logging" and name in LOGS:
        write_logs(machine)
    elif path == "logging.basicConfig":
        return set_up_logging(machine, args)
    elif path in ("logging.config.dictConfig", "logging.config.fileConfig"):
        return set_up_logging_from(machine, args)
    elif module.startswith("logging") and name.endswith("Handler"):
        return make_handler(machine, path, args, node)
    elif name == "display" or path == "IPython.display.DisplayHandle":
        updates = name == "DisplayHandle" or "update" in args.keywords
        return show_display(machine, args, node, updates=updates)
    elif name == "update_display":
        return show_display(machine, args, node, updates=True)
    elif path in ("matplotlib.use", "matplotlib.pyplot.switch_backend"):
        keep_figures_open(machine, machine.literal(args.at(0, "backend")))
    return None


def call_display(machine: Recorder, args: Args, node: ast.AST) -> Value | None:
    return call_process(machine, "IPython.display.display", args, node)
