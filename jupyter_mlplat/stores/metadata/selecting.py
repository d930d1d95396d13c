"""Pages of records by what is asked of their fields, as SQL."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.ports.selecting import Predicate, Scalar, Selection
from jupyter_mlplat.stores.metadata.connection import Connection

_ORDERS = {"=": "=", "!=": "!=", ">": ">", ">=": ">=", "<": "<", "<=": "<="}

_NOCASE = " COLLATE NOCASE"


@dataclass(frozen=True, slots=True)
class Table:
    """What can be asked of a table.

    `fields` are SQL expressions by name, never NULL; `key` is the one that tells records apart.
    `tags` is one for a JSON object of texts: `tags.NAME` is a field then, too, only to be filtered
    by what it equals.
    """

    source: str
    key: str
    columns: str
    fields: Mapping[str, str]
    tags: str = ""


def select(
    connection: Connection, table: Table, selection: Selection
) -> tuple[list[tuple[object, ...]], int, tuple[Scalar, str] | None]:
    """Return the rows of a page, the number of all, and where the next page begins.

    Raises:
        InvalidInput: The table has no such field.
    """
    conditions, values = ["true"], list[object]()
    for predicate in selection.predicates:
        condition, given = _condition(table, predicate)
        conditions.append(condition)
        values += given
    where = " AND ".join(conditions)
    (total,) = connection.execute(
        f"SELECT count(*) FROM {table.source} WHERE {where}",  # noqa: S608
        values,
    ).fetchone()
    by = _field(table, selection.by)
    direction, beyond = ("DESC", "<") if selection.is_descending else ("ASC", ">")
    if selection.after is not None:
        where += f" AND ({by}, {table.key}) {beyond} (?, ?)"
        values += selection.after
    rows = connection.execute(
        f"SELECT {by}, {table.key}, {table.columns} FROM {table.source} "  # noqa: S608
        f"WHERE {where} ORDER BY {by} {direction}, {table.key} {direction} LIMIT ?",
        (*values, selection.limit + 1),
    ).fetchall()
    has_more = len(rows) > selection.limit
    page = rows[: selection.limit]
    following = (page[-1][0], page[-1][1]) if has_more and page else None
    return [row[2:] for row in page], total, following


def _condition(table: Table, predicate: Predicate) -> tuple[str, list[object]]:
    value = predicate.value
    name = predicate.field.removeprefix("tags.")
    if table.tags and name != predicate.field and predicate.operator == "=":
        tags = f"SELECT 1 FROM json_each({table.tags}) t WHERE t.key = ? AND t.value = ?"  # noqa: S608
        return f"EXISTS({tags})", [name, value]
    field = _field(table, predicate.field)
    if predicate.operator == "in":
        listed = list(value) if isinstance(value, list | tuple) else [value]
        is_text = all(isinstance(one, str) for one in listed)
        one = "value" if is_text else "CAST(value AS INTEGER)"
        return (
            f"{field}{_NOCASE if is_text else ''} IN (SELECT {one} FROM json_each(?))",  # noqa: S608
            [json.dumps(listed)],
        )
    if predicate.operator == "contains":
        return f"instr(lower({field}), lower(?)) > 0", [value]
    nocase = _NOCASE if isinstance(value, str) else ""
    return f"{field} {_ORDERS[predicate.operator]} ?{nocase}", [value]


def _field(table: Table, name: str) -> str:
    if name not in table.fields:
        raise InvalidInput(
            f"Cannot filter or sort by {name!r}: there are {', '.join(sorted(table.fields))}."
        )
    return table.fields[name]
