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
QUANTITY = (
    r"^\+?([0-9]{1,18}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})"
    r"([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?$"
)
"""A quantity of Kubernetes that is not below nothing."""

_QUANTITY = re.compile(QUANTITY)
_QUANTITY_FACTORS = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1} | {
    letter: 1000.0**power for power, letter in enumerate("kMGTPE", 1)
}
_BINARY_FACTORS = {f"{letter}i": 1024.0**power for power, letter in enumerate("KMGTPE", 1)}
DURATION = r"^([0-9]{1,9}(\.[0-9]{1,3})?[smhdw])+$"
"""A length of time: `90s`, `10m`, `1h30m`, `2d`."""

_DURATION = re.compile(DURATION)
_SPAN = re.compile(r"([0-9.]+)([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


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


def parse_quantity(text: str | int | float) -> float:
    """Read a quantity as Kubernetes writes it: `500m`, `2`, `1e3`, `2Gi`, `64M`.

    Raises:
        ValueError: It is none, or below nothing.
    """
    match = _QUANTITY.fullmatch(str(text))
    if match is None:
        raise ValueError(f"{text!r} is no quantity of Kubernetes. Write it like 500m, 2 or 4Gi.")
    number, unit = float(match[1]), match[2] or ""
    if unit[:1] in ("e", "E") and len(unit) > 1 and unit != "Ei":
        return number * 10.0 ** int(unit[1:])
    return number * (_BINARY_FACTORS.get(unit) or _QUANTITY_FACTORS[unit])


def parse_duration(text: str) -> float:
    """Read a length of time in seconds: `90s`, `10m`, `1h30m`, `2d`.

    Raises:
        ValueError: It is none.
    """
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is no length of time. Write it like 90s, 30m, 8h or 2d.")
    return sum(float(number) * _SECONDS[unit] for number, unit in _SPAN.findall(text))


def format_duration(seconds: float) -> str:
    """Write a length of time for people, in at most two units: `1 h 30 min`, `45 s`."""
    left, words = round(seconds), []
    for name, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {name}")
    return " ".join(words[:2]) or "0 s"


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
