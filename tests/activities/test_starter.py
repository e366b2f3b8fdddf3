"""Workflows for committed rows, on the real Temporal server: "already started" is a fact."""

from uuid import UUID

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError

from activities.starter import Starter
from models import wire
from models.base import now
from models.campaign import Campaign
from models.database import Database
from models.enrollment import Enrollment, EnrollmentState
from tests.sending import Sending


@pytest.fixture
def starter(database: Database, temporal: Client) -> Starter:
    return Starter(database, temporal)


async def queued(sending: Sending) -> Enrollment:
    (contact,) = await sending.contacts()
    return await sending.enrollment(contact)


async def row(sending: Sending, enrollment: Enrollment) -> Enrollment:
    async with sending.database.transaction() as session:
        return await session.get_one(Enrollment, enrollment.id)


async def test_an_enrollment_that_was_stopped_before_its_start_is_not_started(
    simulated: Sending, starter: Starter, temporal: Client
) -> None:
    enrollment = await queued(simulated)
    await simulated.change(enrollment, state=EnrollmentState.STOPPED, finished_at=now())
    assert await starter.start_enrollments([enrollment.id]) == 0
    with pytest.raises(RPCError, match="not found"):
        await temporal.get_workflow_handle(wire.enrollment_workflow_id(enrollment.org_id, enrollment.id)).describe()


async def test_an_unknown_enrollment_is_nothing_to_start(starter: Starter) -> None:
    assert await starter.start_enrollments([UUID(int=7)]) == 0


async def test_a_workflow_that_runs_already_marks_its_row(simulated: Sending, starter: Starter) -> None:
    """As after a crash between the start and the note of it."""
    enrollment = await queued(simulated)
    await starter.start_enrollments([enrollment.id])
    await simulated.change(enrollment, workflow_started_at=None)
    assert await starter.start_enrollments([enrollment.id]) == 1
    assert (await row(simulated, enrollment)).workflow_started_at is not None


async def test_a_workflow_that_is_over_is_not_started_again(simulated: Sending, starter: Starter, temporal: Client) -> None:
    enrollment = await queued(simulated)
    await starter.start_enrollments([enrollment.id])
    handle = temporal.get_workflow_handle(wire.enrollment_workflow_id(enrollment.org_id, enrollment.id))
    await handle.terminate()
    first = await handle.describe()
    await simulated.change(enrollment, workflow_started_at=None)
    await starter.start_enrollments([enrollment.id])
    again = await handle.describe()
    assert (again.run_id, again.status) == (first.run_id, first.status)


async def test_a_started_enrollment_is_marked_and_can_be_found_by_what_it_belongs_to(
    simulated: Sending, starter: Starter, temporal: Client
) -> None:
    enrollment = await queued(simulated)
    assert await starter.start_enrollments([enrollment.id]) == 1
    assert await starter.start_enrollments([enrollment.id]) == 0
    run = await temporal.get_workflow_handle(wire.enrollment_workflow_id(enrollment.org_id, enrollment.id)).describe()
    attributes = run.typed_search_attributes
    found = {name: attributes.get(SearchAttributeKey.for_keyword(name)) for name in wire.SEARCH_ATTRIBUTES}
    assert found == {
        "OrgId": str(enrollment.org_id),
        "SequenceId": str(enrollment.sequence_id),
        "ContactId": str(enrollment.contact_id),
        "CampaignId": None,
        "Stage": "running",
    }
    assert (await row(simulated, enrollment)).workflow_started_at is not None


async def test_a_campaign_is_started_once_and_marked(simulated: Sending, starter: Starter, temporal: Client) -> None:
    campaign = await simulated.campaign()
    for _ in range(2):
        await starter.start_campaign(campaign.org_id, campaign.id)
    handle = temporal.get_workflow_handle(wire.campaign_workflow_id(campaign.org_id, campaign.id))
    attributes = (await handle.describe()).typed_search_attributes
    assert attributes.get(SearchAttributeKey.for_keyword("CampaignId")) == str(campaign.id)
    async with simulated.database.transaction() as session:
        assert (await session.get_one(Campaign, campaign.id)).workflow_started_at is not None


async def test_an_endless_workflow_is_started_once_and_woken_by_every_start(starter: Starter, temporal: Client) -> None:
    """Without a look it would not hear of another setting before its timer fires."""
    handle, runs = temporal.get_workflow_handle("recorder-of-this-test"), []
    for _ in range(2):
        await starter.start_forever("ClickRecorder", handle.id, wire.RecorderInput(shard=0, shards=1))
        runs.append((await handle.describe()).run_id)
    kinds = [event.event_type for event in (await handle.fetch_history()).events]
    assert runs[0] == runs[1]
    assert kinds.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED) == 2


async def test_an_endless_workflow_on_the_queue_of_an_earlier_version_is_replaced(starter: Starter, temporal: Client) -> None:
    """Nobody would work for it there."""
    argument = wire.RecorderInput(shard=0, shards=1)
    old = await temporal.start_workflow("ClickRecorder", argument, id="recorder-of-an-earlier-version", task_queue="workflows")
    for _ in range(2):
        await starter.start_forever("ClickRecorder", old.id, argument)
    now = await temporal.get_workflow_handle(old.id).describe()
    assert (now.task_queue, now.status) == (wire.PLATFORM_QUEUE, WorkflowExecutionStatus.RUNNING)
    first = temporal.get_workflow_handle(old.id, run_id=old.first_execution_run_id)
    assert (await first.describe()).status == WorkflowExecutionStatus.TERMINATED
