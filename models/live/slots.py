"""Forgets live events after a day.

The table has four partitions, which take turns with the days (UTC): today's, yesterday's, and two that are empty or to be
emptied. `TRUNCATE` locks the one partition, in which nobody writes. To drop and to attach partitions of days would lock the
table, and whoever sends or records would wait.
"""

from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

FIRST_DAY, SLOTS = date(2026, 1, 1), 4
"""The same as in the column's default (`migrations/versions/0006_live_events.py`)."""
HOURS = range(1, 23)
"""Nothing is emptied around midnight, when somebody's clock may already say the next day."""


def old_slots(at: datetime) -> list[int]:
    """Returns the partitions that hold neither this day nor the one before."""
    if at.hour not in HOURS:
        return []
    day = (at.date() - FIRST_DAY).days
    return [(day + ahead) % SLOTS for ahead in (1, 2)]


async def forget_live_events(session: AsyncSession, at: datetime) -> int:
    """Empties the partitions that are older than yesterday at this moment (UTC), and returns how many had something in them.
    Raises an OperationalError when somebody has been reading one of them for two seconds; it can be tried again."""
    emptied = 0
    await session.execute(text("SET LOCAL lock_timeout = '2s'"))
    for slot in old_slots(at):
        if await session.scalar(text(f"SELECT EXISTS (SELECT FROM live_event_{slot})")):  # noqa: S608 - a number of ours
            await session.execute(text(f"TRUNCATE live_event_{slot}"))
            emptied += 1
    return emptied
