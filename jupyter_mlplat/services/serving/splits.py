"""Arithmetic on traffic splits: whole percentages that sum to 100."""

from collections.abc import Collection, Sequence

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.serving import Traffic
from jupyter_mlplat.services.serving.records import Split


def with_share(current: Sequence[Traffic], revision: int, percent: int) -> Split:
    """Give one revision a share; the others keep their proportions in what is left.

    The first revision of an endpoint gets everything, whatever was asked: there is nobody else.
    """
    others = [part for part in current if part.revision != revision and part.percent > 0]
    if not others:
        return (Traffic(revision=revision, percent=100),)
    shares = _apportion([part.percent for part in others], 100 - percent)
    kept = [
        Traffic(revision=part.revision, percent=share)
        for part, share in zip(others, shares, strict=True)
        if share > 0
    ]
    return (*kept, Traffic(revision=revision, percent=percent))


def _apportion(weights: Sequence[int], total: int) -> list[int]:
    """Divide a whole by weights into whole numbers: largest remainders get the last units."""
    exact = [weight * total / sum(weights) for weight in weights]
    shares = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: shares[i] - exact[i])
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares


def checked(traffic: Sequence[Traffic], known: Collection[int], endpoint: str) -> Split:
    """Check a split that a caller asked for.

    Raises:
        InvalidInput: A revision is unknown or named twice, or the shares do not sum to 100.
    """
    numbers = [part.revision for part in traffic]
    unknown = [number for number in numbers if number not in known]
    if unknown:
        raise InvalidInput(
            f"Cannot split the traffic of endpoint {endpoint!r}: it has no revision {unknown[0]}. "
            f"It has {', '.join(map(str, sorted(known)))}."
        )
    if len(set(numbers)) != len(numbers):
        raise InvalidInput(
            f"Cannot split the traffic of endpoint {endpoint!r}: a revision is named twice."
        )
    total = sum(part.percent for part in traffic)
    if total != 100:
        raise InvalidInput(
            f"Cannot split the traffic of endpoint {endpoint!r}: the shares sum to {total}, "
            "needed 100."
        )
    return tuple(traffic)
