"""Who did what: one JSON line for each request that came from the network."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

_BYTES, _FILES = 20 * 2**20, 10


@dataclass(slots=True)
class Entry:
    """What is known of one request, so far. No body, no query, no token."""

    verb: str
    address: str
    user: str | None = None
    profile: str | None = None
    route: str | None = None
    object: Mapping[str, str] = field(default_factory=dict)
    status: int = 0
    code: str | None = None  # of the error, where it was refused


class AuditLog:
    """Writes entries, in the order they end. Files are only for their owner; old ones go."""

    def __init__(self, path: Path) -> None:
        self._handler = RotatingFileHandler(path, maxBytes=_BYTES, backupCount=_FILES)
        self._handler.setFormatter(logging.Formatter("%(message)s"))

    def write(self, entry: Entry) -> None:
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "user": entry.user,
            "profile": entry.profile,
            "verb": entry.verb,
            "route": entry.route,
            "object": dict(entry.object),
            "status": entry.status,
            "refused": entry.code,
            "address": entry.address,
        }
        # ASCII: no character of a name can end the line or turn its direction.
        text = json.dumps(line)
        self._handler.emit(logging.LogRecord("audit", logging.INFO, "", 0, text, None, None))

    def close(self) -> None:
        self._handler.close()
