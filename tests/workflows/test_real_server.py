"""What the time-skipping server does not show: search attributes, task queues, and tasks that fail again and again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import Priority, SearchAttributeKey

from models.wire.names import BULK, ONE_PERSON
from tests.workflows.enrollments import BRANCH, ORG, Person, link, send, wait
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


async def test_an_enrollment_that_is_completed_changes_no_search_attribute(temporal: Client) -> None:
    """Each change would cost an event and a row of Temporal's list."""
    person = Person(temporal, send("hello"), wait("pause", "PT1S"), *BRANCH[1:])
    person.during_enter["wait"] = lambda _: person.click(link())
    assert await person.outcome() == "yes"
    kinds = [event.event_type for event in (await person.handle.fetch_history()).events]
    assert EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES not in kinds
    assert await stage(person.handle) is None
    assert await task_problems(person.handle) == []


async def test_a_campaign_is_completed_after_its_tracking(temporal: Client) -> None:
    campaign = Launch(temporal, pages=2, tracking_until=datetime.now(UTC) + timedelta(seconds=1))
    await campaign.progress()
    assert campaign.stages == ["tracking", "completed"]
    assert await stage(campaign.handle) == "completed"
    assert await task_problems(campaign.handle) == []


async def queues(person: Person) -> list[str]:
    """The task queue of each turn."""
    person.during_enter["wait"] = lambda _: person.click(link())
    await person.outcome()
    history = await person.handle.fetch_history()
    scheduled = [event.activity_task_scheduled_event_attributes for event in history.events]
    return [each.task_queue.name for each in scheduled if each.activity_type.name]


async def test_turns_are_taken_on_the_workflows_queue(temporal: Client) -> None:
    person = Person(temporal, *BRANCH)
    assert await queues(person) == [person.queue, person.queue]


async def test_sends_that_find_no_place_wait_in_the_queue_of_their_channel(temporal: Client) -> None:
    person = Person(temporal, *BRANCH)
    person.crowded = True
    assert await queues(person) == [person.queue, person.send_queue, person.queue]


async def test_only_the_first_turn_of_a_bulk_stands_behind_others(temporal: Client) -> None:
    person = Person(temporal, *BRANCH)
    person.during_enter["wait"] = lambda _: person.click(link())
    async with person.worker():
        handle = await person.start(priority=Priority(priority_key=BULK, fairness_key=str(ORG)))
        await handle.result()
    history = await person.handle.fetch_history()
    scheduled = [event.activity_task_scheduled_event_attributes for event in history.events]
    priorities = [each.priority for each in scheduled if each.activity_type.name]
    # A field that an activity leaves empty is the workflow's.
    assert [each.priority_key for each in priorities] == [0, ONE_PERSON]
    assert {each.fairness_key for each in priorities} <= {"", str(ORG)}


async def test_a_cancel_by_hand_during_a_send_ends_the_row_too(temporal: Client) -> None:
    person = Person(temporal, *BRANCH)
    person.during_send["hello"] = lambda _: person.handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await person.outcome()
    assert [(each.state, each.outcome) for each in person.ends] == [("stopped", "canceled in Temporal")]
