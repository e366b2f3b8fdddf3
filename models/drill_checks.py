"""What a drill on the click path compares with what it asked for: counts straight from the rows."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.click_inbox import LinkOfRecipient

LINKS = text("""
    SELECT message.content_id, message.ordinal, content_link.position, message.enrollment_id
      FROM message JOIN content_link USING (content_id)
     WHERE message.tracked ORDER BY 1, 2, 3
""")


async def tracked_links(session: AsyncSession) -> dict[LinkOfRecipient, UUID | None]:
    """Every link of every message, and the enrollment that the message belongs to."""
    rows = await session.execute(LINKS)
    return {LinkOfRecipient(row.content_id, row.ordinal, row.position): row.enrollment_id for row in rows}


RECORDED = text("""
    SELECT message.content_id, message.ordinal, click.position, count(*) AS clicks
      FROM click JOIN message ON message.id = click.message_id GROUP BY 1, 2, 3
""")


async def recorded_clicks(session: AsyncSession) -> dict[LinkOfRecipient, int]:
    """How many clicks each link has; links without clicks are left out."""
    rows = await session.execute(RECORDED)
    return {LinkOfRecipient(row.content_id, row.ordinal, row.position): row.clicks for row in rows}


STEPS = text("""
    SELECT enrollment_id, count(*) AS times FROM event
     WHERE kind = 'step_left' AND step_key = :step_key AND detail ->> 'outcome' = 'clicked' GROUP BY 1
""")


async def clicked_steps(session: AsyncSession, step_key: str) -> dict[UUID, int]:
    """How often each enrollment was taken out of this step by a click."""
    return {row.enrollment_id: row.times for row in await session.execute(STEPS, {"step_key": step_key})}


DELIVERIES = text("""
    SELECT message.enrollment_id, count(*) AS deliveries
      FROM message JOIN simulator_inbox ON simulator_inbox.message_id = message.id
     WHERE message.step_key = :step_key GROUP BY 1
""")


async def deliveries(session: AsyncSession, step_key: str) -> dict[UUID, int]:
    """How many messages of this step each enrollment's contact has received."""
    return {row.enrollment_id: row.deliveries for row in await session.execute(DELIVERIES, {"step_key": step_key})}


@dataclass(frozen=True)
class Unfinished:
    """`clicks` not recorded yet, `signals` not settled, clicks set aside as `rejected`."""

    clicks: int
    signals: int
    rejected: int


UNFINISHED = text("""
    SELECT (SELECT count(*) FROM click_inbox) AS clicks, (SELECT count(*) FROM signal_outbox WHERE outcome IS NULL) AS signals,
        (SELECT count(*) FROM click_rejected) AS rejected
""")


async def unfinished(session: AsyncSession) -> Unfinished:
    row = (await session.execute(UNFINISHED)).one()
    return Unfinished(row.clicks, row.signals, row.rejected)
