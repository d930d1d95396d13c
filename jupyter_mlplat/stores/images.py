"""The image map of a state directory: one JSON file that people may read and write."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.kit.files import make_private_directory, write_atomically
from jupyter_mlplat.resources.images import ImageRule

_RULES = TypeAdapter(tuple[ImageRule, ...])


class LocalImageMap:
    """Reads the map again whenever its file has changed. Safe from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: tuple[int, tuple[ImageRule, ...]] = (0, ())

    def rules(self) -> tuple[ImageRule, ...]:
        """Return the rules of the file, none where there is none.

        Raises:
            InvalidInput: The file is no list of rules.
        """
        try:
            stamp = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return ()
        known, rules = self._known
        if known != stamp:
            try:
                rules = _RULES.validate_json(self._path.read_bytes())
            except ValidationError as error:
                fault = error.errors(include_url=False)[0]
                place = ".".join(map(str, fault["loc"])) or "the file"
                raise InvalidInput(
                    f"Cannot read the image map {str(self._path)!r}: {place}: {fault['msg']}."
                ) from error
            self._known = (stamp, rules)
        return rules

    def write(self, rules: Sequence[ImageRule]) -> None:
        """Replace all rules."""
        documents = [rule.model_dump(mode="json", exclude={"built_in"}) for rule in rules]
        make_private_directory(self._path.parent)
        write_atomically(self._path, json.dumps(documents, indent=2).encode() + b"\n", durable=True)
