"""The message of one step: sent once, whatever happens between the claim and the answer."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col
from temporalio.exceptions import ApplicationError

from activities.channels.base import ChannelError, Outgoing, Receipt
from activities.delivery import RefusedForNow, StillSending
from models import wire
from models.base import now
from models.enrollment import Enrollment, EnrollmentState, get_enrollment, request_stop
from models.event import Event
from models.ledger import INTERRUPTED_AFTER
from models.message import MessageState
from tests.sending import Provider, Sending

LOST = ConnectionResetError("connection reset by peer")


async def enrolled(sending: Sending, **fields: Any) -> tuple[Enrollment, str]:
    """An enrollment, and the address of its contact."""
    (contact,) = await sending.contacts(**fields)
    return await sending.enrollment(contact), contact.phone or ""


async def test_a_message_lost_before_the_provider_got_it_is_sent_by_a_later_attempt(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    provider.before[phone] = LOST
    with pytest.raises(ConnectionResetError):
        await sending.send_step(enrollment)
    provider.before.clear()
    await sending.make_claims_old()
    assert (await sending.send_step(enrollment)).state == "accepted"
    assert provider.times() == {phone: 1}
    assert len(provider.asked) == 1


async def test_a_message_whose_answer_was_lost_is_accepted_without_a_second_send(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    provider.after[phone] = LOST
    with pytest.raises(ConnectionResetError):
        await sending.send_step(enrollment)
    await sending.make_claims_old()
    assert (await sending.send_step(enrollment)).state == "accepted"
    assert provider.times() == {phone: 1}
    message = await sending.message()
    assert message.provider_id == f"provider-{message.id}"
    assert message.accepted_at is not None


async def test_an_interrupted_message_is_unknown_when_the_provider_cannot_be_asked(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    provider.before[phone] = LOST
    provider.askable = False
    with pytest.raises(ConnectionResetError):
        await sending.send_step(enrollment)
    provider.before.clear()
    await sending.make_claims_old()
    for _ in range(2):
        assert (await sending.send_step(enrollment)).state == "unknown"
    assert provider.taken == []


async def test_an_attempt_cancelled_while_sending_leaves_its_claim(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    provider.hangs = True
    attempt = asyncio.create_task(sending.send_step(enrollment))
    await provider.called.wait()
    attempt.cancel()
    with suppress(asyncio.CancelledError):
        await attempt
    assert (await sending.message()).state == MessageState.SENDING
    provider.hangs = False
    await sending.make_claims_old()
    assert (await sending.send_step(enrollment)).state == "accepted"
    assert provider.times() == {phone: 1}


async def test_a_young_claim_is_left_alone(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    provider.before[phone] = LOST
    with pytest.raises(ConnectionResetError):
        await sending.send_step(enrollment)
    with pytest.raises(ApplicationError, match="may still be sending") as caught:
        await sending.send_step(enrollment)
    assert caught.value.next_retry_delay is not None
    assert timedelta(0) < caught.value.next_retry_delay <= INTERRUPTED_AFTER
    assert provider.asked == []


class Crossing(Provider):
    """The second answer to "what became of it?" comes when the first asker is already sending, which ends with `release`."""

    def __init__(self) -> None:
        super().__init__()
        self.release = asyncio.Event()

    async def find(self, message: Outgoing) -> Receipt | None:
        found = await super().find(message)
        if len(self.asked) == 2:
            await self.called.wait()
        return found

    async def send(self, message: Outgoing) -> Receipt:
        self.called.set()
        await self.release.wait()
        return await super().send(message)


async def test_an_answer_about_an_old_claim_does_not_free_a_new_one(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    provider.before[phone] = LOST
    with pytest.raises(ConnectionResetError):
        await sending.send_step(enrollment)
    await sending.make_claims_old()
    crossing = Crossing()
    attempts = [asyncio.create_task(sending.by(crossing).send_step(enrollment)) for _ in range(2)]
    (late,), _ = await asyncio.wait(attempts, return_when=asyncio.FIRST_COMPLETED, timeout=60)
    assert isinstance(late.exception(), StillSending)
    crossing.release.set()
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert [each.state for each in results if not isinstance(each, BaseException)] == ["accepted"]
    assert crossing.times() == {phone: 1}


async def test_two_attempts_at_once_send_once(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    await asyncio.gather(*(sending.send_step(enrollment) for _ in range(4)), return_exceptions=True)
    assert provider.times() == {phone: 1}


async def test_a_refusal_for_now_is_planned_again_and_tried_again(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    provider.before[phone] = ChannelError("too many messages this second", permanent=False)
    with pytest.raises(ApplicationError, match="too many messages this second"):
        await sending.send_step(enrollment)
    assert (await sending.message()).state == MessageState.PLANNED
    provider.before.clear()
    assert (await sending.send_step(enrollment)).state == "accepted"
    assert provider.times() == {phone: 1}


@pytest.mark.parametrize(
    ("state", "message"),
    [("failed", ("failed", "given up: too many messages this second")), ("stopped", ("skipped", "enrollment_over"))],
)
async def test_what_an_enrollment_has_not_sent_at_its_end_is_settled(
    sending: Sending, provider: Provider, state: wire.FinalState, message: tuple[str, str]
) -> None:
    enrollment, phone = await enrolled(sending)
    provider.before[phone] = ChannelError("too many messages this second", permanent=False)
    with pytest.raises(RefusedForNow):
        await sending.send_step(enrollment)
    await sending.end(enrollment, state, "activity ScheduleToClose timeout")
    left = await sending.message()
    assert (left.state, left.reason) == message


async def test_an_interrupted_message_of_an_enrollment_that_is_over_is_unknown(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    provider.before[phone] = LOST
    with pytest.raises(ConnectionResetError):
        await sending.send_step(enrollment)
    await sending.make_claims_old()
    await sending.end(enrollment, "failed", "activity ScheduleToClose timeout")
    assert (await sending.message()).state == MessageState.UNKNOWN


async def test_a_refusal_for_good_is_a_result_with_its_reason(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    provider.before[phone] = ChannelError("this number does not exist", permanent=True)
    for _ in range(2):
        result = await sending.send_step(enrollment)
        assert (result.state, result.reason) == ("failed", "this number does not exist")


async def test_a_contact_without_the_address_is_skipped(sending: Sending, provider: Provider) -> None:
    enrollment, _ = await enrolled(sending, phone=None, email="ada@example.com")
    result = await sending.send_step(enrollment)
    assert (result.state, result.reason) == ("skipped", "no_phone")
    assert provider.taken == []


async def test_an_enrollment_that_is_over_sends_nothing(sending: Sending, provider: Provider) -> None:
    enrollment, _ = await enrolled(sending)
    await sending.change(enrollment, state=EnrollmentState.STOPPED, finished_at=now())
    result = await sending.send_step(enrollment)
    assert (result.state, result.reason) == ("skipped", "enrollment_over")
    assert provider.taken == []


async def test_a_stop_between_two_attempts_wins(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    provider.before[phone] = ChannelError("later", permanent=False)
    with pytest.raises(ApplicationError):
        await sending.send_step(enrollment)
    provider.before.clear()
    await sending.change(enrollment, state=EnrollmentState.STOPPED, finished_at=now())
    assert (await sending.send_step(enrollment)).state == "skipped"
    assert provider.taken == []


async def test_an_accepted_stop_wins_before_its_workflow_has_noticed(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    provider.before[phone] = ChannelError("later", permanent=False)
    with pytest.raises(RefusedForNow):
        await sending.send_step(enrollment)
    provider.before.clear()
    async with sending.database.transaction() as session:
        await request_stop(session, await get_enrollment(session, sending.org_id, enrollment.id, lock=True))
    result = await sending.send_step(enrollment)
    assert (result.state, result.reason) == ("skipped", "enrollment_over")
    assert provider.taken == []


async def test_a_repeated_activity_sends_once(simulated: Sending) -> None:
    enrollment, _ = await enrolled(simulated)
    first = await simulated.send_step(enrollment)
    assert first.state == "accepted"
    assert await simulated.send_step(enrollment) == first
    assert len(await simulated.inbox()) == 1


async def test_each_visit_sends_its_own_message(simulated: Sending) -> None:
    enrollment, _ = await enrolled(simulated)
    await simulated.send_step(enrollment, visit=1)
    await simulated.send_step(enrollment, visit=3)
    first, second = await simulated.messages()
    assert (first.visit, second.visit) == (1, 3)
    assert first.ordinal != second.ordinal
    assert len(await simulated.inbox()) == 2


async def test_the_enrollment_shows_the_step_from_the_claim_on(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    provider.before[phone] = LOST
    with pytest.raises(ConnectionResetError):
        await sending.send_step(enrollment)
    async with sending.database.transaction() as session:
        row = await session.get_one(Enrollment, enrollment.id)
        kinds = (await session.scalars(select(col(Event.kind)).where(col(Event.enrollment_id) == enrollment.id))).all()
    assert (row.state, row.step_key, row.visit) == ("running", "hello", 1)
    assert kinds == ["step_entered"]
