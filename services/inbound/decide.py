"""Somebody decides whether a text that looks like a refusal was one. Until then nothing is sent to the person."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.channels.channel import Channel, get_channel
from models.consent.consent import ConsentSource, ConsentState
from models.consent.lock import lock_people, people_at
from models.consent.suppression import SuppressionReason
from models.errors import Conflict, ConflictCode
from models.inbound.inbound_message import Decision, InboundMeaning, InboundMessage, get_inbound
from models.inbound.waiting_for_decision import free_firings, sending_campaigns, tell_enrollments
from models.organizations.organization import Organization
from services.consent.opt_out import record_consent, scope_of
from services.consent.suppress import suppress
from services.gate import ANSWER_UNDECIDED
from services.inbound.receive import proof_of


class Decided(NamedTuple):
    """After the commit, `command_ids` are to be delivered, and `campaign_ids` to be woken. With `goes_on`, messages of triggers
    may be due."""

    message: InboundMessage
    command_ids: list[UUID]
    campaign_ids: list[UUID]
    goes_on: bool


async def decide(
    session: AsyncSession, organization: Organization, inbound_id: UUID, decision: Decision, reason: str | None
) -> Decided:
    """A refusal opts the person out as STOP does. Whatever it does not cover goes on at once, and so does everything when it was
    no refusal. Deciding the same once more changes nothing.

    Raises NotFound, and Conflict for a message that looks like no refusal or about which somebody has decided otherwise.
    """
    message = await get_inbound(session, organization.id, inbound_id)
    channel = await get_channel(session, organization.id, message.channel_id)
    people = [message.contact_id] if message.contact_id else []
    if message.from_address:
        people += await people_at(session, organization.id, channel.medium, message.from_address)
    people = await lock_people(session, organization.id, people)
    message = await get_inbound(session, organization.id, inbound_id, lock=True)
    if message.meaning != InboundMeaning.PERHAPS_REFUSAL or message.decision not in (None, decision):
        raise Conflict(ConflictCode.NOTHING_TO_DECIDE, _why(message))
    if message.decision is not None:
        return Decided(message, [], [], goes_on=False)
    message.decided_at, message.decision = now(), decision
    await session.flush()
    commands = await _opt_out(session, organization, channel, message, people, reason) if decision == Decision.REFUSAL else []
    commands += await tell_enrollments(session, organization.id, people)
    await free_firings(session, people, ANSWER_UNDECIDED)
    return Decided(message, commands, await sending_campaigns(session, people), goes_on=True)


async def _opt_out(
    session: AsyncSession,
    organization: Organization,
    channel: Channel,
    message: InboundMessage,
    people: Sequence[UUID],
    reason: str | None,
) -> list[UUID]:
    """Returns the ids of the commands that stop what the refusal covers."""
    if not people and message.from_address:
        await suppress(session, organization.id, channel.medium, message.from_address, SuppressionReason.OPTED_OUT)
    return await record_consent(
        session,
        organization.id,
        people,
        ConsentState.OPTED_OUT,
        scope_of(organization, channel),
        ConsentSource.HELD_REFUSAL,
        proof=proof_of(message),
        reason=reason,
    )


def _why(message: InboundMessage) -> str:
    decided = f"somebody has decided already: {message.decision}"
    why = decided if message.decision else f"the message does not look like a refusal: it is a {message.meaning}"
    return f"There is nothing to decide, because {why}. To change what the contact gets, record a consent."
