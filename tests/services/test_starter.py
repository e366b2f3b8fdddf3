"""Workflows for committed rows, on the real Temporal server: "already started" is a fact."""

import asyncio
from uuid import UUID

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode

from models.base import now
from models.campaigns.campaign import Campaign
from models.database import Database
from models.sequences.enrollment import Enrollment, EnrollmentState
from models.sequences.sequence import Sequence, SequenceVersion
from models.wire.clicks import RecorderInput
from models.wire.names import (
    BULK,
    CAMPAIGN,
    ONE_PERSON,
    PLATFORM_QUEUE,
    SEARCH_ATTRIBUTES,
    campaign_workflow_id,
    enrollment_workflow_id,
)
from services.starter import Starter
from tests.loop import until
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


async def is_marked(sending: Sending, enrollment: Enrollment) -> bool:
    return (await row(sending, enrollment)).workflow_started_at is not None


async def test_an_enrollment_that_was_stopped_before_its_start_is_not_started(
    simulated: Sending, starter: Starter, temporal: Client
) -> None:
    enrollment = await queued(simulated)
    await simulated.change(enrollment, state=EnrollmentState.STOPPED, finished_at=now())
    assert await starter.start_enrollments([enrollment.id]) == 0
    with pytest.raises(RPCError, match="not found"):
        await temporal.get_workflow_handle(enrollment_workflow_id(enrollment.id)).describe()


async def test_an_unknown_enrollment_is_nothing_to_start(starter: Starter) -> None:
    assert await starter.start_enrollments([UUID(int=7)]) == 0


async def test_an_enrollment_whose_version_cannot_be_read_fails_at_its_tenth_start(simulated: Sending, starter: Starter) -> None:
    enrollment = await queued(simulated)
    async with simulated.database.transaction() as session:
        (await session.get_one(SequenceVersion, enrollment.sequence_version_id)).definition = {"steps": "broken"}
    await simulated.change(enrollment, start_attempts=8)
    assert await starter.start_enrollments([enrollment.id]) == 0
    assert (await row(simulated, enrollment)).state == EnrollmentState.QUEUED
    assert await starter.start_enrollments([enrollment.id]) == 0
    over = await row(simulated, enrollment)
    assert (over.state, over.outcome) == (EnrollmentState.FAILED, "gave up after 10 starts: ValidationError")


@pytest.mark.parametrize(("size", "words"), [(3_000_000, "Blob data size exceeds limit"), (5_000_000, "larger than max")])
async def test_an_enrollment_whose_start_temporal_refuses_for_good_fails_at_its_tenth_start(
    simulated: Sending, starter: Starter, size: int, words: str
) -> None:
    enrollment = await queued(simulated)
    async with simulated.database.transaction() as session:
        (await session.get_one(Sequence, enrollment.sequence_id)).name = "x" * size
    await simulated.change(enrollment, start_attempts=8)
    assert await starter.start_enrollments([enrollment.id]) == 0
    assert (await row(simulated, enrollment)).state == EnrollmentState.QUEUED
    assert await starter.start_enrollments([enrollment.id]) == 0
    over = await row(simulated, enrollment)
    assert over.state == EnrollmentState.FAILED
    assert (over.outcome or "").startswith("gave up after 10 starts: RPCError: ")
    assert words in (over.outcome or "")


@pytest.mark.parametrize(
    "error",
    [
        RPCError("away", RPCStatusCode.UNAVAILABLE, b""),
        RPCError("namespace rate limit exceeded", RPCStatusCode.RESOURCE_EXHAUSTED, b""),
        RuntimeError("Failed client connect: Server connection error"),
    ],
)
async def test_an_enrollment_is_queued_for_as_long_as_temporal_is_away(
    simulated: Sending, starter: Starter, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def away(*_: object) -> None:
        raise error

    monkeypatch.setattr(Starter, "_start", away)
    enrollment = await queued(simulated)
    await simulated.change(enrollment, start_attempts=1_000)
    assert await starter.start_enrollments([enrollment.id]) == 0
    assert (await row(simulated, enrollment)).state == EnrollmentState.QUEUED


async def test_an_enrollment_is_queued_for_as_long_as_a_search_attribute_is_not_registered(
    simulated: Sending, starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a server that `./linkwake migrate` has not prepared yet."""
    missing = TypedSearchAttributes([SearchAttributePair(SearchAttributeKey.for_keyword("NotRegistered"), "x")])
    monkeypatch.setattr("services.starter._search_attributes", lambda *_: missing)
    enrollment = await queued(simulated)
    await simulated.change(enrollment, start_attempts=1_000)
    assert await starter.start_enrollments([enrollment.id]) == 0
    assert (await row(simulated, enrollment)).state == EnrollmentState.QUEUED


async def test_a_workflow_that_runs_already_marks_its_row(simulated: Sending, starter: Starter) -> None:
    """As after a crash between the start and the note of it."""
    enrollment = await queued(simulated)
    await starter.start_enrollments([enrollment.id])
    await simulated.change(enrollment, workflow_started_at=None)
    assert await starter.start_enrollments([enrollment.id]) == 1
    assert (await row(simulated, enrollment)).workflow_started_at is not None


async def test_an_enrollment_that_somebody_holds_is_marked_when_it_is_free_and_the_others_at_once(
    simulated: Sending, starter: Starter
) -> None:
    """A turn holds its own enrollment and waits for another one: whoever marks both at once would wait in a circle with it."""
    held, free = await queued(simulated), await queued(simulated)
    async with simulated.database.transaction() as turn:
        await turn.get_one(Enrollment, held.id, with_for_update=True)
        starting = asyncio.create_task(starter.start_enrollments([held.id, free.id]))
        await until(lambda: is_marked(simulated, free))
        await turn.get_one(Enrollment, free.id, with_for_update=True)  # the starter holds neither
        assert not await is_marked(simulated, held)
    assert await starting == 2
    assert await is_marked(simulated, held)


async def test_a_workflow_that_is_over_is_not_started_again(simulated: Sending, starter: Starter, temporal: Client) -> None:
    enrollment = await queued(simulated)
    await starter.start_enrollments([enrollment.id])
    handle = temporal.get_workflow_handle(enrollment_workflow_id(enrollment.id))
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
    async with simulated.database.transaction() as session:
        (await session.get_one(Sequence, enrollment.sequence_id)).name = "Welcome *new* people"
        version = await session.get_one(SequenceVersion, enrollment.sequence_version_id)
        version.definition = {"steps": [{"kind": "wait", "key": "hello", "duration": "P1D"}]}
    assert await starter.start_enrollments([enrollment.id]) == 1
    assert await starter.start_enrollments([enrollment.id]) == 0
    run = await temporal.get_workflow_handle(enrollment_workflow_id(enrollment.id)).describe()
    attributes = run.typed_search_attributes
    found = {name: attributes.get(SearchAttributeKey.for_keyword(name)) for name in SEARCH_ATTRIBUTES}
    assert found == {
        "OrgId": str(enrollment.org_id),
        "SequenceId": str(enrollment.sequence_id),
        "ContactId": str(enrollment.contact_id),
        "CampaignId": None,
        "Campaign": None,
        "Sequence": "Welcome *new* people",
        "TriggerKey": None,
        "Stage": None,
    }
    assert (await row(simulated, enrollment)).workflow_started_at is not None
    assert await run.static_summary() == rf"Welcome \*new\* people version 1: contact {enrollment.contact_id}"


async def test_a_campaign_is_started_once_and_marked(simulated: Sending, starter: Starter, temporal: Client) -> None:
    campaign = await simulated.campaign()
    for _ in range(2):
        await starter.start_campaign(campaign.org_id, campaign.id)
    handle = temporal.get_workflow_handle(campaign_workflow_id(campaign.id))
    attributes = (await handle.describe()).typed_search_attributes
    assert attributes.get(SearchAttributeKey.for_keyword("CampaignId")) == str(campaign.id)
    assert attributes.get(SearchAttributeKey.for_keyword("Campaign")) == campaign.name
    history = await handle.fetch_history()
    assert history.events[0].workflow_execution_started_event_attributes.priority.priority_key == CAMPAIGN
    assert ONE_PERSON < CAMPAIGN < BULK  # the lowest is served first
    async with simulated.database.transaction() as session:
        assert (await session.get_one(Campaign, campaign.id)).workflow_started_at is not None


async def test_an_endless_workflow_is_started_once_and_woken_by_every_start(starter: Starter, temporal: Client) -> None:
    """Without a look it would not hear of another setting before its timer fires."""
    handle, runs = temporal.get_workflow_handle("recorder-of-this-test"), []
    for _ in range(2):
        await starter.start_forever("ClickRecorder", handle.id, RecorderInput(shard=0, shards=1))
        runs.append((await handle.describe()).run_id)
    kinds = [event.event_type for event in (await handle.fetch_history()).events]
    assert runs[0] == runs[1]
    assert kinds.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED) == 2


async def test_an_endless_workflow_on_the_queue_of_an_earlier_version_is_replaced(starter: Starter, temporal: Client) -> None:
    """Nobody would work for it there."""
    argument = RecorderInput(shard=0, shards=1)
    old = await temporal.start_workflow("ClickRecorder", argument, id="recorder-of-an-earlier-version", task_queue="workflows")
    for _ in range(2):
        await starter.start_forever("ClickRecorder", old.id, argument)
    now = await temporal.get_workflow_handle(old.id).describe()
    assert (now.task_queue, now.status) == (PLATFORM_QUEUE, WorkflowExecutionStatus.RUNNING)
    first = temporal.get_workflow_handle(old.id, run_id=old.first_execution_run_id)
    assert (await first.describe()).status == WorkflowExecutionStatus.TERMINATED
