"""The platform's own workflows, on the real Temporal server: whatever ends them, they run again."""

import asyncio
from uuid import uuid4

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from models.database import Database
from models.wire.clicks import RecorderInput
from services.process import endless
from services.process.endless import Endless, keep_running, not_running, start_all
from services.starter import Starter


@pytest.fixture
async def wanted(starter: Starter) -> list[Endless]:
    """Three recorders that run, of this test alone."""
    recorders = [RecorderInput(shard=shard, shards=3) for shard in range(3)]
    wanted = [Endless("ClickRecorder", f"recorder-to-keep/{uuid4()}", each) for each in recorders]
    await start_all(starter, wanted)
    return wanted


@pytest.fixture
def starter(database: Database, temporal: Client) -> Starter:
    return Starter(database, temporal)


async def test_a_workflow_that_was_ended_or_never_started_does_not_run(temporal: Client, wanted: list[Endless]) -> None:
    await temporal.get_workflow_handle(wanted[1].workflow_id).terminate()
    never = wanted[0]._replace(workflow_id="recorder-that-never-was")
    assert await not_running(temporal, [*wanted, never]) == [wanted[1], never]


async def test_the_worker_starts_them_again_and_wakes_none_that_runs(
    starter: Starter, temporal: Client, wanted: list[Endless], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endless, "LOOK_SECONDS", 0.01)
    gone, kept, _ = (temporal.get_workflow_handle(each.workflow_id) for each in wanted)
    await gone.terminate()
    keeper = asyncio.create_task(keep_running(temporal, starter, wanted))
    async with asyncio.timeout(20):
        while await not_running(temporal, wanted):  # noqa: ASYNC110 - what is waited for is in the server
            await asyncio.sleep(0.01)
    keeper.cancel()
    kinds = [event.event_type for event in (await kept.fetch_history()).events]
    assert kinds.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED) == 1  # that of its start


async def test_a_look_that_fails_is_followed_by_another(
    starter: Starter, temporal: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = asyncio.Queue[int]()

    async def away(_client: Client, _wanted: list[Endless]) -> list[Endless]:
        looks.put_nowait(1)
        raise ConnectionError

    monkeypatch.setattr(endless, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(endless, "not_running", away)
    keeper = asyncio.create_task(keep_running(temporal, starter, []))
    async with asyncio.timeout(20):
        for _ in range(3):
            await looks.get()
    keeper.cancel()
