"""The writes to the ledger: a message is claimed before the channel is called, and its result is recorded after that.

A message is inserted as `sending` and committed before its channel hears of it. A message that is found in `sending` later was
interrupted: its channel is asked, and if it cannot be asked the message becomes `unknown` and is never sent again blindly.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import now
from models.campaigns.campaign import Campaign
from models.channels.channel import Channel
from models.messages.content import Content, ContentLink
from models.messages.message import Message, MessageKind, MessageState
from models.messages.message_count import count_all_messages
from models.organizations.cascade import is_tracked
from models.organizations.organization import Organization

# A claim this old was interrupted: an attempt that still ran would have met the time limit of its call to the channel.
INTERRUPTED_AFTER = timedelta(seconds=60)


@dataclass(frozen=True)
class SendFacts:
    """What all messages of one content share. `tracked` says that link tracking is on at every level, now. `link_domain` is the
    campaign's own, if it has one. `variables` are those of the enrollment. `due_at` is when all of them were due, or None when
    each is due when it is composed. `audience` is the campaign's, of its own messages."""

    organization: Organization
    channel: Channel
    content: Content
    links: Sequence[ContentLink]
    tracked: bool
    link_domain: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    due_at: datetime | None = None
    audience: Mapping[str, Any] | None = None

    @property
    def tracking_off_at(self) -> str | None:
        """Returns `organization`, or `owner` for its campaign or sequence, when that level switches link tracking off."""
        return None if self.tracked else "owner" if self.organization.link_tracking else "organization"

    @property
    def needs_consent(self) -> bool:
        """Whether only people who have opted in get it."""
        is_marketing = self.content.message_kind == MessageKind.MARKETING
        return is_marketing and self.channel.medium in self.organization.consent_required

    @property
    def content_id(self) -> int:
        """Returns its id, which a stored content always has."""
        return self.content.id or 0


@dataclass(frozen=True)
class SendResult:
    """What became of a claimed message. With `claimed_at`, it holds for this claim only (`sending_at`), and not for a later one.

    `refused_at` and `retry_at` belong to a refusal for now: its time, of which the message keeps the first one, and when the
    message is to be tried again, which is not stored; `asked` says that this time is the provider's wish. `domain_only` says that
    the recipient's domain has refused it, from which nothing follows for other messages.
    """

    message_id: UUID
    state: MessageState
    provider_id: str | None = None
    units: int | None = None
    reason: str | None = None
    claimed_at: datetime | None = None
    refused_at: datetime | None = None
    retry_at: datetime | None = None
    asked: bool = False
    domain_only: bool = False


async def campaign_facts(session: AsyncSession, campaign: Campaign) -> SendFacts:
    content = await session.get_one(Content, campaign.content_id)
    organization = await session.get_one(Organization, campaign.org_id)
    channel = await session.get_one(Channel, content.channel_id)
    tracked = is_tracked(organization, campaign.link_tracking)
    return SendFacts(
        organization,
        channel,
        content,
        await _links(session, content.id),
        tracked,
        campaign.link_domain,
        due_at=campaign.launched_at,
        audience=campaign.audience,
    )


async def _links(session: AsyncSession, content_id: int | None) -> Sequence[ContentLink]:
    statement = select(ContentLink).where(col(ContentLink.content_id) == content_id).order_by(col(ContentLink.position))
    return (await session.scalars(statement)).all()


async def campaign_messages(
    session: AsyncSession, campaign_id: UUID, contact_ids: Sequence[UUID], *, lock: bool = False
) -> dict[UUID, Message]:
    """Returns the messages that these contacts already have from this campaign, by contact. With `lock`, nobody else claims
    them."""
    statement = select(Message).where(col(Message.campaign_id) == campaign_id, col(Message.contact_id).in_(contact_ids))
    if lock:
        statement = statement.order_by(col(Message.id)).with_for_update()
    return {row.contact_id: row for row in await session.scalars(statement)}


async def campaign_counts(
    session: AsyncSession, campaign_id: UUID, after: UUID | None = None, until: UUID | None = None
) -> Counter[MessageState]:
    """Returns how many messages are in which state, of the contacts whose ids come `after` and go up to `until`. A bound of None
    is no limit. Without limits the counter of messages is read, however large the campaign is."""
    if after is until is None:
        content_id = await session.scalar(select(col(Campaign.content_id)).where(col(Campaign.id) == campaign_id))
        return Counter(await count_all_messages(session, [content_id or 0]))
    statement = select(col(Message.state), func.count()).where(col(Message.campaign_id) == campaign_id)
    if after is not None:
        statement = statement.where(col(Message.contact_id) > after)
    if until is not None:
        statement = statement.where(col(Message.contact_id) <= until)
    rows = await session.execute(statement.group_by(col(Message.state)))
    return Counter({MessageState(state): count for state, count in rows})


async def claim(session: AsyncSession, messages: Sequence[Message]) -> None:
    """From now on these are being sent. The clock of an older claim starts again."""
    for message in messages:
        _is_sending(message)
    await session.flush()


def _is_sending(message: Message) -> None:
    message.state, message.sending_at = MessageState.SENDING, now()
    known = message.facts or {}
    message.facts = {**known, "attempts": known.get("attempts", 0) + 1}


def keep_moment(message: Message, moment: Mapping[str, Any]) -> None:
    """Keeps what the gate saw for the message, which is claimed or left out now."""
    known = message.facts or {}
    message.facts = {**{name: known[name] for name in LASTING if name in known}, **moment}


def keep_audience(messages: Sequence[Message], facts: SendFacts, tags: Mapping[UUID, Sequence[str]]) -> None:
    """Keeps by which rule of the audience each contact gets its new message: the place of a tag in the campaign's list, or the
    list of contacts. Everybody else is in one of its segments, of which a single one is known by its place. `tags` are those that
    the contacts have now."""
    audience = facts.audience or {}
    wanted, named = audience.get("tags", ()), frozenset(audience.get("contact_ids", ()))
    others = {"segment": 0} if len(audience.get("segment_ids", ())) == 1 else {}
    for message in messages:
        tag = next((place for place, each in enumerate(wanted) if each in tags[message.contact_id]), None)
        by = {"tag": tag} if tag is not None else {"named": True} if str(message.contact_id) in named else others
        message.facts = {**(message.facts or {}), "audience": by}


LASTING = ("attempts", "audience")
"""Facts of a message that outlast another look of the gate."""
COLUMNS = tuple(Message.model_fields)
VALUES = [f"CAST(:{name} AS jsonb)" if name == "facts" else f":{name}" for name in COLUMNS]
ADD_TO_PASSAGE = text(f"""
INSERT INTO message ({", ".join(COLUMNS)}) VALUES ({", ".join(VALUES)})
ON CONFLICT (enrollment_id, step_run) WHERE campaign_id IS NULL DO NOTHING
RETURNING id
""")  # noqa: S608 - names of ours


async def add_claimed(session: AsyncSession, message: Message) -> bool:
    """Writes the new message of a passage in one statement. If it is planned, it is being sent from now on. Returns False, and
    writes nothing, when the passage has its message already."""
    if message.state == MessageState.PLANNED:
        _is_sending(message)
    values = {name: getattr(message, name) for name in COLUMNS}
    values |= {"state": message.state.value, "facts": json.dumps(message.facts)}
    return await session.scalar(ADD_TO_PASSAGE, values) is not None


# A report of the provider can come before its answer is recorded. Then the message is accepted already, and takes over the rest.
RECORD = """
    UPDATE message
       SET state = given.state,
           provider_id = coalesce(given.provider_id, message.provider_id),
           units = given.units,
           reason = given.reason,
           refused_at = coalesce(message.refused_at, given.refused_at),
           accepted_at = CASE WHEN given.state = 'accepted' THEN coalesce(message.accepted_at, now()) END
      FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:provider_ids AS text[]), CAST(:reasons AS text[]),
                  CAST(:claimed_at AS timestamptz[]), CAST(:refused_at AS timestamptz[]),
                  CAST(:units AS integer[]))
           AS given (id, state, provider_id, reason, claimed_at, refused_at, units)
     WHERE message.id = given.id
       AND (message.state = 'sending' OR (message.state = 'accepted' AND given.state = 'accepted' AND message.units IS NULL))
       AND (given.claimed_at IS NULL OR message.sending_at = given.claimed_at)
"""
RECORD_RESULTS = text(RECORD)
LOCK = text("SELECT FROM message WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE")


async def record_results(session: AsyncSession, results: Sequence[SendResult]) -> None:
    """Records any number of results. A message that has a result already stays as it is."""
    if len(results) > 1:  # everybody who locks many messages does so in the order of their ids
        await session.execute(LOCK, {"ids": [each.message_id for each in results]})
    await session.execute(RECORD_RESULTS, of_results(results))


def of_results(results: Sequence[SendResult]) -> dict[str, object]:
    """Returns the parameters of `RECORD`."""
    return {
        "ids": [each.message_id for each in results],
        "states": [each.state.value for each in results],
        "provider_ids": [each.provider_id for each in results],
        "reasons": [each.reason for each in results],
        "claimed_at": [each.claimed_at for each in results],
        "refused_at": [each.refused_at for each in results],
        "units": [each.units for each in results],
    }


CLOSE = """
    UPDATE message
       SET state = :state, reason = coalesce(:prefix || reason, :reason)
     WHERE {messages} AND state = 'planned'
"""
CLOSE_ENROLLMENT = text(CLOSE.format(messages="enrollment_id = :id AND campaign_id IS NULL"))
CLOSE_CAMPAIGN = text(CLOSE.format(messages="campaign_id = :id"))
CLOSE_FIRING = text(CLOSE.format(messages="firing_id = :id"))


async def close_messages(session: AsyncSession, enrollment_id: UUID, failure: str | None) -> None:
    """Closes the messages of an enrollment that is over, with this `failure` or without one. Messages that it has not sent by now
    it never will. Of those that are being sent, the channel is asked first (`activities/left_behind.py`)."""
    await session.execute(CLOSE_ENROLLMENT, {"id": enrollment_id, **_closed(failure, "enrollment_over")})


CLOSE_PASSAGE = text(CLOSE.format(messages="enrollment_id = :id AND step_run = :step_run AND campaign_id IS NULL"))


async def close_passage(session: AsyncSession, enrollment_id: UUID, step_run: int) -> None:
    """Closes the message of a passage that the enrollment leaves by a move: it was refused for now and is not tried again."""
    await session.execute(CLOSE_PASSAGE, {"id": enrollment_id, "step_run": step_run, **_closed(None, "moved")})


SENDING_SINCE = text("""
    SELECT max(sending_at) FROM message WHERE enrollment_id = :id AND campaign_id IS NULL AND state = 'sending'
""")


async def sending_until(session: AsyncSession, enrollment_id: UUID) -> datetime | None:
    """Returns when the last message of the enrollment that is being sent can be called interrupted, or None when no attempt can
    be sending one any more."""
    since = await session.scalar(SENDING_SINCE, {"id": enrollment_id})
    until = since + INTERRUPTED_AFTER if since is not None else None
    return until if until is not None and until > now() else None


async def close_campaign_messages(session: AsyncSession, campaign_id: UUID, failure: str | None) -> None:
    """Does the same for a campaign whose workflow is gone."""
    await session.execute(CLOSE_CAMPAIGN, {"id": campaign_id, **_closed(failure, "campaign_over")})


async def close_firing_messages(session: AsyncSession, firing_id: UUID) -> None:
    """Does the same for a firing whose action could not be done."""
    await session.execute(CLOSE_FIRING, {"id": firing_id, **_closed("its action could not be done", "")})


def _closed(failure: str | None, over: str) -> dict[str, object]:
    return {
        "state": (MessageState.FAILED if failure else MessageState.SKIPPED).value,
        "prefix": "given up: " if failure else None,
        "reason": failure or over,
    }
