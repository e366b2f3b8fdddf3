"""Decides what becomes of a message that its provider refuses for now: when it is tried again, and when it is given up.

It is the one rule for a campaign's messages and an enrollment's. The day counts from the message's first refusal, so a message
that waits in line behind a slow provider loses nothing of it. A message that is too late at its next attempt is given up at once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from models.base import now
from models.messages.ledger import SendResult
from models.messages.message import Message, MessageState
from models.texts.text import cut

GIVE_UP_AFTER = timedelta(days=1)
"""A message that could not be sent for a day after its first refusal is not worth sending any more."""

SHORTEST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=5)
"""The shortest and the longest time between two attempts, when the provider does not say how long to wait. A day has about 320
attempts."""

LONGEST_RETRY_AFTER = timedelta(hours=1)
"""A provider's Retry-After is followed for this long at most: a wrong one must not keep a message until it is given up."""


def refused(message: Message, reason: str, retry_after: timedelta | None = None) -> SendResult:
    """The message is planned again, with the time of its next attempt, or it has failed because its day is over, or because the
    next attempt would come after `late_after`.

    `retry_after` is what the provider asks for. With None, the wait grows with the time since the first refusal.
    """
    at = now()
    first = message.refused_at or at
    if at - first >= GIVE_UP_AFTER:
        return SendResult(message.id, MessageState.FAILED, reason=cut(f"given up after a day: {reason}"))
    wait = wait_after(at - first, retry_after)
    if message.late_after is not None and at + wait >= message.late_after:
        reason = cut(f"given up, because it would be too late at the next attempt: {reason}")
        return SendResult(message.id, MessageState.FAILED, reason=reason)
    return SendResult(
        message.id, MessageState.PLANNED, reason=cut(reason), refused_at=at, retry_at=at + wait, asked=retry_after is not None
    )


def retry_page_at(refused: Sequence[SendResult]) -> datetime:
    """When messages that were refused together are tried again: when the provider wants it, and otherwise soon, because a
    provider that takes one message a second refuses all others of that second."""
    asked = [each.retry_at for each in refused if each.retry_at and each.asked]
    return max(asked, default=now() + SHORTEST_WAIT)


def wait_after(refused_for: timedelta, retry_after: timedelta | None = None) -> timedelta:
    """A quarter of the time since the first refusal, from 1 second to 5 minutes, unless the provider says how long."""
    if retry_after is not None:
        return min(max(retry_after, SHORTEST_WAIT), LONGEST_RETRY_AFTER)
    return min(max(refused_for / 4, SHORTEST_WAIT), LONGEST_WAIT)
