"""Names for classes of a notebook that mean the same class in every step.

cloudpickle names a class by a random word and recognises it by that word wherever it arrives.
Random words would make the bytes of a bundle differ from run to run, and nothing downstream could
be taken from the cache. Here the word follows from what the step runs and from the order in which
its classes are first saved.

A class may change from step to step (an attribute is set, a method is patched) and arrive by
several bundles: its generation counts the changes, and the state of the highest one holds.
"""

from __future__ import annotations

import hashlib
import weakref
from typing import Any

import cloudpickle.cloudpickle as cp

from .snapshot import Describer


class ClassIdentity:
    """Hands out the words of one step.

    And knows the generations of the classes that it has loaded.
    """

    def __init__(self) -> None:
        self._seed = ""
        self._count = 0
        self._generations: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._contents: weakref.WeakKeyDictionary[Any, bytes] = weakref.WeakKeyDictionary()
        self._fresh: set[Any] = set()

    def begin(self, seed: str) -> None:
        """Start a step; `seed` must differ whenever its code or its inputs do."""
        self._seed, self._count = seed, 0

    def track(self, cls: Any) -> str:
        """Return the word of a class; it keeps the one that it brought from another step."""
        with cp._DYNAMIC_CLASS_TRACKER_LOCK:
            word = cp._DYNAMIC_CLASS_TRACKER_BY_CLASS.get(cls)
            if word is None:
                self._count += 1
                text = f"{self._seed}\n{cls.__qualname__}\n{self._count}"
                word = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]
                cp._DYNAMIC_CLASS_TRACKER_BY_CLASS[cls] = word
                cp._DYNAMIC_CLASS_TRACKER_BY_ID[word] = cls
        return str(word)

    def generation(self, cls: Any) -> int:
        """Return how often a class has changed, this step's change included."""
        if cls not in self._contents:
            return self._generations.get(cls, 0)
        if Describer()(cls) != self._contents[cls]:
            del self._contents[cls]
            self._generations[cls] += 1
        return self._generations[cls]

    def accept(self, cls: Any, generation: int) -> bool:
        """Tell whether a state of this generation is newer than the one that a class is in."""
        if generation <= self._generations.get(cls, -1):
            return False
        self._generations[cls] = generation
        self._fresh.add(cls)
        return True

    def was_complete(self, cls: Any) -> bool:
        """Tell whether a class had been loaded before the state that is being loaded."""
        return cls in self._contents

    def settle(self) -> None:
        """Remember what the classes that were just loaded look like."""
        describe = Describer()
        for cls in self._fresh:
            self._contents[cls] = describe(cls)
        self._fresh.clear()


class_identity = ClassIdentity()
