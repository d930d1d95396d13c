"""What a caller of MLflow's API has sent: a message in the JSON form of protocol buffers."""

import math
from collections.abc import Mapping

from jupyter_mlplat.errors import InvalidInput


class Given:
    """Reads fields of a message, and says which one is wrong. Unknown fields are let be."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def find(self, *names: str) -> str | None:
        """Return the first of these fields that has a text; a number counts as one."""
        for name in names:
            value = self._values.get(name)
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                return str(value)
            if value is not None:
                raise _wrong(name, value, "a text")
        return None

    def text(self, *names: str) -> str:
        """Return a field that has to be there and not empty."""
        found = self.find(*names)
        if not found:
            raise InvalidInput(f"Missing value for required parameter {names[0]!r}.")
        return found

    def number(self, name: str, default: int | None = None) -> int | None:
        value = self._values.get(name)
        if value is None or value == "":
            return default
        try:
            return int(str(value))
        except ValueError:
            pass
        number = self.real(name)
        if not math.isfinite(number):
            raise _wrong(name, value, "a whole number")
        return int(number)

    def count(self, name: str, default: int, most: int) -> int:
        """Return how many are asked for."""
        number = self.number(name, default) or default
        if not 1 <= number <= most:
            raise _wrong(name, number, f"a number from 1 to {most}")
        return number

    def real(self, name: str) -> float:
        """Return a number that has to be there; it may be none, or infinite."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise _wrong(name, value, "a number")
        try:
            return float(value)
        except (ValueError, OverflowError) as error:
            raise _wrong(name, value, "a number") from error

    def texts(self, name: str) -> list[str]:
        value = self._values.get(name, [])
        if isinstance(value, str):
            return [value]
        if not isinstance(value, list) or not all(isinstance(it, str | int) for it in value):
            raise _wrong(name, value, "a list of texts")
        return [str(it) for it in value]

    def items(self, name: str) -> "list[Given]":
        """Return the messages in a repeated field."""
        value = self._values.get(name) or []
        if not isinstance(value, list) or not all(isinstance(it, dict) for it in value):
            raise _wrong(name, value, "a list of objects")
        return [Given(it) for it in value]

    def pairs(self, name: str, *, most_letters: int = 8000) -> dict[str, str]:
        """Return the pairs of `key` and `value` in a repeated field."""
        return {
            checked_key(item.text("key")): checked_value(item.find("value") or "", most_letters)
            for item in self.items(name)
        }

    def raw(self) -> Mapping[str, object]:
        return self._values


def checked_key(key: str) -> str:
    """Refuse names that no metric, parameter or tag may have."""
    if len(key) > 250 or not key.isprintable() or key.startswith("/") or ".." in key.split("/"):
        raise InvalidInput(
            f"Cannot use the name {key[:80]!r}: needed at most 250 printable characters, and no "
            "path that leads elsewhere."
        )
    return key


def checked_value(value: str, most_letters: int) -> str:
    if len(value) > most_letters:
        raise InvalidInput(
            f"Cannot take a value of {len(value)} characters: {most_letters} are the most."
        )
    return value


def _wrong(name: str, value: object, needed: str) -> InvalidInput:
    return InvalidInput(
        f"Invalid value {str(value)[:80]!r} for parameter {name!r} supplied: needed {needed}."
    )
