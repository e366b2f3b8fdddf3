"""How much waits in the two queues, and for how long. It is for metrics, so it must stay cheap when a queue is long."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

COUNTED = 1_000_000
"""The largest length that is counted."""

# The first click is the first entry of the key's index, because ids are sorted by time. Only few clicks are held at any time.
QUEUES = """
SELECT (SELECT count(*) FROM (SELECT FROM click_inbox LIMIT :most) AS counted) AS clicks,
    (SELECT count(*) FROM (SELECT FROM click_inbox WHERE held_until IS NOT NULL LIMIT :most) AS counted) AS held,
    (SELECT extract(epoch FROM now() - clicked_at) FROM click_inbox
        WHERE held_until IS NULL OR held_until < now() ORDER BY id LIMIT 1) AS oldest_click,
    (SELECT count(*) FROM (SELECT FROM signal_outbox WHERE outcome IS NULL LIMIT :most) AS counted) AS signals,
    (SELECT extract(epoch FROM now() - min(created_at)) FROM signal_outbox WHERE outcome IS NULL) AS oldest_signal
"""


@dataclass(frozen=True)
class Queues:
    """`clicks` wait in the inbox, `held` of them for their verdict. `signals` wait in the outbox. Ages are in seconds and 0 when
    the queue is empty.

    `oldest_click` is the time since the click was made, of those that are not held or were held for too long. So it starts high
    for a click that was held for long or comes from a redirect's spool.
    """

    clicks: int
    held: int
    oldest_click: float
    signals: int
    oldest_signal: float


async def read_queues(session: AsyncSession, seconds: float) -> Queues:
    """Raises an error when it takes longer than `seconds`."""
    await session.execute(text("SELECT set_config('statement_timeout', :limit, true)"), {"limit": f"{seconds * 1000:.0f}ms"})
    row = (await session.execute(text(QUEUES), {"most": COUNTED})).one()
    return Queues(row.clicks, row.held, max(0.0, float(row.oldest_click or 0)), row.signals, float(row.oldest_signal or 0))
