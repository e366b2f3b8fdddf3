"""What follows from a channel's refusal beside the message's own result: an address is suppressed, an opt-out is recorded, the
channel pauses, or a recipient domain slows down.

It is committed before the result of the message is. If the process dies between the two, the message is asked about, and what
followed stays true.
"""

from dataclasses import replace
from datetime import timedelta
from typing import assert_never
from uuid import UUID

from models.base import now
from models.channels.channel import find_channel
from models.channels.pace import domain_of
from models.channels.slow_domain import slow_down
from models.consent.consent import ConsentSource, ConsentState
from models.consent.suppression import SuppressionReason
from models.database import Database
from models.messages.ledger import SendResult
from models.messages.message import Message, MessageState
from models.organizations.organization import Organization
from models.texts.text import cut
from services.channels.base import ChannelError, Fault
from services.channels.failure_watch import FailureWatch
from services.channels.pause import pause_channel
from services.channels.refused_by_many import refused_by_many
from services.commands.deliver import CommandDelivery
from services.commands.tell import tell
from services.consent.opt_out import record_consent, scope_of
from services.consent.suppress import suppress
from services.gate import SHORTEST_PAUSE
from services.refusal import refused


class Consequences:
    def __init__(self, database: Database, watch: FailureWatch, commands: CommandDelivery | None = None) -> None:
        """`commands` tells the workflows of people who have opted out at the provider. Without it, the sweeper does."""
        self._database = database
        self._watch = watch
        self._commands = commands

    async def of_refusal(self, message: Message, error: ChannelError) -> SendResult:
        """Does what follows from a definite refusal, and returns what it means for the message."""
        if error.unreachable:
            return await self._not_reached(message, error)
        self._watch.answered(message)
        match error.fault:
            case Fault.CHANNEL:
                return await self._pause(message, error)
            case Fault.POLICY:
                if await self._is_refused_by_many(message):
                    return await self._pause(message, error)
                if not error.permanent:
                    return refused(message, str(error), error.retry_after)
            case Fault.DOMAIN:
                return await self._slow_down(message, error)
            case Fault.ADDRESS:
                await self._suppress(message, error)
            case Fault.OPTED_OUT:
                await self._opt_out(message, error)
            case Fault.MESSAGE:
                if not error.permanent:
                    return refused(message, str(error), error.retry_after)
            case _:
                assert_never(error.fault)
        if error.fault != Fault.OPTED_OUT:
            await self.of_failure(message, str(error))
        return SendResult(message.id, MessageState.FAILED, reason=cut(str(error)))

    async def of_failure(self, message: Message, reason: str) -> None:
        """Pauses the channel when too many of its latest messages have failed, or were not answered."""
        self._watch.answered(message)
        self._watch.failed(message)
        await self._judge(message.channel_id, reason)

    def of_success(self, message: Message) -> None:
        self._watch.answered(message)
        self._watch.succeeded(message)

    async def _judge(self, channel_id: UUID, reason: str) -> bool:
        """Pauses the channel when the watch says so. It is asked again about what came after the channel was resumed, which only
        the row knows."""
        if self._watch.why_pause(channel_id) is None:
            return False
        async with self._database.transaction() as session:
            channel = await find_channel(session, channel_id)
            why = self._watch.why_pause(channel_id, channel.resumed_at)
            if why is None:
                return False
            text = f"{why}. The latest reason: {reason.removesuffix('.')}. Correct what is wrong, and resume the channel."
            await pause_channel(session, channel_id, text)
        return True

    async def _not_reached(self, message: Message, error: ChannelError) -> SendResult:
        """A provider that is away for a moment, as for its restart, is waited for. When it stays away, the channel pauses."""
        self._watch.not_reached(message)
        if await self._judge(message.channel_id, str(error)):
            return _waits(message, error)
        return refused(message, str(error), error.retry_after)

    async def _pause(self, message: Message, error: ChannelError) -> SendResult:
        async with self._database.transaction() as session:
            await pause_channel(session, message.channel_id, str(error))
        return _waits(message, error)

    async def _is_refused_by_many(self, message: Message) -> bool:
        async with self._database.transaction() as session:
            return await refused_by_many(session, await find_channel(session, message.channel_id), message.to_address or "")

    async def _slow_down(self, message: Message, error: ChannelError) -> SendResult:
        async with self._database.statement() as session:
            until = await slow_down(
                session, message.channel_id, domain_of(message.to_address or ""), error.retry_after or timedelta(0)
            )
        return replace(refused(message, str(error), until - now()), asked=False, domain_only=True)

    async def _suppress(self, message: Message, error: ChannelError) -> None:
        async with self._database.transaction() as session:
            channel = await find_channel(session, message.channel_id)
            await suppress(
                session,
                message.org_id,
                channel.medium,
                message.to_address or "",
                SuppressionReason.PROVIDER,
                detail=error.code,
                message_id=message.id,
                contact_id=message.contact_id,
            )

    async def _opt_out(self, message: Message, error: ChannelError) -> None:
        proof = {"message_id": str(message.id), "code": error.code}
        async with self._database.transaction() as session:
            channel = await find_channel(session, message.channel_id)
            organization = await session.get_one(Organization, message.org_id)
            told = await record_consent(
                session,
                message.org_id,
                [message.contact_id],
                ConsentState.OPTED_OUT,
                scope_of(organization, channel),
                ConsentSource.PROVIDER,
                proof=proof,
            )
        await tell(self._commands, told)


def _waits(message: Message, error: ChannelError) -> SendResult:
    """The message waits for its paused channel without using up the day after which a refused one is given up, because it is not
    refused itself."""
    return SendResult(message.id, MessageState.PLANNED, reason=cut(str(error)), retry_at=now() + SHORTEST_PAUSE)
