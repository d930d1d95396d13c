"""How logging is set up, described so that another process can set it up alike.

A standard handler is described by its class and its own fields; a stream by which of the process's
it is; a file is opened again at its end. Any other handler belongs to the process that made it.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
from collections.abc import Mapping
from typing import Any

_KNOWN = (
    logging.StreamHandler,
    logging.FileHandler,
    logging.NullHandler,
    logging.handlers.RotatingFileHandler,
    logging.handlers.TimedRotatingFileHandler,
    logging.handlers.WatchedFileHandler,
)
_LEFT_OUT = frozenset({"_builtin_open", "_closed", "lock", "stream"})
_MANAGER = "manager"


class Known:
    """Which set-ups of loggers later steps will have, too."""

    travels = False
    """The state of logging is passed on by this step."""
    start: Mapping[tuple[str, str], Any] = {}


def begin(*, travels: bool) -> None:
    """Note how logging is set up before a step's cells."""
    Known.travels = travels
    Known.start = read()


def is_known(logger: logging.Logger) -> bool:
    """Tell whether a logger will be set up alike in later steps, so that its name is enough."""
    if Known.travels:
        return True
    name = "" if logger is logging.root else logger.name
    described = _describe(logger)
    if Known.start.get(("logging.logger", name)) == described:
        return True
    return not described[0] and all(kind is logging.NullHandler for kind, _, _ in described[3])


def read() -> dict[tuple[str, str], Any]:
    """Read levels, flags, handlers and filters of all loggers that exist."""
    found: dict[tuple[str, str], Any] = {
        ("logging", _MANAGER): (logging.root.manager.disable, dict(logging._levelToName)),
        ("logging.logger", ""): _describe(logging.root),
    }
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger):
            found["logging.logger", name] = _describe(logger)
    return found


def _describe(logger: logging.Logger) -> tuple[Any, ...]:
    handlers = [_describe_handler(handler) for handler in logger.handlers]
    return (logger.level, logger.propagate, logger.disabled, handlers, list(logger.filters))


def _describe_handler(handler: logging.Handler) -> tuple[Any, ...]:
    kind = type(handler)
    fields = {key: value for key, value in vars(handler).items() if key not in _LEFT_OUT}
    if kind not in _KNOWN:
        return (kind, "unknown", handler)
    stream = getattr(handler, "stream", None)
    if isinstance(handler, logging.FileHandler):
        fields["mode"] = "a"
        return (kind, "file", fields)
    if kind is logging.NullHandler:
        return (kind, "none", fields)
    if stream in (sys.stdout, sys.__stdout__):
        return (kind, "stdout", fields)
    if stream in (sys.stderr, sys.__stderr__):
        return (kind, "stderr", fields)
    return (kind, "unknown", handler)


def _write_manager(name: str, value: tuple[int, dict[int, str]]) -> None:
    disabled, names = value
    logging.disable(disabled)
    for level, text in names.items():
        logging.addLevelName(level, text)


def _write_logger(name: str, value: tuple[Any, ...]) -> None:
    logger = logging.getLogger(name) if name else logging.root
    level, logger.propagate, logger.disabled, handlers, filters = value
    logger.setLevel(level)
    if handlers is None:
        return
    logger.filters[:] = filters
    for old in logger.handlers:
        if isinstance(old, logging.FileHandler):
            old.close()
    logger.handlers[:] = [_make_handler(*description) for description in handlers]


def _make_handler(kind: Any, how: str, fields: dict[str, Any]) -> logging.Handler:
    handler: Any = kind.__new__(kind)
    vars(handler).update(fields)
    handler.createLock()
    if how == "file":
        handler.stream, handler._closed, handler._builtin_open = None, False, open
    elif how in ("stdout", "stderr"):
        handler.stream = getattr(sys, how)
    logging._addHandlerRef(handler)  # type: ignore[attr-defined]
    made: logging.Handler = handler
    return made


WRITERS = {"logging": _write_manager, "logging.logger": _write_logger}
