"""The orders of a router: which revisions there are and how traffic is split."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

ROUTING = "routing.json"
CONTROL = "control.sock"
REVISIONS = "revisions"
ROUTER = "router"


@dataclass(frozen=True, slots=True)
class Routing:
    """What a router does until it is told otherwise.

    Attributes:
        endpoint: Its name.
        versions: Model version of each revision that may be reached, by revision number.
        percent: Share of traffic by revision number; sums to 100.
        timeout_s: A revision that has not answered by then is answered for, with 504.
        body_bytes: Largest request body.
    """

    endpoint: str
    versions: Mapping[int, int]
    percent: Mapping[int, int]
    timeout_s: float = 60.0
    body_bytes: int = 64 * 2**20

    def to_json(self) -> bytes:
        return orjson.dumps(
            {
                "endpoint": self.endpoint,
                "versions": {str(number): version for number, version in self.versions.items()},
                "percent": {str(number): share for number, share in self.percent.items()},
                "timeout_s": self.timeout_s,
                "body_bytes": self.body_bytes,
            }
        )


def read_routing(directory: Path) -> Routing:
    document: dict[str, Any] = orjson.loads((directory / ROUTING).read_bytes())
    return Routing(
        document["endpoint"],
        {int(number): version for number, version in document["versions"].items()},
        {int(number): share for number, share in document["percent"].items()},
        document["timeout_s"],
        document["body_bytes"],
    )


def link_path(revision: int) -> str:
    """Name a revision's socket relative to the endpoint: absolute paths may be too long for one."""
    return f"{REVISIONS}/{revision}/link.sock"
