"""A page of a campaign: everybody gets one message, whatever interrupts it."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities import heartbeats
from activities.channels.base import ChannelError, Outgoing, Receipt
from activities.channels.simulator import Simulator
from activities.delivery import LONGEST_RETRY_AFTER, RefusedForNow, StillSending
from activities.send_page import CHUNK, TRIES
from models.message import MessageState
from tests.sending import CODEC, Provider, Sending
from tracking.token import Token
from workflows import policies

LOST = ConnectionResetError("connection reset by peer")


class Killed(Simulator):
    """Delivers to `deliveries` phones, and then the worker dies: nothing that was on its way is recorded."""

    def __init__(self, sending: Sending, deliveries: int) -> None:
        super().__init__(sending.database)
        self.left = deliveries
        self.dead = asyncio.Event()

    async def send(self, message: Outgoing) -> Receipt:
        if self.left <= 0:
            self.dead.set()
            await asyncio.Event().wait()
        self.left -= 1
        return await super().send(message)


@pytest.mark.parametrize("deliveries", [0, 10, CHUNK + 10])
async def test_a_page_killed_in_the_middle_and_resumed_sends_each_contact_exactly_once(
    simulated: Sending, deliveries: int
) -> None:
    contacts = await simulated.contacts(CHUNK * 2 + 20)
    campaign = await simulated.campaign()
    killed = Killed(simulated, deliveries)
    attempt = asyncio.create_task(simulated.by(killed).send_page(campaign))
    await killed.dead.wait()
    attempt.cancel()
    with suppress(asyncio.CancelledError):
        await attempt
    with pytest.raises(StillSending):
        await simulated.send_page(campaign)
    await simulated.make_claims_old()
    result = await simulated.send_page(campaign)
    assert (result.accepted, result.failed) == (len(contacts), 0)
    received = Counter(each.to_address for each in await simulated.inbox())
    assert received == {contact.phone: 1 for contact in contacts}


async def test_interrupted_messages_of_a_provider_that_cannot_be_asked_are_unknown(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(3)
    campaign = await sending.campaign()
    provider.before[contacts[1].phone or ""] = LOST
    provider.askable = False
    with pytest.raises(ConnectionResetError):
        await sending.send_page(campaign)
    provider.before.clear()
    await sending.make_claims_old()
    result = await sending.send_page(campaign)
    assert (result.accepted, result.failed) == (2, 1)
    assert provider.times() == {contacts[0].phone: 1, contacts[2].phone: 1}


async def test_one_lost_answer_does_not_hide_the_others(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(3)
    campaign = await sending.campaign()
    provider.after[contacts[0].phone or ""] = LOST
    with pytest.raises(ConnectionResetError):
        await sending.send_page(campaign)
    states = Counter(each.state for each in await sending.messages())
    assert states == {MessageState.ACCEPTED: 2, MessageState.SENDING: 1}


async def test_a_refusal_for_now_is_tried_again_and_the_rest_of_the_page_goes_out(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(CHUNK + 1)
    campaign = await sending.campaign()
    provider.before[contacts[0].phone or ""] = ChannelError("slow down", permanent=False)
    with pytest.raises(ApplicationError, match="1 messages were refused for now"):
        await sending.send_page(campaign)
    assert len(provider.taken) == CHUNK
    provider.before.clear()
    result = await sending.send_page(campaign)
    assert result.accepted == CHUNK + 1
    assert set(provider.times().values()) == {1}


async def test_refusals_do_not_keep_the_next_page_waiting(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(3)
    campaign = await sending.campaign()
    provider.before[contacts[0].phone or ""] = ChannelError("slow down", permanent=False)
    page = await sending.send_page(campaign, size=2, attempt=TRIES)
    assert (page.planned, page.accepted, page.refused, page.cursor) == (2, 1, 1, contacts[1].id)
    assert (await sending.send_page(campaign, cursor=page.cursor, size=2)).accepted == 1
    (refused,) = [each for each in await sending.messages() if each.state == MessageState.PLANNED]
    assert refused.reason == "slow down"
    provider.before.clear()
    whole = await sending.send_refused(campaign)
    assert (whole.planned, whole.accepted, whole.refused) == (3, 3, 0)
    assert set(provider.times().values()) == {1}


async def test_a_page_is_alive_while_a_provider_does_not_answer(
    sending: Sending, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeats, "BEAT_SECONDS", 0)
    await sending.contacts(1)
    campaign = await sending.campaign()
    provider.hangs = True
    attempt = asyncio.create_task(sending.send_page(campaign))
    await provider.called.wait()
    before = sending.heartbeats
    async with asyncio.timeout(20):
        while sending.heartbeats < before + 10:  # noqa: ASYNC110 - a counter has no event
            await asyncio.sleep(0)
    attempt.cancel()
    with suppress(asyncio.CancelledError):
        await attempt
    ended = sending.heartbeats
    await asyncio.sleep(0)
    assert sending.heartbeats == ended


def test_a_dead_worker_is_noticed_after_several_missed_beats() -> None:
    for policy in (policies.PAGE, policies.REFUSED, policies.SWEEP):
        assert policy["heartbeat_timeout"] >= timedelta(seconds=3 * heartbeats.BEAT_SECONDS)


async def test_only_the_chunk_that_was_interrupted_waits_until_its_claims_are_old(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(CHUNK * 3)
    campaign = await sending.campaign()
    provider.before[contacts[CHUNK].phone or ""] = LOST  # in the second chunk
    with pytest.raises(ConnectionResetError):
        await sending.send_page(campaign)
    provider.before.clear()
    with pytest.raises(StillSending):
        await sending.send_page(campaign)
    assert len(provider.times()) == len(contacts) - 1


async def test_what_is_refused_for_a_day_has_failed(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(CHUNK + 1)
    campaign = await sending.campaign()
    provider.before = {contact.phone or "": ChannelError("slow down", permanent=False) for contact in contacts}
    assert (await sending.send_page(campaign, attempt=TRIES)).refused == CHUNK + 1
    assert (await sending.send_refused(campaign)).refused == CHUNK + 1
    await sending.make_messages_old()
    whole = await sending.send_refused(campaign)
    assert (whole.failed, whole.refused) == (CHUNK + 1, 0)
    assert {each.reason for each in await sending.messages()} == {"given up after a day: slow down"}


async def test_a_provider_says_when_it_wants_to_be_asked_again(sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts(1)
    campaign = await sending.campaign()
    for wait in (None, timedelta(seconds=7), timedelta(days=3)):
        provider.before = {contact.phone or "": ChannelError("slow down", permanent=False, retry_after=wait)}
        with pytest.raises(RefusedForNow) as caught:
            await sending.send_page(campaign)
        assert caught.value.next_retry_delay == (wait and min(wait, LONGEST_RETRY_AFTER))


async def test_a_refusal_for_good_is_counted_and_not_tried_again(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(2)
    campaign = await sending.campaign()
    provider.before[contacts[0].phone or ""] = ChannelError("this number does not exist", permanent=True)
    result = await sending.send_page(campaign)
    assert (result.planned, result.accepted, result.failed) == (2, 1, 1)
    provider.before.clear()
    assert await sending.send_page(campaign) == result
    assert len(provider.taken) == 1


async def test_two_attempts_at_one_page_send_each_contact_once(sending: Sending, provider: Provider) -> None:
    """The second one comes when Temporal has given up a worker that is only slow."""
    contacts = await sending.contacts(20)
    campaign = await sending.campaign()
    await asyncio.gather(*(sending.send_page(campaign) for _ in range(3)), return_exceptions=True)
    await sending.make_claims_old()
    assert (await sending.send_page(campaign)).accepted == 20
    assert provider.times() == {contact.phone: 1 for contact in contacts}


async def test_two_attempts_at_refused_messages_send_each_once(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(20)
    campaign = await sending.campaign()
    provider.before = {contact.phone or "": ChannelError("slow down", permanent=False) for contact in contacts}
    with pytest.raises(ApplicationError):
        await sending.send_page(campaign)
    provider.before = {}
    await asyncio.gather(*(sending.send_page(campaign) for _ in range(3)), return_exceptions=True)
    assert provider.times() == {contact.phone: 1 for contact in contacts}


async def test_contacts_without_the_address_are_skipped_with_a_reason(sending: Sending, provider: Provider) -> None:
    await sending.contacts(2, phone=None)
    await sending.contacts(1)
    result = await sending.send_page(await sending.campaign())
    assert (result.planned, result.accepted, result.skipped) == (3, 1, 2)
    assert Counter(each.reason for each in await sending.messages()) == {None: 1, "no_phone": 2}


async def test_a_text_that_cannot_be_kept_fails_one_message_and_stops_nobody_else(sending: Sending, provider: Provider) -> None:
    (odd,) = await sending.contacts(1, properties={"note": "%00"})
    contacts = await sending.contacts(2, properties={"note": "welcome"})
    campaign = await sending.campaign("{{ contact.properties.note | url_decode }}: https://example.com")
    result = await sending.send_page(campaign)
    assert (result.accepted, result.failed) == (2, 1)
    assert provider.times() == {contact.phone: 1 for contact in contacts}
    (failed,) = [each for each in await sending.messages() if each.state == MessageState.FAILED]
    assert failed.contact_id == odd.id
    assert "cannot be stored" in (failed.reason or "")


async def test_a_contact_that_leaves_the_audience_while_it_is_being_sent_to_is_settled(
    sending: Sending, provider: Provider
) -> None:
    contacts = await sending.contacts(3)
    campaign = await sending.campaign()
    provider.before[contacts[1].phone or ""] = LOST
    with pytest.raises(ConnectionResetError):
        await sending.send_page(campaign)
    provider.before.clear()
    await sending.change(contacts[1], tags=[])
    await sending.make_claims_old()
    result = await sending.send_page(campaign)
    assert (result.planned, result.accepted) == (3, 3)
    assert set(provider.times().values()) == {1}


async def test_a_contact_that_loses_its_tag_before_its_page_is_left_out(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(2)
    campaign = await sending.campaign()
    await sending.change(contacts[1], tags=[])
    await sending.send_page(campaign)
    assert provider.times() == {contacts[0].phone: 1}


async def test_contacts_added_after_the_launch_are_not_in_it(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(2)
    campaign = await sending.campaign()
    await sending.contacts(2)
    result = await sending.send_page(campaign)
    assert (result.accepted, result.cursor) == (2, None)
    assert provider.times() == {contact.phone: 1 for contact in contacts}


async def test_pages_end_where_the_next_one_begins(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(4)
    campaign = await sending.campaign()
    first = await sending.send_page(campaign, size=2)
    assert first.cursor == contacts[1].id
    second = await sending.send_page(campaign, cursor=first.cursor, size=2)
    assert second.cursor == contacts[3].id
    last = await sending.send_page(campaign, cursor=second.cursor, size=2)
    assert (last.planned, last.cursor) == (0, None)
    assert provider.times() == {contact.phone: 1 for contact in contacts}


async def test_a_contact_named_and_tagged_gets_one_message(sending: Sending, provider: Provider) -> None:
    tagged, *_ = await sending.contacts(1)
    named, *_ = await sending.contacts(1, tags=[])
    await sending.contacts(1, tags=["others"])
    ids = [str(tagged.id), str(named.id)]
    await sending.send_page(await sending.campaign(audience={"tags": ["all", "vip"], "contact_ids": ids}))
    assert provider.times() == {tagged.phone: 1, named.phone: 1}


async def test_every_recipient_has_a_token_of_their_own(simulated: Sending) -> None:
    await simulated.contacts(3)
    campaign = await simulated.campaign()
    await simulated.send_page(campaign)
    tokens = [CODEC.decode(each.body.rpartition("/")[2]) for each in await simulated.inbox()]
    ordinals = [each.ordinal for each in await simulated.messages()]
    assert sorted(filter(None, tokens)) == sorted(Token(campaign.content_id or 0, ordinal, 0) for ordinal in ordinals)
    assert len(set(tokens)) == 3
