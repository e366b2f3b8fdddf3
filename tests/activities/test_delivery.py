"""What a channel's answer, silence or error means for a claimed message."""

from datetime import timedelta

import pytest

from activities import delivery
from activities.delivery import SEND_TIMEOUT, StillSending
from models.base import new_id, now
from models.database import Database
from models.messages.ledger import INTERRUPTED_AFTER
from models.messages.message import Message, MessageState
from services.channels.base import ChannelError
from tests.sending import Always, Provider, deliver_by
from workflows import policies

PHONE = "+491511"


def claimed(age: timedelta = timedelta(hours=1)) -> Message:
    return Message(
        org_id=new_id(),
        contact_id=new_id(),
        channel_id=new_id(),
        content_id=1,
        recipient_number=1,
        tracked=True,
        to_address=PHONE,
        body="x",
        state=MessageState.SENDING,
        sending_at=now() - age,
    )


async def test_a_provider_that_never_answers_is_given_up(
    database: Database, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "SEND_TIMEOUT", timedelta(milliseconds=10))
    provider.hangs = True
    with pytest.raises(TimeoutError):
        await deliver_by(Always(provider), database).send(claimed())


@pytest.mark.parametrize(("permanent", "state"), [(True, MessageState.FAILED), (False, MessageState.PLANNED)])
async def test_a_refusal_says_whether_trying_again_helps(
    database: Database, provider: Provider, permanent: bool, state: MessageState
) -> None:
    provider.before[PHONE] = ChannelError("no " * 500, permanent=permanent)
    result = await deliver_by(Always(provider), database).send(claimed())
    assert result.state == state
    assert len(result.reason or "") == 500


async def test_any_other_error_says_nothing_about_the_message(database: Database, provider: Provider) -> None:
    provider.before[PHONE] = OSError("no route")
    with pytest.raises(OSError, match="no route"):
        await deliver_by(Always(provider), database).send(claimed())


async def test_a_young_claim_is_not_looked_into(database: Database, provider: Provider) -> None:
    with pytest.raises(StillSending):
        await deliver_by(Always(provider), database).resolve(claimed(timedelta(0)))
    assert provider.asked == []


async def test_what_is_found_out_is_about_this_claim(database: Database, provider: Provider) -> None:
    message = claimed()
    result = await deliver_by(Always(provider), database).resolve(message)
    assert (result.state, result.claimed_at) == (MessageState.PLANNED, message.sending_at)


def test_an_attempt_is_over_before_another_may_look_into_its_claim() -> None:
    assert SEND_TIMEOUT < INTERRUPTED_AFTER
    assert policies.TURN["start_to_close_timeout"] > SEND_TIMEOUT


def test_the_time_that_a_turn_stands_in_its_queue_is_not_limited() -> None:
    """With a channel that takes one message a second, the 90,000th in line is sent."""
    assert set(policies.TURN) == {"start_to_close_timeout", "retry_policy"}
    retries = policies.TURN["retry_policy"]
    assert retries is not None
    assert retries.maximum_attempts == 0
