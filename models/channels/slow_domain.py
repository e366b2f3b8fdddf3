"""Recipient domains that have asked a channel to slow down: nothing is sent to them for a while, and to all others as before."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

FIRST_SLOW, LONGEST_SLOW = timedelta(minutes=1), timedelta(hours=1)
"""How long a domain is left alone that asks us to slow down: twice as long each time that it asks again soon after."""

# Of many messages that were refused together the first one counts. A domain that was content for an hour begins again.
SLOW_DOWN = text("""
INSERT INTO channel_pace AS pace (channel_id, domain, tokens, updated_at, slowed, slow_until)
VALUES (:channel_id, :domain, 0, clock_timestamp(), 1, now() + greatest(CAST(:asked AS interval), CAST(:first AS interval)))
ON CONFLICT (channel_id, domain) DO UPDATE
   SET slowed = CASE WHEN pace.slow_until > now() THEN pace.slowed
                     WHEN pace.slow_until > now() - CAST(:longest AS interval) THEN pace.slowed + 1
                     ELSE 1 END,
       slow_until = CASE WHEN pace.slow_until > now() THEN pace.slow_until
                         WHEN pace.slow_until > now() - CAST(:longest AS interval)
                         THEN now() + least(CAST(:longest AS interval),
                              greatest(CAST(:asked AS interval), CAST(:first AS interval) * power(2, least(pace.slowed, 10))))
                         ELSE excluded.slow_until END
RETURNING slow_until
""")


async def slow_down(session: AsyncSession, channel_id: UUID, domain: str, asked: timedelta) -> datetime:
    """Leaves a recipient domain alone, at least for as long as it has `asked` and at most for an hour. Returns until when."""
    values = {"channel_id": channel_id, "domain": domain, "asked": min(asked, LONGEST_SLOW)}
    until: datetime = await session.scalar(SLOW_DOWN, {**values, "first": FIRST_SLOW, "longest": LONGEST_SLOW})
    return until
