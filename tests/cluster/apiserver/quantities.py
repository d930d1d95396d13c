"""Quantities of Kubernetes (100m, 2Gi, 1e3): read exactly, written back in their canonical form."""

from __future__ import annotations

import re
from decimal import ROUND_UP, Decimal
from typing import Any

BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
DECIMAL = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
}
_FORM = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$")


def parse(value: Any) -> Decimal | None:
    """Read a quantity; None where it is none."""
    match = _FORM.match(str(value).strip())
    if match is None:
        return None
    number, unit = Decimal(match[1]), match[2] or ""
    if unit in BINARY:
        return number * BINARY[unit]
    if unit in DECIMAL:
        return number * DECIMAL[unit]
    return number * Decimal(10) ** int(unit[1:])


def show(amount: Decimal, like: str = "") -> str:
    """Write a quantity in the canonical form, in the family of units of another."""
    if any(like.endswith(unit) for unit in BINARY):
        for unit, size in reversed(BINARY.items()):
            if amount and amount % size == 0:
                return f"{int(amount / size)}{unit}"
    if amount != amount.to_integral_value():
        return f"{int(amount * 1000)}m"
    return str(int(amount))


def canonical(value: Any) -> Any:
    """Write a quantity as the real server would; what is none stays as it is."""
    text = str(value)
    amount = parse(text)
    if amount is None:
        return value
    if re.search(r"[eE][+-]?\d+$", text):
        return text
    if amount == amount.to_integral_value() and any(text.endswith(unit) for unit in BINARY):
        return show(amount, text)
    if amount != amount.to_integral_value():
        for unit in ("m", "u", "n"):
            if (amount / DECIMAL[unit]) % 1 == 0 or unit == "n":
                return f"{int((amount / DECIMAL[unit]).to_integral_value(ROUND_UP))}{unit}"
    for unit in ("E", "P", "T", "G", "M", "k"):
        if amount and amount % DECIMAL[unit] == 0:
            return f"{int(amount / DECIMAL[unit])}{unit}"
    return str(int(amount))
