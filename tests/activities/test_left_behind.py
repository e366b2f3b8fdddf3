"""Messages of what is over get the result that their channel knows, or are closed. None stays on its way for ever."""

from datetime import timedelta

import pytest

from activities import delivery
from models.campaigns.campaign import CampaignState
from models.messages.ledger import SendResult, record_results
from models.messages.message import MessageState
from models.sequences.enrollment import Enrollment
from models.wire.enrollments import FinalState, Later
from services.channels.base import ChannelError, Outgoing, Receipt
from tests.plans import scans_without_index, statements
from tests.sending import Provider, Sending

LOST = ConnectionResetError("connection reset by peer")


async def interrupted(sending: Sending, provider: Provider, *, arrived: bool) -> Enrollment:
    """An enrollment whose message's call was interrupted before or after the provider took it."""
    (contact,) = await sending.contacts()
    enrollment = await sending.enrollment(contact)
    (provider.after if arrived else provider.before)[contact.phone or ""] = LOST
    with pytest.raises(ConnectionResetError):
        await sending.send_step(enrollment)
    return enrollment


async def test_a_message_that_arrived_is_accepted_although_its_enrollment_was_stopped_meanwhile(
    sending: Sending, provider: Provider
) -> None:
    enrollment = await interrupted(sending, provider, arrived=True)
    await sending.make_claims_old()
    await sending.end(enrollment, "stopped", "stopped by request")
    assert (await sending.message()).state == MessageState.SENDING
    assert await sending.left_behind.close_messages() == 1
    message = await sending.message()
    assert (message.state, message.provider_id) == (MessageState.ACCEPTED, f"provider-{message.id}")
    assert await sending.left_behind.close_messages() == 0
    assert sum(provider.times().values()) == 1


async def test_an_interrupted_message_of_a_step_that_somebody_moved_on_from_is_asked_about_and_not_sent(
    sending: Sending, provider: Provider
) -> None:
    enrollment = await interrupted(sending, provider, arrived=False)
    assert isinstance((await sending.turn(enrollment)).rest, Later)
    await sending.turn(enrollment, 2, step_key="pause", previous_outcome="moved")
    await sending.make_claims_old()
    assert await sending.left_behind.close_messages() == 1
    message = await sending.message()
    assert (message.state, message.reason) == (MessageState.SKIPPED, "moved")
    assert provider.taken == []


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("stopped", (MessageState.SKIPPED, "enrollment_over")),
        ("failed", (MessageState.FAILED, "given up: interrupted before it arrived")),
    ],
)
async def test_a_message_that_never_arrived_is_closed_and_not_sent(
    sending: Sending, provider: Provider, state: FinalState, expected: tuple[str, str]
) -> None:
    enrollment = await interrupted(sending, provider, arrived=False)
    await sending.end(enrollment, state, "ended")
    await sending.make_claims_old()
    assert await sending.left_behind.close_messages() == 1
    message = await sending.message()
    assert (message.state, message.reason) == expected
    assert provider.taken == []


async def test_a_message_whose_provider_cannot_be_asked_is_unknown(sending: Sending, provider: Provider) -> None:
    enrollment = await interrupted(sending, provider, arrived=True)
    provider.askable = False
    await sending.end(enrollment, "stopped", "stopped by request")
    await sending.make_claims_old()
    assert await sending.left_behind.close_messages() == 1
    assert (await sending.message()).state == MessageState.UNKNOWN


async def test_a_claim_that_is_young_or_whose_enrollment_goes_on_is_left_alone(sending: Sending, provider: Provider) -> None:
    enrollment = await interrupted(sending, provider, arrived=True)
    await sending.end(enrollment, "stopped", "stopped by request")
    assert await sending.left_behind.close_messages() == 0
    await sending.make_claims_old()
    await sending.change(enrollment, state="running", finished_at=None)
    assert await sending.left_behind.close_messages() == 0
    assert provider.asked == []


async def test_a_message_whose_provider_does_not_answer_waits_for_a_day_and_holds_up_no_other(
    sending: Sending, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent, other = [await interrupted(sending, provider, arrived=True) for _ in range(2)]
    for each in (silent, other):
        await sending.end(each, "stopped", "stopped by request")
    await sending.make_claims_old()
    (question,) = [each for each in await sending.messages() if each.enrollment_id == silent.id]
    find = Provider.find

    async def away(self: Provider, message: Outgoing) -> Receipt | None:
        if message.message_id == question.id:
            raise ChannelError("away", permanent=False)
        return await find(self, message)

    monkeypatch.setattr(Provider, "find", away)
    assert await sending.left_behind.close_messages() == 1
    states = {each.enrollment_id: each.state for each in await sending.messages()}
    assert states == {silent.id: MessageState.SENDING, other.id: MessageState.ACCEPTED}
    monkeypatch.setattr(delivery, "GIVE_UP_AFTER", timedelta(minutes=30))  # the claims are an hour old
    assert await sending.left_behind.close_messages() == 1
    states = {each.enrollment_id: each.state for each in await sending.messages()}
    assert states[silent.id] == MessageState.UNKNOWN


@pytest.mark.parametrize(
    ("state", "expected"),
    [("stopped", (MessageState.SKIPPED, "enrollment_over")), ("failed", (MessageState.FAILED, "given up: busy"))],
)
async def test_a_refusal_for_now_that_is_recorded_after_the_end_is_closed(
    sending: Sending, provider: Provider, state: FinalState, expected: tuple[str, str]
) -> None:
    """The row was ended by a sweeper or a stop while the channel was being called."""
    enrollment = await interrupted(sending, provider, arrived=False)
    await sending.end(enrollment, state, "ended")
    message = await sending.message()
    async with sending.database.transaction() as session:
        await record_results(session, [SendResult(message.id, MessageState.PLANNED, reason="busy")])
    await sending.left_behind.close_messages()
    message = await sending.message()
    assert (message.state, message.reason) == expected


async def test_a_refusal_for_now_stays_planned_while_its_enrollment_or_campaign_goes_on(
    sending: Sending, provider: Provider
) -> None:
    (contact,) = await sending.contacts()
    provider.before[contact.phone or ""] = ChannelError("busy", permanent=False)
    await sending.send_step(await sending.enrollment(contact))
    campaign = await sending.campaign()
    await sending.send_page(campaign)
    await sending.left_behind.close_messages()
    assert [each.state for each in await sending.messages()] == [MessageState.PLANNED] * 2
    await sending.change(campaign, state=CampaignState.STOPPED, reason="terminated in Temporal")
    await sending.left_behind.close_messages()
    states = {each.campaign_id: (each.state, each.reason) for each in await sending.messages()}
    assert states == {None: (MessageState.PLANNED, "busy"), campaign.id: (MessageState.SKIPPED, "campaign_over")}


async def test_what_was_left_behind_is_found_by_indexes(sending: Sending, provider: Provider) -> None:
    await interrupted(sending, provider, arrived=True)
    with statements(sending.database) as sent:
        await sending.left_behind.close_messages()
    assert await scans_without_index(sending.database, sent) == []


async def test_the_messages_of_a_campaign_that_is_gone_are_asked_about_too(sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    campaign = await sending.campaign()
    provider.after[contact.phone or ""] = LOST
    with pytest.raises(ConnectionResetError):
        await sending.send_page(campaign)
    await sending.make_claims_old()
    assert await sending.left_behind.close_messages() == 0
    await sending.change(campaign, state=CampaignState.STOPPED, reason="terminated in Temporal")
    assert await sending.left_behind.close_messages() == 1
    assert (await sending.message()).state == MessageState.ACCEPTED
