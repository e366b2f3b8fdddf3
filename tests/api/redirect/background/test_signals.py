"""After the commit: the recorder is woken, also when it does not run yet, and the person's workflow hears of the click."""

import asyncio
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from models.base import new_id
from models.clicks.inbox import shard_of
from models.database import Database
from models.organizations.organization import Organization
from models.wire.names import enrollment_workflow_id, recorder_workflow_id
from settings import Settings
from tests.api.redirect.contact import running
from tests.clicks import rows, send


async def signals_until(handle: WorkflowHandle[Any, Any], name: str, count: int) -> int:
    """Waits for that many signals; how many there are then."""
    found = 0
    async with asyncio.timeout(20):
        while found < count:
            try:
                events = [each async for each in handle.fetch_history_events()]
            except RPCError:  # it has not been started yet
                events = []
            signals = [each for each in events if each.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED]
            found = len([each for each in signals if each.workflow_execution_signaled_event_attributes.signal_name == name])
            await asyncio.sleep(0.02)
    return found


@pytest.fixture
def sharded(settings: Settings) -> Settings:
    """With recorders that no other test wakes, where the recipient_number is high."""
    return settings.model_copy(update={"recorder_shards": 61})


async def test_clicks_start_and_wake_their_recorder_without_flooding_it(
    sharded: Settings, temporal: Client, database: Database, organization: tuple[Organization, str]
) -> None:
    sent = await send(database, organization[0].id, people=31)
    handle: WorkflowHandle[Any, Any] = temporal.get_workflow_handle(
        recorder_workflow_id(shard_of(sent.content_id, sent.recipient_numbers[30], 61))
    )
    async with running(sharded, temporal) as contact:
        await asyncio.gather(*(contact.click(sent, 30) for _ in range(30)))
        assert await signals_until(handle, "wake", 1) <= 3
    await handle.terminate()


async def test_the_waiting_workflow_hears_of_the_click_at_once_and_only_once(
    sharded: Settings, temporal: Client, database: Database, organization: tuple[Organization, str]
) -> None:
    org_id, enrollment_id = organization[0].id, new_id()
    sent = await send(database, org_id, wakes=[0], enrollment_id=enrollment_id, step_key="hello", step_run=1)
    workflow_id = enrollment_workflow_id(enrollment_id)
    handle: WorkflowHandle[Any, Any] = await temporal.start_workflow("SequenceEnrollment", id=workflow_id, task_queue="nobody")
    async with running(sharded, temporal) as contact:
        await contact.click(sent)
        assert await signals_until(handle, "click", 1) == 1
        await contact.click(sent)
        await contact.click(sent)
        async with asyncio.timeout(20):
            while True:
                if await rows(database, "SELECT outcome FROM signal_outbox") == ["delivered"]:
                    break
                await asyncio.sleep(0.02)
    assert await signals_until(handle, "click", 1) == 1
    assert len(await rows(database, "SELECT id FROM click_inbox")) == 3
    await handle.terminate()
