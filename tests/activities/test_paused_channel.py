"""A paused channel: campaigns, enrollments and triggers wait for it, and go on when it is resumed. An archived one ends them."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlmodel import col

from activities.send_page import LONGEST_PAUSE
from models.base import now
from models.channels.channel import Channel, ChannelKind, Medium, channels_by_name
from models.channels.pause import pause
from models.commands.command import Command
from models.messages.content import Content
from models.messages.message import MessageState
from models.sequences.enrollment import Enrollment
from models.sequences.waiting_for_channel import free_waiting
from models.wire.enrollments import Later
from services.channels.pause import resume_channel
from services.gate import CHANNEL_PAUSED
from tests.sending import Provider, Sending
from tests.triggered import Triggered


async def channel_of(sending: Sending) -> Channel:
    async with sending.database.transaction() as session:
        return (await channels_by_name(session, sending.org_id))["simulator-sms"]


async def paused(sending: Sending, ago: timedelta = timedelta(0)) -> Channel:
    channel = await channel_of(sending)
    async with sending.database.transaction() as session:
        await pause(session, channel.id, "The password is wrong.", now() - ago)
    return channel


async def resumed(sending: Sending) -> list[Any]:
    async with sending.database.transaction() as session:
        return await resume_channel(session, await session.get_one(Channel, (await channel_of(sending)).id))


async def archived(sending: Sending) -> None:
    async with sending.database.transaction() as session:
        await session.execute(update(Channel).values(archived_at=now()))


async def waiting(sending: Sending) -> list[Any]:
    async with sending.database.transaction() as session:
        return list(await session.scalars(select(col(Enrollment.id)).where(col(Enrollment.waits_for).is_not(None))))


async def test_a_page_of_a_paused_channel_writes_nothing_and_begins_there_again(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(3)
    campaign = await sending.campaign()
    await paused(sending, ago=timedelta(days=1))
    page = await sending.send_page(campaign)
    assert page.later_at is not None
    assert now() < page.later_at <= now() + LONGEST_PAUSE
    assert (page.paced, page.planned, page.cursor, await sending.messages()) == (True, 0, None, [])
    assert await resumed(sending) == [campaign.id]
    assert (await sending.send_page(campaign)).accepted == len(contacts) == len(provider.taken)


async def test_a_page_whose_messages_are_too_late_does_not_wait_for_a_paused_channel(sending: Sending) -> None:
    await sending.contacts(2, created_at=now() - timedelta(days=1))
    campaign = await sending.campaign()
    async with sending.database.transaction() as session:
        await session.execute(update(Content).values(valid_for=timedelta(hours=1)))
    await sending.change(campaign, launched_at=now() - timedelta(hours=2))
    await paused(sending)
    page = await sending.send_page(campaign)
    assert (page.skipped, page.last) == (2, True)


async def test_an_enrollment_waits_for_a_paused_channel_and_is_told_when_it_goes_on(sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    enrollment = await sending.enrollment(contact)
    await paused(sending)
    rest = (await sending.turn(enrollment)).rest
    assert isinstance(rest, Later)
    assert rest.why == CHANNEL_PAUSED
    assert await waiting(sending) == [enrollment.id]
    async with sending.database.transaction() as session:
        assert await free_waiting(session, 100) == 0
    await resumed(sending)
    async with sending.database.transaction() as session:
        assert await free_waiting(session, 100) == 1
        assert await free_waiting(session, 100) == 0
    async with sending.database.transaction() as session:
        (command,) = await session.scalars(select(Command))
    assert (command.kind, command.enrollment_id, command.detail) == ("look_again", enrollment.id, {})
    await sending.turn(enrollment)
    assert len(provider.taken) == 1


async def test_an_enrollment_that_goes_on_by_itself_waits_no_more(sending: Sending) -> None:
    (contact,) = await sending.contacts()
    enrollment = await sending.enrollment(contact)
    await paused(sending)
    await sending.turn(enrollment)
    await resumed(sending)
    await sending.turn(enrollment)
    assert await waiting(sending) == []


@pytest.mark.parametrize(("ago", "least"), [(0, 1), (40, 10), (100_000, 60)])
async def test_the_longer_the_pause_the_later_it_is_looked_at_again(sending: Sending, ago: int, least: int) -> None:
    (contact,) = await sending.contacts()
    enrollment = await sending.enrollment(contact)
    await paused(sending, ago=timedelta(minutes=ago))
    before = now()
    rest = (await sending.turn(enrollment)).rest
    assert isinstance(rest, Later)
    assert timedelta(minutes=least) <= rest.at - before < timedelta(minutes=least + 1)


async def test_only_so_many_enrollments_are_told_at_a_time_and_those_of_other_channels_wait_on(sending: Sending) -> None:
    *_, last = [await sending.enrollment(contact) for contact in await sending.contacts(3)]
    mine = await channel_of(sending)
    other = Channel(org_id=sending.org_id, name="other", kind=ChannelKind.SIMULATOR, medium=Medium.SMS, paused_at=now())
    await sending.save(other)
    async with sending.database.transaction() as session:
        await session.execute(text("UPDATE enrollment SET waits_for = :mine"), {"mine": mine.id})
        await session.execute(text("UPDATE enrollment SET waits_for = :other WHERE id = :id"), {"other": other.id, "id": last.id})
    async with sending.database.transaction() as session:
        assert [await free_waiting(session, 1) for _ in range(3)] == [1, 1, 0]
    assert len(await waiting(sending)) == 1


async def test_a_message_of_a_trigger_is_due_when_its_channel_goes_on(sending: Sending, provider: Provider) -> None:
    triggered = Triggered(sending, provider)
    fired = await triggered.trigger()
    await triggered.fire(fired, *await sending.contacts())
    await paused(sending, ago=timedelta(hours=1))
    await triggered.send()
    assert (await sending.messages(), provider.taken) == ([], [])
    await triggered.send()
    await resumed(sending)
    await triggered.send()
    assert len(provider.taken) == 1


async def test_what_would_be_sent_by_an_archived_channel_is_skipped(sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    campaign, enrollment = await sending.campaign(), await sending.enrollment(contact)
    await paused(sending)
    await archived(sending)
    page = await sending.send_page(campaign)
    sent = await sending.send_step(enrollment)
    assert (page.skipped, page.last) == (1, True)
    assert (sent.state, sent.reason) == ("skipped", "channel_archived")
    assert {each.reason for each in await sending.messages()} == {"channel_archived"}
    assert {each.state for each in await sending.messages()} == {MessageState.SKIPPED}
    assert provider.taken == []
