"""Notices a change that the plan did not foresee, while it can still be refused.

The compiler says which names a step changes, and routes them. What it cannot see (code behind a
library, a sharing that only exists at run time) would leave a later step with an old version:
silently wrong. So a step is told which names later steps read as earlier steps left them; it
watches those, and whatever shares objects with them, and fails if they changed.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from .snapshot import Describer

_PLAIN = frozenset({int, float, complex, bool, str, bytes, type(None), range, slice})
_FOLLOWED_ROOTS = frozenset({"builtins", "collections", "numpy", "pandas", "sklearn", "__main__"})


class UnforeseenChange(Exception):
    """The step changed what later steps read from earlier ones."""

    def __init__(self, name: str, stale: str) -> None:
        super().__init__(name)
        self.name = name
        self.stale = stale


class Guard:
    """Watches what was loaded, from before the first cell to after the last.

    Args:
        relied: Names (and `@rng`) that later steps read as earlier steps left them.
        mates: For each loaded name, the names of earlier bundles that share objects with it.
    """

    def __init__(
        self, values: Mapping[str, Any], relied: Iterable[str], mates: Mapping[str, Iterable[str]]
    ) -> None:
        relied = frozenset(relied)
        self._stale: dict[str, str] = {}
        for name in values:
            touched = relied.intersection([name, *mates.get(name, ())])
            if touched and type(values[name]) not in _PLAIN:
                self._stale[name] = name if name in touched else min(touched)
        self._values = {name: values[name] for name in self._stale}
        self._before = self._digests()
        self._rng = _rng() if "@rng" in relied else None

    def check(self) -> None:
        """Compare.

        Raises:
            UnforeseenChange: Something that is relied on is not what it was.
        """
        for name, digest in self._digests().items():
            if digest != self._before[name]:
                raise UnforeseenChange(name, self._stale[name])
        if self._rng is not None and _rng() != self._rng:
            raise UnforeseenChange("@rng", "@rng")

    def _digests(self) -> dict[str, bytes]:
        describe = _Follower()
        return {name: describe(value) for name, value in self._values.items()}


def describe_change(change: UnforeseenChange, order: Mapping[str, Any]) -> dict[str, Any]:
    """Say as a step's error which change the plan did not foresee, and what to do."""
    if change.name == "@rng":
        what, stale = "draws from the global random generators", "the random state"
    else:
        what, stale = f"changes {change.name!r}", repr(change.stale)
        if change.stale != change.name:
            what += f", which shares objects with {change.stale!r}"
    cells = " and ".join(str(cell["index"] + 1) for cell in order["cells"])
    return {
        "code": "unforeseen-change",
        "message": f"Step {order['step']!r} (cell {cells}) {what}. That could not be told from the "
        f"source, and other steps use {stale} as it was before. Put these cells into one step, "
        "or let the cell change a copy.",
        "name": change.name,
        "cell": order["cells"][-1]["id"],
        "cell_index": order["cells"][-1]["index"],
    }


class _Follower(Describer):
    """Looks into containers, arrays, frames and the notebook's own objects.

    What another library keeps inside its objects may be a cache, so it does not count.
    """

    def _state(self, value: Any, kind: type, name: str) -> bytes:
        if kind.__module__.partition(".")[0] in _FOLLOWED_ROOTS:
            return super()._state(value, kind, name)
        return name.encode("utf-8", "backslashreplace")


def _rng() -> bytes:
    state: list[Any] = [random.getstate()]
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        state.append(numpy.get_state(legacy=False))
    return Describer()(state)


__all__ = ["Guard", "UnforeseenChange", "describe_change"]
