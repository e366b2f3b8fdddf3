"""The rows that `bench triggers` counts: what became of the actions of one trigger, read independently of every counter."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.clicks.inbox import LinkOfRecipient

LINKS = "SELECT content_id, recipient_number FROM message WHERE campaign_id = :campaign_id AND state = 'accepted'"

# The unique number of rows is compared with that of people, so that a doubled action shows, whatever the tables' keys allow.
COUNTS = """
WITH fired AS (SELECT firing.* FROM firing JOIN trigger ON trigger.id = trigger_id WHERE trigger.campaign_id = :campaign_id),
sent AS (SELECT contact_id FROM simulator_inbox JOIN message ON message.id = simulator_inbox.message_id
    WHERE message.firing_id IN (SELECT id FROM fired)),
told AS (SELECT contact_id FROM notification_item WHERE firing_id IN (SELECT id FROM fired))
SELECT (SELECT count(*) FROM click WHERE campaign_id = :campaign_id) AS clicks,
    (SELECT count(DISTINCT contact_id) FROM fired) AS people,
    (SELECT count(*) FROM fired) AS fired,
    (SELECT count(*) FROM fired WHERE finished_at IS NOT NULL) AS finished,
    (SELECT count(*) FROM contact WHERE 'hot' = ANY(tags)) AS tagged,
    (SELECT count(DISTINCT contact_id) FROM told) AS notified, (SELECT count(*) FROM told) AS items,
    (SELECT count(DISTINCT contact_id) FROM sent) AS messages, (SELECT count(*) FROM sent) AS received
"""

# The action behind the tag has a transaction of its own, which begins after that of the tag has been committed.
SECONDS = """
SELECT extract(epoch FROM firing.created_at - click.clicked_at) AS fired,
    extract(epoch FROM following.at - click.clicked_at) AS tag,
    extract(epoch FROM firing.finished_at - click.clicked_at) AS all,
    extract(epoch FROM firing.finished_at) AS finished, extract(epoch FROM click.clicked_at) AS clicked
FROM firing JOIN trigger ON trigger.id = firing.trigger_id JOIN click ON click.id = firing.click_id
JOIN firing_action following ON following.firing_id = firing.id AND following.position = 1
WHERE trigger.campaign_id = :campaign_id AND firing.finished_at IS NOT NULL
"""

TOLD = "SELECT coalesce(sum(count), 0) FROM notification WHERE state = 'sent'"


@dataclass(frozen=True)
class Counts:
    """`people`, `tagged`, `notified` and `messages` count people. `fired`, `items` and `received` count rows."""

    clicks: int
    people: int
    fired: int
    finished: int
    tagged: int
    notified: int
    items: int
    messages: int
    received: int

    @property
    def doubled(self) -> int:
        return self.fired - self.people + self.items - self.notified + self.received - self.messages


@dataclass(frozen=True)
class Seconds:
    """From each click until it was recorded and fired, until its tag was committed, and until everything was done; and from the
    first click to the last action."""

    fired: list[float]
    tag: list[float]
    all: list[float]
    whole: float


async def links_of_campaign(session: AsyncSession, campaign_id: UUID) -> list[LinkOfRecipient]:
    """Returns the first link of each message that was accepted."""
    rows = await session.execute(text(LINKS), {"campaign_id": campaign_id})
    return [LinkOfRecipient(row.content_id, row.recipient_number, 0) for row in rows]


async def trigger_counts(session: AsyncSession, campaign_id: UUID) -> Counts:
    row = (await session.execute(text(COUNTS), {"campaign_id": campaign_id})).one()
    return Counts(**row._mapping)


async def trigger_seconds(session: AsyncSession, campaign_id: UUID) -> Seconds:
    rows = list(await session.execute(text(SECONDS), {"campaign_id": campaign_id}))
    whole = max(row.finished for row in rows) - min(row.clicked for row in rows)
    return Seconds(
        [float(row.fired) for row in rows], [float(row.tag) for row in rows], [float(row.all) for row in rows], float(whole)
    )


async def items_told(session: AsyncSession) -> int:
    """Returns how many people all notifications together have told of."""
    return int(await session.scalar(text(TOLD)) or 0)
