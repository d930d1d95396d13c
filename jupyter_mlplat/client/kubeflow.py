"""Kubeflow's documents from a client's side: apply them, look at them, delete them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlplat.errors import InvalidInput

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient
    from jupyter_mlplat.resources.documents import AppliedDocument

PIPELINE = "pipelineInfo"
"""A text with this key is a compiled KFP pipeline, no object of Kubernetes."""


def read_text(path: str) -> str:
    """Read a file of documents; `-` is standard input.

    Raises:
        InvalidInput: It cannot be read.
    """
    import sys

    if path == "-":
        return sys.stdin.read()
    try:
        return Path(path).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"Cannot read {path!r}: {error}.") from error


def apply(
    client: "EngineClient", text: str, *, dry_run: bool = False
) -> "tuple[AppliedDocument, ...]":
    """Do what documents ask for; nothing where one of them is not understood."""
    from jupyter_mlplat.resources.documents import AppliedDocuments

    body = {"text": text, "dry_run": dry_run}
    return AppliedDocuments.model_validate_json(
        client.fetch("documents.apply", body=body)
    ).documents


def get(client: "EngineClient", kind: str, name: str) -> dict[str, Any]:
    """Return an object with its status; `kind` is as kubectl has it, such as `trainjobs`."""
    answer = json.loads(client.fetch("documents.get", {"kind": kind, "name": name}))
    found: dict[str, Any] = answer["document"]
    return found


def list_all(
    client: "EngineClient", kind: str, of: str | None = None, limit: int | None = None
) -> list[dict[str, Any]]:
    """Return objects of a kind, newest first; `of` names the job whose trials are meant."""
    query = {"of": of, "limit": limit}
    answer = json.loads(client.fetch("documents.list", {"kind": kind}, query))
    found: list[dict[str, Any]] = answer["documents"]
    return found


def delete(client: "EngineClient", kind: str, name: str) -> None:
    """Forget an object; a job is stopped first."""
    client.fetch("documents.delete", {"kind": kind, "name": name}, timeout_s=None)


def state_of(document: dict[str, Any]) -> str:
    """Return the state that an object's conditions come to, as kubectl's column has it."""
    status = document.get("status")
    conditions = status.get("conditions") if isinstance(status, dict) else None
    held = [one["type"] for one in conditions or () if one.get("status") == "True"]
    return str(held[-1]) if held else "Running" if conditions is not None else ""


def is_pipeline(text: str) -> bool:
    """Tell whether a text is a compiled KFP pipeline."""
    import re

    return re.search(rf'^\s*"?{PIPELINE}"?\s*:', text, re.MULTILINE) is not None


def names_in(text: str) -> list[tuple[str, str]]:
    """Return kind and name of each job and runtime of a file of documents, last ones first.

    Raises:
        InvalidInput: It is no YAML.
    """
    import yaml

    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        raise InvalidInput(f"Cannot read the documents: {error}.") from error
    found = [
        (str(one.get("kind", "")).lower(), str((one.get("metadata") or {}).get("name", "")))
        for one in documents
        if isinstance(one, dict)
    ]
    return [pair for pair in reversed(found) if pair[0] not in ("configmap", "secret")]
