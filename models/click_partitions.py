"""The monthly partitions of `click`, made when the first click of a month is recorded."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# Any number; one process makes partitions at a time.
PARTITION_LOCK = 7_246_511


def partition_name(month: datetime) -> str:
    return f"click_p{month:%Y_%m}"


async def missing_partitions(session: AsyncSession, months: Iterable[datetime]) -> list[datetime]:
    """Those of the months (their first moment, UTC) that have no partition."""
    wanted = {partition_name(month): month for month in months}
    found = await session.scalars(text("SELECT relname FROM pg_class WHERE relname = ANY(:names)"), {"names": list(wanted)})
    return [wanted[name] for name in wanted.keys() - set(found)]


async def make_partition(session: AsyncSession, month: datetime) -> None:
    """Made beside `click` and attached, because that does not lock out those who read and write it meanwhile."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": PARTITION_LOCK})
    if not await missing_partitions(session, [month]):
        return
    name = partition_name(month)
    following = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
    bounds = f"FROM ('{month:%Y-%m-%d} 00:00:00+00') TO ('{following:%Y-%m-%d} 00:00:00+00')"
    await session.execute(text("SET LOCAL lock_timeout = '5s'"))
    await session.execute(text(f"CREATE TABLE {name} (LIKE click INCLUDING ALL)"))
    await session.execute(text(f"ALTER TABLE click ATTACH PARTITION {name} FOR VALUES {bounds}"))
