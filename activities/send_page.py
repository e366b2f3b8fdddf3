"""Sends one page of a campaign: recipients in the order of their ids, in chunks that are claimed, sent and settled together."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.compose import Composer
from activities.delivery import Delivery, check_interrupted
from models import audience, ledger
from models.campaign import Campaign
from models.channel import ChannelKind
from models.contact import Contact
from models.content import take_ordinals
from models.database import Database
from models.message import Message, MessageState
from models.wire import CampaignPage, CampaignPageResult

# Claimed together, so also the most that one crash leaves to be looked into.
CHUNK = 50


class SendPage:
    def __init__(self, database: Database, composer: Composer, delivery: Delivery) -> None:
        self._database = database
        self._composer = composer
        self._delivery = delivery

    @activity.defn
    async def send_page(self, page: CampaignPage) -> CampaignPageResult:
        """Safe to repeat: (campaign, contact) has one message. Counts are read from the rows when the page is done."""
        async with self._database.transaction() as session:
            campaign = await session.get_one(Campaign, page.campaign_id)
            contacts = await audience.next_recipients(session, campaign, page.cursor, page.size)
            facts = await ledger.campaign_facts(session, campaign)
        refused = 0
        for start in range(0, len(contacts), CHUNK):
            refused += await self._send_chunk(page.campaign_id, facts, contacts[start : start + CHUNK])
            activity.heartbeat(start + CHUNK)
        if refused:
            raise ApplicationError(f"{refused} messages were refused for now", type="RefusedForNow")
        return await self._result(page, [contact.id for contact in contacts])

    async def _send_chunk(self, campaign_id: UUID, facts: ledger.SendFacts, contacts: Sequence[Contact]) -> int:
        """How many the channel refused for now; those are planned again."""
        kind = facts.channel.kind
        await self._resolve_interrupted(campaign_id, kind, contacts)
        async with self._database.transaction() as session:
            claimed = await self._claim(session, campaign_id, facts, contacts)
        answers = await asyncio.gather(*(self._delivery.send(each, kind) for each in claimed), return_exceptions=True)
        settlements = [answer for answer in answers if isinstance(answer, ledger.Settlement)]
        await self._settle(settlements)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return sum(each.state == MessageState.PLANNED for each in settlements)

    async def _resolve_interrupted(self, campaign_id: UUID, kind: ChannelKind, contacts: Sequence[Contact]) -> None:
        async with self._database.transaction() as session:
            messages = await ledger.campaign_messages(session, campaign_id, [contact.id for contact in contacts])
        interrupted = [message for message in messages.values() if message.state == MessageState.SENDING]
        await self._settle([await self._delivery.resolve(message, kind) for message in interrupted])

    async def _claim(
        self, session: AsyncSession, campaign_id: UUID, facts: ledger.SendFacts, contacts: Sequence[Contact]
    ) -> list[Message]:
        messages = await ledger.campaign_messages(session, campaign_id, [contact.id for contact in contacts], lock=True)
        for message in messages.values():
            if message.state == MessageState.SENDING:  # claimed by another attempt since this one looked
                check_interrupted(message)
        new = [contact for contact in contacts if contact.id not in messages]
        if new:
            first = await take_ordinals(session, facts.content_id, len(new))
            for ordinal, contact in enumerate(new, first):
                composed = self._composer.compose(facts, contact, ordinal, campaign_id=campaign_id)
                session.add_all([composed.message, *composed.personal_links])
                messages[contact.id] = composed.message
        planned = [message for message in messages.values() if message.state == MessageState.PLANNED]
        await ledger.claim(session, planned)
        return planned

    async def _settle(self, settlements: Sequence[ledger.Settlement]) -> None:
        if settlements:
            async with self._database.transaction() as session:
                await ledger.settle(session, settlements)

    async def _result(self, page: CampaignPage, contact_ids: Sequence[UUID]) -> CampaignPageResult:
        async with self._database.transaction() as session:
            messages = await ledger.campaign_messages(session, page.campaign_id, contact_ids)
        states = Counter(message.state for message in messages.values())
        return CampaignPageResult(
            cursor=contact_ids[-1] if len(contact_ids) == page.size else None,
            planned=len(messages),
            accepted=states[MessageState.ACCEPTED],
            skipped=states[MessageState.SKIPPED],
            failed=states[MessageState.FAILED] + states[MessageState.UNKNOWN],
        )
