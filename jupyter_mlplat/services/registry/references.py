"""References to model versions, as people write them: `NAME`, `NAME@alias`, `NAME/version`."""

import re
from dataclasses import dataclass

from jupyter_mlplat.errors import InvalidInput, NotFound
from jupyter_mlplat.ports.metadata import MetadataStore
from jupyter_mlplat.resources.base import NAME_PATTERN
from jupyter_mlplat.resources.lineage import ModelVersion, RegisteredModel

ALIAS_PATTERN = r"[a-z][a-z0-9_-]{0,62}"
_REFERENCE = re.compile(
    rf"(?P<model>{NAME_PATTERN.strip('^$')})"
    rf"(@(?P<alias>{ALIAS_PATTERN})|/(?P<version>[1-9][0-9]{{0,8}}))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A model, and which of its versions: by alias, by number, or the latest."""

    model: str
    alias: str | None = None
    version: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Read a reference.

        Raises:
            InvalidInput: It is none.
        """
        found = _REFERENCE.fullmatch(text)
        if found is None:
            raise InvalidInput(
                f"Cannot read {text!r} as a model: give NAME, NAME@alias or NAME/version. "
                "Names have lower-case letters, digits, '-', '.' and '_', at most 63 of them."
            )
        version = found["version"]
        return cls(found["model"], found["alias"], None if version is None else int(version))


def find_version(store: MetadataStore, reference: Reference) -> ModelVersion:
    """Return the version a reference means.

    Raises:
        NotFound: There is no such model, alias or version.
    """
    model = store.get_model(reference.model)
    number = _number(model, reference)
    for version in model.versions:
        if version.version == number:
            return version
    raise NotFound(
        f"Cannot find version {number} of model {model.name!r}: its versions are "
        f"{[version.version for version in model.versions]}. Choose one of them.",
        model=model.name,
        version=number,
    )


def _number(model: RegisteredModel, reference: Reference) -> int | None:
    if reference.alias is None:
        return reference.version or model.latest_version
    if reference.alias not in model.aliases:
        raise NotFound(
            f"Cannot find alias {reference.alias!r} of model {model.name!r}: its aliases are "
            f"{sorted(model.aliases)}. Set it, or choose one of them.",
            model=model.name,
            alias=reference.alias,
        )
    return model.aliases[reference.alias]
