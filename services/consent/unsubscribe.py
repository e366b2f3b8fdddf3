"""Does what a person asked for at the address for unsubscribing of a message: out, as far as the organization's setting says, or
the choices of the preference page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.base import made_at, new_id
from models.channels.channel import Channel
from models.consent.consent import ConsentSource, ConsentState
from models.consent.lock import lock_people
from models.consent.preferences import Preference, Said, last_said, preferences_of, was_recorded
from models.contacts.contact import Contact
from models.messages.recipient import Recipient, find_recipient
from models.organizations.organization import Organization
from services.consent.opt_out import Scope, record_consent, scope_of
from services.consent.preference_page import has_choices


@dataclass(frozen=True)
class Unsubscribe:
    """One request. Its `id` holds its time, and makes it safe to do again. `choices` are those of the preference page; without
    any, the person wants out."""

    content_id: int
    recipient_number: int
    id: UUID = field(default_factory=new_id)
    choices: Sequence[Preference] = ()


class UnknownRecipient(Exception):
    """Nobody got this message, or it has no page with choices."""


class ErasedRecipient(Exception):
    """The person was erased since, so nobody knows any more which address the message went to."""


async def unsubscribe(session: AsyncSession, asked: Unsubscribe, *, late: bool = False) -> list[UUID]:
    """Returns the ids of commands for `CommandDelivery.deliver` after the commit. Raises UnknownRecipient and
    ErasedRecipient.

    Asking a second time changes nothing. A request that is `late`, because it has waited in the spool, counts from its own time,
    so that it does not overrule what the person has said since.
    """
    recipient = await find_recipient(session, asked.content_id, asked.recipient_number)
    if recipient is None:
        raise UnknownRecipient
    organization = await session.get_one(Organization, recipient.org_id)
    channel = await session.get_one(Channel, recipient.channel_id)
    if asked.choices and not has_choices(channel):
        raise UnknownRecipient
    out = scope_of(organization, channel)
    if not recipient.erased and not asked.choices and await _is_out(session, recipient, out):
        return []  # before the lock, so that a repeat waits for nobody
    await lock_people(session, recipient.org_id, [recipient.contact_id])
    contact = await session.get_one(Contact, recipient.contact_id, populate_existing=True)
    if contact.erased_at is not None:
        raise ErasedRecipient
    if await was_recorded(session, contact.id, asked.id):
        return []
    recording = _Recording(session, asked, recipient, late)
    if asked.choices:
        return await _choose(recording, organization, contact)
    if await _is_out(session, recipient, out):
        return []
    return await recording.record(ConsentState.OPTED_OUT, out, ConsentSource.UNSUBSCRIBE_LINK)


@dataclass(frozen=True)
class _Recording:
    session: AsyncSession
    asked: Unsubscribe
    recipient: Recipient
    late: bool

    async def record(self, state: ConsentState, scope: Scope, source: ConsentSource) -> list[UUID]:
        return await record_consent(
            self.session,
            self.recipient.org_id,
            [self.recipient.contact_id],
            state,
            scope,
            source,
            proof={"message_id": str(self.recipient.message_id), "request_id": str(self.asked.id)},
            given_at=made_at(self.asked.id) if self.late else None,
        )


async def _is_out(session: AsyncSession, recipient: Recipient, out: Scope) -> bool:
    """Whether this opt-out is what the person said last."""
    said = Said(ConsentState.OPTED_OUT, out.medium, out.channel_id, out.message_kind)
    return await last_said(session, recipient.contact_id) == said


async def _choose(recording: _Recording, organization: Organization, contact: Contact) -> list[UUID]:
    """Only a choice that changes what the person gets is recorded. One about a medium at which the person cannot be reached is
    left out, because no page has offered it."""
    session, recipient = recording.session, recording.recipient
    before = set(await preferences_of(session, contact, recipient.channel_id, organization.consent_required))
    offered = {(each.medium, each.kind) for each in before}
    command_ids: list[UUID] = []
    for choice in recording.asked.choices:
        if (choice.medium, choice.kind) in offered and choice not in before:
            state = ConsentState.OPTED_IN if choice.wanted else ConsentState.OPTED_OUT
            scope = Scope(choice.medium, None, choice.kind)
            command_ids += await recording.record(state, scope, ConsentSource.PREFERENCE_PAGE)
    return command_ids
