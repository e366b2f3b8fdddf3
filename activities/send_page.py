"""Sends one page of a campaign: recipients in the order of their ids, in chunks that are claimed, sent and settled together.

What the channel refuses for now does not hold up the pages that follow: it is tried again when they are done, for a day.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.compose import Composer
from activities.delivery import Delivery, RefusedForNow, StillSending, check_interrupted
from activities.heartbeats import beating
from models import audience, ledger
from models.base import now
from models.campaign import Campaign
from models.channel import ChannelKind
from models.contact import Contact
from models.content import take_ordinals
from models.database import Database
from models.message import Message, MessageState
from models.wire import CampaignInput, CampaignPage, CampaignPageResult

# Claimed together, so also the most that one crash leaves to be looked into.
CHUNK = 50

# So often is a page tried before the next one: a provider that is only busy slows a campaign down, instead of refusing all of it.
TRIES = 3

# As long as a sequence tries (`SEND` in workflows/policies.py): what could not be sent for a day is not worth sending.
GIVE_UP_AFTER = timedelta(days=1)


class SendPage:
    def __init__(self, database: Database, composer: Composer, delivery: Delivery) -> None:
        self._database = database
        self._composer = composer
        self._delivery = delivery

    @activity.defn
    async def send_page(self, page: CampaignPage) -> CampaignPageResult:
        """Safe to repeat: (campaign, contact) has one message. Counts are read from the rows when the page is done."""
        async with beating():
            return await self._send_page(page)

    async def _send_page(self, page: CampaignPage) -> CampaignPageResult:
        async with self._database.transaction() as session:
            campaign = await session.get_one(Campaign, page.campaign_id)
            contacts = await audience.next_recipients(session, campaign, page.cursor, page.size)
            last = contacts[-1].id if len(contacts) == page.size else None
            contacts = [*contacts, *await self._left_behind(session, page, last, contacts)]
            facts = await ledger.campaign_facts(session, campaign)
        refused, still = [], None
        for start in range(0, len(contacts), CHUNK):
            try:
                refused += await self._send_chunk(page.campaign_id, facts, contacts[start : start + CHUNK])
            except StillSending as error:  # an interrupted attempt's chunk; the others need not wait for it
                still = error
        if still:
            raise still
        if refused and activity.info().attempt < TRIES:
            waits = [each.retry_after for each in refused if each.retry_after]
            raise RefusedForNow(f"{len(refused)} messages were refused for now", max(waits, default=None))
        return await self._result(page.campaign_id, page.cursor, last)

    async def _left_behind(
        self, session: AsyncSession, page: CampaignPage, last: UUID | None, contacts: Sequence[Contact]
    ) -> list[Contact]:
        """Who an earlier attempt at this page found in the audience and began to send to, and who is not in it any more."""
        known = {contact.id for contact in contacts}
        unsettled = await audience.unsettled_recipients(session, page.campaign_id, page.cursor, last)
        return [contact for contact in unsettled if contact.id not in known]

    @activity.defn
    async def send_refused(self, start: CampaignInput) -> CampaignPageResult:
        """Once more, all messages of the campaign that were refused for now. The counts are those of the whole campaign."""
        async with beating():
            return await self._send_refused(start)

    async def _send_refused(self, start: CampaignInput) -> CampaignPageResult:
        async with self._database.transaction() as session:
            campaign = await session.get_one(Campaign, start.campaign_id)
            facts = await ledger.campaign_facts(session, campaign)
        contacts = await self._unsettled(campaign.id, None)
        while contacts:
            await self._send_chunk(campaign.id, facts, contacts)
            contacts = await self._unsettled(campaign.id, contacts[-1].id)
        return await self._result(campaign.id, None, None)

    async def _unsettled(self, campaign_id: UUID, after: UUID | None) -> Sequence[Contact]:
        async with self._database.transaction() as session:
            return await audience.unsettled_recipients(session, campaign_id, after, limit=CHUNK)

    async def _send_chunk(
        self, campaign_id: UUID, facts: ledger.SendFacts, contacts: Sequence[Contact]
    ) -> list[ledger.Settlement]:
        """Those that the channel refused for now; they are planned again."""
        kind = facts.channel.kind
        await self._resolve_interrupted(campaign_id, kind, contacts)
        async with self._database.transaction() as session:
            claimed = await self._claim(session, campaign_id, facts, contacts)
        answers = await asyncio.gather(*(self._send(each, kind) for each in claimed), return_exceptions=True)
        settlements = [answer for answer in answers if isinstance(answer, ledger.Settlement)]
        await self._settle(settlements)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return [each for each in settlements if each.state == MessageState.PLANNED]

    async def _send(self, message: Message, kind: ChannelKind) -> ledger.Settlement:
        settlement = await self._delivery.send(message, kind)
        if settlement.state == MessageState.PLANNED and now() - message.created_at >= GIVE_UP_AFTER:
            return replace(settlement, state=MessageState.FAILED, reason=f"given up after a day: {settlement.reason}")
        return settlement

    async def _resolve_interrupted(self, campaign_id: UUID, kind: ChannelKind, contacts: Sequence[Contact]) -> None:
        async with self._database.transaction() as session:
            messages = await ledger.campaign_messages(session, campaign_id, [contact.id for contact in contacts])
        interrupted = [message for message in messages.values() if message.state == MessageState.SENDING]
        await self._settle(await asyncio.gather(*(self._delivery.resolve(message, kind) for message in interrupted)))

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

    async def _result(self, campaign_id: UUID, after: UUID | None, until: UUID | None) -> CampaignPageResult:
        """Of the contacts with ids `after` … `until`, which is also where the next page begins."""
        async with self._database.transaction() as session:
            states = await ledger.campaign_counts(session, campaign_id, after, until)
        return CampaignPageResult(
            cursor=until,
            planned=states.total(),
            accepted=states[MessageState.ACCEPTED],
            skipped=states[MessageState.SKIPPED],
            failed=states[MessageState.FAILED] + states[MessageState.UNKNOWN],
            refused=states[MessageState.PLANNED],
        )
