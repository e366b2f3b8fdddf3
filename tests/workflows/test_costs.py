"""What an enrollment costs Temporal: send, wait for a click, send, end. The real server counts its state transitions itself."""

from collections import Counter
from typing import NamedTuple

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import Client

from tests.workflows.enrollments import Person, end, link, send, wait_for_click
from tests.workflows.test_real_server import task_problems


class Costs(NamedTuple):
    workflow_tasks: int
    activities: int
    events: int
    state_transitions: int


MOST = Costs(workflow_tasks=4, activities=2, events=23, state_transitions=12)


async def costs(person: Person) -> Costs:
    history = await person.handle.fetch_history()
    kinds = Counter(event.event_type for event in history.events)
    client = person.client
    execution = WorkflowExecution(workflow_id=person.handle.id)
    request = DescribeWorkflowExecutionRequest(namespace=client.namespace, execution=execution)
    described = await client.workflow_service.describe_workflow_execution(request)
    return Costs(
        kinds[EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED],
        kinds[EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED],
        len(history.events),
        described.workflow_execution_info.state_transition_count,
    )


def walker(client: Client, timeout: str) -> Person:
    return Person(
        client,
        send("hello"),
        wait_for_click("wait", "thanks", "pity", timeout),
        send("thanks", "over"),
        send("pity"),
        end("over"),
    )


async def test_the_click_path_stays_within_its_budget(temporal: Client) -> None:
    person = walker(temporal, "P1D")
    async with person.enrolled() as handle:
        await until_it_waits(person)
        await person.click(link())
        await handle.result()
    assert [each.step_key for each in person.sends] == ["hello", "thanks"]
    assert await task_problems(person.handle) == []
    paid = await costs(person)
    assert all(cost <= most for cost, most in zip(paid, MOST, strict=True)), paid


async def test_the_path_without_a_click_stays_within_its_budget(temporal: Client) -> None:
    person = walker(temporal, "PT1S")
    assert await person.outcome() == "over"
    assert [each.step_key for each in person.sends] == ["hello", "pity"]
    assert await task_problems(person.handle) == []
    paid = await costs(person)
    assert all(cost <= most for cost, most in zip(paid, MOST, strict=True)), paid


async def until_it_waits(person: Person) -> None:
    """Until the timer of the wait has started, so that the click is an event of its own."""
    while True:
        history = await person.handle.fetch_history()
        if any(event.event_type == EventType.EVENT_TYPE_TIMER_STARTED for event in history.events):
            return
