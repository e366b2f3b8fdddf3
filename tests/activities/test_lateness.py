"""A message that is too late is not sent, whoever sends it and for whatever reason it waited."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from models.base import new_id, now
from models.channels.channel import Channel as ChannelRow
from models.database import Database
from models.messages.content import Content
from models.messages.message import Message, MessageState
from models.sequences.step_run import StepRun
from models.triggers.firing import Firing
from models.wire.enrollments import Later
from services.channels.base import ChannelError, Outgoing, Receipt
from tests.sending import Always, Provider, Sending, deliver_by
from tests.triggered import Triggered

HOUR = timedelta(hours=1)


async def make_valid_for(database: Database, valid_for: timedelta) -> None:
    async with database.transaction() as session:
        await session.execute(update(Content).values(valid_for=valid_for))


async def pause(database: Database, paused_at: datetime | None) -> None:
    async with database.transaction() as session:
        await session.execute(update(ChannelRow).values(paused_at=paused_at))


def claimed(late_after: datetime | None) -> Message:
    return Message(
        org_id=new_id(),
        contact_id=new_id(),
        channel_id=new_id(),
        content_id=1,
        recipient_number=1,
        to_address="+491511",
        body="x",
        state=MessageState.SENDING,
        sending_at=now(),
        late_after=late_after,
    )


@pytest.fixture
def triggered(sending: Sending, provider: Provider) -> Triggered:
    return Triggered(sending, provider)


async def test_no_call_begins_for_a_message_that_became_late_after_its_claim(database: Database, provider: Provider) -> None:
    result = await deliver_by(Always(provider), database).send(claimed(now()))
    assert (result.state, result.reason) == (MessageState.SKIPPED, "too_late")
    assert provider.taken == []


async def test_a_call_ends_when_its_message_becomes_late(database: Database, provider: Provider) -> None:
    provider.hangs = True
    with pytest.raises(TimeoutError):
        await deliver_by(Always(provider), database).send(claimed(now() + timedelta(milliseconds=20)))


async def test_a_provider_is_told_until_when_it_may_deliver(database: Database, provider: Provider) -> None:
    late_after = now() + HOUR
    await deliver_by(Always(provider), database).send(claimed(late_after))
    assert [each.late_after for each in provider.taken] == [late_after]


async def test_the_time_of_a_step_runs_while_its_channel_is_paused(sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    enrollment = await sending.enrollment(contact)
    await make_valid_for(sending.database, HOUR)
    await pause(sending.database, now())
    assert isinstance((await sending.send_step(enrollment)).rest, Later)
    async with sending.database.transaction() as session:
        await session.execute(update(StepRun).values(entered_at=now() - 2 * HOUR))
    await pause(sending.database, None)
    sent = await sending.send_step(enrollment)
    assert (sent.state, sent.reason) == ("skipped", "too_late")
    assert provider.taken == []


async def test_the_time_of_a_step_begins_when_it_is_entered(sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    enrollment = await sending.enrollment(contact)
    await make_valid_for(sending.database, HOUR)
    before = now()
    assert (await sending.send_step(enrollment)).state == "accepted"
    late_after = (await sending.message()).late_after
    assert late_after is not None
    assert before + HOUR <= late_after <= now() + HOUR


async def test_the_time_of_a_campaign_runs_from_its_launch(sending: Sending, provider: Provider) -> None:
    await sending.contacts(2)
    campaign = await sending.campaign()
    await make_valid_for(sending.database, timedelta(milliseconds=1))
    page = await sending.send_page(campaign)
    assert (page.skipped, page.accepted, page.refused) == (2, 0, 0)
    assert {(each.state, each.reason) for each in await sending.messages()} == {("skipped", "too_late")}


async def test_the_time_of_a_trigger_runs_from_its_firing(triggered: Triggered, provider: Provider) -> None:
    one, other = await triggered.sending.contacts(2)
    fired = await triggered.trigger()
    await make_valid_for(triggered.database, HOUR)
    await triggered.fire(fired, one, other)
    async with triggered.database.transaction() as session:
        old = update(Firing).where(col(Firing.contact_id) == one.id)
        await session.execute(old.values(fired_at=now() - 2 * HOUR))
    await triggered.send()
    assert provider.times() == {other.phone: 1}
    reasons = {each.contact_id: each.reason for each in await triggered.sending.messages()}
    assert reasons == {one.id: "too_late", other.id: None}


async def test_a_page_that_is_refused_until_it_is_late_sends_nothing(sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    campaign = await sending.campaign()
    await make_valid_for(sending.database, HOUR)
    provider.before[contact.phone or ""] = ChannelError("busy", permanent=False, retry_after=timedelta(minutes=10))
    await sending.send_page(campaign)
    assert (await sending.message()).state == "planned"
    provider.before.clear()
    await sending.change(await sending.message(), late_after=now())
    page = await sending.send_page(campaign, again=True)
    assert (page.skipped, page.refused, provider.taken) == (1, 0, [])


class TakesItsTime(Provider):
    """Takes each message after a while, like a provider that has much to do."""

    async def send(self, message: Outgoing) -> Receipt:
        await asyncio.sleep(0.5)
        return await super().send(message)


async def test_nothing_is_accepted_after_the_message_has_become_late(database: Database) -> None:
    provider = TakesItsTime()
    with pytest.raises(TimeoutError):
        await deliver_by(Always(provider), database).send(claimed(now() + timedelta(milliseconds=20)))
    assert provider.taken == []
