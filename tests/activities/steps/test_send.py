"""The message of one step: sent once, whatever happens between the claim and the answer."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.take_turn import STOPPED
from models.base import now
from models.commands.command import CommandKind
from models.messages import ledger
from models.messages.ledger import INTERRUPTED_AFTER
from models.messages.message import Message, MessageState
from models.sequences.enrollment import Enrollment, EnrollmentState
from models.sequences.event import Event
from models.wire.enrollments import FinalState, Later
from services.channels.base import ChannelError, Outgoing, Receipt
from services.commands.issue import issue
from tests.models.contacts.test_lock import until_somebody_waits
from tests.sending import Provider, Sending, StepSent

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
    rest = (await sending.send_step(enrollment)).rest
    assert isinstance(rest, Later)
    assert now() < rest.at <= now() + INTERRUPTED_AFTER
    assert provider.asked == []


async def test_a_message_and_its_links_show_the_variables_of_the_enrollment(simulated: Sending) -> None:
    (contact,) = await simulated.contacts()
    offer = "{{ enrollment.variables.offer }}"
    body = f"{offer} {{{{ enrollment.variables.none }}}}: https://example.com/?o={offer}"
    enrollment = await simulated.enrollment(contact, body=body)
    await simulated.change(enrollment, variables={"offer": "spring & more"})
    await simulated.send_step(enrollment)
    assert ((await simulated.message()).body or "").startswith("spring & more : https://l.test/")
    (link,) = await simulated.personal_links()
    assert link.url == "https://example.com/?o=spring%20%26%20more"


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
    assert isinstance(late.result().rest, Later)
    crossing.release.set()
    results = await asyncio.gather(*attempts)
    assert sorted(each.rest.kind for each in results) == ["later", "waiting"]
    assert crossing.times() == {phone: 1}


async def test_two_attempts_at_once_send_once(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    results = await asyncio.gather(*(sending.turn(enrollment) for _ in range(4)))
    assert {each.rest.kind for each in results} <= {"waiting", "later"}
    assert provider.times() == {phone: 1}


async def test_an_attempt_that_waited_for_the_claim_of_another_one_does_not_send(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrollment, phone = await enrolled(sending)
    add, added = ledger.add_claimed, []

    async def add_and_be_waited_for(session: AsyncSession, message: Message) -> bool:
        added.append(await add(session, message))
        if added == [True]:
            await until_somebody_waits(sending.database)
        return added[-1]

    monkeypatch.setattr(ledger, "add_claimed", add_and_be_waited_for)
    crossing = Crossing()
    attempts = [asyncio.create_task(sending.by(crossing).send_step(enrollment)) for _ in range(2)]
    (late,), _ = await asyncio.wait(attempts, return_when=asyncio.FIRST_COMPLETED, timeout=60)
    assert isinstance(late.result().rest, Later)
    crossing.release.set()
    await asyncio.gather(*attempts)
    assert (added, crossing.times(), len(await sending.messages())) == ([True, False], {phone: 1}, 1)


async def test_a_stop_that_an_attempt_waited_for_wins(sending: Sending, provider: Provider) -> None:
    enrollment, _ = await enrolled(sending)
    async with sending.database.transaction() as session:
        await issue(session, sending.org_id, enrollment.id, CommandKind.STOP)
        attempt = asyncio.create_task(sending.send_step(enrollment))
        await until_somebody_waits(sending.database)
    assert (await attempt).rest == STOPPED
    assert (provider.taken, await sending.messages()) == ([], [])


async def test_a_refusal_for_now_is_planned_again_and_tried_again(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    provider.before[phone] = ChannelError("too many messages this second", permanent=False)
    refused = await sending.send_step(enrollment)
    assert isinstance(refused.rest, Later)
    assert refused.state == MessageState.PLANNED
    provider.before.clear()
    assert (await sending.send_step(enrollment)).state == "accepted"
    assert provider.times() == {phone: 1}


@pytest.mark.parametrize(
    ("state", "message"),
    [("failed", ("failed", "given up: too many messages this second")), ("stopped", ("skipped", "enrollment_over"))],
)
async def test_what_an_enrollment_has_not_sent_at_its_end_is_closed(
    sending: Sending, provider: Provider, state: FinalState, message: tuple[str, str]
) -> None:
    enrollment, phone = await enrolled(sending)
    provider.before[phone] = ChannelError("too many messages this second", permanent=False)
    assert isinstance((await sending.send_step(enrollment)).rest, Later)
    await sending.end(enrollment, state, "gave up after 10 attempts")
    left = await sending.message()
    assert (left.state, left.reason) == message


async def test_a_refusal_for_good_is_a_result_whose_reason_stays_in_the_row(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    provider.before[phone] = ChannelError("this number does not exist", permanent=True)
    for _ in range(2):
        turn = await sending.turn(enrollment)
        assert (turn.previous_outcome, turn.sent) == ("failed", ())
        assert "number" not in turn.model_dump_json()  # a provider quotes numbers
    assert (await sending.message()).reason == "this number does not exist"


async def test_a_contact_without_the_address_is_skipped(sending: Sending, provider: Provider) -> None:
    enrollment, _ = await enrolled(sending, phone=None, email="ada@example.com")
    result = await sending.send_step(enrollment)
    assert (result.state, result.reason) == ("skipped", "no_phone")
    assert provider.taken == []


async def test_an_enrollment_that_is_over_sends_nothing(sending: Sending, provider: Provider) -> None:
    enrollment, _ = await enrolled(sending)
    await sending.change(enrollment, state=EnrollmentState.STOPPED, finished_at=now())
    assert (await sending.turn(enrollment)).rest == STOPPED
    assert (provider.taken, await sending.messages()) == ([], [])


async def test_a_stop_between_two_attempts_wins(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    provider.before[phone] = ChannelError("later", permanent=False)
    assert isinstance((await sending.send_step(enrollment)).rest, Later)
    provider.before.clear()
    await sending.end(enrollment, "stopped", "enough")
    assert (await sending.send_step(enrollment)).state == "skipped"
    assert provider.taken == []


async def test_an_accepted_stop_wins_before_its_workflow_has_noticed(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    provider.before[phone] = ChannelError("later", permanent=False)
    assert isinstance((await sending.send_step(enrollment)).rest, Later)
    provider.before.clear()
    async with sending.database.transaction() as session:
        await issue(session, sending.org_id, enrollment.id, CommandKind.STOP)
    assert await sending.send_step(enrollment) == StepSent("skipped", "enrollment_over", STOPPED)
    assert provider.taken == []


async def test_a_repeated_activity_sends_once(simulated: Sending) -> None:
    enrollment, _ = await enrolled(simulated)
    first = await simulated.send_step(enrollment)
    assert first.state == "accepted"
    again = await simulated.send_step(enrollment)
    assert (again.state, again.rest) == (first.state, first.rest)
    assert len(await simulated.inbox()) == 1


async def test_each_visit_sends_its_own_message(simulated: Sending) -> None:
    enrollment, _ = await enrolled(simulated)
    await simulated.send_step(enrollment, step_run=1)
    await simulated.send_step(enrollment, step_run=3)
    first, second = await simulated.messages()
    assert (first.step_run, second.step_run) == (1, 3)
    assert first.recipient_number != second.recipient_number
    assert len(await simulated.inbox()) == 2


async def test_the_enrollment_shows_the_step_from_the_claim_on(sending: Sending, provider: Provider) -> None:
    enrollment, phone = await enrolled(sending)
    provider.before[phone] = LOST
    with pytest.raises(ConnectionResetError):
        await sending.send_step(enrollment)
    async with sending.database.transaction() as session:
        row = await session.get_one(Enrollment, enrollment.id)
        kinds = (await session.scalars(select(col(Event.kind)).where(col(Event.enrollment_id) == enrollment.id))).all()
    assert (row.state, row.step_key, row.step_run) == ("running", "hello", 1)
    assert kinds == ["step_entered"]
