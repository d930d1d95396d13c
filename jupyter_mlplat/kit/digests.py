"""Digests, spelled `sha256:…` everywhere."""

import hashlib
import json
from typing import Any


def digest_bytes(content: bytes) -> str:
    """Digest bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def digest_text(text: str) -> str:
    """Digest text, lone surrogates included."""
    return digest_bytes(text.encode("utf-8", "surrogatepass"))


def digest_json(value: Any) -> str:
    """Digest a JSON value: equal values have equal digests, whatever the order of their keys."""
    return digest_text(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True))
