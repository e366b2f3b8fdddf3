"""Sending by a channel that has a pace: a campaign, one person's step and a trigger."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from models.base import now
from models.channels.channel import Channel
from models.consent.suppression import SuppressionReason
from models.contacts.contact import Contact
from models.messages.content import Content
from models.wire.enrollments import Later
from services.consent.suppress import suppress
from tests.sending import Provider, Sending
from tests.triggered import Triggered

SLOW = 0.01
"""One message every hundred seconds, so that nothing comes in while a test runs; the bucket holds two."""


@pytest.fixture
def triggered(sending: Sending, provider: Provider) -> Triggered:
    return Triggered(sending, provider)


async def set_pace(sending: Sending, **pace: Any) -> None:
    async with sending.database.transaction() as session:
        await session.execute(update(Channel).values(config={"pace": pace}))


async def passes(sending: Sending, time: timedelta) -> None:
    async with sending.database.transaction() as session:
        await session.execute(
            text("UPDATE channel_pace SET updated_at = updated_at - :time, waits_until = waits_until - :time"), {"time": time}
        )


async def lines(sending: Sending) -> int:
    async with sending.database.transaction() as session:
        return int(await session.scalar(text("SELECT count(*) FROM channel_pace")) or 0)


async def test_a_page_ends_where_the_bucket_is_empty_and_goes_on_from_there(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(5)
    await set_pace(sending, per_second=SLOW)
    campaign = await sending.campaign()
    page = await sending.send_page(campaign)
    assert (page.accepted, page.planned, page.paced, page.last) == (1, 1, True, False)
    assert page.later_at is not None
    assert page.later_at > now()
    empty = await sending.send_page(campaign, cursor=page.cursor)
    assert (empty.accepted, empty.planned, empty.cursor, empty.paced) == (0, 0, page.cursor, True)
    for _ in range(4):
        await passes(sending, timedelta(seconds=100))
        page = await sending.send_page(campaign, cursor=page.cursor)
    assert provider.times() == {each.phone: 1 for each in contacts}
    assert page.last


async def test_nobody_is_planned_who_waits_for_the_pace(sending: Sending, provider: Provider) -> None:
    await sending.contacts(5)
    await set_pace(sending, per_second=SLOW)
    await sending.send_page(await sending.campaign())
    assert len(await sending.messages()) == 1


async def test_one_person_goes_before_a_campaign_that_has_taken_all_it_may(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(5)
    await set_pace(sending, per_second=SLOW)
    enrollment = await sending.enrollment(contacts[-1])
    await sending.send_page(await sending.campaign())
    assert (await sending.send_step(enrollment)).state == "accepted"


async def test_people_who_wait_come_back_one_after_the_other(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(5)
    await set_pace(sending, per_second=SLOW)
    enrollments = [await sending.enrollment(each) for each in contacts]
    rests = [(await sending.send_step(each)).rest for each in enrollments]
    waits = [each for each in rests if isinstance(each, Later)]
    assert len(waits) == 3
    assert {each.why for each in waits} == {"the channel is at its pace"}
    apart = [(later.at - earlier.at).total_seconds() for earlier, later in itertools.pairwise(waits)]
    assert [round(each) for each in apart] == [100, 100]
    assert len(provider.taken) == 2
    await passes(sending, timedelta(seconds=100))
    assert (await sending.send_step(enrollments[2])).state == "accepted"
    assert sum(provider.times().values()) == 3


async def test_a_step_that_waits_for_its_pace_shows_where_it_stands_and_is_too_late_at_its_time(
    sending: Sending, provider: Provider
) -> None:
    first, second, late = await sending.contacts(3)
    await set_pace(sending, per_second=SLOW)
    for each in (first, second):
        await sending.send_step(await sending.enrollment(each))
    enrollment = await sending.enrollment(late)
    async with sending.database.transaction() as session:
        await session.execute(update(Content).values(valid_for=timedelta(seconds=30)))
    rest = (await sending.send_step(enrollment)).rest
    assert isinstance(rest, Later)
    assert rest.at <= now() + timedelta(seconds=30)
    async with sending.database.transaction() as session:
        await session.execute(text("UPDATE step_run SET entered_at = entered_at - interval '30 seconds'"))
    sent = await sending.send_step(enrollment)
    assert (sent.state, sent.reason) == ("skipped", "too_late")


async def test_whoever_may_not_get_it_uses_up_nothing(sending: Sending, provider: Provider) -> None:
    contacts: list[Contact] = await sending.contacts(3)
    await set_pace(sending, per_second=SLOW)
    async with sending.database.transaction() as session:
        for each in contacts[:2]:
            await suppress(session, sending.org_id, "sms", each.phone or "", SuppressionReason.MANUAL)
    campaign, cursor = await sending.campaign(), None
    for _ in range(3):
        cursor = (await sending.send_page(campaign, cursor=cursor)).cursor
    assert provider.times() == {contacts[2].phone: 1}


async def test_segments_are_what_a_long_text_costs(sending: Sending, provider: Provider) -> None:
    await sending.contacts(3)
    await set_pace(sending, per_second=SLOW, unit="segment")
    page = await sending.send_page(await sending.campaign(body="x" * 300))
    assert (page.accepted, page.paced) == (1, True)


async def test_messages_that_triggers_send_wait_for_the_pace_too(triggered: Triggered, provider: Provider) -> None:
    contacts = await triggered.sending.contacts(4)
    await set_pace(triggered.sending, per_second=SLOW)
    await triggered.fire(await triggered.trigger(), *contacts)
    await triggered.send()
    assert len(provider.taken) == 2
    async with triggered.database.transaction() as session:
        waits = (await session.execute(text("SELECT due_at - now(), last_error FROM firing WHERE finished_at IS NULL"))).all()
    assert {each.last_error for each in waits} == {"the channel is at its pace"}
    assert len({each[0] for each in waits}) == 2
    await passes(triggered.sending, timedelta(seconds=200))
    await triggered.make_due()
    await triggered.send()
    assert provider.times() == {each.phone: 1 for each in contacts}


async def test_a_domain_at_its_pace_holds_up_no_other(sending: Sending, provider: Provider) -> None:
    for number in range(4):
        await sending.contacts(email=f"person{number}@one.example")
        await sending.contacts(email=f"person{number}@domain{number}.example")
    await set_pace(sending, domain_per_second=SLOW)
    campaign = await sending.campaign(medium="email")
    page = await sending.send_page(campaign)
    assert (page.accepted, page.refused, page.last, page.later_at) == (5, 3, True, None)
    again = await sending.send_page(campaign, again=True)
    assert (again.sent, again.paced) == (0, True)
    for _ in range(3):
        await passes(sending, timedelta(seconds=100))
        await sending.send_page(campaign, again=True)
    assert set(provider.times().values()) == {1}
    assert len(provider.taken) == 8


async def test_what_a_domain_does_not_let_go_costs_the_channel_nothing(sending: Sending, provider: Provider) -> None:
    for number in range(3):
        await sending.contacts(email=f"person{number}@one.example")
    await sending.contacts(email="ada@other.example")
    await set_pace(sending, per_second=10, domain_per_second=SLOW)
    page = await sending.send_page(await sending.campaign(medium="email"))
    assert (page.accepted, page.refused) == (2, 2)


async def test_a_channel_without_a_pace_has_no_bucket(simulated: Sending) -> None:
    await simulated.contacts(3)
    page = await simulated.send_page(await simulated.campaign())
    assert (page.accepted, await lines(simulated)) == (3, 0)


async def test_a_page_waits_for_the_pace_while_it_has_its_turn(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(4)
    await set_pace(sending, per_second=20, unit="segment")
    page = await sending.send_page(await sending.campaign(body="x" * 1500))
    assert (page.accepted, page.paced, page.last) == (4, False, True)
    assert provider.times() == {each.phone: 1 for each in contacts}


async def test_people_who_are_skipped_use_up_no_pace_of_a_page(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(5)
    await set_pace(sending, per_second=SLOW)
    async with sending.database.transaction() as session:
        for each in contacts[:4]:
            await suppress(session, sending.org_id, "sms", each.phone or "", SuppressionReason.MANUAL)
    page = await sending.send_page(await sending.campaign())
    assert (page.skipped, page.accepted, page.last) == (4, 1, True)


async def test_an_archived_channel_skips_everybody_without_its_pace(sending: Sending, provider: Provider) -> None:
    await sending.contacts(5)
    await set_pace(sending, per_second=SLOW)
    campaign = await sending.campaign()
    async with sending.database.transaction() as session:
        await session.execute(update(Channel).values(archived_at=now()))
    page = await sending.send_page(campaign)
    assert (page.skipped, page.last, await lines(sending)) == (5, True, 0)
