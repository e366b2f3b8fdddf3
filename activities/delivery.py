"""Hands a claimed message to its channel and says what became of it. One place for the rule: no blind re-send."""

import asyncio
from datetime import timedelta

from temporalio.exceptions import ApplicationError

from activities.channels.base import CannotAsk, ChannelError, Outgoing
from activities.channels.registry import Channels
from models.base import now
from models.channel import ChannelKind
from models.ledger import INTERRUPTED_AFTER, Settlement
from models.message import Message, MessageState
from models.text import cut

SEND_TIMEOUT = timedelta(seconds=30)

# So long at most is a provider's Retry-After followed: a wrong one must not keep a message until it is given up.
LONGEST_RETRY_AFTER = timedelta(hours=1)


class RefusedForNow(ApplicationError):
    """The channel took nothing, and may do so later: after `wait`, if it said so."""

    def __init__(self, message: str, wait: timedelta | None = None) -> None:
        super().__init__(message, type="RefusedForNow", next_retry_delay=wait)


class StillSending(ApplicationError):
    """Another attempt may be sending this message right now: come back after `wait`."""

    def __init__(self, wait: timedelta) -> None:
        message = f"may still be sending, look again in {wait.total_seconds():.0f} s"
        super().__init__(message, type="StillSending", next_retry_delay=wait)


def check_interrupted(message: Message) -> None:
    """Raises StillSending when the claim is too young to be called interrupted."""
    age = now() - (message.sending_at or now())
    if age < INTERRUPTED_AFTER:
        raise StillSending(INTERRUPTED_AFTER - age)


def _outgoing(message: Message) -> Outgoing:
    return Outgoing(message.id, message.channel_id, message.to_address or "", message.subject, message.body or "", message.html)


class Delivery:
    def __init__(self, channels: Channels) -> None:
        self._channels = channels

    async def send(self, message: Message, kind: ChannelKind) -> Settlement:
        """The message is claimed. `planned` as the answer: a definite refusal for now, to be tried again.

        Any other error of the channel is raised and leaves the claim as it is: nobody knows whether the message went out.
        """
        try:
            async with asyncio.timeout(SEND_TIMEOUT.total_seconds()):
                receipt = await self._channels[kind].send(_outgoing(message))
        except ChannelError as error:
            state = MessageState.FAILED if error.permanent else MessageState.PLANNED
            retry_after = min(error.retry_after, LONGEST_RETRY_AFTER) if error.retry_after else None
            return Settlement(message.id, state, reason=cut(str(error)), retry_after=retry_after)
        return Settlement(message.id, MessageState.ACCEPTED, provider_id=receipt.provider_id)

    async def resolve(self, message: Message, kind: ChannelKind) -> Settlement:
        """An interrupted send: ask the channel. `planned`: it never got the message, so it may be sent.

        Raises StillSending when the claim is young. The answer is about this claim, and settles no later one.
        """
        check_interrupted(message)
        try:
            async with asyncio.timeout(SEND_TIMEOUT.total_seconds()):
                receipt = await self._channels[kind].find(_outgoing(message))
        except CannotAsk:
            reason = "interrupted, and the provider cannot be asked"
            return Settlement(message.id, MessageState.UNKNOWN, reason=reason, claimed_at=message.sending_at)
        if receipt is None:
            return Settlement(message.id, MessageState.PLANNED, claimed_at=message.sending_at)
        return Settlement(message.id, MessageState.ACCEPTED, provider_id=receipt.provider_id, claimed_at=message.sending_at)
