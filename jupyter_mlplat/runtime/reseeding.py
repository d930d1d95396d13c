"""Random numbers of its own for every process that is forked."""

from __future__ import annotations

import random
import sys


def reseed() -> None:
    """Give every child its own random numbers, as a fresh interpreter would have."""
    random.seed()
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed()
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.seed()
