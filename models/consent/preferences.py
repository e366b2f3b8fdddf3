"""What a person gets, as a table of media and kinds of messages, and what the person has said last."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.channels.channel import Medium
from models.consent.consent import ConsentState
from models.contacts.contact import Contact
from models.messages.message import MessageKind


class Preference(NamedTuple):
    """Whether the person gets, or wants, messages of this kind by this medium."""

    medium: Medium
    kind: MessageKind
    wanted: bool


# An answer that is about one channel alone counts for its medium when it is the channel of the person's message.
ANSWERS = text("""
SELECT given.medium, given.kind,
       (SELECT state FROM consent
         WHERE contact_id = :contact_id AND (medium IS NULL OR medium = given.medium)
           AND (channel_id IS NULL OR channel_id = :channel_id)
           AND (message_kind IS NULL OR message_kind = given.kind)
         ORDER BY given_at DESC, id DESC LIMIT 1)
  FROM unnest(CAST(:media AS text[]), CAST(:kinds AS text[])) WITH ORDINALITY AS given (medium, kind, position)
 ORDER BY given.position
""")


async def preferences_of(
    session: AsyncSession, contact: Contact, channel_id: UUID | None, consent_required: Sequence[str]
) -> list[Preference]:
    """Returns a preference for each kind of message and each medium at which the person can be reached. `channel_id` is the
    channel of a message that the person got, if any. Where the organization asks for consent first, silence is a no to
    marketing."""
    media = [medium for medium, address in ((Medium.EMAIL, contact.email), (Medium.SMS, contact.phone)) if address]
    cells = [(medium, kind) for medium in media for kind in MessageKind]
    about = {"contact_id": contact.id, "channel_id": channel_id}
    given = {"media": [medium for medium, _ in cells], "kinds": [kind for _, kind in cells]}
    rows = await session.execute(ANSWERS, {**about, **given})
    return [_preference(medium, kind, state, consent_required) for medium, kind, state in rows]


def _preference(medium: str, kind: str, state: str | None, consent_required: Sequence[str]) -> Preference:
    wanted = kind != MessageKind.MARKETING or medium not in consent_required
    if state in (ConsentState.OPTED_IN, ConsentState.OPTED_OUT):
        wanted = state == ConsentState.OPTED_IN
    return Preference(Medium(medium), MessageKind(kind), wanted)


RECORDED = text("SELECT EXISTS (SELECT FROM consent WHERE contact_id = :contact_id AND proof ->> 'request_id' = :request_id)")


async def was_recorded(session: AsyncSession, contact_id: UUID, request_id: UUID) -> bool:
    """Whether a consent of this person has this request as its proof."""
    return bool(await session.scalar(RECORDED, {"contact_id": contact_id, "request_id": str(request_id)}))


class Said(NamedTuple):
    """A consent without its proof."""

    state: str
    medium: str | None
    channel_id: UUID | None
    message_kind: str | None


NEWEST = text("""
SELECT state, medium, channel_id, message_kind FROM consent WHERE contact_id = :contact_id
 ORDER BY given_at DESC, id DESC LIMIT 1
""")


async def last_said(session: AsyncSession, contact_id: UUID) -> Said | None:
    """Returns what the person said last, about whatever messages."""
    row = (await session.execute(NEWEST, {"contact_id": contact_id})).one_or_none()
    return Said(*row) if row else None
