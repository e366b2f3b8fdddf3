"""Pages by key: each page starts after the last id of the one before, so nothing is skipped or shown twice while rows arrive."""

from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped


class HasId(Protocol):
    id: UUID


Row = TypeVar("Row", bound=HasId)


@dataclass(frozen=True)
class PageRequest:
    """`after` is the last id already seen (None: the first page); `limit` rows at most."""

    after: UUID | None = None
    limit: int = 50


async def newest_first(
    session: AsyncSession, statement: Select[Row], id_column: Mapped[UUID], page: PageRequest
) -> tuple[list[Row], UUID | None]:
    """The page's rows, newest (largest UUIDv7) first, and the id to go on after; None: there are no more."""
    if page.after is not None:
        statement = statement.where(id_column < page.after)
    rows: list[Row] = list(await session.scalars(statement.order_by(id_column.desc()).limit(page.limit + 1)))
    if len(rows) <= page.limit:
        return rows, None
    return rows[: page.limit], rows[page.limit - 1].id
