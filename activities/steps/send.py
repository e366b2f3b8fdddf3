"""The effect of `send`: one message. It is claimed and committed, then the channel is called, and its answer is recorded as the
enrollment goes on."""

from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from activities.delivery import Delivery, leave_out, may_still_be_sent_until
from activities.steps.base import Done, Elsewhere, Here, MustEnd
from models.base import now
from models.consent import obstacles
from models.database import Database
from models.messages import ledger
from models.messages.message import Message, MessageState
from models.organizations.limits import Limits
from models.sequences import standing
from models.sequences.standing import Locked, Recipient
from models.sequences.steps.send import SendStep
from models.sequences.waiting_for_channel import wait_for_channel
from models.wire.enrollments import Later, SentMessage
from services import gate
from services.composing.compose import Composed, without_person
from services.composing.threads import Composing
from services.pacing.pacing import FREE, Pacing, Taken
from services.process.crashpoint import crashpoint

OUTCOMES = {MessageState.ACCEPTED: "sent"}
"""How the step was left, where it is not the message's state."""
GONE_OUT = {MessageState.ACCEPTED, MessageState.UNKNOWN}
"""An unknown message may have arrived, so its clicks count."""


@dataclass(frozen=True)
class Claimed:
    """`ours` says that this attempt has just claimed the message and must send it."""

    message: Message
    ours: bool


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

    async def take(self, here: Here, step: SendStep) -> Done | Later | MustEnd:
        """(Enrollment, passage) has one message, and an interrupted one is checked before it is sent."""
        crashpoint("turn_before_claim")
        claimed = await self._claim(here, step)
        if not isinstance(claimed, Claimed):
            return claimed
        crashpoint("turn_claimed")
        message = claimed.message
        if claimed.ours:
            result = await self._delivery.send(message)
            crashpoint("turn_accepted")
        elif message.state == MessageState.SENDING:
            if until := may_still_be_sent_until(message):
                return Later(at=until, why="another attempt may still be sending")
            result = await self._delivery.resolve(message)
        else:
            return _done(MessageState(message.state), step, here)
        if result.state != MessageState.PLANNED:
            return _done(result.state, step, here, result)
        async with self._database.transaction() as session:
            await ledger.record_results(session, [result])
        if claimed.ours:
            return Later(at=result.retry_at or now(), why="the channel refused it for now")
        return await self.take(here, step)  # it never arrived, so it is claimed again

    async def _claim(self, here: Here, step: SendStep) -> Claimed | Later | MustEnd:
        """The pace is asked and the message composed outside of every transaction."""
        async with self._database.statement() as session:
            read = await standing.recipient(session, here.request.enrollment_id, here.number)
        facts = _send_facts(here, step, read)
        taken = await self._take_of_pace(facts, read)
        composed = await self._compose(here, step, read, facts) if read.wants_message and not taken.waits else None
        claimed = await self._claim_composed(here, step, read, facts, taken, composed)
        ours = isinstance(claimed, Claimed) and claimed.ours
        await self._pacing.correct(facts, taken, [claimed.message] if isinstance(claimed, Claimed) and ours else [])
        return claimed

    async def _take_of_pace(self, facts: ledger.SendFacts, read: Recipient) -> Taken:
        """Whoever waits comes back at the latest when the message is too late."""
        if not (read.wants_message or read.wants_attempt):
            return FREE
        late_after = facts.content.late_after(read.entered_at or now())
        taken = await self._pacing.take_for_people(facts, [read.contact], behind=read.entered_at is None)
        wait = taken.waits.get(read.contact.id)
        if wait is None or late_after is None:
            return taken
        return replace(taken, waits={read.contact.id: replace(wait, at=min(wait.at, late_after))})

    async def _claim_composed(
        self,
        here: Here,
        step: SendStep,
        read: Recipient,
        facts: ledger.SendFacts,
        taken: Taken,
        composed: Composed | None,
    ) -> Claimed | Later | MustEnd:
        """Claims the message in a transaction that reads everything which can stop it."""
        async with self._database.transaction() as session:
            locked = await standing.lock(session, here.request.enrollment_id, here.number)
            known = await self._known(session, here) if locked.has_message else None
            message = known or (composed.message if composed else None)
            judged = gate.judge(await self._facts(session, facts, locked, read, taken, message))
            answer = judged.answer
            if locked.finished_at is not None:
                raise Elsewhere
            if isinstance(answer, gate.Over):
                return MustEnd()
            await here.enter(session, locked, step)
            if isinstance(answer, gate.Later):
                if answer.why == gate.CHANNEL_PAUSED:
                    await wait_for_channel(session, locked.id, facts.channel.id)
                return Later(at=answer.at, why=answer.why)
            added = None if known else await self._add(session, composed, judged, facts)
            return added or await self._claim_again(session, known or await self._known(session, here), judged, facts)

    async def _known(self, session: AsyncSession, here: Here) -> Message:
        return await standing.step_message(session, here.request.enrollment_id, here.number)

    async def _facts(
        self,
        session: AsyncSession,
        facts: ledger.SendFacts,
        locked: Locked,
        read: Recipient,
        taken: Taken,
        message: Message | None,
    ) -> gate.Facts:
        """The budget counts only for a message that does not exist yet. A message that was refused for now is in it already."""
        wait = taken.waits.get(read.contact.id)
        known = gate.Facts(
            now=now(),
            over=locked.finished_at is not None,
            stopped=locked.stop_requested_at is not None,
            paced_until=wait.at if wait else None,
        )
        if known.over or known.stopped or message is None:
            return known
        people = {read.contact.id: message.to_address}
        await obstacles.lock(session, people)
        found = await obstacles.read(session, facts.channel, facts.content.message_kind, people)
        known = replace(
            known,
            obstacles=found[read.contact.id],
            needs_consent=facts.needs_consent,
            late_after=message.late_after,
        )
        if locked.has_message or self._limits is None:
            return known
        limit = self._limits.changed(read.organization.limits).messages_per_contact_and_day
        return replace(known, messages_of_day=locked.messages_of_day, budget=limit)

    async def _compose(self, here: Here, step: SendStep, read: Recipient, facts: ledger.SendFacts) -> Composed:
        (composed,) = await self._composing.compose(
            facts,
            [read.contact],
            enrollment_id=here.request.enrollment_id,
            sequence_id=read.sequence_id,
            step_key=step.key,
            step_run=here.number,
        )
        return composed

    async def _add(
        self, session: AsyncSession, composed: Composed | None, judged: gate.Judged, facts: ledger.SendFacts
    ) -> Claimed | None:
        """Returns None when another attempt has just added the passage's message."""
        assert composed is not None  # noqa: S101 - there was no message, so one was composed
        composed = without_person(composed) if gate.is_of_erased(judged.answer) else composed
        message = composed.message
        message.created_at = now()  # planned when its step is entered, which the conversation shows first
        leave_out(message, judged, facts)
        if not await ledger.add_claimed(session, message):
            return None
        session.add_all(composed.personal_links)
        return Claimed(message, ours=message.state == MessageState.SENDING)

    async def _claim_again(
        self, session: AsyncSession, message: Message, judged: gate.Judged, facts: ledger.SendFacts
    ) -> Claimed:
        """The passage has a message, which is claimed again if it was refused for now."""
        if message.state == MessageState.PLANNED:
            leave_out(message, judged, facts)
        ours = message.state == MessageState.PLANNED
        if ours:
            await ledger.claim(session, [message])
        return Claimed(message, ours)


def _send_facts(here: Here, step: SendStep, read: Recipient) -> ledger.SendFacts:
    text = here.version.text(step.key)
    return ledger.SendFacts(
        read.organization,
        text.channel,
        text.content.content,
        text.content.links,
        read.tracks_links,
        variables=read.variables,
        due_at=read.entered_at,
    )


def _done(state: MessageState, step: SendStep, here: Here, result: ledger.SendResult | None = None) -> Done:
    sent = SentMessage(step_key=step.key, step_run=here.number) if state in GONE_OUT else None
    return Done(OUTCOMES.get(state, state.value), result, sent)
