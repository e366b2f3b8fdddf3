"""Erasures and reports against whoever sends: real transactions that wait for each other, and never in a circle."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import Client

from models.base import new_id
from models.consent.lock import lock_people
from models.contacts.contact import Contact
from models.contacts.erasing import lock_to_erase
from models.contacts.personal_data import erase_rows
from models.messages.ledger import SendResult, record_results
from models.messages.message import Message, MessageState
from models.messages.report import MessageReport, ReportKind, add_report
from models.triggers.due import HOLD
from services.channels.base import ChannelError
from services.contacts.erase import erase_contact, whose
from tests.clicks import rows
from tests.sending import Provider, Sending
from tests.services.consent.test_races import somebody_waits
from tests.triggered import Triggered

FREE = "SELECT FROM message WHERE contact_id = :id FOR UPDATE NOWAIT"
"""Fails when whoever waits for the contact holds its messages, which would be a deadlock."""

Send = Callable[[], Coroutine[Any, Any, Any]]


@pytest.fixture
async def contact(sending: Sending, provider: Provider) -> Contact:
    (contact,) = await sending.contacts()
    provider.before[contact.phone or ""] = ChannelError("later", permanent=False)
    return contact


@pytest.fixture(params=["step", "page", "trigger"])
async def send_again(request: pytest.FixtureRequest, sending: Sending, provider: Provider, contact: Contact) -> Send:
    """Tries the message once more that the provider has refused for now, in each of the three ways to send."""
    if request.param == "step":
        enrollment = await sending.enrollment(contact)
        await sending.send_step(enrollment)
        return lambda: sending.send_step(enrollment)
    if request.param == "page":
        campaign = await sending.campaign()
        await sending.send_page(campaign)
        return lambda: sending.send_page(campaign, again=True, insist=True)
    triggered = Triggered(sending, provider)
    await triggered.fire(await triggered.trigger(), contact)
    await triggered.send()
    await triggered.make_due()
    return triggered.send


async def test_a_message_that_is_tried_again_and_an_erasure_wait_for_each_other_without_a_deadlock(
    sending: Sending, contact: Contact, send_again: Send, temporal: Client
) -> None:
    async with sending.database.transaction() as session:
        await lock_people(session, sending.org_id, [contact.id])
        sent = asyncio.create_task(send_again())
        await somebody_waits(sending.database)
        await session.execute(text(FREE), {"id": contact.id})
        erased = asyncio.create_task(erase_contact(sending.database, temporal, sending.org_id, contact.id))
    await asyncio.gather(sent, erased)
    assert await rows(sending.database, "SELECT to_address FROM message") == [None]


async def test_a_message_that_is_tried_again_and_a_report_about_its_person_wait_for_each_other_without_a_deadlock(
    sending: Sending, contact: Contact, send_again: Send
) -> None:
    message = await sending.message()
    async with sending.database.transaction() as session:
        await lock_people(session, sending.org_id, [contact.id])
        sent = asyncio.create_task(send_again())
        await somebody_waits(sending.database)
        await session.execute(text(FREE), {"id": contact.id})
        report = MessageReport(org_id=sending.org_id, message_id=message.id, kind=ReportKind.BOUNCED, event_key="bounced")
        assert await add_report(session, report, None)
    await sent
    assert (await sending.message()).report == ReportKind.BOUNCED


async def test_an_action_of_a_trigger_and_an_erasure_wait_for_each_other_without_a_deadlock(
    sending: Sending, provider: Provider, contact: Contact, temporal: Client
) -> None:
    """An action holds its firing and then, by what it does, the contact."""
    triggered = Triggered(sending, provider)
    (firing,) = await triggered.fire(await triggered.trigger(), contact)
    async with sending.database.transaction() as session:
        due = {"ids": [firing.id], "position": firing.next_action, "due_at": firing.due_at}
        assert (await session.scalars(text(HOLD), due)).all() == [firing.id]
        erased = asyncio.create_task(erase_contact(sending.database, temporal, sending.org_id, contact.id))
        await somebody_waits(sending.database)
        await session.execute(text("SELECT FROM contact WHERE id = :id FOR NO KEY UPDATE"), {"id": contact.id})
    assert (await erased).unfinished == []


async def test_results_and_an_erasure_lock_many_messages_in_the_same_order(sending: Sending, contact: Contact) -> None:
    for _ in range(2):
        await sending.send_page(await sending.campaign())
    first, second = await sending.messages()
    results = [SendResult(each.id, MessageState.ACCEPTED, f"provider-{new_id()}") for each in (second, first)]

    async def record() -> None:
        async with sending.database.transaction() as session:
            await record_results(session, results)

    async with sending.database.transaction() as session:
        await session.get_one(Message, first.id, with_for_update=True)
        recorded = asyncio.create_task(record())
        await somebody_waits(sending.database)
        await session.get_one(Message, second.id, with_for_update=True)
        await lock_to_erase(session, sending.org_id, contact.id)
        await erase_rows(session, await whose(session, contact))
    await recorded
