"""What a channel is: something that takes one message and says what became of it.

A new channel is one file with a class like this, a line in `registry.py`, and a `ChannelKind`.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class Outgoing:
    """A message that is ready to go: rendered, with its links as the contact will see them. `html` is the HTML part of an e-mail,
    beside its text."""

    message_id: UUID
    channel_id: UUID
    to_address: str
    subject: str | None
    body: str
    html: str | None = None


@dataclass(frozen=True)
class Receipt:
    """The provider has taken the message; `provider_id` is its name for it."""

    provider_id: str


class ChannelError(Exception):
    """A definite refusal: the message was not sent. `permanent` means that trying again will not help.

    `retry_after` is how long the provider asks us to wait; at most an hour of it is respected.
    """

    def __init__(self, message: str, *, permanent: bool, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


class CannotAsk(Exception):
    """This provider cannot be asked what became of a message."""


class Channel(Protocol):
    """Sends the message. Any exception other than ChannelError means that nobody knows whether it was sent."""

    async def send(self, message: Outgoing) -> Receipt: ...

    async def find(self, message: Outgoing) -> Receipt | None:
        """Returns what became of a send without an answer, or None when the message never arrived. Raises CannotAsk."""
        ...
