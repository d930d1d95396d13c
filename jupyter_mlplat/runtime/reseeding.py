"""Random numbers of its own for every process that is forked."""

from __future__ import annotations

import random
import sys


def reseed(*, with_torch: bool = True) -> None:
    """Give every child its own random numbers, as a fresh interpreter would have.

    Args:
        with_torch: Not in ranks: torch begins alike in all of them, so that their models do.
    """
    random.seed()
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed()
    torch = sys.modules.get("torch")
    if with_torch and torch is not None:
        torch.seed()
