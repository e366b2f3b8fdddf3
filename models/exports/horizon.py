"""Up to which moment an export may go, so that no row comes to stand before its cursor afterwards.

A row has its id from before its transaction ends, and is seen afterwards. So an export ends before the oldest transaction that
may still bring rows.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

CLOCKS = timedelta(seconds=5)
"""The longest time from the making of an id to its transaction, with the difference of the clocks of two machines."""
LONGEST_WAIT = timedelta(minutes=15)
"""Exports do not wait for a transaction that is older, whosever it is."""

# A transaction that has only just begun may still write, and its rows have ids from its beginning. One that has no id of a
# transaction after ten seconds is a report or a backup.
OPEN = """
SELECT clock_timestamp() AS at, min(xact_start) FILTER (WHERE NOT old) AS awaited, min(xact_start) FILTER (WHERE old) AS passed
FROM (
    SELECT xact_start, xact_start < clock_timestamp() - CAST(:longest AS interval) AS old FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND (backend_xid IS NOT NULL OR xact_start > clock_timestamp() - interval '10 seconds')
) AS open
"""


class Horizon(NamedTuple):
    """`end` is the moment before which an export has rows. Of those from `final_until` on, some may still be missing."""

    end: datetime
    final_until: datetime


async def read_horizon(session: AsyncSession) -> Horizon:
    """Call this before rows are read, in an earlier statement."""
    row = (await session.execute(text(OPEN), {"longest": LONGEST_WAIT})).one()
    end = min(row.at, row.awaited or row.at) - CLOCKS
    return Horizon(end, min(end, row.passed - CLOCKS) if row.passed else end)
