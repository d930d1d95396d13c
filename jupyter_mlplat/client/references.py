"""What people type for a thing, turned into what the API takes."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.errors import InvalidInput, NotFound
from jupyter_mlplat.resources.pipeline import Parameter

_MOST_JOBS = 1000
_IDENTIFIER = re.compile(r"[a-z]+-[0-9a-hjkmnp-tv-z]{26}")


def job_run(client: EngineClient, text: str, kind: str = "train,tune") -> str:
    """Return the id of the newest run of a train or tuning job of this name; else the text."""
    if text == "latest" or text.isdecimal() or _IDENTIFIER.fullmatch(text):
        return text
    rows, _ = client.list_runs(_MOST_JOBS, text=text, kind=kind)
    return next((row.id for row in rows if row.pipeline == text), text)


def lineage_node(client: EngineClient, text: str) -> str:
    """Name a node of the graph: a run's number or id, `MODEL[/version|@alias]`, or another id."""
    if text == "latest" or text.isdecimal():
        return client.get_run(text).id
    if text.startswith("models:") or _IDENTIFIER.fullmatch(text):
        return text
    name, version = model_version(client, text)
    return f"models:{name}:{version}"


def model_version(client: EngineClient, text: str) -> tuple[str, int]:
    """Find the version meant by `MODEL`, `MODEL/version` or `MODEL@alias`.

    Raises:
        InvalidInput: The part after the slash is no number.
        NotFound: There is no such model, version or alias.
    """
    name, separator, wanted = text.partition("@" if "@" in text else "/")
    if separator == "/":
        if not wanted.isdecimal():
            raise InvalidInput(
                f"{text!r} names no model version: after the slash a number is needed, such as "
                f"{name}/1. For an alias write {name}@{wanted}."
            )
        return name, int(wanted)
    model = client.get_model(name)
    if separator == "@" and wanted not in model.aliases:
        known = ", ".join(model.aliases) or "none"
        raise NotFound(f"Model {name!r} has no alias {wanted!r}. Its aliases: {known}.")
    version = model.aliases[wanted] if separator else model.latest_version
    if version is None:
        raise NotFound(f"Model {name!r} has no versions. Register one first.")
    return name, version


def parse_parameters(texts: Iterable[str], known: Iterable[Parameter]) -> dict[str, Any]:
    """Read `name=value` texts, each value as its parameter's type.

    Values are JSON where the type is not text: `true`, `3`, `[1, 2]`; Python's `True`, `False` and
    `None` are understood. The engine checks names and types; here text only becomes a value.

    Raises:
        InvalidInput: A text has no equals sign, or repeats a name.
    """
    types = {parameter.name: parameter.type for parameter in known}
    values: dict[str, Any] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise InvalidInput(
                f"{text!r} is no parameter: name=value is needed, such as -p trees=200."
            )
        if name in values:
            raise InvalidInput(f"Parameter {name!r} is given twice. Give it once.")
        values[name] = value if types.get(name) == "str" else _parse_value(value)
    return values


def _parse_value(text: str) -> Any:
    spelled: Mapping[str, Any] = {"True": True, "False": False, "None": None}
    if text in spelled:
        return spelled[text]
    try:
        return json.loads(text)
    except ValueError:
        return text


def parse_pairs(texts: Iterable[str]) -> dict[str, str]:
    """Read `key=value` texts.

    Raises:
        InvalidInput: A text has no equals sign.
    """
    pairs = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise InvalidInput(f"{text!r} is no tag: key=value is needed, such as team=risk.")
        pairs[key] = value
    return pairs


def parse_wanted_tags(texts: Iterable[str]) -> dict[str, str | None]:
    """Read `key=value` and `key`, which stands for any value, as tags to look for."""
    parts = (text.partition("=") for text in texts)
    return {key: value if separator else None for key, separator, value in parts}
