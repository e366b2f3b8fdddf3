"""Hands a claimed message to its channel and says what became of it. The rule that no message is sent again blindly is here
alone."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from temporalio.exceptions import ApplicationError

from models.base import now
from models.messages import ledger
from models.messages.ledger import INTERRUPTED_AFTER, SendFacts, SendResult
from models.messages.message import Message, MessageState
from safe_errors import describe
from services.channels.base import CannotAsk, ChannelError, Outgoing
from services.channels.consequences import Consequences
from services.channels.open_channels import Channels
from services.gate import TOO_LATE, Judged, Over, Skip
from services.refusal import GIVE_UP_AFTER, refused

log = structlog.get_logger()

SEND_TIMEOUT = timedelta(seconds=30)
"""The longest call to a channel. A call ends earlier when its message would be too late."""


class StillSending(ApplicationError):
    """Another attempt may be sending this message at this moment: come back after `wait`."""

    def __init__(self, wait: timedelta) -> None:
        message = f"may still be sending, look again in {wait.total_seconds():.0f} s"
        super().__init__(message, type="StillSending", next_retry_delay=wait)


def may_still_be_sent_until(message: Message) -> datetime | None:
    """Returns until when the claim is too young to be called interrupted, or None when it is old enough."""
    until = (message.sending_at or now()) + INTERRUPTED_AFTER
    return until if until > now() else None


def check_interrupted(message: Message) -> None:
    """Raises StillSending when the claim is too young to be called interrupted."""
    if until := may_still_be_sent_until(message):
        raise StillSending(until - now())


def leave_out(message: Message, judged: Judged, facts: SendFacts) -> None:
    """Keeps what the gate saw, and leaves out a planned message that it does not let through. A message that waits, or has come
    to its end, keeps its state."""
    if message.state != MessageState.PLANNED and message.facts is not None:
        return
    ledger.keep_moment(message, judged.moment(facts.tracking_off_at))
    if message.state == MessageState.PLANNED and isinstance(judged.answer, Skip | Over):
        message.state, message.reason = MessageState.SKIPPED, judged.answer.why


def _outgoing(message: Message) -> Outgoing:
    return Outgoing(
        message_id=message.id,
        channel_id=message.channel_id,
        to_address=message.to_address or "",
        subject=message.subject,
        body=message.body or "",
        html=message.html,
        org_id=message.org_id,
        message_kind=message.message_kind,
        unsubscribe_url=message.unsubscribe_url,
        late_after=message.late_after,
        source=message.campaign_id or message.sequence_id or message.firing_id,
    )


def _time_left(message: Message) -> timedelta:
    """Returns how long the call may take."""
    return min(SEND_TIMEOUT, message.late_after - now()) if message.late_after is not None else SEND_TIMEOUT


class Delivery:
    def __init__(self, channels: Channels, consequences: Consequences) -> None:
        self._channels = channels
        self._consequences = consequences

    async def send(self, message: Message) -> SendResult:
        """Sends a claimed message. An answer of `planned` is a definite refusal for now, to be tried again at `retry_at`. A
        message that has been refused for a day is given up, and no call begins or goes on after `late_after`.

        Any other error of the channel is raised and leaves the claim as it is, because nobody knows whether the message went out.
        What follows from an answer for others, such as a pause, is committed when this returns.
        """
        try:
            channel = await self._channels.get(message.channel_id)
            time_left = _time_left(message)
            if time_left <= timedelta(0):
                return SendResult(message.id, MessageState.SKIPPED, reason=TOO_LATE)
            async with asyncio.timeout(time_left.total_seconds()):
                receipt = await channel.send(_outgoing(message))
        except ChannelError as error:
            return await self._consequences.of_refusal(message, error)
        except Exception as error:
            await self._consequences.of_failure(message, describe(error))
            raise
        self._consequences.of_success(message)
        return SendResult(message.id, MessageState.ACCEPTED, provider_id=receipt.provider_id, units=receipt.units)

    async def resolve(self, message: Message) -> SendResult:
        """Asks the channel about an interrupted send. `planned` means that it never got the message, so it may be sent.

        Raises StillSending when the claim is young. The answer is about this claim, and changes no later one.
        """
        check_interrupted(message)
        try:
            async with asyncio.timeout(SEND_TIMEOUT.total_seconds()):
                receipt = await (await self._channels.get(message.channel_id)).find(_outgoing(message))
        except CannotAsk:
            reason = "interrupted, and the provider cannot be asked"
            return SendResult(message.id, MessageState.UNKNOWN, reason=reason, claimed_at=message.sending_at)
        if receipt is None:
            # It counts as refused, so that a channel which fails each time without an answer is given up after a day too.
            return replace(refused(message, "interrupted before it arrived"), claimed_at=message.sending_at)
        return SendResult(message.id, MessageState.ACCEPTED, provider_id=receipt.provider_id, claimed_at=message.sending_at)

    async def ask(self, message: Message) -> SendResult | None:
        """Does the same, and returns None when the channel does not say, so that it is asked again later. After a day the message
        is unknown."""
        try:
            return await self.resolve(message)
        except Exception as error:  # whatever the channel does, the other messages are asked about
            log.warning("the channel did not say what became of a message", message_id=str(message.id), error=describe(error))
        if message.sending_at is None or now() - message.sending_at < GIVE_UP_AFTER:
            return None
        reason = "interrupted, and the provider did not answer for a day"
        return SendResult(message.id, MessageState.UNKNOWN, reason=reason, claimed_at=message.sending_at)
