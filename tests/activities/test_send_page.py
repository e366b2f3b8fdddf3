"""A page of a campaign: everybody gets one message, whatever interrupts it."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from activities import heartbeats
from activities.send_page import CHUNK
from models.base import new_id, now
from models.campaigns.campaign import CampaignState
from models.messages.ledger import INTERRUPTED_AFTER
from models.messages.message import MessageState
from services.channels.base import ChannelError, Outgoing, Receipt
from services.channels.simulator import Simulator
from tests.sending import CODEC, Provider, Sending
from tracking.tokens.token import Token
from workflows import policies

LOST = ConnectionResetError("connection reset by peer")


class Killed(Simulator):
    """Delivers to `deliveries` phones, and then the worker dies: nothing that was on its way is recorded."""

    def __init__(self, sending: Sending, deliveries: int) -> None:
        super().__init__(sending.database, new_id())
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
    waits = await simulated.send_page(campaign)
    assert waits.later_at is not None
    assert not waits.last
    assert now() < waits.later_at <= now() + INTERRUPTED_AFTER
    await simulated.make_claims_old()
    result = await simulated.send_page(campaign)
    assert (result.accepted, result.failed, result.last) == (len(contacts), 0, True)
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


async def test_a_refusal_among_others_that_are_taken_holds_up_neither_its_page_nor_the_next(
    sending: Sending, provider: Provider
) -> None:
    contacts = await sending.contacts(4)
    campaign = await sending.campaign()
    provider.before[contacts[0].phone or ""] = ChannelError("slow down", permanent=False)
    page = await sending.send_page(campaign, size=3)
    assert (page.planned, page.accepted, page.refused, page.cursor, page.later_at) == (3, 2, 1, contacts[2].id, None)
    assert (await sending.send_page(campaign, cursor=page.cursor, size=3)).accepted == 1
    (refused,) = [each for each in await sending.messages() if each.state == MessageState.PLANNED]
    assert refused.reason == "slow down"
    provider.before.clear()
    whole = await sending.send_page(campaign, again=True)
    assert (whole.planned, whole.accepted, whole.refused, whole.last) == (4, 4, 0, True)
    assert set(provider.times().values()) == {1}


async def test_a_page_waits_for_a_busy_provider_and_asks_for_nobody_else_until_then(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(CHUNK * 3)
    campaign = await sending.campaign()
    busy = {contact.phone or "": ChannelError("slow down", permanent=False) for contact in contacts[CHUNK:]}
    provider.before = dict(busy)
    page = await sending.send_page(campaign)
    assert (page.cursor, page.last, page.sent, page.accepted, page.refused) == (contacts[CHUNK - 1].id, False, CHUNK, CHUNK, 0)
    assert page.later_at is not None
    asked_for = {each.contact_id for each in await sending.messages()}
    assert asked_for == {contact.id for contact in contacts[: CHUNK * 2]}
    provider.before.clear()
    rest = await sending.send_page(campaign, cursor=page.cursor)
    assert (rest.accepted, rest.last, rest.later_at) == (CHUNK * 2, True, None)
    assert provider.times() == {contact.phone: 1 for contact in contacts}


async def test_a_page_that_insists_goes_on_behind_everybody_whom_the_provider_refuses(
    sending: Sending, provider: Provider
) -> None:
    contacts = await sending.contacts(CHUNK + 1)
    campaign = await sending.campaign()
    provider.before = {contact.phone or "": ChannelError("slow down", permanent=False) for contact in contacts[:CHUNK]}
    page = await sending.send_page(campaign, insist=True)
    assert (page.refused, page.accepted, page.last, page.later_at) == (CHUNK, 1, True, None)


@pytest.mark.parametrize(("asked", "waited"), [(None, 1), (7, 7), (3 * 86_400, 3600)])
async def test_a_provider_says_when_it_wants_to_be_asked_again(
    sending: Sending, provider: Provider, asked: int | None, waited: int
) -> None:
    (contact,) = await sending.contacts(1)
    campaign = await sending.campaign()
    wait = None if asked is None else timedelta(seconds=asked)
    provider.before = {contact.phone or "": ChannelError("slow down", permanent=False, retry_after=wait)}
    before = now()
    page = await sending.send_page(campaign)
    assert page.later_at is not None
    assert before + timedelta(seconds=waited) <= page.later_at <= now() + timedelta(seconds=waited)


async def test_a_campaign_that_is_not_being_sent_any_more_sends_nothing(sending: Sending, provider: Provider) -> None:
    await sending.contacts(2)
    campaign = await sending.campaign()
    await sending.change(campaign, state=CampaignState.STOPPED)
    page = await sending.send_page(campaign)
    assert (page.over, page.planned) == (True, 0)
    assert (provider.taken, await sending.messages()) == ([], [])


async def test_a_campaign_that_ends_while_a_page_is_being_written_sends_nothing_of_it(
    sending: Sending, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sending.contacts(2)
    campaign = await sending.campaign()
    compose = sending.pages._composing.compose

    async def ended_meanwhile(*given: Any, **more: Any) -> Any:
        composed = await compose(*given, **more)
        await sending.change(campaign, state=CampaignState.FAILED)
        return composed

    monkeypatch.setattr(sending.pages._composing, "compose", ended_meanwhile)
    assert (await sending.send_page(campaign)).over
    assert (provider.taken, await sending.messages()) == ([], [])


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
    for policy in (policies.PAGE, policies.SWEEP):
        assert policy["heartbeat_timeout"] >= timedelta(seconds=3 * heartbeats.BEAT_SECONDS)


async def test_only_the_chunk_that_was_interrupted_waits_until_its_claims_are_old(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(CHUNK * 3)
    campaign = await sending.campaign()
    provider.before[contacts[CHUNK].phone or ""] = LOST  # in the second chunk
    with pytest.raises(ConnectionResetError):
        await sending.send_page(campaign)
    provider.before.clear()
    waits = await sending.send_page(campaign)
    assert (waits.cursor, waits.accepted, waits.last) == (contacts[CHUNK - 1].id, CHUNK, False)
    assert waits.later_at is not None
    assert len(provider.times()) == len(contacts) - 1
    await sending.make_claims_old()
    assert (await sending.send_page(campaign, waits.cursor)).accepted == CHUNK * 2


async def test_what_is_refused_for_a_day_has_failed(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(CHUNK + 1)
    campaign = await sending.campaign()
    provider.before = {contact.phone or "": ChannelError("slow down", permanent=False) for contact in contacts}
    assert (await sending.send_page(campaign, insist=True)).refused == CHUNK + 1
    assert (await sending.send_page(campaign, again=True, insist=True)).refused == CHUNK + 1
    await sending.make_messages_old()
    assert (await sending.send_page(campaign, again=True, insist=True)).refused == CHUNK + 1
    await sending.make_refusals_old()
    whole = await sending.send_page(campaign, again=True, insist=True)
    assert (whole.failed, whole.refused) == (CHUNK + 1, 0)
    assert {each.reason for each in await sending.messages()} == {"given up after a day: slow down"}


async def test_a_refusal_for_good_is_counted_and_not_tried_again(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(2)
    campaign = await sending.campaign()
    provider.before[contacts[0].phone or ""] = ChannelError("this number does not exist", permanent=True)
    result = await sending.send_page(campaign)
    assert (result.planned, result.accepted, result.failed) == (2, 1, 1)
    provider.before.clear()
    assert await sending.send_page(campaign) == result.model_copy(update={"sent": 0})
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
    assert (await sending.send_page(campaign)).later_at is not None
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


async def test_the_message_of_a_contact_that_leaves_the_audience_during_the_sending_is_not_lost(
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
    assert (result.accepted, result.last) == (2, True)
    assert provider.times() == {contact.phone: 1 for contact in contacts}


async def test_pages_end_where_the_next_one_begins(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(4)
    campaign = await sending.campaign()
    first = await sending.send_page(campaign, size=2)
    assert first.cursor == contacts[1].id
    second = await sending.send_page(campaign, cursor=first.cursor, size=2)
    assert second.cursor == contacts[3].id
    last = await sending.send_page(campaign, cursor=second.cursor, size=2)
    assert (last.planned, last.cursor, last.last) == (0, second.cursor, True)
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
    recipient_numbers = [each.recipient_number for each in await simulated.messages()]
    assert sorted(filter(None, tokens)) == sorted(
        Token(campaign.content_id or 0, recipient_number, 0) for recipient_number in recipient_numbers
    )
    assert len(set(tokens)) == 3
