"""Pages by key: each page starts after the last id of the one before, so nothing is skipped or shown twice while rows are
added."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped


class HasId(Protocol):
    id: UUID


Row = TypeVar("Row", bound=HasId)


@dataclass(frozen=True)
class PageRequest:
    """`after` is the last id that was already seen, or None for the first page. A page has at most `limit` rows."""

    after: UUID | None = None
    limit: int = 50


async def read_in_order(session: AsyncSession) -> None:
    """Until the transaction ends, rows are read in the order of an index, although the planner takes a new table for a small one
    that is quickly read and sorted. Use it only for statements whose order an index has."""
    await session.execute(text("SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)"))


MOST_BYTES = 4 * 2**20
"""The bytes of texts in one page. What is written out on the event loop takes some milliseconds for each of them."""


async def newest_first(
    session: AsyncSession,
    statement: Select[Row],
    id_column: Mapped[UUID],
    page: PageRequest,
    size: ColumnElement[int] | None = None,
) -> tuple[list[Row], UUID | None]:
    """Returns the page's rows, newest (largest UUIDv7) first, and the id after which the next page begins, which is None on the
    last page. `size` are the bytes of a row's texts: with it, a page ends before it has more than `MOST_BYTES`, but has at least
    one row."""
    if page.after is not None:
        statement = statement.where(id_column < page.after)
    if size is not None:
        page = await _that_fit(session, statement, id_column, page, size)
    rows: list[Row] = list(await session.scalars(statement.order_by(id_column.desc()).limit(page.limit + 1)))
    return cut_page(rows, page)


# A page of each value by itself, newest first, and of those the newest: so an index finds them, however rare the value is. Limits
# are written out, because the planner takes one that it does not know for a tenth of the table. The value is a range of one and
# part of the order, so that only an index with it fits: by the primary key, all would be read for a rare one.
OF_EACH_VALUE = """
SELECT {read} FROM {table} JOIN (
    SELECT found.id FROM {wanted} CROSS JOIN LATERAL (
        SELECT id FROM {table} WHERE {same} {conditions} ORDER BY {order}, id DESC LIMIT {rows}
    ) AS found
    ORDER BY found.id DESC LIMIT {rows}
) AS page USING (id)
ORDER BY {table}.id DESC
"""


async def newest_of_each(
    session: AsyncSession,
    table: type[Row],
    columns: Mapping[str, Sequence[str]],
    conditions: str,
    values: Mapping[str, Any],
    page: PageRequest,
    left_out: Collection[str] = (),
    size: str | None = None,
) -> tuple[list[Row], UUID | None]:
    """As `newest_first`, by an index that ends with these columns, in this order, and the id. Each column comes with the values
    that are wanted of it. `conditions` begins with AND and names `values`. The rows do not have the columns in `left_out`. `size`
    says in SQL how many bytes the texts of a row have."""
    await read_in_order(session)
    if page.after is not None:
        conditions, values = f"{conditions} AND id < :after", {**values, "after": page.after}
    values = {**values, **{f"each_{name}": list(each) for name, each in columns.items()}}
    parts = {
        "table": table.__tablename__,  # type: ignore[attr-defined] # every table has it
        "wanted": " CROSS JOIN ".join(f"unnest(CAST(:each_{name} AS text[])) AS wanted_{name}" for name in columns),
        "same": " AND ".join(f"{name} BETWEEN wanted_{name} AND wanted_{name}" for name in columns),
        "order": ", ".join(f"{name} DESC" for name in columns),
        "conditions": conditions,
    }
    if size is not None:
        statement = OF_EACH_VALUE.format(**parts, read=size, rows=page.limit)
        page = PageRequest(page.after, rows_that_fit(await session.scalars(text(statement), values)))
    statement = OF_EACH_VALUE.format(**parts, read=columns_of(table, left_out), rows=page.limit + 1)
    return cut_page(list(await session.scalars(select(table).from_statement(text(statement)), values)), page)


async def _that_fit(
    session: AsyncSession, statement: Select[Row], id_column: Mapped[UUID], page: PageRequest, size: ColumnElement[int]
) -> PageRequest:
    sizes = await session.scalars(statement.with_only_columns(size).order_by(id_column.desc()).limit(page.limit))
    return PageRequest(page.after, rows_that_fit(sizes))


def rows_that_fit(sizes: Iterable[int]) -> int:
    """Returns how many rows have `MOST_BYTES` together, and at least one. The sizes are those of their texts, in their order."""
    return max(1, sum(1 for total in accumulate(sizes) if total <= MOST_BYTES))


def columns_of(table: type[Row], left_out: Collection[str]) -> str:
    """Returns all columns of the table but these, as a statement names them."""
    columns = table.__table__.columns  # type: ignore[attr-defined] # every table has it
    return ", ".join(f"{column.table.name}.{column.name}" for column in columns if column.name not in left_out)


def cut_page(rows: list[Row], page: PageRequest) -> tuple[list[Row], UUID | None]:
    """`rows` has one more than the page, if there are more."""
    return rows[: page.limit], rows[page.limit - 1].id if len(rows) > page.limit else None
