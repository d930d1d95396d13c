"""Settings that libraries and the interpreter keep, read in one process and written in another."""

from __future__ import annotations

import decimal
import locale
import sys
from collections.abc import Callable, Mapping
from typing import Any

from . import logs
from .explain import NotSerialisable

Settings = dict[tuple[str, str], Any]


def changed(start: Mapping[tuple[str, str], Any]) -> Settings:
    """Return the settings that differ from those a step started with.

    Raises:
        NotSerialisable: One of them cannot be described.
    """
    found = {key: value for key, value in read().items() if not _is_same(start.get(key), value)}
    return _prepare(found, start)


def _prepare(found: Settings, start: Mapping[tuple[str, str], Any]) -> Settings:
    """Return settings as they can be shipped: a library's import sets up its own handlers.

    Raises:
        NotSerialisable: A logger got a handler that only works in the process that made it.
    """
    ready = dict(found)
    for (module, name), value in found.items():
        if module != "logging.logger":
            continue
        owner = name.partition(".")[0]
        if (module, name) not in start and owner in sys.modules and owner != "__main__":
            ready[module, name] = (*value[:3], None, None)
            continue
        for kind, how, _ in value[3]:
            if how == "unknown":
                raise NotSerialisable(
                    f"logging.getLogger({name!r})",
                    "logging.Logger",
                    "its handlers",
                    f"{kind.__module__}.{kind.__qualname__}",
                    "a handler of this kind belongs to the process that made it",
                )
    return ready


def write(settings: Mapping[tuple[str, str], Any]) -> None:
    """Put settings in place."""
    for (module, name), value in settings.items():
        _WRITERS[module](name, value)


def _is_same(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except ValueError:  # an array among them has no one truth
        return False


def read() -> dict[tuple[str, str], Any]:
    """Read the settings of the modules that are imported."""
    found: Settings = {}
    pandas = sys.modules.get("pandas")
    if pandas is not None and hasattr(pandas, "_config"):
        flat = pandas._config.config._global_config
        found.update({("pandas", key): value for key, value in _flatten(flat).items()})
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is not None and hasattr(matplotlib, "rcParams"):
        params = matplotlib.rcParams
        found.update(
            {
                ("matplotlib", key): params._get(key)
                for key in params
                if not key.startswith("backend")
            }
        )
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "get_printoptions"):
        options = numpy.get_printoptions()
        options.pop("override_repr", None)
        found.update({("numpy", key): value for key, value in options.items()})
        found.update({("numpy.errstate", key): value for key, value in numpy.geterr().items()})
        found["numpy.errcall", "call"] = numpy.geterrcall()
    warnings = sys.modules.get("warnings")
    if warnings is not None:
        found["warnings", "filters"] = list(warnings.filters)
    found["decimal", "context"] = _decimal_context()
    found["locale", "all"] = locale.setlocale(locale.LC_ALL)
    found["sys", "recursionlimit"] = sys.getrecursionlimit()
    found["sys", "switchinterval"] = sys.getswitchinterval()
    if hasattr(sys, "get_int_max_str_digits"):
        found["sys", "int_max_str_digits"] = sys.get_int_max_str_digits()
    found.update(logs.read())
    return found


def _decimal_context() -> tuple[Any, ...]:
    context = decimal.getcontext()
    traps, flags = dict(context.traps.items()), dict(context.flags.items())
    plain = (context.prec, context.rounding, context.Emin, context.Emax)
    return (*plain, context.capitals, context.clamp, flags, traps)


def _flatten(tree: Any, prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def _write_pandas(name: str, value: Any) -> None:
    import pandas

    pandas.set_option(name, value)


def _write_matplotlib(name: str, value: Any) -> None:
    import matplotlib

    params: Any = matplotlib.rcParams
    params._set(name, value)


def _write_numpy(name: str, value: Any) -> None:
    import numpy

    numpy.set_printoptions(**{name: value})


def _write_errstate(name: str, value: Any) -> None:
    import numpy

    numpy.seterr(**{name: value})


def _write_warnings(name: str, value: list[Any] | None) -> None:
    import warnings

    warnings.filters[:] = value or []  # type: ignore[index]
    warnings._filters_mutated()  # type: ignore[attr-defined]


def _write_errcall(name: str, value: Any) -> None:
    import numpy

    numpy.seterrcall(value)


def _write_decimal(name: str, value: tuple[Any, ...]) -> None:
    prec, rounding, emin, emax, capitals, clamp, flags, traps = value
    decimal.setcontext(
        decimal.Context(prec, rounding, emin, emax, capitals, clamp, dict(flags), dict(traps))
    )


def _write_locale(name: str, value: str) -> None:
    locale.setlocale(locale.LC_ALL, value)


def _write_sys(name: str, value: Any) -> None:
    getattr(sys, f"set{name}" if hasattr(sys, f"set{name}") else f"set_{name}")(value)


_WRITERS: dict[str, Callable[[str, Any], None]] = {
    "pandas": _write_pandas,
    "matplotlib": _write_matplotlib,
    "numpy": _write_numpy,
    "numpy.errstate": _write_errstate,
    "warnings": _write_warnings,
    "numpy.errcall": _write_errcall,
    "decimal": _write_decimal,
    "locale": _write_locale,
    "sys": _write_sys,
    **logs.WRITERS,
}
