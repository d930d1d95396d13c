"""Amounts as people and Kubernetes write them: `2Gi`, `500m`, `1.5 GB`."""

import re

_FACTORS = {
    "": 1,
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "t": 10**12,
    "ki": 2**10,
    "mi": 2**20,
    "gi": 2**30,
    "ti": 2**40,
}
_BYTES = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?\s*$", re.IGNORECASE)
_CPU = re.compile(r"^\s*(\d+(?:\.\d+)?)(m?)\s*$")


def parse_bytes(text: str) -> int:
    """Read an amount of memory or disk: `512Mi`, `2Gi`, `1.5GB`, `1048576`.

    Raises:
        ValueError: It is no amount, or none at all.
    """
    match = _BYTES.match(text)
    amount = float(match[1]) * _FACTORS[(match[2] or "").lower()] if match else 0
    if amount < 1:
        raise ValueError(f"{text!r} is no amount of bytes. Write it like 512Mi, 2Gi or 1.5GB.")
    return int(amount)


def parse_cpu(text: str) -> float:
    """Read a number of cores: `2`, `0.5`, `500m`.

    Raises:
        ValueError: It is no number of cores, or none at all.
    """
    match = _CPU.match(text)
    cores = float(match[1]) / (1000 if match[2] else 1) if match else 0
    if cores <= 0:
        raise ValueError(f"{text!r} is no number of cores. Write it like 2, 0.5 or 500m.")
    return cores


def format_bytes(amount: float) -> str:
    """Write an amount of bytes for people: `1.5 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def format_count(amount: float, noun: str) -> str:
    """Write a count with its noun: `1 CPU`, `2 CPUs`, `0.5 CPUs`."""
    return f"{amount:g} {noun}" + ("" if amount == 1 else "s")
