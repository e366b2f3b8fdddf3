"""The action `send`: a message of its own for each firing. It is claimed and committed, then the channel is called.

It is no action of `registry.py`, because it cannot be done in one transaction: `activities/send_triggered.py` has it done apart
from all others.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from activities.actions.base import Batch
from activities.delivery import Delivery, leave_out, may_still_be_sent_until
from models.base import now
from models.consent import obstacles
from models.contacts.contact import Contact
from models.database import Database
from models.messages import budget, ledger
from models.messages.ledger import INTERRUPTED_AFTER, SendFacts, SendResult
from models.messages.message import Message, MessageState
from models.organizations.limits import Limits
from models.triggers.due import DueFiring, hold_firings
from models.triggers.messages import contacts_by_id, firing_messages, is_stopped, is_unwritten, trigger_facts
from models.triggers.results import ActionResult, Later, done, failed, skipped
from safe_errors import describe
from services import gate
from services.composing.compose import Composed, without_person
from services.composing.threads import Composing
from services.pacing.pacing import Pacing, Taken
from services.process.crashpoint import crashpoint

log = structlog.get_logger()

WRITTEN = ("recipient_number", "state", "reason", "tracked", "to_address", "subject", "body", "html", "late_after")
"""What a message that is written once more takes over from the new text."""


@dataclass
class Sent:
    """What became of the messages of a batch: results by firing, and what the ledger still has to learn."""

    results: dict[UUID, ActionResult | Later] = field(default_factory=dict)
    learned: list[SendResult] = field(default_factory=list)


@dataclass(frozen=True)
class _Reading:
    facts: SendFacts
    contacts: Mapping[UUID, Contact]
    messages: Mapping[UUID, Message]


class Send:
    def __init__(
        self, database: Database, composing: Composing, pacing: Pacing, delivery: Delivery, limits: Limits | None = None
    ) -> None:
        """`limits` are those of organizations without limits of their own. With None, nobody has any limits."""
        self._database = database
        self._composing = composing
        self._pacing = pacing
        self._delivery = delivery
        self._limits = limits

    async def take(self, batch: Batch) -> Sent:
        """Sends the message of each firing of the batch, and returns the results for `record`.

        It is safe to repeat, because (firing, position) has one message, and an interrupted one is asked about.
        """
        sent = Sent()
        read = await self._read(batch)
        await self._resolve(read, sent)
        if read.facts.channel.paused_at is not None and read.facts.channel.archived_at is None:
            _wait_for_channel(batch, read, sent)
        taken = await self._take_of_pace(batch, read, sent)
        firings = [each for each in batch.firings if each.id not in sent.results]
        composed = await self._compose(batch, firings, read)
        crashpoint("triggered_before_claim")
        async with self._database.transaction() as session:
            claimed = await self._claim(session, Batch(batch.trigger, batch.position, firings), read, composed, sent)
        crashpoint("triggered_claimed")
        await self._pacing.correct(read.facts, taken, claimed)
        answers = await asyncio.gather(*(self._delivery.send(each) for each in claimed), return_exceptions=True)
        crashpoint("triggered_accepted")
        for message, answer in zip(claimed, answers, strict=True):
            _take_answer(message, answer, sent)
        return sent

    async def _read(self, batch: Batch) -> _Reading:
        async with self._database.transaction() as session:
            facts = await trigger_facts(session, batch.trigger, batch.position)
            contacts = await contacts_by_id(session, {each.contact_id for each in batch.firings})
            messages = await firing_messages(session, [each.id for each in batch.firings], batch.position)
        return _Reading(facts, contacts, messages)

    async def _resolve(self, read: _Reading, sent: Sent) -> None:
        """Asks about the messages whose sending was interrupted. One that never arrived is sent now, by its next claim."""
        interrupted = [each for each in read.messages.values() if each.state == MessageState.SENDING]
        old = [each for each in interrupted if may_still_be_sent_until(each) is None]
        for each in interrupted:
            if until := may_still_be_sent_until(each):
                sent.results[_firing(each)] = Later(until, "another attempt may still be sending")
        answers = await asyncio.gather(*(self._delivery.ask(each) for each in old))
        if old:
            async with self._database.transaction() as session:
                await ledger.record_results(session, [answer for answer in answers if answer is not None])
        for message, answer in zip(old, answers, strict=True):
            if answer is None:
                at = now() + INTERRUPTED_AFTER
                sent.results[_firing(message)] = Later(at, "the channel did not say what became of the message")

    async def _take_of_pace(self, batch: Batch, read: _Reading, sent: Sent) -> Taken:
        """Leaves for later what the channel's pace does not allow now. What is too late already does not wait for it."""
        waiting = [each for each in batch.firings if each.id not in sent.results and _is_unsent(read.messages.get(each.id))]
        late_after = {each.id: read.facts.content.late_after(each.fired_at) for each in waiting}
        in_time = [each for each in waiting if (late := late_after[each.id]) is None or late > now()]
        people = [read.contacts[each.contact_id] for each in in_time]
        taken = await self._pacing.take_for_people(read.facts, people, behind=False)
        for each in in_time:
            if wait := taken.waits.get(each.contact_id):
                sent.results[each.id] = Later(min(wait.at, late_after[each.id] or wait.at), "the channel is at its pace")
        return taken

    async def _compose(self, batch: Batch, firings: Sequence[DueFiring], read: _Reading) -> dict[UUID, Composed]:
        """Composes what has no text yet, with no transaction open."""
        new = [each for each in firings if each.id not in read.messages or is_unwritten(read.messages[each.id])]
        if not new:
            return {}
        people = [read.contacts[each.contact_id] for each in new]
        composed = await self._composing.compose(read.facts, people, action_position=batch.position)
        for firing, each in zip(new, composed, strict=True):
            each.message.firing_id = firing.id
            each.message.late_after = read.facts.content.late_after(firing.fired_at)
        return {firing.id: each for firing, each in zip(new, composed, strict=True)}

    async def _claim(
        self,
        session: AsyncSession,
        batch: Batch,
        read: _Reading,
        composed: Mapping[UUID, Composed],
        sent: Sent,
    ) -> list[Message]:
        """Returns the messages that this attempt sends now, which are those that the gate lets through."""
        held = await hold_firings(session, batch.firings, batch.position)
        await obstacles.lock(session, {each.contact_id for each in held})
        known = await firing_messages(session, [each.id for each in held], batch.position, lock=True)
        going: list[Message] = []
        stopped = await is_stopped(session, batch.trigger)
        answers = await self._gate(session, read.facts, stopped, held, known, composed)
        for firing in held:
            message, judged = known.get(firing.id), answers[firing.id]
            answer = judged.answer
            if message is None or is_unwritten(message):
                if firing.id not in composed:  # a retry came between
                    sent.results[firing.id] = Later(now(), "its message is written once more")
                    continue
                written = composed[firing.id]
                message = _write(session, message, without_person(written) if gate.is_of_erased(answer) else written)
            if message.state == MessageState.PLANNED and isinstance(answer, gate.Later):
                sent.results[firing.id] = Later(answer.at, answer.why)
                continue
            leave_out(message, judged, read.facts)
            if message.state == MessageState.PLANNED:
                going.append(message)
            else:
                sent.results[firing.id] = _result(message, answer)
        await ledger.claim(session, going)
        return going

    async def _gate(
        self,
        session: AsyncSession,
        facts: SendFacts,
        stopped: bool,
        firings: Sequence[DueFiring],
        known: Mapping[UUID, Message],
        composed: Mapping[UUID, Composed],
    ) -> dict[UUID, gate.Judged]:
        """Returns the gate's answer for each firing, from facts that are read for all of them at once. Its people are locked.

        The budget counts only for messages that do not exist yet. A message that was refused for now is in it already, and so is
        one that is written once more.
        """
        limit, of_day = None, {}
        messages = {key: each.message for key, each in composed.items()} | dict(known)
        people = {each.contact_id: each.to_address for each in messages.values()}
        in_the_way = await obstacles.read(session, facts.channel, facts.content.message_kind, people)
        new = [each.contact_id for each in firings if each.id not in known]
        if new and self._limits is not None:
            limit = self._limits.changed(facts.organization.limits).messages_per_contact_and_day
            of_day = await budget.messages_of_day(session, new)

        def of(firing: DueFiring) -> gate.Facts:
            message = messages.get(firing.id)
            common = gate.Facts(
                now=now(),
                over=stopped,
                obstacles=in_the_way.get(firing.contact_id, obstacles.Obstacles()),
                needs_consent=facts.needs_consent,
                late_after=message.late_after if message else None,
            )
            if firing.id in known:
                return common
            return replace(common, messages_of_day=of_day.get(firing.contact_id, 0), budget=limit)

        return {each.id: gate.judge(of(each)) for each in firings}


def _wait_for_channel(batch: Batch, read: _Reading, sent: Sent) -> None:
    """Spares the text of a message that the gate would leave for later. What is too late goes on to the gate, which says so."""
    at, paused = now(), obstacles.Obstacles(paused_at=read.facts.channel.paused_at)
    for firing in batch.firings:
        late_after = read.facts.content.late_after(firing.fired_at)
        answer = gate.gate(gate.Facts(now=at, late_after=late_after, obstacles=paused))
        if firing.id not in sent.results and isinstance(answer, gate.Later):
            sent.results[firing.id] = Later(answer.at, answer.why)


def _firing(message: Message) -> UUID:
    assert message.firing_id is not None  # noqa: S101 - that is how it was found
    return message.firing_id


def _is_unsent(message: Message | None) -> bool:
    """Whether the firing has no message yet, or one that may have to be sent again."""
    return message is None or message.state in (MessageState.PLANNED, MessageState.SENDING)


def _write(session: AsyncSession, message: Message | None, composed: Composed) -> Message:
    """Adds the composed message, or gives its text to the one that waits without a text."""
    if message is None:
        composed.message.created_at = now()
        session.add_all(composed.rows)
        return composed.message
    for name in WRITTEN:
        setattr(message, name, getattr(composed.message, name))
    session.add_all(composed.personal_links)
    return message


def _take_answer(message: Message, answer: SendResult | BaseException, sent: Sent) -> None:
    if isinstance(answer, BaseException):  # nobody knows whether it went out, so it is asked about when its claim is old
        log.warning("a channel failed without an answer", message_id=str(message.id), error=answer)
        sent.results[_firing(message)] = Later(_old_at(message), f"the channel failed without an answer: {describe(answer)}")
        return
    sent.learned.append(answer)
    if answer.state == MessageState.PLANNED:
        sent.results[_firing(message)] = Later(answer.retry_at or now(), answer.reason or "the channel refused it for now")
    else:
        sent.results[_firing(message)] = _outcome(message.id, answer.state, answer.reason)


def _old_at(message: Message) -> datetime:
    return (message.sending_at or now()) + INTERRUPTED_AFTER


def _result(message: Message, answer: gate.Answer) -> ActionResult | Later:
    if message.state == MessageState.SENDING:  # another attempt has claimed it since this one looked
        return Later(_old_at(message), "another attempt may still be sending")
    if isinstance(answer, gate.Over):
        return skipped("the campaign was stopped", message_id=str(message.id))
    return _outcome(message.id, MessageState(message.state), message.reason)


def _outcome(message_id: UUID, state: MessageState, reason: str | None) -> ActionResult:
    """Whatever was not accepted can be tried again by a retry of the firing."""
    if state == MessageState.ACCEPTED:
        return done(message_id=str(message_id))
    return failed(reason or state.value, message_id=str(message_id))
