"""What the time-skipping server does not show: search attributes, task queues, and tasks that fail again and again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import SearchAttributeKey

from tests.workflows.enrollments import BRANCH, Person, link
from tests.workflows.launches import Launch

STAGE = SearchAttributeKey.for_keyword("Stage")
TASK_PROBLEMS = {EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED, EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT}


async def task_problems(handle: WorkflowHandle[Any, Any]) -> list[int]:
    return [event.event_id for event in (await handle.fetch_history()).events if event.event_type in TASK_PROBLEMS]


async def stage(handle: WorkflowHandle[Any, Any]) -> str | None:
    return (await handle.describe()).typed_search_attributes.get(STAGE)


async def test_a_stopped_enrollment_says_so_in_its_stage(temporal: Client) -> None:
    person = Person(temporal, *BRANCH)
    person.during_enter["wait"] = lambda _: person.stop()
    await person.outcome()
    assert await stage(person.handle) == "stopped"
    assert await task_problems(person.handle) == []


async def test_a_completed_enrollment_says_so_in_its_stage(temporal: Client) -> None:
    person = Person(temporal, *BRANCH)
    person.during_enter["wait"] = lambda _: person.click(link())
    assert await person.outcome() == "yes"
    assert await stage(person.handle) == "completed"
    assert await task_problems(person.handle) == []


async def test_a_campaign_is_completed_after_its_tracking(temporal: Client) -> None:
    campaign = Launch(temporal, pages=2, tracking_until=datetime.now(UTC) + timedelta(seconds=1))
    await campaign.progress()
    assert campaign.stages == ["tracking", "completed"]
    assert await stage(campaign.handle) == "completed"
    assert await task_problems(campaign.handle) == []


async def test_sends_wait_in_the_queue_of_their_channel(temporal: Client) -> None:
    person = Person(temporal, *BRANCH)
    person.during_enter["wait"] = lambda _: person.click(link())
    await person.outcome()
    history = await person.handle.fetch_history()
    scheduled = [event.activity_task_scheduled_event_attributes for event in history.events]
    queues = {each.activity_type.name: each.task_queue.name for each in scheduled if each.activity_type.name}
    assert queues["send_step"] == person.send_queue
    assert {queue for name, queue in queues.items() if name != "send_step"} == {person.queue}


async def test_a_cancel_by_hand_during_a_send_ends_the_row_too(temporal: Client) -> None:
    person = Person(temporal, *BRANCH)
    person.during_send["hello"] = lambda _: person.handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await person.outcome()
    assert [(each.state, each.outcome) for each in person.ends] == [("stopped", "canceled in Temporal")]
