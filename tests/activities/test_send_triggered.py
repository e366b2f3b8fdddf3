"""The messages of triggers: one for each firing, whatever interrupts it, and nobody is held up by anybody else."""

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from activities import send_triggered as activity_module
from models.base import now
from models.campaigns.campaign import CampaignState
from models.messages.message import MessageState
from models.organizations.limits import Limits
from models.organizations.organization import create_organization
from models.reconcile import reconcile
from models.triggers.messages import try_messages_again
from services.channels.base import ChannelError, Outgoing, Receipt
from settings import Settings
from tests.clicks import rows
from tests.crashes import killed_at
from tests.sending import DOMAIN, Provider, Sending
from tests.triggered import SEND, TAG, Triggered

ACTIONS = "SELECT position, kind, outcome, reason FROM firing_action ORDER BY firing_id, position"
LOST = ConnectionResetError("connection reset by peer")
POINTS = ("triggered_before_claim", "triggered_claimed", "triggered_accepted", "triggered_recorded")
LIMITED = Limits.of(Settings(_env_file=None), {"messages_per_contact_and_day": 1})


@pytest.fixture
def triggered(sending: Sending, provider: Provider) -> Triggered:
    return Triggered(sending, provider)


async def later(triggered: Triggered) -> None:
    """Leases have ended, and claims are so old that they were interrupted."""
    await triggered.make_due()
    await triggered.sending.make_claims_old()


async def test_each_firing_gets_a_message_of_its_own_with_tracked_links_and_goes_on(
    triggered: Triggered, provider: Provider
) -> None:
    contacts = await triggered.sending.contacts(3)
    await triggered.fire(await triggered.trigger([SEND, TAG]), *contacts)
    assert (await triggered.send()).done == {"firings": 3}
    assert provider.times() == {contact.phone: 1 for contact in contacts}
    assert all(each.body.startswith(f"Hello Ada: {DOMAIN}/") for each in provider.taken)
    messages = await triggered.sending.messages()
    assert {(each.state, each.action_position, each.campaign_id, each.tracked) for each in messages} == {
        (MessageState.ACCEPTED, 0, None, True)
    }
    assert await rows(triggered.database, ACTIONS) == [(0, "send", "done", None)] * 3
    assert await rows(triggered.database, "SELECT DISTINCT next_action, sends, finished_at FROM firing") == [(1, False, None)]
    assert triggered.went_on > 0
    assert (await triggered.send()).done == {"firings": 0}


@pytest.mark.parametrize("point", POINTS)
async def test_a_message_arrives_once_wherever_the_process_is_killed(
    triggered: Triggered, provider: Provider, tmp_path: Path, point: str
) -> None:
    contacts = await triggered.sending.contacts(3)
    await triggered.fire(await triggered.trigger(), *contacts)
    with killed_at(point, tmp_path):
        await triggered.send()
    for _ in range(3):
        await later(triggered)
        await triggered.send()
    assert provider.times() == {contact.phone: 1 for contact in contacts}
    assert await rows(triggered.database, ACTIONS) == [(0, "send", "done", None)] * 3
    assert await rows(triggered.database, "SELECT count(*) FROM firing WHERE finished_at IS NULL") == [0]
    assert await rows(triggered.database, "SELECT what, count FROM trigger_count WHERE position = 0") == [("done", 3)]


async def test_a_message_of_a_provider_that_cannot_be_asked_is_unknown_and_never_sent_again(
    triggered: Triggered, provider: Provider
) -> None:
    (contact,) = await triggered.sending.contacts(1)
    await triggered.fire(await triggered.trigger(), contact)
    provider.after[contact.phone or ""] = LOST
    provider.askable = False
    await triggered.send()
    assert await rows(triggered.database, ACTIONS) == []
    await triggered.make_due()
    await triggered.send()  # the claim is young, so another attempt could still be sending
    assert await rows(triggered.database, ACTIONS) == []
    provider.after.clear()
    for _ in range(2):
        await later(triggered)
        await triggered.send()
    assert await rows(triggered.database, ACTIONS) == [(0, "send", "failed", "interrupted, and the provider cannot be asked")]
    assert (await triggered.sending.message()).state == MessageState.UNKNOWN
    assert sum(provider.times().values()) == 1


async def test_a_refusal_for_now_is_tried_again_when_the_provider_wants_it_and_given_up_after_a_day(
    triggered: Triggered, provider: Provider
) -> None:
    (contact,) = await triggered.sending.contacts(1)
    await triggered.fire(await triggered.trigger(), contact)
    provider.before[contact.phone or ""] = ChannelError("slow down", permanent=False, retry_after=timedelta(minutes=7))
    before = now()
    await triggered.send()
    (due_at,) = await rows(triggered.database, "SELECT due_at FROM firing")
    assert before + timedelta(minutes=7) <= due_at <= now() + timedelta(minutes=7)
    assert await rows(triggered.database, "SELECT last_error, attempts FROM firing") == [("slow down", 0)]
    await triggered.make_due()
    await triggered.sending.make_refusals_old()
    await triggered.send()
    assert await rows(triggered.database, ACTIONS) == [(0, "send", "failed", "given up after a day: slow down")]


async def test_one_that_is_refused_for_now_arrives_once_when_the_provider_takes_it(
    triggered: Triggered, provider: Provider
) -> None:
    one, other = await triggered.sending.contacts(2)
    await triggered.fire(await triggered.trigger(), one, other)
    provider.before[one.phone or ""] = ChannelError("slow down", permanent=False)
    await triggered.send()
    provider.before.clear()
    await triggered.make_due()
    await triggered.send()
    assert provider.times() == {one.phone: 1, other.phone: 1}


async def test_what_cannot_be_sent_fails_with_its_reason_and_what_comes_behind_it_is_done(
    triggered: Triggered, provider: Provider
) -> None:
    (nobody,) = await triggered.sending.contacts(1, phone=None)
    (wrong,) = await triggered.sending.contacts(1)
    provider.before[wrong.phone or ""] = ChannelError("no such number", permanent=True)
    await triggered.fire(await triggered.trigger([SEND, TAG]), nobody, wrong)
    await triggered.send()
    assert sorted(await rows(triggered.database, ACTIONS)) == [
        (0, "send", "failed", "no such number"),
        (0, "send", "failed", "no_phone"),
    ]
    assert await rows(triggered.database, "SELECT DISTINCT next_action, sends FROM firing") == [(1, False)]


async def test_a_failed_message_stops_what_comes_behind_it_when_it_says_so(triggered: Triggered) -> None:
    (nobody,) = await triggered.sending.contacts(1, phone=None)
    await triggered.fire(await triggered.trigger([{**SEND, "on_failure": "stop"}, SEND]), nobody)
    await triggered.send()
    assert [row[2] for row in await rows(triggered.database, ACTIONS)] == ["failed", "skipped"]
    assert await rows(triggered.database, "SELECT count(*) FROM firing WHERE finished_at IS NULL") == [0]


async def test_a_contact_who_had_enough_messages_today_gets_none(sending: Sending, provider: Provider) -> None:
    triggered = Triggered(sending, provider, LIMITED)
    (contact,) = await sending.contacts(1)
    await triggered.fire(await triggered.trigger([SEND, SEND]), contact)
    await triggered.send()
    assert sum(provider.times().values()) == 1
    assert await rows(triggered.database, ACTIONS) == [(0, "send", "done", None), (1, "send", "failed", "too_many_messages")]


async def test_a_campaign_that_was_stopped_sends_nothing_more(triggered: Triggered, provider: Provider) -> None:
    (contact,) = await triggered.sending.contacts(1)
    campaign, trigger = await triggered.trigger()
    await triggered.fire((campaign, trigger), contact)
    await triggered.sending.change(campaign, state=CampaignState.STOPPED)
    await triggered.send()
    assert await rows(triggered.database, ACTIONS) == [(0, "send", "skipped", "the campaign was stopped")]
    assert provider.taken == []


async def test_a_failed_message_is_written_once_more_for_another_attempt_and_an_accepted_one_is_not(
    triggered: Triggered, provider: Provider
) -> None:
    nobody, somebody = *await triggered.sending.contacts(1, phone=None), *await triggered.sending.contacts(1)
    firings = await triggered.fire(await triggered.trigger(), nobody, somebody)
    await triggered.send()
    await triggered.sending.change(nobody, phone="+4915199999")
    async with triggered.database.transaction() as session:
        for each in firings:
            await try_messages_again(session, each.id)
        connection = await session.connection()
        await connection.exec_driver_sql("DELETE FROM firing_action")
        await connection.exec_driver_sql("UPDATE firing SET finished_at = NULL, sends = true, next_action = 0, due_at = now()")
    await triggered.send()
    assert provider.times() == {"+4915199999": 1, somebody.phone: 1}
    assert {each.state for each in await triggered.sending.messages()} == {MessageState.ACCEPTED}
    assert [row[2] for row in await rows(triggered.database, ACTIONS)] == ["done", "done"]


class Hanging(Provider):
    """Never answers for messages to these numbers, and says when it has been asked for one."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: set[str] = set()
        self.taken_one = asyncio.Event()

    async def send(self, message: Outgoing) -> Receipt:
        if message.to_address in self.numbers:
            self.called.set()
            await asyncio.Event().wait()
        receipt = await super().send(message)
        self.taken_one.set()
        return receipt


async def test_a_channel_that_hangs_holds_up_no_other_organization_even_when_it_comes_later(sending: Sending) -> None:
    provider = Hanging()
    triggered = Triggered(sending, provider)
    contacts = await sending.contacts(2)
    provider.numbers = {contact.phone or "" for contact in contacts}
    await triggered.fire(await triggered.trigger(), *contacts)
    sweep = asyncio.create_task(triggered.send())
    async with asyncio.timeout(60):
        await provider.called.wait()
        theirs = Triggered(await _another(sending), provider)
        (other,) = await theirs.sending.contacts(1)
        await theirs.sending.change(other, phone="+4915188888")
        await theirs.fire(await theirs.trigger(), other)
        await provider.taken_one.wait()
    assert provider.times() == {"+4915188888": 1}
    sweep.cancel()


async def test_a_flood_of_one_organization_lets_others_take_turns(
    sending: Sending, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity_module, "CHUNK", 5)
    monkeypatch.setattr(activity_module, "AT_ONCE", 10)
    triggered = Triggered(sending, provider)
    flood = await triggered.trigger()
    await triggered.fire(flood, *await sending.contacts(40))
    theirs = Triggered(await _another(sending), provider)
    (other,) = await theirs.sending.contacts(1)
    await theirs.sending.change(other, phone="+4915188888")
    await theirs.fire(await theirs.trigger(), other)
    await triggered.send()
    order = [each.to_address for each in provider.taken]
    assert len(order) == 41
    assert order.index("+4915188888") < 10


async def _another(sending: Sending) -> Sending:
    async with sending.database.transaction() as session:
        organization, _ = await create_organization(session, "Another")
    return Sending(sending.database, organization)


async def test_message_counters_equal_rows(triggered: Triggered) -> None:
    await triggered.fire(await triggered.trigger([SEND, SEND]), *await triggered.sending.contacts(3))
    await triggered.send()
    found = await reconcile.compare(triggered.database)
    assert not [each for each in found.differences if each.table == "message_count"]
    assert Counter(each.state for each in await triggered.sending.messages()) == {MessageState.ACCEPTED: 6}


async def test_a_message_whose_action_was_given_up_while_it_was_being_sent_is_asked_about(
    triggered: Triggered, provider: Provider
) -> None:
    (contact,) = await triggered.sending.contacts(1)
    await triggered.fire(await triggered.trigger(), contact)
    provider.after[contact.phone or ""] = LOST
    await triggered.send()
    assert await triggered.sending.left_behind.close_messages() == 0
    async with triggered.database.transaction() as session:
        await (await session.connection()).exec_driver_sql("UPDATE firing SET finished_at = now()")
    await triggered.sending.make_claims_old()
    assert await triggered.sending.left_behind.close_messages() == 1
    assert (await triggered.sending.message()).state == MessageState.ACCEPTED
