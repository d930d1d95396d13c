"""Brings a train job's dataset and model to this machine, once, before its ranks start.

A local path is used where it lies. Anything else is opened by fsspec, which has to be installed
where the job runs, with what the scheme needs (s3fs, gcsfs, huggingface_hub …).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import traceback
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from .failures import StepFailed


def bring(what: str, said: Mapping[str, Any], target: str) -> str:
    """Return the path where a dataset or a model lies.

    Args:
        what: `dataset` or `model`.
        said: Its `uri`, and `env` for whoever fetches it.
        target: Where it is put unless it is here already; kept for later attempts.

    Raises:
        StepFailed: It is not there, or cannot be fetched.
    """
    uri = str(said.get("uri") or "")
    parts = urlsplit(uri)
    if parts.scheme in ("", "file"):
        path = os.path.abspath(unquote(parts.path) if parts.scheme else os.path.expanduser(uri))
        if not os.path.exists(path):
            raise StepFailed(
                "initializer-failed",
                f"Cannot find the {what} {uri!r}: there is nothing at {path!r}. Check the path.",
            )
        return path
    if not os.path.exists(target):
        trouble = _fetch_apart(what, uri, target, said.get("env") or {})
        if trouble:
            raise StepFailed("initializer-failed", f"Cannot fetch the {what} {uri!r}: {trouble}")
    return target


def _fetch_apart(what: str, uri: str, target: str, env: Mapping[str, str]) -> str:
    """Fetch in a process of its own: transfers start threads, and threads do not survive a fork.

    Returns:
        Why it failed; empty if it did not.
    """
    heard, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(heard)
            os.environ.update(env)
            trouble = ""
            try:
                _fetch(what, uri, target)
            except BaseException as error:
                traceback.print_exc(file=sys.stderr)
                trouble = f"{type(error).__name__}: {error}"
            os.write(told, json.dumps(trouble).encode()[:4096])
        finally:
            os._exit(0)
    os.close(told)
    with os.fdopen(heard, "rb") as file:
        said = file.read()
    os.waitpid(pid, 0)
    try:
        return str(json.loads(said))
    except ValueError:
        return "its process ended before it was done"


def _fetch(what: str, uri: str, target: str) -> None:
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise ImportError(
            f"{sys.executable} has no fsspec. Install it there (python -m pip install fsspec)"
        ) from error
    if uri.startswith("hf://") and what == "dataset" and not uri.startswith("hf://datasets/"):
        uri = "hf://datasets/" + uri[len("hf://") :]  # as upstream's initializer names them
    filesystem, path = url_to_fs(uri)
    draft = f"{target}.part"
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(draft)
    os.makedirs(draft)
    if filesystem.isdir(path):
        filesystem.get(path.rstrip("/") + "/", draft + "/", recursive=True)
    else:
        filesystem.get(path, os.path.join(draft, os.path.basename(path)))
    os.rename(draft, target)
