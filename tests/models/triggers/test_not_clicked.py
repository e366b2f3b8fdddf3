"""A trigger on not_clicked fires for exactly those who had not clicked its links by the deadline."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from models.base import now
from models.clicks.inbox import InboxClick
from models.clicks.partitions import make_partition
from models.clicks.retention import retire_clicks
from models.contacts.contact import Contact
from models.database import Database
from models.messages.message import Message, MessageState
from models.organizations.organization import Organization, create_organization
from models.sequences.enrollment import EnrollmentState
from models.triggers import not_clicked
from models.triggers.not_clicked import GRACE, PAGE, Ahead, Looked
from models.triggers.trigger import Trigger
from tests.clicks import rows, store
from tests.ids import id_at
from tests.plans import scans_without_index, statements
from tests.rows import Rows

WITHIN = timedelta(hours=1)
FIRINGS = "SELECT contact_id FROM firing ORDER BY fired_at, contact_id"


@pytest.fixture
async def made(database: Database, organization: tuple[Organization, str]) -> Rows:
    async with database.transaction() as session:
        await make_partition(session, month_of_now())
    return Rows(database, organization[0].id)


def month_of_now() -> datetime:
    return now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture
def sent_at() -> datetime:
    """The deadline of what was sent at this time passed a while ago."""
    return now() - WITHIN - timedelta(minutes=10)


async def cold(made: Rows, content_ids: Sequence[int | None], **fields: Any) -> Trigger:
    return await made.trigger(content_ids, event="not_clicked", within=WITHIN, **fields)


async def opened(database: Database) -> list[Ahead]:
    async with database.transaction() as session:
        return await not_clicked.ahead(session)


async def look(database: Database, trigger: Trigger, at: datetime | None = None) -> Looked:
    (ahead,) = [each for each in await opened(database) if each.id == trigger.id]
    async with database.statement() as session:
        visible_until = await not_clicked.visible_until(session)
    async with database.transaction() as session:
        return await not_clicked.look(session, ahead, at or now(), visible_until)


async def campaign_to(made: Rows, people: int, at: datetime) -> tuple[list[Contact], list[Message], Any]:
    campaign = await made.campaign(links=(("offer", "https://shop.example/offer"), ("help", "https://shop.example/help")))
    contacts = [await made.contact() for _ in range(people)]
    return contacts, [await made.message(campaign.content_id, each, accepted_at=at) for each in contacts], campaign


async def test_it_fires_for_those_who_did_not_click_and_looks_at_each_message_once(
    database: Database, made: Rows, sent_at: datetime
) -> None:
    (idle, _, other, late), messages, campaign = await campaign_to(made, 4, sent_at)
    trigger = await cold(made, [campaign.content_id], campaign_id=campaign.id, link="offer")
    await made.click(messages[1], at=sent_at + WITHIN)
    await made.click(messages[2], position=1, at=sent_at + timedelta(minutes=1))
    await made.click(messages[3], at=sent_at + WITHIN + timedelta(seconds=1))
    assert await look(database, trigger) == Looked(4, 3)
    found = await rows(database, "SELECT contact_id, message_id, click_id, link_name, fired_at, occurrence, sends FROM firing")
    deadline = sent_at + WITHIN
    expected = [
        (each.id, message.id, None, "offer", deadline, 1, False)
        for each, message in zip([idle, other, late], [messages[0], messages[2], messages[3]], strict=True)
    ]
    assert sorted(found) == sorted(expected)
    assert await look(database, trigger) == Looked()
    assert await rows(database, "SELECT what, count FROM trigger_count ORDER BY 1") == [("fired", 3), ("people", 3)]


async def test_a_click_that_retention_has_removed_is_still_a_click(database: Database, made: Rows, sent_at: datetime) -> None:
    _, messages, campaign = await campaign_to(made, 3, sent_at)
    trigger = await cold(made, [campaign.content_id], campaign_id=campaign.id)
    await made.click(messages[0], at=sent_at + timedelta(minutes=1))
    await made.click(messages[1], at=sent_at + WITHIN + timedelta(seconds=1))
    async with database.transaction() as session:
        assert await retire_clicks(session, made.org_id, now() + timedelta(days=1), 10) == 2
    assert await look(database, trigger) == Looked(3, 2)
    assert sorted(await rows(database, "SELECT message_id FROM firing")) == sorted([messages[1].id, messages[2].id])


async def test_machines_do_not_click(database: Database, made: Rows, sent_at: datetime) -> None:
    _, messages, campaign = await campaign_to(made, 2, sent_at)
    trigger = await cold(made, [campaign.content_id], campaign_id=campaign.id)
    for message, verdict in zip(messages, ("bot", "suspect"), strict=True):
        await made.click(message, at=sent_at + timedelta(minutes=1), verdict=verdict, reason="burst")
    assert await look(database, trigger) == Looked(2, 2)


async def test_a_click_on_another_message_of_the_same_text_is_no_click_on_this_one(
    database: Database, made: Rows, sent_at: datetime
) -> None:
    sequence = await made.sequence()
    content_id = await made.content_of_step(sequence, "hello")
    trigger = await cold(made, [content_id], sequence_id=sequence.id)
    contact = await made.contact()
    enrollment = await made.enrollment(sequence, contact, EnrollmentState.RUNNING)
    first = await made.message(content_id, contact, enrollment=enrollment, accepted_at=sent_at)
    again = await made.message(content_id, contact, enrollment=enrollment, step_run=3, accepted_at=sent_at + timedelta(minutes=5))
    await made.click(first, at=sent_at + timedelta(minutes=1))
    assert await look(database, trigger) == Looked(2, 1)
    assert await rows(database, "SELECT message_id, enrollment_id FROM firing") == [(again.id, enrollment.id)]


async def test_somebody_who_ignores_several_messages_is_fired_for_once(database: Database, made: Rows, sent_at: datetime) -> None:
    sequence = await made.sequence()
    content_id = await made.content_of_step(sequence, "hello")
    trigger = await cold(made, [content_id], sequence_id=sequence.id)
    contact = await made.contact()
    enrollment = await made.enrollment(sequence, contact, EnrollmentState.RUNNING)
    for step_run in (1, 3, 5):
        await made.message(content_id, contact, enrollment=enrollment, step_run=step_run, accepted_at=sent_at)
    assert await look(database, trigger) == Looked(3, 1)


async def test_an_enrollment_that_was_over_before_the_deadline_is_refused(
    database: Database, made: Rows, sent_at: datetime
) -> None:
    sequence = await made.sequence()
    content_id = await made.content_of_step(sequence, "hello")
    trigger = await cold(made, [content_id], sequence_id=sequence.id)
    for end in (sent_at + timedelta(minutes=59), sent_at + timedelta(minutes=61)):
        contact = await made.contact()
        enrollment = await made.enrollment(sequence, contact, EnrollmentState.COMPLETED, finished_at=end)
        await made.message(content_id, contact, enrollment=enrollment, accepted_at=sent_at)
    assert await look(database, trigger) == Looked(2, 1)
    assert await rows(database, "SELECT reason FROM trigger_refusal") == ["enrollment_over"]


async def test_messages_that_were_not_accepted_or_not_tracked_fire_nothing(
    database: Database, made: Rows, sent_at: datetime
) -> None:
    campaign = await made.campaign()
    trigger = await cold(made, [campaign.content_id], campaign_id=campaign.id)
    for state in (MessageState.FAILED, MessageState.SKIPPED, MessageState.UNKNOWN, MessageState.PLANNED):
        await made.message(campaign.content_id, await made.contact(), state)
    await made.message(campaign.content_id, await made.contact(), accepted_at=sent_at, tracked=False)
    assert (await look(database, trigger)).fired == 0


async def test_nobody_is_looked_at_before_the_deadline_has_passed(database: Database, made: Rows, sent_at: datetime) -> None:
    _, _, campaign = await campaign_to(made, 1, sent_at)
    trigger = await cold(made, [campaign.content_id], campaign_id=campaign.id)
    deadline = sent_at + WITHIN
    assert [each.deadline for each in await opened(database)] == [deadline]
    assert await look(database, trigger, at=deadline + GRACE - timedelta(milliseconds=1)) == Looked()
    assert await look(database, trigger, at=deadline + GRACE) == Looked(1, 1)
    assert [each.deadline for each in await opened(database)] == [None]


@pytest.mark.parametrize(("held", "verdict", "looked"), [(False, "human", 0), (True, "human", 1), (True, "suspect", 2)])
async def test_a_click_that_waits_in_the_inbox_is_waited_for(
    database: Database, database_url: str, made: Rows, sent_at: datetime, *, held: bool, verdict: str, looked: int
) -> None:
    """One that is not recorded stops everybody of its organization whose deadline is later, and one that is held stops those
    behind its message."""
    _, messages, campaign = await campaign_to(made, 2, sent_at)
    messages.sort(key=lambda each: each.id)
    trigger = await cold(made, [campaign.content_id], campaign_id=campaign.id)
    at = sent_at + WITHIN - timedelta(minutes=1)
    until = now() + timedelta(hours=1) if held else None
    waiting = _click(messages[1], at, verdict, until)
    await store(database_url, [waiting])
    assert (await look(database, trigger)).messages == looked
    await _release(database)
    assert (await look(database, trigger)).messages == 2 - looked
    assert len(await rows(database, FIRINGS)) == 2


async def test_a_click_after_the_deadline_that_waits_in_the_inbox_is_not_waited_for(
    database: Database, database_url: str, made: Rows, sent_at: datetime
) -> None:
    _, messages, campaign = await campaign_to(made, 1, sent_at)
    trigger = await cold(made, [campaign.content_id], campaign_id=campaign.id)
    later = sent_at + WITHIN + timedelta(minutes=1)
    await store(database_url, [_click(messages[0], later, "human", until) for until in (None, now() + WITHIN)])
    assert await look(database, trigger) == Looked(1, 1)


async def test_clicks_of_another_organization_hold_up_nobody(
    database: Database, database_url: str, made: Rows, sent_at: datetime
) -> None:
    _, _, campaign = await campaign_to(made, 1, sent_at)
    trigger = await cold(made, [campaign.content_id], campaign_id=campaign.id)
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Another")
    theirs = Rows(database, other.id)
    _, messages, _ = await campaign_to(theirs, 1, sent_at)
    await store(database_url, [_click(messages[0], sent_at, "human", None)])
    assert await look(database, trigger) == Looked(1, 1)


async def test_pages_of_messages_that_were_accepted_together_leave_nobody_out(
    database: Database, made: Rows, sent_at: datetime
) -> None:
    _, _, campaign = await campaign_to(made, 1, sent_at)
    trigger = await cold(made, [campaign.content_id], campaign_id=campaign.id)
    async with database.transaction() as session:
        await session.execute(
            text("""
            WITH people AS (
                INSERT INTO contact (id, org_id, tags, properties, created_at, updated_at)
                SELECT gen_random_uuid(), :org_id, '{}', '{}', now(), now() FROM generate_series(1, :people) RETURNING id
            )
            INSERT INTO message (id, org_id, contact_id, channel_id, content_id, recipient_number, campaign_id, state, tracked,
                created_at, accepted_at)
            SELECT gen_random_uuid(), org_id, people.id, channel_id, content_id, 1000 + row_number() OVER (), campaign_id, state,
                tracked, created_at, accepted_at
            FROM message, people WHERE message.campaign_id = :campaign_id
        """),
            {"org_id": made.org_id, "people": 2 * PAGE, "campaign_id": campaign.id},
        )
    pages = [await look(database, trigger) for _ in range(4)]
    assert [each.messages for each in pages] == [PAGE, PAGE, 1, 0]
    assert await rows(database, "SELECT count(*), count(DISTINCT contact_id) FROM firing") == [(2 * PAGE + 1, 2 * PAGE + 1)]


async def test_what_is_rolled_back_is_looked_at_again_and_two_who_look_do_not_fire_twice(
    database: Database, made: Rows, sent_at: datetime
) -> None:
    _, _, campaign = await campaign_to(made, 3, sent_at)
    trigger = await cold(made, [campaign.content_id], campaign_id=campaign.id)
    (ahead,) = await opened(database)
    async with database.session() as session:  # ends without a commit
        assert (await not_clicked.look(session, ahead, now(), now())).fired == 3
    looked = await asyncio.gather(*(look(database, trigger) for _ in range(4)))
    assert sum(each.fired for each in looked) == 3


async def test_a_message_whose_transaction_has_not_ended_is_waited_for(database: Database, made: Rows, sent_at: datetime) -> None:
    async with database.session() as session:
        await session.execute(text("SELECT pg_current_xact_id()"))
        began = await session.scalar(text("SELECT now()"))
        async with database.statement() as other:
            assert await not_clicked.visible_until(other) == began
    async with database.statement() as other:
        assert await not_clicked.visible_until(other) > began


async def test_a_trigger_whose_campaign_is_over_and_quiet_is_looked_at_no_more(
    database: Database, made: Rows, sent_at: datetime
) -> None:
    _, _, campaign = await campaign_to(made, 1, sent_at)
    trigger = await cold(made, [campaign.content_id], campaign_id=campaign.id)
    quiet = timedelta(0)
    assert await _finish(database, quiet) == 0  # the campaign still tracks clicks
    await _set(database, "UPDATE campaign SET state = 'completed'")
    assert await _finish(database, quiet) == 0  # there is a message that it has not looked at
    await look(database, trigger)
    assert await _finish(database) == 0  # it met a message a moment ago
    assert await _finish(database, quiet) == 1
    assert await opened(database) == []


async def test_a_trigger_of_a_version_that_nobody_can_enter_and_nobody_is_in_is_looked_at_no_more(
    database: Database, made: Rows
) -> None:
    sequence = await made.sequence()
    content_id = await made.content_of_step(sequence, "hello")
    version = (await rows(database, "SELECT id FROM sequence_version"))[0]
    await cold(made, [content_id], sequence_id=sequence.id, sequence_version_id=version)
    quiet = timedelta(0)
    assert await _finish(database, quiet) == 0  # it is the latest version
    enrollment = await made.enrollment(sequence, await made.contact(), EnrollmentState.RUNNING)
    await made.step_run(enrollment, 1, "hello")
    await made.publish(sequence)
    assert await _finish(database, quiet) == 0  # somebody is in it
    await _set(database, "UPDATE step_run SET left_at = now(), outcome = 'sent'")
    assert await _finish(database, quiet) == 1


async def test_every_statement_reaches_messages_and_clicks_by_an_index(database: Database, made: Rows, sent_at: datetime) -> None:
    _, messages, campaign = await campaign_to(made, 3, sent_at)
    trigger = await cold(made, [campaign.content_id], campaign_id=campaign.id)
    await made.click(messages[0], at=sent_at + timedelta(minutes=1))
    with statements(database) as sent:
        await look(database, trigger)
        await _finish(database)
    assert await scans_without_index(database, sent) == []


def _click(message: Message, at: datetime, verdict: str, held_until: datetime | None) -> InboxClick:
    link = (message.content_id, message.recipient_number, 0)
    return InboxClick(id_at(at), message.org_id, *link, at, verdict, "person", None, None, held_until)


async def _release(database: Database) -> None:
    """The clicks that waited are no person's and were recorded."""
    await _set(database, "DELETE FROM click_inbox")


async def _set(database: Database, statement: str) -> None:
    async with database.transaction() as session:
        await session.execute(text(statement))


async def _finish(database: Database, quiet: timedelta = not_clicked.QUIET) -> int:
    async with database.transaction() as session:
        return await not_clicked.finish(session, quiet)
