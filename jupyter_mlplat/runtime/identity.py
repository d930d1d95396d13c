"""Names for classes of a notebook that mean the same class in every step.

cloudpickle names a class by a random word and recognises it by that word wherever it arrives. Random words would make
the bytes of a bundle differ from run to run, and nothing downstream could be taken from the cache. Here the word follows
from what the step runs and from the order in which its classes are first saved.
"""

from __future__ import annotations

import hashlib
from typing import Any

import cloudpickle.cloudpickle as cp


class ClassIdentity:
    """Hands out the words of one step."""

    def __init__(self) -> None:
        self._seed = ""
        self._count = 0

    def begin(self, seed: str) -> None:
        """Start a step; `seed` must differ whenever its code or its inputs do."""
        self._seed, self._count = seed, 0

    def track(self, cls: Any) -> None:
        """Give a class its word, unless it brought one from another step."""
        with cp._DYNAMIC_CLASS_TRACKER_LOCK:
            if not self._seed or cls in cp._DYNAMIC_CLASS_TRACKER_BY_CLASS:
                return
            self._count += 1
            text = f"{self._seed}\n{cls.__qualname__}\n{self._count}"
            word = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]
            cp._DYNAMIC_CLASS_TRACKER_BY_CLASS[cls] = word
            cp._DYNAMIC_CLASS_TRACKER_BY_ID[word] = cls


class_identity = ClassIdentity()
