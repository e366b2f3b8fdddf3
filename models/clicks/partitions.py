"""The monthly partitions of `click`: made ahead by the daily upkeep, and otherwise when the first click of a month is recorded.
Those of old months are dropped when retention has emptied them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import first_id, made_at
from models.database import Database

# Any number will do. It is a lock, so that one process makes partitions at a time.
PARTITION_LOCK = 7_246_511
MONTHS_AHEAD = 2
"""How many months behind the present one have a partition before they begin."""
LATE = timedelta(days=3)
"""A month that is made ahead has its partition long before this."""
OLD = timedelta(days=31)
"""A month that ended this long ago gets few clicks any more: only those that were recorded very late."""
LOCK_NOT_AVAILABLE = "55P03"

# Whoever asks locks `click` until the transaction ends, so no partition that was found is dropped before the clicks are in it.
FOUND = "SELECT relname FROM pg_class WHERE relname = ANY(:names) AND NOT EXISTS (SELECT FROM ONLY click)"

PARTITIONS = """
SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = CAST('click' AS regclass) ORDER BY relname
"""


def month_of(click_id: UUID) -> datetime:
    """Returns the first moment (UTC) of the month whose partition has this click."""
    return month_begin(made_at(click_id))


def month_begin(at: datetime) -> datetime:
    return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(month: datetime) -> datetime:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def partition_name(month: datetime) -> str:
    return f"click_p{month:%Y_%m}"


async def missing_partitions(session: AsyncSession, months: Iterable[datetime]) -> list[datetime]:
    """Returns those of the months (their first moment, UTC) that have no partition. The others keep theirs until this transaction
    ends."""
    wanted = {partition_name(month): month for month in months}
    found = await session.scalars(text(FOUND), {"names": list(wanted)})
    return [wanted[name] for name in wanted.keys() - set(found)]


async def make_partition(session: AsyncSession, month: datetime) -> None:
    """The partition is made beside `click` and then attached, because that does not lock out those who read and write it
    meanwhile."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": PARTITION_LOCK})
    if not await missing_partitions(session, [month]):
        return
    name = partition_name(month)
    bounds = f"FROM ('{first_id(month)}') TO ('{first_id(next_month(month))}')"
    await session.execute(text("SET LOCAL lock_timeout = '5s'"))
    await session.execute(text(f"CREATE TABLE {name} (LIKE click INCLUDING ALL)"))
    await session.execute(text(f"ALTER TABLE click ATTACH PARTITION {name} FOR VALUES {bounds}"))


def months_ahead(at: datetime) -> list[datetime]:
    """Returns the present month and those that have a partition before they begin."""
    months = [month_begin(at)]
    for _ in range(MONTHS_AHEAD):
        months.append(next_month(months[-1]))
    return months


async def late_partition(session: AsyncSession, at: datetime) -> datetime | None:
    """Returns the next month when it begins within three days and has no partition. At other times nothing is asked."""
    following = next_month(month_begin(at))
    return following if following - at < LATE and await missing_partitions(session, [following]) else None


async def make_click_partitions(database: Database, at: datetime) -> list[str]:
    """Makes those of `months_ahead` that are missing, each in a transaction of its own. Returns their names."""
    async with database.transaction() as session:
        missing = sorted(await missing_partitions(session, months_ahead(at)))
    for month in missing:
        async with database.transaction() as session:
            await make_partition(session, month)
    return [partition_name(month) for month in missing]


async def drop_click_partitions(database: Database, at: datetime) -> list[str]:
    """Drops the partitions of old months that have no click any more. Returns their names. One that is in use at this moment is
    left to another day."""
    async with database.transaction() as session:
        names = list(await session.scalars(text(PARTITIONS)))
    newest = partition_name(month_begin(month_begin(at - OLD) - timedelta(days=1)))
    return [name for name in names if name <= newest and await _drop_if_empty(database, name)]


async def _drop_if_empty(database: Database, name: str) -> bool:
    """Dropping needs all of `click` for a moment. Whoever comes meanwhile waits behind it, so it is not waited for longer than a
    fifth of a second."""
    async with database.transaction() as session:
        if not await _is_empty(session, name):
            return False
    try:
        async with database.transaction() as session:
            await session.execute(text("SET LOCAL lock_timeout = '200ms'"))
            await session.execute(text("LOCK TABLE ONLY click IN ACCESS EXCLUSIVE MODE"))
            if empty := await _is_empty(session, name):
                await session.execute(text(f"DROP TABLE {name}"))
            return empty
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        return False


async def _is_empty(session: AsyncSession, name: str) -> bool:
    return await session.scalar(text(f"SELECT NOT EXISTS (SELECT FROM {name})")) is True  # noqa: S608 - a name of ours
