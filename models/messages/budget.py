"""The budget of messages to one contact. Messages beyond it are skipped, with the reason in the conversation."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import first_id, now

DAY = timedelta(days=1)

# Ids of messages follow the clock. Messages that were skipped or failed did not reach anybody.
COUNTS = "message.id >= :since AND message.state IN ('planned', 'sending', 'accepted', 'unknown')"
SENT = text(f"""
SELECT contact_id, count(*) AS messages FROM message
WHERE contact_id = ANY(CAST(:contact_ids AS uuid[])) AND {COUNTS}
GROUP BY contact_id
""")  # noqa: S608 - a condition of ours


def day_begin() -> UUID:
    """Returns the lowest id of a message within the last 24 hours: `since` in `COUNTS`."""
    return first_id(now() - DAY)


async def messages_of_day(session: AsyncSession, contact_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many messages each contact had within 24 hours. Contacts without any are left out. Two messages that are planned at the
    same moment may both take the last one that is left."""
    rows = await session.execute(SENT, {"contact_ids": list(contact_ids), "since": day_begin()})
    return {row.contact_id: row.messages for row in rows}
