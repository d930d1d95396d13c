"""Objects of Kubernetes out of YAML or JSON text, and how a fault in one is told."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kfp.reading import read_documents
from jupyter_mlplat.resources.base import JsonValue


def words(text: str) -> frozenset[str]:
    """Return the words of a text: names of fields."""
    return frozenset(text.split())


METADATA = words(
    "name generateName namespace labels annotations uid resourceVersion generation selfLink "
    "creationTimestamp deletionTimestamp deletionGracePeriodSeconds ownerReferences finalizers "
    "managedFields"
)
_SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_LONGEST_SHOWN = 60


class Fault(Exception):
    """Something is wrong at a place of an object; `of` names the object.

    Attributes:
        path: Where: `spec.trainer.numNodes`, `spec.parameters[0].feasibleSpace.min`.
        what: What is wrong there, as the end of a sentence.
    """

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path}: {what}")
        self.path = path
        self.what = what


class Part(BaseModel):
    """A part of an object as upstream spells it: an unknown field or another type is a fault."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, alias_generator=to_camel, populate_by_name=False
    )


@dataclass(frozen=True, slots=True)
class Object:
    """One object, its spec still unread."""

    api_version: str
    kind: str
    name: str
    namespace: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    raw: Mapping[str, JsonValue]

    @property
    def what(self) -> str:
        """Name it for people."""
        return f"{self.kind} {self.name!r}" if self.name else self.kind

    @property
    def spec(self) -> Mapping[str, JsonValue]:
        """What it asks for; a status that came along is not looked at."""
        return mapping(self.raw.get("spec"), "spec")


P = TypeVar("P", bound=Part)


def read_objects(text: str | bytes) -> list[Object]:
    """Read all objects of a text, those of a `List` one by one; bounded as KFP's documents are.

    Raises:
        InvalidInput: It is no YAML or JSON, or something in it is no object.
    """
    try:
        documents = read_documents(text)
    except InvalidInput as error:
        words = error.message.replace("this pipeline", "this file")
        raise InvalidInput(words, **error.details) from error
    found = [item for document in documents for item in _items(document)]
    if not found:
        raise InvalidInput("There is no object in this file. Write one, or name another file.")
    return found


def object_of(value: JsonValue) -> Object:
    """Read one object.

    Raises:
        InvalidInput: It is none: no mapping, without a kind, or with metadata that are none.
    """
    if not isinstance(value, dict):
        raise InvalidInput(
            "This is no object of Kubernetes: needed a mapping with `apiVersion` and `kind`, "
            f"found {kind_of(value)}."
        )
    kind = value.get("kind")
    label = kind if isinstance(kind, str) and kind else "object of Kubernetes"
    with naming(label):
        for field in ("apiVersion", "kind"):
            said = value.get(field)
            if not isinstance(said, str) or not said:
                raise Fault(field, "is missing" if said is None else f"found {kind_of(said)}")
        metadata = mapping(value.get("metadata"), "metadata")
        for field in metadata:
            if field not in METADATA:
                raise Fault(f"metadata.{field}", "there is no such field")
        name = _text(metadata, "name")
        if name and not _SUBDOMAIN.fullmatch(name):
            raise Fault(
                "metadata.name",
                f"{name!r} is no name: needed small letters, digits, '-' and '.', with a letter "
                "or digit at either end",
            )
        return Object(
            api_version=str(value["apiVersion"]),
            kind=str(kind),
            name=name,
            namespace=_text(metadata, "namespace"),
            labels=_texts(metadata, "labels"),
            annotations=_texts(metadata, "annotations"),
            raw=value,
        )


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Tell of faults within as faults of this object.

    Raises:
        InvalidInput: There was a fault; `details` have its path and its reason.
    """
    try:
        yield
    except Fault as error:
        raise refusal(what, error.path, error.what) from error
    except ValidationError as error:  # upstream would take it, but it is out of our bounds
        first = error.errors(include_url=False)[0]
        field = place_of(first["loc"]).lstrip(".")
        words = f"{field}: {first['msg'][:1].lower()}{first['msg'][1:]}"
        raise refusal(what, "spec", f"{words}, found {kind_of(first['input'])}") from error


def refusal(what: str, path: str, reason: str) -> InvalidInput:
    """Return the refusal of an object for what stands at a place of it."""
    return InvalidInput(
        f"Cannot take this {what}: {path}: {reason.rstrip('.')}.", path=path, reason=reason
    )


def shape(kind: type[P], value: JsonValue | Mapping[str, JsonValue], path: str) -> P:
    """Read a value as a part.

    Raises:
        Fault: It is none; the first thing that is wrong.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise _fault(error, path) from error


def mapping(value: JsonValue, path: str) -> Mapping[str, JsonValue]:
    """Take a value as a mapping; nothing is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Fault(path, f"needed a mapping, found {kind_of(value)}")
    return value


def refuse_unknown(
    value: Mapping[str, JsonValue], known: Sequence[str] | frozenset[str], path: str
) -> None:
    """Refuse fields that upstream does not have."""
    for field in value:
        if field not in known:
            raise Fault(f"{path}.{field}", "there is no such field")


def kind_of(value: object) -> str:
    """Say what kind of value this is, and which, where that is short."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"a boolean ({str(value).lower()})"
        case int() | float():
            return f"a number ({value})"
        case str():
            shown = value if len(value) <= _LONGEST_SHOWN else value[:_LONGEST_SHOWN] + "…"
            return f"a text ({shown!r})"
        case list() | tuple():
            return "a list"
        case _:
            return "a mapping"


_NEEDED = {
    "string_type": "needed a text",
    "int_type": "needed a whole number",
    "int_from_float": "needed a whole number",
    "float_type": "needed a number",
    "bool_type": "needed true or false",
    "list_type": "needed a list",
    "dict_type": "needed a mapping",
    "model_type": "needed a mapping",
    "model_attributes_type": "needed a mapping",
}


def _fault(error: ValidationError, path: str) -> Fault:
    first = error.errors(include_url=False)[0]
    place, kind, found = path + place_of(first["loc"]), first["type"], first["input"]
    context: Mapping[str, Any] = first.get("ctx", {})
    if kind == "extra_forbidden":
        return Fault(place, "there is no such field")
    if kind == "missing":
        return Fault(place, "is missing")
    if kind == "literal_error":
        return Fault(place, f"needed {context['expected']}, found {kind_of(found)}")
    if kind in _NEEDED:
        is_bare = kind == "string_type" and isinstance(found, bool | int | float)
        what = f"{_NEEDED[kind]}, found {kind_of(found)}"
        return Fault(place, f"{what}. Write it in quotes" if is_bare else what)
    if kind == "value_error":
        return Fault(place, str(context["error"]))
    return Fault(place, f"{first['msg'][:1].lower()}{first['msg'][1:]}, found {kind_of(found)}")


def place_of(location: Sequence[int | str]) -> str:
    """Write where something lies below a path: `.trainer.env[0].name`."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if re.fullmatch(r"[\w-]+", part) else f"[{part!r}]"
    return text


def _items(document: JsonValue) -> Iterator[Object]:
    if isinstance(document, dict) and str(document.get("kind", "")).endswith("List"):
        items = document.get("items")
        if isinstance(items, list):
            for item in items:
                yield object_of(item)
            return
    yield object_of(document)


def _text(metadata: Mapping[str, JsonValue], field: str) -> str:
    said = metadata.get(field)
    if said is None:
        return ""
    if not isinstance(said, str):
        raise Fault(f"metadata.{field}", f"needed a text, found {kind_of(said)}")
    return said


def _texts(metadata: Mapping[str, JsonValue], field: str) -> dict[str, str]:
    found = {}
    for name, said in mapping(metadata.get(field), f"metadata.{field}").items():
        if not isinstance(said, str):
            raise Fault(
                f"metadata.{field}{place_of((name,))}",
                f"needed a text, found {kind_of(said)}. Write it in quotes",
            )
        found[name] = said
    return found
