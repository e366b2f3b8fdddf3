"""Signals on the real Temporal server: each click once, too late is a fact, an outage is waited out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.deliver_signals import LAST_RETRY, SignalDelivery, _retry_delay
from activities.starter import Starter
from models import wire
from models.base import new_id
from models.campaign import Campaign
from models.channel import channels_by_name
from models.database import Database
from models.organization import Organization
from models.sequence import Sequence, SequenceVersion
from tests.clicks import Sent, click, rows, send, store

NOBODY = "a-queue-without-a-worker"


@pytest.fixture
def delivery(database: Database, temporal: Client) -> SignalDelivery:
    return SignalDelivery(database, temporal, Starter(database, temporal))


@asynccontextmanager
async def waiting(client: Client, org_id: UUID, enrollment_id: UUID) -> AsyncIterator[WorkflowHandle[Any, Any]]:
    """A workflow that takes signals; nothing has to run it."""
    workflow_id = wire.enrollment_workflow_id(org_id, enrollment_id)
    handle = await client.start_workflow("SequenceEnrollment", id=workflow_id, task_queue=NOBODY)
    yield handle
    await handle.terminate()


async def signals_of(client: Client, handle: WorkflowHandle[Any, Any]) -> list[wire.ClickSignal]:
    found = []
    async for event in handle.fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            payloads = event.workflow_execution_signaled_event_attributes.input.payloads
            found += await client.data_converter.decode(list(payloads), [wire.ClickSignal])
    return found


async def reopen(database: Database) -> None:
    """As if the delivery had died before it could write down that it was done."""
    async with database.transaction() as session:
        await session.execute(text("UPDATE signal_outbox SET outcome = NULL, settled_at = NULL, due_at = now()"))


async def outcomes(database: Database) -> list[Any]:
    return await rows(database, "SELECT outcome FROM signal_outbox ORDER BY content_id, ordinal, position")


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    return await send(database, organization[0].id, wakes=[0, 1], enrollment_id=new_id(), step_key="hello", visit=3)


async def test_a_signal_for_a_workflow_that_is_over_is_closed(
    database: Database, database_url: str, sent: Sent, delivery: SignalDelivery
) -> None:
    links = await store(database_url, [click(sent)], wakes=True)
    assert await delivery.deliver(links) == 1
    assert await outcomes(database) == ["closed"]


async def test_a_click_that_belongs_to_no_message_signals_nobody(
    database: Database, database_url: str, sent: Sent, delivery: SignalDelivery
) -> None:
    await store(database_url, [click(sent, ordinal=999)], wakes=True)
    assert await delivery.sweep() == 1
    assert await outcomes(database) == ["nobody"]


async def test_without_temporal_a_signal_stays_open_and_is_tried_again_later(
    database: Database,
    database_url: str,
    sent: Sent,
    delivery: SignalDelivery,
    temporal: Client,
    organization: tuple[Organization, str],
) -> None:
    away = await Client.connect("127.0.0.1:1", lazy=True, data_converter=pydantic_data_converter)
    links = await store(database_url, [click(sent)], wakes=True)
    assert await SignalDelivery(database, away, Starter(database, away)).deliver(links) == 0
    state = "SELECT outcome, attempts, last_error IS NOT NULL, due_at > now() FROM signal_outbox"
    assert await rows(database, state) == [(None, 1, True, True)]
    assert await delivery.sweep() == 0  # not due yet
    async with waiting(temporal, organization[0].id, sent.scope["enrollment_id"]) as handle:
        await reopen(database)
        assert await delivery.sweep() == 1
        assert len(await signals_of(temporal, handle)) == 1
    assert await outcomes(database) == ["delivered"]


async def test_a_namespace_that_does_not_exist_says_nothing_about_the_workflow(
    database: Database, database_url: str, sent: Sent, temporal: Client
) -> None:
    lost = Client(temporal.service_client, namespace="no-such-namespace", data_converter=pydantic_data_converter)
    links = await store(database_url, [click(sent)], wakes=True)
    assert await SignalDelivery(database, lost, Starter(database, lost)).deliver(links) == 0
    assert await outcomes(database) == [None]


async def test_the_waits_between_attempts_grow_and_have_a_limit() -> None:
    assert [_retry_delay(n).total_seconds() for n in (1, 2, 3)] == [1, 2, 4]
    assert _retry_delay(10_000) == LAST_RETRY


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
        key = wire.LinkKey(visit=3, position=0, step_key="hello", name="offer")
        assert await signals_of(temporal, handle) == [wire.ClickSignal(click_id=made.id, link=key)]


async def test_a_sweep_delivers_more_than_one_batch(
    database: Database, database_url: str, organization: tuple[Organization, str], delivery: SignalDelivery
) -> None:
    sent = await send(database, organization[0].id, people=230, wakes=[0])
    await store(database_url, [click(sent, n) for n in range(230)], wakes=True)
    assert await delivery.sweep() == 230


async def test_a_click_on_a_campaigns_trigger_starts_one_follow_up_for_each_person(
    database: Database, database_url: str, organization: tuple[Organization, str], delivery: SignalDelivery, temporal: Client
) -> None:
    org_id = organization[0].id
    campaign_id = await campaign_with_trigger(database, org_id)
    sent = await send(database, org_id, wakes=[0, 1], people=3, campaign_id=campaign_id)
    await store(database_url, [click(sent, 0), click(sent, 0, 1), click(sent, 2)], wakes=True)
    assert await delivery.sweep() == 3
    await reopen(database)
    assert await delivery.sweep() == 3
    assert await outcomes(database) == ["followed_up"] * 3
    enrolled = await rows(database, "SELECT id, contact_id FROM enrollment WHERE workflow_started_at IS NOT NULL")
    assert {contact for _, contact in enrolled} == {sent.contacts[0], sent.contacts[2]}
    for enrollment_id, _ in enrolled:
        await temporal.get_workflow_handle(wire.enrollment_workflow_id(org_id, enrollment_id)).terminate()


async def campaign_with_trigger(database: Database, org_id: UUID) -> UUID:
    async with database.transaction() as session:
        channel = (await channels_by_name(session, org_id))["simulator-sms"]
        definition = {"steps": [{"kind": "end", "key": "end"}]}
        sequence = Sequence(org_id=org_id, name="Follow-up", draft=definition, version=1)
        session.add(sequence)
        await session.flush()
        session.add(SequenceVersion(org_id=org_id, sequence_id=sequence.id, version=1, definition=definition))
        trigger = {"link": None, "sequence_id": str(sequence.id)}
        campaign = Campaign(org_id=org_id, name="C", channel_id=channel.id, message={}, audience={}, trigger=trigger)
        session.add(campaign)
    return campaign.id
