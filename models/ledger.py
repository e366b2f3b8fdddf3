"""The ledger's writes: claim a message before the channel is called, settle it after.

A message is inserted as `sending` and committed before its channel hears of it. What is found in `sending` later was
interrupted: its channel is asked, and if it cannot be asked the message becomes `unknown` and is never sent again blindly.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import now
from models.campaign import Campaign
from models.channel import Channel
from models.content import Content, ContentLink
from models.errors import NotFound
from models.message import Message, MessageState
from models.organization import Organization
from models.sequence import Sequence as SequenceTable

# A claim this old was interrupted: an attempt that still ran would have met the time limit of its call to the channel.
INTERRUPTED_AFTER = timedelta(seconds=60)


@dataclass(frozen=True)
class SendFacts:
    """What all messages of one content share. `tracked`: link tracking is on at every level, now.
    `link_domain`: the campaign's or the organization's own; None: the server's."""

    organization: Organization
    channel: Channel
    content: Content
    links: Sequence[ContentLink]
    tracked: bool
    link_domain: str | None = None

    @property
    def content_id(self) -> int:
        """A stored content always has its id."""
        return self.content.id or 0


@dataclass(frozen=True)
class Settlement:
    """What became of a claimed message. `claimed_at`: says so of this claim only (`sending_at`), not of a later one.

    `retry_after`: of a refusal for now, when the provider wants to be asked again; not stored.
    """

    message_id: UUID
    state: MessageState
    provider_id: str | None = None
    reason: str | None = None
    claimed_at: datetime | None = None
    retry_after: timedelta | None = None


async def step_facts(session: AsyncSession, sequence_version_id: UUID, step_key: str) -> SendFacts:
    row = (
        await session.execute(
            select(Content, Organization, Channel, SequenceTable)
            .join(Organization, col(Organization.id) == col(Content.org_id))
            .join(Channel, col(Channel.id) == col(Content.channel_id))
            .join(SequenceTable, col(SequenceTable.id) == col(Content.sequence_id))
            .where(col(Content.sequence_version_id) == sequence_version_id, col(Content.step_key) == step_key)
        )
    ).first()
    if row is None:
        raise NotFound(f"The published version has no message for the step '{step_key}'.")
    content, organization, channel, sequence = row
    tracked = organization.link_tracking and sequence.link_tracking is not False
    links = await _links(session, content.id)
    return SendFacts(organization, channel, content, links, tracked, organization.link_domain)


async def campaign_facts(session: AsyncSession, campaign: Campaign) -> SendFacts:
    content = await session.get_one(Content, campaign.content_id)
    organization = await session.get_one(Organization, campaign.org_id)
    channel = await session.get_one(Channel, content.channel_id)
    tracked = organization.link_tracking and campaign.link_tracking is not False
    links, domain = await _links(session, content.id), campaign.link_domain or organization.link_domain
    return SendFacts(organization, channel, content, links, tracked, domain)


async def _links(session: AsyncSession, content_id: int | None) -> Sequence[ContentLink]:
    statement = select(ContentLink).where(col(ContentLink.content_id) == content_id).order_by(col(ContentLink.position))
    return (await session.scalars(statement)).all()


async def find_step_message(session: AsyncSession, enrollment_id: UUID, visit: int) -> Message | None:
    return (
        await session.scalars(
            select(Message).where(
                col(Message.enrollment_id) == enrollment_id, col(Message.visit) == visit, col(Message.campaign_id).is_(None)
            )
        )
    ).first()


async def campaign_messages(
    session: AsyncSession, campaign_id: UUID, contact_ids: Sequence[UUID], *, lock: bool = False
) -> dict[UUID, Message]:
    """The messages that these contacts already have from this campaign, by contact. `lock`: nobody else claims them."""
    statement = select(Message).where(col(Message.campaign_id) == campaign_id, col(Message.contact_id).in_(contact_ids))
    if lock:
        statement = statement.order_by(col(Message.id)).with_for_update()
    return {row.contact_id: row for row in await session.scalars(statement)}


async def campaign_counts(
    session: AsyncSession, campaign_id: UUID, after: UUID | None = None, until: UUID | None = None
) -> Counter[MessageState]:
    """How many messages are in which state, of the contacts whose ids come `after` and go up to `until`. None: no limit."""
    statement = select(col(Message.state), func.count()).where(col(Message.campaign_id) == campaign_id)
    if after is not None:
        statement = statement.where(col(Message.contact_id) > after)
    if until is not None:
        statement = statement.where(col(Message.contact_id) <= until)
    rows = await session.execute(statement.group_by(col(Message.state)))
    return Counter({MessageState(state): count for state, count in rows})


async def claim(session: AsyncSession, messages: Sequence[Message]) -> None:
    """From now on these are being sent; an older claim starts its clock anew."""
    for message in messages:
        message.state, message.sending_at = MessageState.SENDING, now()
    await session.flush()


SETTLE = text("""
    UPDATE message
       SET state = settled.state,
           provider_id = settled.provider_id,
           reason = settled.reason,
           accepted_at = CASE WHEN settled.state = 'accepted' THEN now() END
      FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:provider_ids AS text[]), CAST(:reasons AS text[]),
                  CAST(:claimed_at AS timestamptz[])) AS settled (id, state, provider_id, reason, claimed_at)
     WHERE message.id = settled.id
       AND message.state = 'sending'
       AND (settled.claimed_at IS NULL OR message.sending_at = settled.claimed_at)
""")


async def settle(session: AsyncSession, settlements: Sequence[Settlement]) -> None:
    """One statement for any number; a message that is settled already stays as it is."""
    await session.execute(
        SETTLE,
        {
            "ids": [each.message_id for each in settlements],
            "states": [each.state.value for each in settlements],
            "provider_ids": [each.provider_id for each in settlements],
            "reasons": [each.reason for each in settlements],
            "claimed_at": [each.claimed_at for each in settlements],
        },
    )


CLOSE = text("""
    UPDATE message
       SET state = CASE WHEN state = 'planned' THEN :state ELSE 'unknown' END,
           reason = CASE WHEN state = 'planned' THEN coalesce(:prefix || reason, :reason)
                         ELSE 'interrupted, and the enrollment is over' END
     WHERE enrollment_id = :enrollment_id
       AND campaign_id IS NULL
       AND (state = 'planned' OR state = 'sending' AND sending_at < :interrupted)
""")


async def close_messages(session: AsyncSession, enrollment_id: UUID, failure: str | None) -> None:
    """The enrollment is over, with this `failure` or without one: what it has not sent by now it never will."""
    await session.execute(
        CLOSE,
        {
            "enrollment_id": enrollment_id,
            "state": (MessageState.FAILED if failure else MessageState.SKIPPED).value,
            "prefix": "given up: " if failure else None,
            "reason": failure or "enrollment_over",
            "interrupted": now() - INTERRUPTED_AFTER,
        },
    )
