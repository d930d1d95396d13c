"""Jupyter servers of tests."""

import sys

_START = (
    "import runpy, sys; sys.modules['rfc3987_syntax'] = None; del sys.argv[1]; "
    "runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
)


def jupyter_server(module: str) -> list[str]:
    """Return the command that starts a server, as `python -m` does.

    It leaves out a grammar that jsonschema reads for 1.5 s and Jupyter does not need.
    """
    return [sys.executable, "-c", _START.format(module=module), module]
