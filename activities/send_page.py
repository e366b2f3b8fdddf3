"""Sends one page of a campaign: recipients in the order of their ids, in chunks that are claimed, sent and recorded together.

A provider that refuses at least as many messages as it takes is busy. Then the page ends before that chunk, with the time at
which it goes on, so that no message is tried, and nobody's day begins, before there is a chance. Messages that are refused while
others are taken do not hold up the pages that follow: they are tried again when those are done.

A channel that is at its pace ends the page as well, at the first recipient for whom there is nothing left while the page has its
turn. And a channel of which other campaigns hold all places ends it before its first recipient.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.delivery import Delivery, StillSending, check_interrupted, leave_out
from activities.heartbeats import beating
from activities.places import PAGE_PLACES, Places
from models.base import now
from models.campaigns import audience
from models.campaigns.campaign import Campaign, may_send
from models.consent import obstacles
from models.contacts.contact import Contact
from models.database import Database
from models.messages import budget, ledger
from models.messages.ledger import SendFacts, SendResult
from models.messages.message import Message, MessageState
from models.organizations.limits import Limits
from models.wire.campaigns import CampaignPage, CampaignPageResult
from services import gate
from services.composing.compose import Composed, without_person
from services.composing.threads import Composing
from services.pacing.pacing import Pacing, Taken
from services.process.crashpoint import crashpoint
from services.refusal import retry_page_at

# The number of recipients that are claimed together, which is also the most that one crash leaves to be looked into.
CHUNK = 50

LONGEST_PAUSE = timedelta(minutes=5)
"""A campaign looks at a paused channel at least so often, because the signal that the channel is resumed can be lost."""

# Seconds after which a page hands its slot back and goes on as another page, so that organizations take turns. This happens when
# the channel is slow or the text expensive, or when many campaigns are sending.
TURN = 3.0

UNSENT = (MessageState.PLANNED, MessageState.SENDING)
"""States of messages that may have to be sent again."""


@dataclass(frozen=True)
class Recipients:
    """The recipients of a page. `last` says that nobody comes after them."""

    contacts: Sequence[Contact]
    last: bool


@dataclass(frozen=True)
class Chunk:
    """What became of a chunk: how many of its contacts, from the first one, are `done`, how many of their messages came to their
    end now, and which the provider has refused for now. `over` says that the campaign is not being sent any more.

    The others wait until `paced_until`, because the channel is at its pace. Of those who are done, `held` wait until
    `held_until`, because their domains are."""

    done: int
    sent: int = 0
    refused: Sequence[SendResult] = ()
    over: bool = False
    paced_until: datetime | None = None
    held: int = 0
    held_until: datetime | None = None

    @property
    def is_busy(self) -> bool:
        """Whether the provider refuses at least as many as it takes. What a recipient's domain refuses says nothing of others."""
        refused = sum(not each.domain_only for each in self.refused)
        return 0 < refused >= self.sent


@dataclass
class _Page:
    """How far a page is. `stop` is the first contact of those that have to wait, and `later_at` the time until which they
    wait. `paced` says that it is the channel's pace for which they wait."""

    done: int = 0
    sent: int = 0
    stop: int | None = None
    later_at: datetime | None = None
    paced: bool = False
    over: bool = False

    def wait_from(self, contact: int, until: datetime) -> None:
        self.stop = contact if self.stop is None else self.stop
        self.later_at = max(until, self.later_at or until)


class SendPage:
    def __init__(
        self,
        database: Database,
        composing: Composing,
        pacing: Pacing,
        delivery: Delivery,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        places: Places | None = None,
    ) -> None:
        """`limits` are those of organizations without limits of their own. With None, nobody has any limits. `places` are those
        of each channel; by default there are as many as in `activities/places.py`."""
        self._limits = limits
        self._database = database
        self._composing = composing
        self._pacing = pacing
        self._delivery = delivery
        self._clock = clock
        self._places = places or Places(PAGE_PLACES)

    @activity.defn
    async def send_page(self, page: CampaignPage) -> CampaignPageResult:
        """It is safe to repeat, because (campaign, contact) has one message. Counts are read from the rows when the page is done.
        A page whose turn is over ends where it stands, with at least one recipient done."""
        async with beating():
            async with self._database.transaction() as session:
                campaign = await session.get_one(Campaign, page.campaign_id)
            if not self._places.has_free(campaign.channel_id):
                later_at = self._places.wait_for(campaign.channel_id)
                return CampaignPageResult(cursor=page.cursor, last=False, later_at=later_at, paced=True)
            with self._places.hold(campaign.channel_id):
                return await self._send_page(page, campaign)

    async def _send_page(self, page: CampaignPage, campaign: Campaign) -> CampaignPageResult:
        end = self._clock() + TURN
        async with self._database.transaction() as session:
            recipients = await self._recipients(session, campaign, page)
            facts = await ledger.campaign_facts(session, campaign)
        contacts, went = recipients.contacts, _Page()
        while went.done < len(contacts) and not (went.done and self._clock() >= end):
            try:
                chunk = await self._send_chunk(
                    page.campaign_id, facts, contacts[went.done : went.done + CHUNK], lambda: self._clock() >= end
                )
            except StillSending as error:  # a chunk of an interrupted attempt; the others need not wait for it
                went.wait_from(went.done, now() + (error.next_retry_delay or timedelta(0)))
                chunk = Chunk(min(CHUNK, len(contacts) - went.done))
            went.sent += chunk.sent
            if chunk.over:
                went.over = True
                break
            if chunk.is_busy and not page.insist:
                went.wait_from(went.done, retry_page_at(chunk.refused))
                break
            if page.again and chunk.held_until is not None and chunk.held >= chunk.sent:
                went.wait_from(went.done, chunk.held_until)
                went.paced = True
                break
            went.done += chunk.done
            if chunk.paced_until is not None and not await self._wait_in_turn(chunk.paced_until, end):
                went.wait_from(went.done, chunk.paced_until)
                went.paced = True
                break
        return await self._result(page, recipients, went)

    async def _wait_in_turn(self, until: datetime, end: float) -> bool:
        """Waits here for the channel's pace, because what comes in while a page ends and another one begins is lost when the
        bucket is full. Returns False, at once, when the turn is over by then."""
        left = max(0.0, (until - now()).total_seconds())
        if self._clock() + left >= end:
            return False
        await asyncio.sleep(left)
        return True

    async def _recipients(self, session: AsyncSession, campaign: Campaign, page: CampaignPage) -> Recipients:
        if page.again:
            contacts = await audience.unfinished_recipients(session, campaign.id, page.cursor, limit=page.size)
            return Recipients(contacts, last=len(contacts) < page.size)
        contacts = await audience.next_recipients(session, campaign, page.cursor, page.size)
        last = len(contacts) < page.size
        # Those whom an earlier attempt at this page found in the audience and began to send to, and who are not in it any more.
        known = {contact.id for contact in contacts}
        until = None if last else contacts[-1].id
        unfinished = await audience.unfinished_recipients(session, campaign.id, page.cursor, until)
        left_behind = [contact for contact in unfinished if contact.id not in known]
        return Recipients(sorted([*contacts, *left_behind], key=lambda contact: contact.id), last)

    async def _send_chunk(
        self, campaign_id: UUID, facts: SendFacts, contacts: Sequence[Contact], is_over: Callable[[], bool]
    ) -> Chunk:
        known = await self._resolve_interrupted(campaign_id, contacts)
        unsent = [each for each in contacts if each.id not in known or known[each.id].state in UNSENT]
        taken = await self._pacing.take_for_page(facts, unsent)
        paced_until, contacts = _cut(contacts, taken)
        if not contacts:
            return Chunk(0, paced_until=paced_until)
        new = [contact for contact in contacts if contact.id not in known]
        composed = await self._composing.compose(facts, new, is_over, campaign_id=campaign_id) if new else []
        if len(composed) < len(new):
            contacts = contacts[: contacts.index(new[len(composed)])]
        crashpoint("page_before_claim")
        async with self._database.transaction() as session:
            claimed = await self._claim(session, campaign_id, facts, taken, contacts, composed)
        crashpoint("page_claimed")
        await self._pacing.correct(facts, taken, claimed if isinstance(claimed, list) else ())
        if claimed is None:
            return Chunk(0, over=True)
        if isinstance(claimed, gate.Later):
            return Chunk(0, paced_until=min(claimed.at, now() + LONGEST_PAUSE))
        answers = await asyncio.gather(*(self._delivery.send(each) for each in claimed), return_exceptions=True)
        crashpoint("page_accepted")
        results = [answer for answer in answers if isinstance(answer, SendResult)]
        await self._record_results(results)
        crashpoint("page_recorded")
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        refused = [each for each in results if each.state == MessageState.PLANNED]
        held = [taken.waits[each.id].at for each in contacts if each.id in taken.waits]
        return Chunk(
            len(contacts),
            len(results) - len(refused),
            refused,
            # What was taken for people who are skipped is there again, so the next ones need not wait.
            paced_until=paced_until if len(claimed) == len(contacts) else None,
            held=len(held),
            held_until=min(held, default=None),
        )

    async def _resolve_interrupted(self, campaign_id: UUID, contacts: Sequence[Contact]) -> dict[UUID, Message]:
        """Returns the messages that these contacts have, by contact, as they were before."""
        async with self._database.transaction() as session:
            messages = await ledger.campaign_messages(session, campaign_id, [contact.id for contact in contacts])
        interrupted = [message for message in messages.values() if message.state == MessageState.SENDING]
        await self._record_results(await asyncio.gather(*(self._delivery.resolve(message) for message in interrupted)))
        return messages

    async def _claim(
        self,
        session: AsyncSession,
        campaign_id: UUID,
        facts: SendFacts,
        taken: Taken,
        contacts: Sequence[Contact],
        composed: Sequence[Composed],
    ) -> list[Message] | gate.Later | None:
        """Returns the messages that this attempt sends now, which are those that the gate lets through. Returns None when the
        campaign is over. While the channel is paused nothing is written, and the answer says when to look again."""
        over = not await may_send(session, campaign_id)
        people = [contact.id for contact in contacts]
        await obstacles.lock(session, people)
        known = await ledger.campaign_messages(session, campaign_id, people, lock=True)
        for message in known.values():
            if message.state == MessageState.SENDING:  # another attempt has claimed it since this one looked
                check_interrupted(message)
        new = [each for each in composed if each.message.contact_id not in known]
        answers = await self._gate(session, facts, taken, known, new, over=over)
        if any(isinstance(judged.answer, gate.Over) for judged in answers.values()):
            return None
        for judged in answers.values():
            if isinstance(judged.answer, gate.Later) and judged.answer.why == gate.CHANNEL_PAUSED:
                return judged.answer
        ledger.keep_audience([each.message for each in new], facts, {contact.id: contact.tags for contact in contacts})
        for each in new:
            judged = answers[each.message.contact_id]
            leave_out(each.message, judged, facts)
            kept = without_person(each) if gate.is_of_erased(judged.answer) else each
            session.add_all(kept.rows)
        for message in known.values():
            if message.state == MessageState.PLANNED and not isinstance(answers[message.contact_id].answer, gate.Later):
                leave_out(message, answers[message.contact_id], facts)
        messages = [*known.values(), *(each.message for each in new)]
        held = {person for person, judged in answers.items() if isinstance(judged.answer, gate.Later)}
        planned = [each for each in messages if each.state == MessageState.PLANNED and each.contact_id not in held]
        await ledger.claim(session, planned)
        return planned

    async def _gate(
        self,
        session: AsyncSession,
        facts: SendFacts,
        taken: Taken,
        known: dict[UUID, Message],
        new: Sequence[Composed],
        *,
        over: bool,
    ) -> dict[UUID, gate.Judged]:
        """Returns the gate's answer for each contact, from facts that are read for all of them at once. They are locked.

        The budget counts only for messages that do not exist yet. A message that was refused for now is in it already.
        """
        messages = [*known.values(), *(each.message for each in new)]
        people = {each.contact_id: each.to_address for each in messages}
        in_the_way = await obstacles.read(session, facts.channel, facts.content.message_kind, people)
        at = now()
        common = {
            each.contact_id: gate.Facts(
                now=at,
                over=over,
                obstacles=in_the_way[each.contact_id],
                needs_consent=facts.needs_consent,
                late_after=each.late_after,
                paced_until=taken.waits[each.contact_id].at if each.contact_id in taken.waits else None,
            )
            for each in messages
        }
        answers = {contact_id: gate.judge(common[contact_id]) for contact_id in known}
        of_day, limit = {}, None
        if new and self._limits is not None:
            limit = self._limits.changed(facts.organization.limits).messages_per_contact_and_day
            of_day = await budget.messages_of_day(session, [each.message.contact_id for each in new])
        for each in new:
            person = each.message.contact_id
            answers[person] = gate.judge(replace(common[person], messages_of_day=of_day.get(person, 0), budget=limit))
        return answers

    async def _record_results(self, results: Sequence[SendResult]) -> None:
        if results:
            async with self._database.transaction() as session:
                await ledger.record_results(session, results)

    async def _result(self, page: CampaignPage, recipients: Recipients, went: _Page) -> CampaignPageResult:
        """Returns the counts of the contacts behind `page.cursor` up to where the next page begins, or of the whole campaign when
        the last of those who were refused is done."""
        done = went.done if went.stop is None else went.stop
        last = done == len(recipients.contacts) and recipients.last
        cursor = recipients.contacts[done - 1].id if done else page.cursor
        where = {"cursor": cursor, "last": last, "over": went.over, "sent": went.sent, "later_at": went.later_at}
        where["paced"] = went.paced
        if not (done or last):
            return CampaignPageResult.model_validate(where)
        after, until = (None, None) if page.again and last else (page.cursor, None if last else cursor)
        async with self._database.transaction() as session:
            states = await ledger.campaign_counts(session, page.campaign_id, after, until)
        counts = {
            "planned": states.total(),
            "accepted": states[MessageState.ACCEPTED],
            "skipped": states[MessageState.SKIPPED],
            "failed": states[MessageState.FAILED] + states[MessageState.UNKNOWN],
            "refused": states[MessageState.PLANNED],
        }
        return CampaignPageResult.model_validate({**where, **counts})


def _cut(contacts: Sequence[Contact], taken: Taken) -> tuple[datetime | None, Sequence[Contact]]:
    """Returns the contacts before the first one for whom the channel has nothing left, and the time at which it has."""
    for place, contact in enumerate(contacts):
        wait = taken.waits.get(contact.id)
        if wait is not None and wait.by_channel:
            return wait.at, contacts[:place]
    return None, contacts
