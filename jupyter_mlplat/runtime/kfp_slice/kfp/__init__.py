"""The `kfp` that a component of a pipeline runs with: `kfp.dsl`, without compiler and client."""

from typing import Any

__version__ = "2.17.0"
TYPE_CHECK = True

_ELSEWHERE = ("Client", "client", "compiler", "local", "registry", "kubernetes")


def __getattr__(name: str) -> Any:
    if name in _ELSEWHERE:
        raise ImportError(
            f"Cannot import {name!r} from 'kfp': the step runs with the part of kfp that "
            "components need at run time. List 'kfp' beside another package in the component's "
            "packages_to_install, or run the pipeline with its literal commands."
        )
    raise AttributeError(f"module 'kfp' has no attribute {name!r}")
