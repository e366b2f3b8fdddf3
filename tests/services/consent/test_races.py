"""Opt-outs against claims, moves and instant effects: real transactions that wait for each other, and never in a circle."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text

from models.channels.channel import channels_by_name
from models.consent import obstacles
from models.consent.consent import ConsentSource, ConsentState
from models.consent.suppression import SuppressionReason
from models.contacts.contact import Contact
from models.database import Database
from models.sequences import standing
from models.sequences.progress import Move, Passage, move
from services.consent.opt_out import EVERYTHING, record_consent
from services.consent.suppress import suppress
from services.inbound.receive import Inbound, receive
from tests.clicks import rows
from tests.sending import Provider, Sending
from tests.triggered import Triggered

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
STATES = "SELECT state, reason FROM message"
PHONE = "+4915112345678"

Send = Callable[[], Coroutine[Any, Any, Any]]
Refuse = Callable[[], Coroutine[Any, Any, Any]]


@pytest.fixture
async def contact(sending: Sending) -> Contact:
    (contact,) = await sending.contacts(phone=PHONE)
    return contact


@pytest.fixture(params=["step", "page", "trigger"])
async def send(request: pytest.FixtureRequest, sending: Sending, provider: Provider, contact: Contact) -> Send:
    """The claim that is tried, of each of the three kinds, ready to begin."""
    if request.param == "step":
        enrollment = await sending.enrollment(contact)
        return lambda: sending.send_step(enrollment)
    if request.param == "page":
        campaign = await sending.campaign()
        return lambda: sending.send_page(campaign)
    triggered = Triggered(sending, provider)
    await triggered.fire(await triggered.trigger(), contact)
    return triggered.send


@pytest.fixture(params=["consent", "suppression", "word"])
def refuse(request: pytest.FixtureRequest, sending: Sending, contact: Contact) -> Refuse:
    """The three ways by which the same person says no."""

    async def by_consent() -> None:
        async with sending.database.transaction() as session:
            await record_consent(
                session, sending.org_id, [contact.id], ConsentState.OPTED_OUT, EVERYTHING, ConsentSource.UNSUBSCRIBE_LINK
            )

    async def by_suppression() -> None:
        async with sending.database.transaction() as session:
            await suppress(session, sending.org_id, "sms", PHONE, SuppressionReason.COMPLAINT)

    async def by_word() -> None:
        async with sending.database.transaction() as session:
            channel = (await channels_by_name(session, sending.org_id))["simulator-sms"]
        await receive(sending.database, channel, Inbound(PHONE, None, "STOP", "SM1"), None)

    return {"consent": by_consent, "suppression": by_suppression, "word": by_word}[request.param]


async def somebody_waits(database: Database) -> None:
    while await rows(database, WAITING) == [0]:  # noqa: ASYNC110 - PostgreSQL does not say when somebody begins to wait
        await asyncio.sleep(0.01)


@asynccontextmanager
async def held_while_reading(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[asyncio.Event, asyncio.Event]]:
    """The claim stops when it has locked the contact and read what stands in the way, until it may go on."""
    has_read, go_on = asyncio.Event(), asyncio.Event()
    read = obstacles.read

    async def reads(*arguments: Any) -> Any:
        found = await read(*arguments)
        has_read.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(obstacles, "read", reads)
    yield has_read, go_on
    monkeypatch.setattr(obstacles, "read", read)


async def test_a_refusal_that_was_answered_is_seen_by_every_later_claim(
    sending: Sending, provider: Provider, send: Send, refuse: Refuse
) -> None:
    await refuse()
    await send()
    assert provider.taken == []
    states = await rows(sending.database, STATES)
    assert all(state == "skipped" and reason.startswith(("opted_out", "suppressed")) for state, reason in states)


async def test_a_refusal_during_a_claim_waits_for_it(
    sending: Sending, provider: Provider, send: Send, refuse: Refuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So nothing is claimed after the answer, and whatever was claimed before it is sent."""
    async with held_while_reading(monkeypatch) as (has_read, go_on):
        sent = asyncio.create_task(send())
        await has_read.wait()
        refused = asyncio.create_task(refuse())
        await somebody_waits(sending.database)
        assert not refused.done()
        go_on.set()
        await asyncio.gather(sent, refused)
    assert len(provider.taken) == 1
    assert await rows(sending.database, STATES) == [("accepted", None)]


async def test_a_claim_during_a_refusal_waits_for_it_and_sends_nothing(
    sending: Sending, provider: Provider, contact: Contact, send: Send
) -> None:
    async with sending.database.transaction() as session:
        await record_consent(session, sending.org_id, [contact.id], ConsentState.OPTED_OUT, EVERYTHING, ConsentSource.API)
        sent = asyncio.create_task(send())
        await somebody_waits(sending.database)
    await sent
    assert provider.taken == []


async def test_a_refusal_and_the_move_of_an_enrollment_wait_for_each_other_without_a_deadlock(
    sending: Sending, contact: Contact, refuse: Refuse
) -> None:
    """A move locks the enrollment and then, by the foreign key of its event, the contact."""
    enrollment = await sending.enrollment(contact)
    async with sending.database.transaction() as session:
        locked = await standing.lock(session, enrollment.id, 1)
        refused = asyncio.create_task(refuse())
        await somebody_waits(sending.database)
        assert await move(session, Move(enrollment.id, locked.step_run, None, [Passage(1, "hello", "send")]))
    await refused


async def test_a_refusal_and_an_instant_effect_wait_for_each_other_without_a_deadlock(
    sending: Sending, contact: Contact, refuse: Refuse
) -> None:
    """An instant effect locks the contact and then its enrollment."""
    enrollment = await sending.enrollment(contact)
    async with sending.database.transaction() as session:
        await session.execute(text(standing.LOCK_CONTACT), {"id": enrollment.id})
        refused = asyncio.create_task(refuse())
        await somebody_waits(sending.database)
        await standing.lock_with_contact(session, enrollment.id)
    await refused


async def test_refusals_of_the_same_people_in_any_order_wait_for_each_other(sending: Sending) -> None:
    people = await sending.contacts(20)
    ids = [each.id for each in people]
    for each in people:
        await sending.enrollment(each)

    async def refuse(order: list[Any]) -> list[Any]:
        async with sending.database.transaction() as session:
            return await record_consent(session, sending.org_id, order, ConsentState.OPTED_OUT, EVERYTHING, ConsentSource.API)

    stopped = await asyncio.gather(*(refuse(ids if turn % 2 else ids[::-1]) for turn in range(6)))
    assert sorted(map(len, stopped)) == [0, 0, 0, 0, 0, 20]
