"""Signals on the real Temporal server: each click once, too late is a fact, an outage is waited out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from models.base import new_id
from models.database import Database
from models.organizations.organization import Organization
from models.wire.clicks import ClickSignal, LinkKey
from models.wire.names import enrollment_workflow_id
from services.deliver_signals import SignalDelivery
from temporal_client import DATA_CONVERTER
from tests.clicks import Sent, click, rows, send, store

NOBODY = "a-queue-without-a-worker"


@pytest.fixture
def delivery(database: Database, temporal: Client) -> SignalDelivery:
    return SignalDelivery(database, temporal)


@asynccontextmanager
async def waiting(client: Client, org_id: UUID, enrollment_id: UUID) -> AsyncIterator[WorkflowHandle[Any, Any]]:
    """A workflow that takes signals; nothing has to run it."""
    workflow_id = enrollment_workflow_id(enrollment_id)
    handle = await client.start_workflow("SequenceEnrollment", id=workflow_id, task_queue=NOBODY)
    yield handle
    await handle.terminate()


async def signals_of(client: Client, handle: WorkflowHandle[Any, Any]) -> list[ClickSignal]:
    found = []
    async for event in handle.fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            payloads = event.workflow_execution_signaled_event_attributes.input.payloads
            found += await client.data_converter.decode(list(payloads), [ClickSignal])
    return found


async def reopen(database: Database) -> None:
    """As if the delivery had died before it could write down that it was done."""
    async with database.transaction() as session:
        await session.execute(text("UPDATE signal_outbox SET outcome = NULL, marked_at = NULL, due_at = now()"))


async def outcomes(database: Database) -> list[Any]:
    return await rows(database, "SELECT outcome FROM signal_outbox ORDER BY content_id, recipient_number, position")


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    return await send(database, organization[0].id, wakes=[0, 1], enrollment_id=new_id(), step_key="hello", step_run=3)


async def test_a_signal_for_a_workflow_that_is_over_is_closed(
    database: Database, database_url: str, sent: Sent, delivery: SignalDelivery
) -> None:
    links = await store(database_url, [click(sent)], wakes=True)
    assert await delivery.deliver(links) == 1
    assert await outcomes(database) == ["closed"]


async def test_a_click_that_belongs_to_no_message_signals_nobody(
    database: Database, database_url: str, sent: Sent, delivery: SignalDelivery
) -> None:
    await store(database_url, [click(sent, recipient_number=999)], wakes=True)
    assert await delivery.sweep() == (1, False)
    assert await outcomes(database) == ["nobody"]


async def test_without_temporal_a_signal_stays_open_and_is_tried_again_later(
    database: Database,
    database_url: str,
    sent: Sent,
    delivery: SignalDelivery,
    temporal: Client,
    organization: tuple[Organization, str],
) -> None:
    away = await Client.connect("127.0.0.1:1", lazy=True, data_converter=DATA_CONVERTER)
    links = await store(database_url, [click(sent)], wakes=True)
    assert await SignalDelivery(database, away).deliver(links) == 0
    state = "SELECT outcome, attempts, last_error IS NOT NULL, due_at > now() FROM signal_outbox"
    assert await rows(database, state) == [(None, 1, True, True)]
    assert await delivery.sweep() == (0, False)  # not due yet
    async with waiting(temporal, organization[0].id, sent.scope["enrollment_id"]) as handle:
        await reopen(database)
        assert await delivery.sweep() == (1, False)
        assert len(await signals_of(temporal, handle)) == 1
    assert await outcomes(database) == ["delivered"]


async def test_a_namespace_that_does_not_exist_says_nothing_about_the_workflow(
    database: Database, database_url: str, sent: Sent, temporal: Client
) -> None:
    lost = Client(temporal.service_client, namespace="no-such-namespace", data_converter=DATA_CONVERTER)
    links = await store(database_url, [click(sent)], wakes=True)
    assert await SignalDelivery(database, lost).deliver(links) == 0
    assert await outcomes(database) == [None]


async def test_a_click_delivered_twice_is_one_event_that_names_its_link(
    database: Database,
    database_url: str,
    sent: Sent,
    delivery: SignalDelivery,
    temporal: Client,
    organization: tuple[Organization, str],
) -> None:
    made = click(sent)
    async with waiting(temporal, organization[0].id, sent.scope["enrollment_id"]) as handle:
        links = await store(database_url, [made], wakes=True)
        for _ in range(3):
            assert await delivery.deliver(links) == 1
            await reopen(database)
        key = LinkKey(step_run=3, position=0, step_key="hello", name="offer")
        assert await signals_of(temporal, handle) == [ClickSignal(click_id=made.id, link=key)]


async def test_two_clicks_within_milliseconds_wake_as_fast_as_one(
    database: Database, database_url: str, sent: Sent, delivery: SignalDelivery
) -> None:
    """While the second click is being stored its row is locked, and the first one's delivery passes over it."""
    links = await store(database_url, [click(sent)], wakes=True)
    async with database.transaction() as second:
        await second.execute(text("SELECT FROM signal_outbox FOR UPDATE"))
        assert await delivery.deliver(links) == 0
    links = await store(database_url, [click(sent)], wakes=True)
    assert await delivery.deliver(links) == 1
    assert await outcomes(database) == ["closed"]


async def test_a_batch_is_bounded_and_says_that_more_may_be_due(
    database: Database, database_url: str, organization: tuple[Organization, str], delivery: SignalDelivery
) -> None:
    sent = await send(database, organization[0].id, people=230, wakes=[0])
    await store(database_url, [click(sent, n) for n in range(230)], wakes=True)
    assert [await delivery.sweep() for _ in range(3)] == [(100, True), (100, True), (30, False)]
