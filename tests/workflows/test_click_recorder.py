"""The recorder's loop on the real server: it works off what there is, waits, wakes, and goes on in a new run."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from activities.record_clicks import RecordClicks
from models.base import new_id
from models.database import Database
from models.organizations.organization import Organization
from models.wire.clicks import RecorderInput, RecordResult
from services.clicks.geo_locations import GeoLocations
from tests.clicks import assert_counters_equal_rows, click, clicks_of, send, store
from workflows import click_recorder, policies
from workflows.click_recorder import ClickRecorder

ALL = RecorderInput(shard=0, shards=1)


@asynccontextmanager
async def recording(
    client: Client, activity_method: Callable[..., Any], sandboxed: bool = True, part: RecorderInput = ALL
) -> AsyncIterator[WorkflowHandle[Any, Any]]:
    queue = f"recorder-{uuid4()}"
    runner = SandboxedWorkflowRunner() if sandboxed else UnsandboxedWorkflowRunner()
    async with Worker(client, task_queue=queue, workflows=[ClickRecorder], activities=[activity_method], workflow_runner=runner):
        handle: WorkflowHandle[Any, Any] = await client.start_workflow(
            ClickRecorder.run, part, id=f"recorder-{uuid4()}", task_queue=queue, start_signal="wake"
        )
        yield handle
        with suppress(RPCError):  # a test may have let it end
            await client.get_workflow_handle(handle.id).terminate()


class Inbox:
    """An activity that hands out what was put in; `asked` and `empty` are told when it is called. `shards` is the worker's
    setting."""

    def __init__(self, *batches: int, shards: int | None = None) -> None:
        self.batches = list(batches)
        self.shards = shards
        self.parts: list[RecorderInput] = []
        self.runs: set[str | None] = set()
        self.asked: asyncio.Queue[int] = asyncio.Queue()
        self.empty = asyncio.Event()

    @activity.defn
    async def record_clicks(self, part: RecorderInput) -> RecordResult:
        self.parts.append(part)
        self.runs.add(activity.info().workflow_run_id)
        recorded = self.batches.pop(0) if self.batches else 0
        if not self.batches:
            self.empty.set()
        self.asked.put_nowait(recorded)
        return RecordResult(recorded=recorded, remaining=bool(self.batches), shards=self.shards)

    async def is_asked(self, times: int = 1) -> None:
        async with asyncio.timeout(20):
            for _ in range(times):
                await self.asked.get()


async def recorded(handle: WorkflowHandle[Any, Any], clicks: int) -> None:
    """Until the workflow has had that many results of its activity."""
    count = 0
    async with asyncio.timeout(20):
        async for event in handle.fetch_history_events(wait_new_event=True):
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                (result,) = event.activity_task_completed_event_attributes.result.payloads
                count += RecordResult.model_validate_json(result.data).recorded
            if count >= clicks:
                return


async def test_it_records_batch_after_batch_without_being_woken_again(temporal: Client) -> None:
    inbox = Inbox(5, 5, 3)
    async with recording(temporal, inbox.record_clicks):
        await inbox.is_asked(3)
    assert inbox.empty.is_set()


async def test_a_wake_makes_it_look_again(temporal: Client) -> None:
    inbox = Inbox()
    async with recording(temporal, inbox.record_clicks) as handle:
        await inbox.is_asked()
        for _ in range(3):
            await handle.signal(ClickRecorder.wake)
            await inbox.is_asked()


@pytest.mark.parametrize(("module", "limit"), [(policies, "MAX_SIGNALS"), (click_recorder, "BATCHES_A_RUN")])
async def test_it_goes_on_in_a_new_run_before_signals_or_batches_are_too_many(
    temporal: Client, monkeypatch: pytest.MonkeyPatch, module: ModuleType, limit: str
) -> None:
    monkeypatch.setattr(module, limit, 2)
    inbox = Inbox()
    async with recording(temporal, inbox.record_clicks, sandboxed=False) as handle:  # the sandbox has its own copy of limits
        await inbox.is_asked()
        for _ in range(5):
            await temporal.get_workflow_handle(handle.id).signal("wake")
            await inbox.is_asked()
    assert len(inbox.runs) >= 3


async def test_with_more_recorders_it_goes_on_with_its_part_in_a_new_run(temporal: Client) -> None:
    inbox = Inbox(5, 3, shards=2)
    async with recording(temporal, inbox.record_clicks) as handle:
        await inbox.is_asked(2)
        last = await temporal.get_workflow_handle(handle.id).describe()
    assert inbox.parts == [ALL, RecorderInput(shard=0, shards=2)]
    assert last.run_id != handle.first_execution_run_id


async def test_beyond_the_number_of_recorders_it_ends(temporal: Client) -> None:
    inbox = Inbox(5, 3, shards=2)
    async with recording(temporal, inbox.record_clicks, part=RecorderInput(shard=2, shards=4)) as handle:
        async with asyncio.timeout(20):
            await handle.result()
    assert inbox.batches == [3]


async def test_the_recorders_left_take_the_clicks_of_those_that_ended(
    temporal: Client, database: Database, database_url: str, organization: tuple[Organization, str]
) -> None:
    sent = await send(database, organization[0].id, people=4, campaign_id=new_id())
    await store(database_url, [click(sent, n, 0) for n in range(4)])
    recorder = RecordClicks(database, GeoLocations(), shards=1)
    async with recording(temporal, recorder.record_clicks, part=RecorderInput(shard=0, shards=4)) as handle:
        first = temporal.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
        async with asyncio.timeout(20):
            *_, last = [event async for event in first.fetch_history_events(wait_new_event=True)]
        next_run = last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
        await recorded(temporal.get_workflow_handle(handle.id, run_id=next_run), 3)


async def test_clicks_in_the_inbox_become_clicks_that_count(
    temporal: Client, database: Database, database_url: str, organization: tuple[Organization, str]
) -> None:
    sent = await send(database, organization[0].id, people=4, campaign_id=new_id())
    clicks = [click(sent, n % 4, n % 2) for n in range(12)]
    await store(database_url, clicks)
    recorder = RecordClicks(database, GeoLocations(), temporal, batch_rows=5)
    async with recording(temporal, recorder.record_clicks) as handle:
        await recorded(handle, 12)
    assert await clicks_of(database) == sorted(each.id for each in clicks)
    await assert_counters_equal_rows(database)
