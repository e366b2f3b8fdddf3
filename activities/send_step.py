"""Sends the message of one step of one enrollment: claim and commit, call the channel, record."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.compose import Composer
from activities.delivery import Delivery, RefusedForNow
from models import ledger, progress
from models.channel import Channel, ChannelKind
from models.contact import Contact
from models.content import take_ordinals
from models.database import Database
from models.enrollment import Enrollment
from models.message import Message, MessageState
from models.wire import SendStepRequest, SendStepResult, StepEntered


@dataclass(frozen=True)
class Claimed:
    """`ours`: this attempt has just claimed the message and must send it."""

    message: Message
    kind: ChannelKind
    ours: bool

    @property
    def by_another(self) -> bool:
        return self.message.state == MessageState.SENDING and not self.ours


class SendStep:
    def __init__(self, database: Database, composer: Composer, delivery: Delivery) -> None:
        self._database = database
        self._composer = composer
        self._delivery = delivery

    @activity.defn
    async def send_step(self, request: SendStepRequest) -> SendStepResult:
        """Safe to repeat: (enrollment, visit) has one message, and an interrupted one is looked into before it is sent."""
        claimed = await self._claim(request)
        while claimed.by_another:
            await self._settle(claimed.message, await self._delivery.resolve(claimed.message, claimed.kind))
            claimed = await self._claim(request)
        if claimed.ours:
            await self._send(claimed)
        message = claimed.message
        return SendStepResult(message_id=message.id, state=message.state, reason=message.reason)

    async def _claim(self, request: SendStepRequest) -> Claimed:
        """One transaction: the step entered, the message composed, and, when it can be sent, claimed."""
        async with self._database.transaction() as session:
            enrollment = await progress.enter_step(session, StepEntered(**request.model_dump(), kind="send"))
            message = await ledger.find_step_message(session, request.enrollment_id, request.visit)
            if message is None:
                message = await self._compose(session, enrollment, request)
            over = enrollment.finished_at is not None or enrollment.stop_requested_at is not None
            if over and message.state == MessageState.PLANNED:
                message.state, message.reason = MessageState.SKIPPED, "enrollment_over"
            ours = message.state == MessageState.PLANNED
            if ours:
                await ledger.claim(session, [message])
            channel = await session.get_one(Channel, message.channel_id)
            return Claimed(message, channel.kind, ours)

    async def _compose(self, session: AsyncSession, enrollment: Enrollment, request: SendStepRequest) -> Message:
        facts = await ledger.step_facts(session, enrollment.sequence_version_id, request.step_key)
        contact = await session.get_one(Contact, enrollment.contact_id)
        ordinal = await take_ordinals(session, facts.content_id, 1)
        key = {"enrollment_id": enrollment.id, "sequence_id": enrollment.sequence_id}
        composed = self._composer.compose(facts, contact, ordinal, **key, step_key=request.step_key, visit=request.visit)
        session.add_all([composed.message, *composed.personal_links])
        return composed.message

    async def _send(self, claimed: Claimed) -> None:
        settlement = await self._delivery.send(claimed.message, claimed.kind)
        await self._settle(claimed.message, settlement)
        if settlement.state == MessageState.PLANNED:
            raise RefusedForNow(f"refused for now: {settlement.reason}", settlement.retry_after)

    async def _settle(self, message: Message, settlement: ledger.Settlement) -> None:
        async with self._database.transaction() as session:
            await ledger.settle(session, [settlement])
        message.state, message.reason = settlement.state, settlement.reason
