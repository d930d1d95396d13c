"""Which records of a table are meant, in which order, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

Scalar = str | int | float
Operator = Literal["=", "!=", ">", ">=", "<", "<=", "in", "contains"]


@dataclass(frozen=True, slots=True)
class Predicate:
    """One thing that must hold of a field. Texts are compared whatever the case of letters."""

    field: str
    operator: Operator
    value: Scalar | Sequence[Scalar]  # a sequence for `in` only, a text for `contains`


@dataclass(frozen=True, slots=True)
class Selection:
    """A page of the records that all predicates let through. Times are whole Unix seconds."""

    predicates: Sequence[Predicate] = ()
    by: str = "created_at"
    is_descending: bool = False
    after: tuple[Scalar, str] | None = (
        None  # value of `by` and id of the last one on the page before
    )
    limit: int = 20

    def only(self, *predicates: Predicate) -> "Selection":
        """Return the same page of those records alone that more predicates let through."""
        return replace(self, predicates=(*self.predicates, *predicates))


@dataclass(frozen=True, slots=True)
class Selected(Generic[T]):
    """One page, the number of records on all pages, and what the next page comes after."""

    records: Sequence[T]
    total: int
    next: tuple[Scalar, str] | None = None
