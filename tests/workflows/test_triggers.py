"""From a stored click to the action of its trigger, on real servers: the recorder rings, and nobody waits for a timer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities.record_clicks import RecordClicks
from activities.run_triggers import RunTriggers
from models.database import Database
from models.wire.clicks import RecorderInput
from models.wire.names import sweeper_workflow_id
from models.wire.sweeper import SweeperInput
from services.clicks.geo_locations import GeoLocations
from services.process.doorbell import Doorbell
from services.starter import Starter
from tests.clicks import click, rows, send, store
from tests.rows import Rows
from tests.triggers import Machine
from workflows.sweeper import Sweeper

ALL = RecorderInput(shard=0, shards=1)
DONE = "SELECT count(*) FROM firing_action WHERE outcome = 'done'"


@asynccontextmanager
async def sweeper(temporal: Client, activity: RunTriggers) -> AsyncIterator[None]:
    """It looks once and then waits for ten minutes, unless somebody rings."""
    queue, start = f"triggers-{uuid4()}", SweeperInput(part="triggers", interval=timedelta(minutes=10))
    async with Worker(temporal, task_queue=queue, workflows=[Sweeper], activities=[activity.run_triggers]):
        handle = await temporal.start_workflow(Sweeper.run, start, id=sweeper_workflow_id("triggers"), task_queue=queue)
        try:
            while not await _waits(handle):  # noqa: ASYNC110 - it is in Temporal
                await asyncio.sleep(0.02)
            yield
        finally:
            await handle.terminate()


async def _waits(handle: WorkflowHandle[Any, Any]) -> bool:
    return any(event.HasField("timer_started_event_attributes") for event in (await handle.fetch_history()).events)


@pytest.mark.parametrize("verdict", ["human", "bot"])
async def test_a_click_that_is_recorded_is_tagged_at_once_if_a_person_made_it(
    database: Database, database_url: str, temporal: Client, made: Rows, machine: Machine, verdict: str
) -> None:
    sent = await send(database, made.org_id, people=20)
    await made.trigger([sent.content_id])
    bell = Doorbell(partial(Starter(database, temporal).ring_sweeper, "triggers"))
    recorder = RecordClicks(database, GeoLocations(), fired=bell.press)
    other = await send(database, made.org_id, people=1)
    await made.trigger([other.content_id], key="other")
    activity = RunTriggers(database, machine.actions, machine.matching)
    async with sweeper(temporal, activity), asyncio.timeout(60):
        await store(database_url, [click(sent, number, verdict=verdict) for number in range(20)])
        await recorder.record_clicks(ALL)
        await store(database_url, [click(other)])
        await recorder.record_clicks(ALL)
        expected = 21 if verdict == "human" else 1
        while await rows(database, DONE) != [expected]:  # noqa: ASYNC110 - it is in the database
            await asyncio.sleep(0.02)
    assert await rows(database, "SELECT count(*) FROM contact WHERE tags = '{hot}'") == [expected]
