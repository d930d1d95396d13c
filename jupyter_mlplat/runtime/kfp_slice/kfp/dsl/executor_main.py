"""The entry point of Python components: `python -m kfp.dsl.executor_main …`."""

from __future__ import annotations

import argparse
import configparser
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from .executor import Executor


def executor_main(arguments: Sequence[str] | None = None) -> None:
    """Load a component's module and run its function."""
    parser = argparse.ArgumentParser(description="KFP Component Executor.")
    parser.add_argument("--component_module_path", help="Path of the module with the component.")
    parser.add_argument("--function_to_execute", required=True, help="Name of its function.")
    parser.add_argument("--executor_input", required=True, help="`ExecutorInput` as JSON.")
    given, _ = parser.parse_known_args(arguments)
    path = given.component_module_path or find_module(given.function_to_execute)
    run(path, given.function_to_execute, json.loads(given.executor_input))


def run(path: str, function: str, executor_input: dict[str, Any]) -> None:
    """Run a function of a module with an executor input."""
    Executor(executor_input, getattr(load_module(path), function)).execute()


def load_module(path: str) -> ModuleType:
    """Import a module by its path; its folder joins the import path."""
    name = os.path.splitext(os.path.basename(path))[0]
    folder = os.path.dirname(os.path.abspath(path))
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"Cannot load the component's module {path!r}: it is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, folder)
    spec.loader.exec_module(module)
    return module


def find_module(function: str) -> str:
    """Find a component's module in `kfp_config.ini`, as images of Python components hold it.

    Raises:
        RuntimeError: The file is not there, or does not name the component.
    """
    parser = configparser.ConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read("kfp_config.ini")
    components = dict(parser["Components"]) if parser.has_section("Components") else {}
    if function not in components:
        raise RuntimeError(
            f"Could not find component `{function}` in `kfp_config.ini` of {os.getcwd()!r}. "
            f"Found the following components instead: {sorted(components)}"
        )
    return components[function]


if __name__ == "__main__":
    executor_main()
