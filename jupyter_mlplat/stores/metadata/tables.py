"""What every group of tables stands on."""

import json
from collections.abc import Iterable

from jupyter_mlplat.stores.metadata.database import Database

ALL = 2**62
"""A limit that is none."""


class Tables:
    """A group of tables in one database; the store inherits from all of them."""

    def __init__(self, database: Database) -> None:
        self._database = database


def json_array(documents: Iterable[str]) -> str:
    """Join JSON documents into one array, so that a list is validated in one call."""
    return "[" + ",".join(documents) + "]"


def json_keys(keys: Iterable[object]) -> str:
    """Return keys as a JSON array for `json_each`: any number of them in one parameter."""
    return json.dumps(list(keys))
