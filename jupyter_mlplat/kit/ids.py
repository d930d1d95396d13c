"""Ids: a prefix that says what it names, then a part that sorts by time and never repeats."""

import os
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)  # two characters by ten bits
_TIME_SHIFTS = tuple(range(40, -1, -10))  # 48 bits of milliseconds and
_CHANCE_SHIFTS = tuple(range(70, -1, -10))  # 80 random bits, as in a ULID


def new_id(prefix: str) -> str:
    """Make an id such as `run-01jd3x8c5v…`; ids made later sort later, to the millisecond."""
    now = time.time_ns() // 1_000_000
    chance = int.from_bytes(os.urandom(10), "big")
    text = [_PAIRS[now >> shift & 1023] for shift in _TIME_SHIFTS]
    text += [_PAIRS[chance >> shift & 1023] for shift in _CHANCE_SHIFTS]
    return prefix + "-" + "".join(text)
