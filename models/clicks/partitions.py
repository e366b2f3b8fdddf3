"""The monthly partitions of `click`, made when the first click of a month is recorded."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import first_id, made_at

# Any number will do. It is a lock, so that one process makes partitions at a time.
PARTITION_LOCK = 7_246_511


def month_of(click_id: UUID) -> datetime:
    """Returns the first moment (UTC) of the month whose partition has this click."""
    return made_at(click_id).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def partition_name(month: datetime) -> str:
    return f"click_p{month:%Y_%m}"


async def missing_partitions(session: AsyncSession, months: Iterable[datetime]) -> list[datetime]:
    """Returns those of the months (their first moment, UTC) that have no partition."""
    wanted = {partition_name(month): month for month in months}
    found = await session.scalars(text("SELECT relname FROM pg_class WHERE relname = ANY(:names)"), {"names": list(wanted)})
    return [wanted[name] for name in wanted.keys() - set(found)]


async def make_partition(session: AsyncSession, month: datetime) -> None:
    """The partition is made beside `click` and then attached, because that does not lock out those who read and write it
    meanwhile."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": PARTITION_LOCK})
    if not await missing_partitions(session, [month]):
        return
    name = partition_name(month)
    following = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
    bounds = f"FROM ('{first_id(month)}') TO ('{first_id(following)}')"
    await session.execute(text("SET LOCAL lock_timeout = '5s'"))
    await session.execute(text(f"CREATE TABLE {name} (LIKE click INCLUDING ALL)"))
    await session.execute(text(f"ALTER TABLE click ATTACH PARTITION {name} FOR VALUES {bounds}"))
