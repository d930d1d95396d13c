"""Starts what runs inside a step, by path.

`python -I …/jupyter_mlplat_runtime/start.py zygote FD | step DIR | kernel DIR NAME`.

`-I` keeps the working directory and `sitecustomize` of a project folder out of the interpreter's
start. What a kernel would find through PYTHONPATH and the user's site-packages is declared, so it
is put back.
"""

from __future__ import annotations

import os
import site
import sys


def main() -> int:
    """Set up the path, then serve as zygote or run one step, here or in another kernel."""
    here = os.path.dirname(os.path.abspath(__file__))
    slice_directory = os.path.dirname(here)
    declared = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    if sys.prefix == sys.base_prefix and os.path.isdir(site.getusersitepackages()):
        site.addsitedir(site.getusersitepackages())
    sys.path[:0] = [slice_directory, *declared]
    package = os.path.basename(here)
    __import__("cloudpickle")
    how, *rest = sys.argv[1:]
    try:
        run = __import__(f"{package}.{how}", fromlist=["run"]).run
    except ModuleNotFoundError as error:
        if how == "zygote" or error.name is None:
            raise
        return report_missing(package, rest[0], error.name)
    sys.path.remove(slice_directory)
    sys.path.append(os.path.join(slice_directory, "shim"))
    return run(*rest) or 0


def report_missing(package: str, directory: str, module: str) -> int:
    """Say in the attempt's result that the interpreter lacks what every step needs."""
    process = __import__(f"{package}.process", fromlist=["claim"])
    if not process.claim(directory):
        return int(process.NOT_OURS)
    message = (
        f"Cannot run the step in {sys.executable!r}: this Python has no module {module!r}. "
        f"Install it there (python -m pip install {module.partition('.')[0].lower()}), "
        "or choose another interpreter."
    )
    error = {"code": "import-error", "message": message, "name": "ModuleNotFoundError"}
    result = {"state": "failed", "error": {**error, "value": str(module)}}
    process.write_atomically(os.path.join(directory, "result.json"), process.dump_json(result))
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)
