"""Ids: a prefix that says what it names, then a part that sorts by time and never repeats."""

import os
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_LENGTH = 26  # 48 bits of milliseconds and 80 random bits, as in a ULID


def new_id(prefix: str) -> str:
    """Make an id such as `run-01jd3x8c5v…`; ids made later sort later, to the millisecond."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    return prefix + "-" + "".join([_ALPHABET[value >> shift & 31] for shift in _SHIFTS])


_SHIFTS = tuple(range(5 * (_LENGTH - 1), -1, -5))
