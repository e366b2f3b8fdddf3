"""Takes what somebody wrote to one of our channels: a row of the conversation, and what follows from the words.

Everything that follows is committed before the provider gets an answer, so whoever is told "you are unsubscribed" gets nothing
that is claimed after that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.channels.channel import Channel, Medium
from models.commands.many import stop_these
from models.consent.consent import ConsentSource, ConsentState
from models.consent.current import current_consent
from models.consent.lock import lock_people, people_at
from models.consent.suppression import SuppressionReason, lift_suppression
from models.database import Database
from models.inbound import receiving
from models.inbound.inbound_message import InboundMeaning, InboundMessage
from models.messages.message import MessageKind
from models.messages.report import ReportKind
from models.organizations.organization import OptOutScope, Organization, WordsAnswered
from models.texts.text import cut
from services.commands.deliver import CommandDelivery
from services.commands.tell import tell
from services.consent.opt_out import opt_in_scope_of, record_consent, scope_of
from services.consent.suppress import suppress
from services.inbound.senders import possible_senders
from services.inbound.words import Read, confirmation, read_words
from services.provider_reports.apply import Report, apply_reports

LONGEST = 20_000
"""Characters of a body that are kept; the rest is cut off."""
LONGEST_NAME = 320
"""Characters of an address, and of the provider's name for a message."""
CONFIRM_WITHIN = timedelta(minutes=5)
"""A word is confirmed within this time, and each word of a sender once in it."""
REPLIED = "the person replied"
"""The outcome of an enrollment that a reply ended."""
REPLIES = {InboundMeaning.REPLY, InboundMeaning.PERHAPS_REFUSAL}

log = structlog.get_logger()


@dataclass(frozen=True)
class Inbound:
    """A message as the provider handed it over. `provider_id` is its name for it, and `received_at` when it got it, by default
    now. `meaning` is what the provider itself has read in it and has answered; with None, we read it. `country` (ISO 3166-1) is
    where a number without a country code is dialled, by default the country of `to_address`."""

    from_address: str
    to_address: str | None
    body: str
    provider_id: str
    received_at: datetime | None = None
    meaning: InboundMeaning | None = None
    country: str | None = None


@dataclass(frozen=True)
class Received:
    """`answer` is the text of the one confirmation, which the caller hands to the provider; None when nobody is answered.
    `repeated` says that the provider had handed it over before, and nothing was done."""

    meaning: InboundMeaning
    answer: str | None = None
    repeated: bool = False


async def receive(database: Database, channel: Channel, inbound: Inbound, commands: CommandDelivery | None) -> Received:
    """It is safe to repeat: a message that is handed over many times counts once. With `commands` None, the sweeper tells the
    workflows."""
    async with database.transaction() as session:
        taking = _Taking(session, channel, inbound, await session.get_one(Organization, channel.org_id))
        received = await taking.take()
    if taking.row.message_id is not None and taking.row.meaning in REPLIES:
        await apply_reports(database, [_replied(taking.row)], commands)
    await tell(commands, taking.command_ids)
    return received


def _replied(row: InboundMessage) -> Report:
    """The message that was answered counts a reply. This is a transaction of its own, because a campaign's claim locks a message
    before its contact; if it is lost, it is made up for when the provider hands the reply over again."""
    return Report(
        org_id=row.org_id,
        channel_id=row.channel_id,
        kind=ReportKind.REPLIED,
        event_key=f"inbound {row.id}",
        message_id=row.message_id,
        reported_at=row.received_at,
    )


class _Taking:
    """One message on its way into the rows. After `take`, `row` is what stands there of it, and `command_ids` are to be delivered
    after the commit."""

    row: InboundMessage

    def __init__(self, session: AsyncSession, channel: Channel, inbound: Inbound, organization: Organization) -> None:
        self._session = session
        self._channel = channel
        self._inbound = inbound
        self._organization = organization
        written = cut(inbound.from_address, LONGEST_NAME).strip()
        self._senders = possible_senders(Medium(channel.medium), written, inbound.to_address, inbound.country)
        self._sender = self._senders[0] if self._senders else written
        self._provider_id = cut(inbound.provider_id, LONGEST_NAME)
        self._body = cut(inbound.body, LONGEST)
        self._at = min(inbound.received_at or now(), now())
        self.command_ids: list[UUID] = []

    async def take(self) -> Received:
        read = _read(self._channel, self._body) if self._inbound.meaning is None else Read(self._inbound.meaning)
        await receiving.lock_sender(self._session, self._channel.id, self._sender)
        known = await receiving.find_inbound(self._session, self._channel.id, self._provider_id)
        if known is not None:
            self.row = known
            return Received(InboundMeaning(known.meaning), repeated=True)
        people = await self._people()
        people = await lock_people(self._session, self._channel.org_id, people)
        self.row = await self._write(read, people)
        changed = await self._act(read.meaning, people)
        if changed and await self._is_to_be_confirmed(read.meaning):
            alone = self._organization.opt_out_scope == OptOutScope.CHANNEL
            self.row.answer = confirmation(read, self._organization.name, this_number_alone=alone)
        return Received(read.meaning, self.row.answer)

    async def _people(self) -> list[UUID]:
        """Returns the contacts at the likeliest address of the sender that has some."""
        for address in self._senders:
            if people := await people_at(self._session, self._channel.org_id, self._channel.medium, address):
                self._sender = address
                return people
        return []

    async def _write(self, read: Read, people: Sequence[UUID]) -> InboundMessage:
        newest = await receiving.newest_message(self._session, people, self._channel.id) if people else None
        row = InboundMessage(
            org_id=self._channel.org_id,
            channel_id=self._channel.id,
            contact_id=newest.contact_id if newest else next(iter(people), None),
            message_id=newest.message_id if newest else None,
            from_address=self._sender,
            to_address=cut(self._inbound.to_address, LONGEST_NAME) if self._inbound.to_address else None,
            body=self._body,
            provider_id=self._provider_id,
            meaning=read.meaning,
            received_at=self._at,
        )
        await receiving.add_inbound(self._session, row)
        return row

    async def _act(self, meaning: InboundMeaning, people: Sequence[UUID]) -> bool:
        """Returns whether something has changed of which the sender should hear. A sender whom nobody can be changes nothing, and
        is told nothing that does not hold."""
        if not self._senders and meaning in (InboundMeaning.STOP, InboundMeaning.START):
            log.warning("the sender of a word cannot be read", channel_id=str(self._channel.id), meaning=str(meaning))
            return False
        if meaning == InboundMeaning.STOP:
            return await self._stop(people)
        if meaning == InboundMeaning.START:
            return await self._start(people)
        if meaning in REPLIES and people:
            ended = await receiving.enrollments_ended_by_a_reply(self._session, people, self._channel.id)
            self.command_ids += (await stop_these(self._session, self._channel.org_id, ended, REPLIED)).values()
        return meaning == InboundMeaning.HELP

    async def _stop(self, people: Sequence[UUID]) -> bool:
        """It counts from its arrival, also against an opt-in that is newer than the text. The address of somebody who is no
        contact is suppressed, in case it becomes a contact's."""
        org_id, medium = self._channel.org_id, self._channel.medium
        if not people:
            for address in self._senders:
                await suppress(self._session, org_id, medium, address, SuppressionReason.OPTED_OUT)
            return True
        scope = scope_of(self._organization, self._channel)
        self.command_ids += await record_consent(
            self._session,
            org_id,
            people,
            ConsentState.OPTED_OUT,
            scope,
            ConsentSource.SMS_WORD,
            proof=proof_of(self.row),
        )
        return True

    async def _start(self, people: Sequence[UUID]) -> bool:
        """Whoever gets messages already has only said yes to something."""
        org_id, medium = self._channel.org_id, self._channel.medium
        lifted = False
        for address in [self._sender] if people else self._senders:
            lifted |= await lift_suppression(
                self._session, org_id, medium, address, [SuppressionReason.OPTED_OUT], "the person opted in again"
            )
        before = await current_consent(self._session, people, self._channel, MessageKind.MARKETING)
        await record_consent(
            self._session,
            org_id,
            people,
            ConsentState.OPTED_IN,
            opt_in_scope_of(self._organization, self._channel),
            ConsentSource.SMS_WORD,
            proof=proof_of(self.row),
            given_at=self._at,
        )
        return lifted or any(state != ConsentState.OPTED_IN for state in before.values())

    async def _is_to_be_confirmed(self, meaning: InboundMeaning) -> bool:
        """E-mail is not answered, and neither is a text that came late or that the provider has answered."""
        since = now() - CONFIRM_WITHIN
        by_us = self._organization.answers_words == WordsAnswered.BY_US and self._channel.medium == Medium.SMS
        if not by_us or self._at <= since or self._inbound.meaning is not None:
            return False
        return not await receiving.was_confirmed(self._session, self._channel.id, self._sender, meaning, since)


def _read(channel: Channel, body: str) -> Read:
    """In an e-mail only a STOP that stands alone is a word, because a reply quotes what it answers."""
    read = read_words(body)
    is_word = channel.medium == Medium.SMS or read.meaning == InboundMeaning.STOP
    return read if is_word else Read(InboundMeaning.REPLY)


def proof_of(row: InboundMessage) -> dict[str, str]:
    return {"inbound_message_id": str(row.id), "provider_id": row.provider_id}
