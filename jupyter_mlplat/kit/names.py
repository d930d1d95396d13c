"""Names of what we make in a cluster: never too long, never of two things at once."""

import base64
import hashlib
import json
import re

LONGEST_LABEL = 63
LONGEST_SET = 52
"""Of a StatefulSet: a label of its pods is its name, `-` and ten characters of a hash."""

_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")
_SUFFIX = 10


def object_name(*parts: str, longest: int = LONGEST_LABEL) -> str:
    """Name an object after parts, such as a run and its step.

    One part that is a name already stays as it is. All else is cut to what a name may hold and gets
    a hash of the parts as they were: `a-b` and `c` are never called as `a` and `b-c` are. The name
    fits Services as well, which demand a letter first.

    Args:
        parts: What it belongs to, from the outside in; any text.
        longest: The most characters it may have, more than 12.
    """
    if len(parts) == 1 and len(parts[0]) <= longest and _NAME.fullmatch(parts[0]):
        return parts[0]
    words = re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")
    if not words[:1].isalpha():
        words = f"x-{words}".rstrip("-")
    return f"{words[: longest - _SUFFIX - 1].rstrip('-')}-{_hash(*parts)}"


def label_value(text: str) -> str:
    """Turn any text into a label's value: as it is where it is one, else cut, with a hash."""
    if not text or (len(text) <= LONGEST_LABEL and _VALUE.fullmatch(text)):
        return text
    words = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-_.")
    return f"{words[: LONGEST_LABEL - _SUFFIX - 1].rstrip('-_.') or 'x'}-{_hash(text)}"


def _hash(*parts: str) -> str:
    """Return 50 bits of a digest, in small letters and digits."""
    exact = json.dumps(parts, separators=(",", ":")).encode()
    digest = hashlib.sha256(exact).digest()
    return base64.b32encode(digest).decode().lower()[:_SUFFIX]
