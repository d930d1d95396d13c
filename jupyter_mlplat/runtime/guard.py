"""Notices a change that the plan did not foresee, while it can still be refused.

The compiler says which names a step changes, and routes them. What it cannot see (code behind a
library, a sharing that only exists at run time) would leave a later step with an old version:
silently wrong. So a step is told which names later steps read as earlier steps left them; it
watches those, and whatever shares objects with them, and fails if they changed.
"""

from __future__ import annotations

import random
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any

from .kinds import is_index
from .snapshot import Describer

_PLAIN = frozenset({int, float, complex, bool, str, bytes, type(None), range, slice})
_CODE = (type, types.FunctionType)
_FOLLOWED_ROOTS = frozenset({"builtins", "collections", "numpy", "pandas", "sklearn", "__main__"})


class UnforeseenChange(Exception):
    """The step changed what later steps read from earlier ones.

    Attributes:
        name: The name through which it did.
        stale: What later steps read by its old version; often the same name.
        names: All names that a plan would have to route through this step: what shares objects
            with what changed has to stay with it. Empty where no plan could: what came in
            different bundles is no longer one object, and who shares an index is not known.
        tied: Where that is so, the names whose cells only go together.
    """

    def __init__(
        self, name: str, stale: str, names: Sequence[str] = (), tied: Sequence[str] = ()
    ) -> None:
        super().__init__(name)
        self.name = name
        self.stale = stale
        self.names = tuple(names)
        self.tied = tuple(tied)


class Guard:
    """Watches what was loaded, from before the first cell to after the last.

    Args:
        values: What was loaded, by name.
        beside: For each loaded name, all values of the graph it came with: they share objects.
        kin: For each loaded name, names that shared objects with it in bundles before that.
        order: `relied` are the names (and `@rng`) that later steps read as earlier steps left them,
            `last` those whose newest version an earlier step has saved; `unseen` says that the step
            runs code that might bind them anew. Elsewhere the compiler knows what is bound.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        beside: Mapping[str, Mapping[str, Any]],
        kin: Mapping[str, Sequence[str]],
        order: Mapping[str, Any],
    ) -> None:
        self._values, self._beside, self._kin = values, beside, kin
        relied = frozenset(order.get("relied") or ())
        self._watched: list[tuple[str, str, Any]] = []  # through which name, what is stale, value
        for name, value in values.items():
            group = {name: value}
            group.update(item for item in beside.get(name, {}).items() if item[0] not in values)
            group.update(dict.fromkeys(relied.intersection(kin.get(name, ())), value))
            self._watched += [
                (name, stale, held) for stale, held in group.items() if stale in relied
            ]
        last = [name for name in order.get("last") or () if name in values]
        self._last = [(name, name, values[name]) for name in last]
        self._bound = [name for name in values if order.get("unseen") and name in relied]
        self._before = _digests(self._watched), _digests(self._last)
        self._rng = _rng() if "@rng" in relied else None

    def check(self, namespace: Mapping[str, Any]) -> list[str]:
        """Compare; return changed names that nobody relies on: their newest version is now here.

        Args:
            namespace: As the cells left it.

        Raises:
            UnforeseenChange: Something that is relied on is not what it was.
        """
        for name in self._bound:
            if name not in namespace or _differ(namespace[name], self._values[name]):
                raise UnforeseenChange(name, name, [name])
        before, before_last = self._before
        now = zip(self._watched, before, _digests(self._watched))
        changed = [item for item, old, new in now if old != new]
        names = {name for item in changed for name in self._group(item[0])}
        if self._rng is not None and _rng() != self._rng:
            names.add("@rng")
            changed.append(("@rng", "@rng", None))
        if changed:
            is_known = all(
                stale in self._group(name) and not is_index(value) for name, stale, value in changed
            )
            name, stale, _ = changed[0]
            if is_known:
                raise UnforeseenChange(name, stale, names=sorted(names))
            tied = {part for item in changed for part in item[:2]} - {"@rng"}
            raise UnforeseenChange(name, stale, tied=sorted(tied))
        found = zip(self._last, before_last, _digests(self._last))
        return [item[0] for item, old, new in found if old != new]

    def _group(self, name: str) -> set[str]:
        """Return the names that came in one graph with this one, with itself; no code."""
        beside = self._beside.get(name, {})
        return {name, *(other for other, value in beside.items() if not isinstance(value, _CODE))}

    def kin_after(self, namespace: Mapping[str, Any], saved: Sequence[str]) -> dict[str, list[str]]:
        """Return what names that are saved as they came share objects with and is not saved."""
        kin: dict[str, list[str]] = {}
        for name in saved:
            if name not in self._values or namespace[name] is not self._values[name]:
                continue
            others = self._beside.get(name, {})
            near = {other for other, held in others.items() if not isinstance(held, _CODE)}
            found = (near | set(self._kin.get(name, ()))) - set(saved)
            if found:
                kin[name] = sorted(found)
        return kin


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
        "changes": change.names,
        "ties": change.tied,
        "cell": order["cells"][-1]["id"],
        "cell_index": order["cells"][-1]["index"],
    }


class _Follower(Describer):
    """Looks into containers, arrays, frames and the notebook's own objects.

    What another library keeps inside its objects may be a cache, so it does not count.
    """

    def _pandas(self, value: Any, name: str) -> bytes:
        """Hash by column, in C: a million strings take a fraction of a second."""
        import pandas

        try:
            rows = pandas.util.hash_pandas_object(value, index=True).to_numpy()
        except (TypeError, ValueError):  # cells that hold lists or other objects
            return super()._pandas(value, name)
        labels = list(value.columns) if hasattr(value, "columns") else getattr(value, "name", None)
        return self._parts(name, (rows, labels, getattr(value, "attrs", None)))

    def _state(self, value: Any, kind: type, name: str) -> bytes:
        if kind.__module__.partition(".")[0] in _FOLLOWED_ROOTS:
            return super()._state(value, kind, name)
        return name.encode("utf-8", "backslashreplace")


def _digests(watched: Sequence[tuple[str, str, Any]]) -> list[bytes]:
    describe = _Follower()
    return [b"" if type(value) in _PLAIN else describe(value) for _, _, value in watched]


def _differ(one: Any, other: Any) -> bool:
    return one is not other and Describer()(one) != Describer()(other)


def _rng() -> bytes:
    state: list[Any] = [random.getstate()]
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        state.append(numpy.get_state(legacy=False))
    return Describer()(state)


__all__ = ["Guard", "UnforeseenChange", "describe_change"]
