"""Search that learns nothing: at random, and over a grid."""

from jupyter_mlplat.services.tuning.problem import Problem
from jupyter_mlplat.services.tuning.sampling import Answer, Exhausted, Suggestion, draw
from jupyter_mlplat.services.tuning.table import Row, Table


class RandomSearch:
    """Draws each parameter by its distribution."""

    def __init__(self, problem: Problem, table: Table) -> None:
        self._problem = problem

    def begin(self, earlier: list[Row]) -> None:
        """Earlier jobs teach it nothing."""

    def add(self, row: Row) -> None:
        """Nor do trials."""

    def end(self, row: Row) -> None:
        """Nor do their ends."""

    def ask(self, number: int) -> Answer:
        return Suggestion(draw(self._problem, number))


class GridSearch:
    """Tries every combination once, the last parameter fastest."""

    def __init__(self, problem: Problem, table: Table) -> None:
        self._space = problem.space
        self._size = 1
        for dimension in problem.space:
            self._size *= dimension.count
        self._made: set[int] = set()
        self._next = 0

    def begin(self, earlier: list[Row]) -> None:
        """A point that an earlier job tried is tried here as well."""

    def add(self, row: Row) -> None:
        index = self._index_of(row)
        if index is not None and not row.is_killed:
            self._made.add(index)

    def end(self, row: Row) -> None:
        """Have a point tried again if its trial was killed, but not if it failed."""
        index = self._index_of(row)
        if index is not None and row.is_killed:
            self._made.discard(index)
            self._next = min(self._next, index)

    def _index_of(self, row: Row) -> int | None:
        if self._space.coordinates(row.parameters) is None:
            return None
        index = 0
        for dimension in self._space:
            at = dimension.index_of(row.parameters[dimension.name])
            index = index * dimension.count + at
        return index

    def ask(self, number: int) -> Answer:
        while self._next in self._made:
            self._next += 1
        if self._next >= self._size:
            return Exhausted(f"All {self._size:,} points of the grid have been tried.")
        index, parameters = self._next, {}
        for dimension in reversed(self._space.dimensions):
            index, at = divmod(index, dimension.count)
            parameters[dimension.name] = dimension.value_at(at)
        return Suggestion({name: parameters[name] for name in self._space.names})
