"""Rows of workflows that somebody terminated, deleted or let fail in Temporal are ended, and no others."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col
from structlog.testing import capture_logs
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities import gone as module
from activities.gone import GoneWorkflows
from models.campaigns.campaign import Campaign, CampaignState
from models.commands.command import CommandKind
from models.contacts.imports import ContactImport, ImportState
from models.database import Database
from models.platform import gone as rows
from models.platform.gone import Gone, WaitingRow
from models.sequences.enroll import EnrollResult
from models.sequences.enrollment import Enrollment
from models.sequences.event import Event, EventKind
from models.wire.names import campaign_workflow_id, enrollment_workflow_id, import_workflow_id, row_of, sweeper_workflow_id
from models.wire.sweeper import Watch
from services.commands.deliver import CommandDelivery
from services.commands.handler import Asked
from services.commands.issue import issue
from services.starter import Starter
from tests.enrolling import enroll_in
from tests.sending import Sending

BEFORE = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def gone(database: Database, temporal: Client, monkeypatch: pytest.MonkeyPatch) -> GoneWorkflows:
    monkeypatch.setattr(module, "EVERY", timedelta(0))
    monkeypatch.setattr(rows, "LISTED_AFTER", timedelta(0))
    return GoneWorkflows(database, temporal)


async def started(sending: Sending, temporal: Client) -> Enrollment:
    (contact,) = await sending.contacts()
    enrollment = await sending.enrollment(contact)
    await Starter(sending.database, temporal).start_enrollments([enrollment.id])
    return enrollment


def workflow_id(enrollment: Enrollment) -> str:
    return enrollment_workflow_id(enrollment.id)


async def read(sending: Sending, enrollment: Enrollment) -> Enrollment:
    async with sending.database.transaction() as session:
        return await session.get_one(Enrollment, enrollment.id)


async def look(gone: GoneWorkflows, sending: Sending, enrollment: Enrollment) -> Enrollment:
    """Again and again, because Temporal's list is written a moment after the fact."""
    watch = Watch(since=BEFORE)
    for _ in range(200):
        _, watch = await gone.close_rows(watch)
        if (row := await read(sending, enrollment)).finished_at:
            return row
    raise AssertionError("the row was not closed")


async def test_the_row_of_a_terminated_workflow_is_stopped_with_the_reason_and_its_contact_can_be_enrolled_again(
    gone: GoneWorkflows, simulated: Sending, temporal: Client
) -> None:
    enrollment, other = await started(simulated, temporal), await started(simulated, temporal)
    await temporal.get_workflow_handle(workflow_id(enrollment)).terminate("Ada asked us to")
    row = await look(gone, simulated, enrollment)
    assert (row.state, row.outcome) == ("stopped", Gone.TERMINATED)
    assert (await read(simulated, other)).finished_at is None
    async with simulated.database.transaction() as session:
        ends = await session.scalars(select(Event).where(col(Event.enrollment_id) == row.id, col(Event.kind) == EventKind.ENDED))
        assert [each.detail for each in ends] == [{"state": "stopped", "outcome": Gone.TERMINATED}]
        (again,) = await enroll_in(session, row.org_id, row.sequence_id, [row.contact_id])
    assert (again.result, again.enrollment_id != row.id) == (EnrollResult.ENROLLED, True)
    assert again.enrollment_id is not None
    assert await Starter(simulated.database, temporal).start_enrollments([again.enrollment_id]) == 1
    new = temporal.get_workflow_handle(enrollment_workflow_id(again.enrollment_id))
    assert (await new.describe()).status == WorkflowExecutionStatus.RUNNING
    await new.terminate()


async def test_the_row_of_a_deleted_workflow_fails(gone: GoneWorkflows, simulated: Sending, temporal: Client) -> None:
    enrollment = await started(simulated, temporal)
    execution = WorkflowExecution(workflow_id=workflow_id(enrollment))
    await temporal.workflow_service.delete_workflow_execution(
        DeleteWorkflowExecutionRequest(namespace=temporal.namespace, workflow_execution=execution)
    )
    row = await look(gone, simulated, enrollment)
    # The server terminates what it is about to delete, and the first look may see that.
    assert row.outcome in {Gone.DELETED, Gone.TERMINATED}


async def test_a_server_that_never_knew_the_workflow_closes_nothing(
    gone: GoneWorkflows, simulated: Sending, temporal: Client
) -> None:
    """A worker that is led to another server must not end everybody's enrollment."""
    (contact,) = await simulated.contacts()
    enrollment = await simulated.enrollment(contact)
    start = datetime.now(UTC) - timedelta(hours=1)
    await simulated.change(enrollment, workflow_started_at=start, state="running")
    assert (await gone.close_rows(Watch(since=start + timedelta(seconds=1))))[0] == 0
    assert (await read(simulated, enrollment)).finished_at is None
    assert (await gone.close_rows(Watch(since=start - timedelta(seconds=1))))[0] == 1
    row = await read(simulated, enrollment)
    assert (row.state, row.outcome) == ("failed", Gone.DELETED)


async def test_a_row_whose_stop_was_requested_is_stopped_with_its_reason_whatever_became_of_its_workflow(
    gone: GoneWorkflows, simulated: Sending
) -> None:
    (contact,) = await simulated.contacts()
    enrollment = await simulated.enrollment(contact)
    asked = {"stop_requested_at": datetime.now(UTC), "stop_reason": "Ada asked us to"}
    await simulated.change(enrollment, state="running", **asked)
    async with simulated.database.transaction() as session:
        row = WaitingRow("enrollment", enrollment.org_id, enrollment.id, BEFORE)
        assert await rows.close(session, row, Gone.FAILED)
    closed = await read(simulated, enrollment)
    assert (closed.state, closed.outcome) == ("stopped", "Ada asked us to")


@pytest.mark.parametrize("kind", ["enrollment", "campaign", "import"])
async def test_a_row_that_ended_while_it_was_looked_at_is_neither_counted_nor_logged(
    gone: GoneWorkflows, simulated: Sending, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Its workflow ends normally between the look at the rows and the look at Temporal."""
    start = datetime.now(UTC)
    row_id = await ended_row(simulated, kind)

    async def waited_a_moment_ago(*_: object) -> list[WaitingRow]:
        return [WaitingRow(kind, simulated.org_id, row_id, start)]

    async def ended(*_: object) -> Gone:
        return Gone.ENDED

    monkeypatch.setattr(rows, "next_waiting", waited_a_moment_ago)
    monkeypatch.setattr(GoneWorkflows, "_why", ended)
    with capture_logs() as logs:
        closed, _ = await gone.close_rows(Watch(since=BEFORE))
    assert (closed, [each["event"] for each in logs]) == (0, [])


async def ended_row(sending: Sending, kind: str) -> UUID:
    if kind == "campaign":
        campaign = await sending.campaign()
        async with sending.database.transaction() as session:
            (await session.get_one(Campaign, campaign.id)).state = CampaignState.COMPLETED
        return campaign.id
    if kind == "import":
        done = ContactImport(org_id=sending.org_id, csv="", total=0, state=ImportState.COMPLETED)
        await sending.save(done)
        return done.id
    (contact,) = await sending.contacts()
    enrollment = await sending.enrollment(contact)
    await sending.end(enrollment, "completed", "done")
    return enrollment.id


async def test_a_row_whose_start_is_in_flight_is_left_alone(gone: GoneWorkflows, simulated: Sending) -> None:
    (contact,) = await simulated.contacts()
    enrollment = await simulated.enrollment(contact)
    assert (await gone.close_rows(Watch(since=BEFORE)))[0] == 0
    assert (await read(simulated, enrollment)).finished_at is None


async def test_a_workflow_that_was_reset_goes_on(gone: GoneWorkflows, simulated: Sending, temporal: Client) -> None:
    """Its first run is terminated, and the next one has the same id."""
    enrollment = await started(simulated, temporal)
    handle = temporal.get_workflow_handle(workflow_id(enrollment))
    await handle.terminate()
    await temporal.start_workflow("SequenceEnrollment", id=handle.id, task_queue="nobody-works-here")
    for _ in range(3):
        assert (await gone.close_rows(Watch(since=BEFORE)))[0] == 0
    await temporal.get_workflow_handle(handle.id).terminate()


async def test_a_terminated_campaign_is_stopped_and_sends_nothing_more(
    gone: GoneWorkflows, simulated: Sending, temporal: Client
) -> None:
    campaign = await simulated.campaign()
    await Starter(simulated.database, temporal).start_campaign(campaign.org_id, campaign.id)
    await temporal.get_workflow_handle(campaign_workflow_id(campaign.id)).terminate()
    watch = Watch(since=BEFORE)
    for _ in range(200):
        _, watch = await gone.close_rows(watch)
        async with simulated.database.transaction() as session:
            row = await session.get_one(Campaign, campaign.id)
        if row.reason:
            break
    assert (row.state, row.reason) == ("stopped", Gone.TERMINATED)


async def test_a_terminated_import_is_cancelled_and_forgets_its_file(
    gone: GoneWorkflows, simulated: Sending, temporal: Client
) -> None:
    given = ContactImport(org_id=simulated.org_id, csv="phone", total=1)
    await simulated.save(given)
    await Starter(simulated.database, temporal).start_next_import(given.org_id)
    await temporal.get_workflow_handle(import_workflow_id(given.id)).terminate()
    watch = Watch(since=BEFORE)
    for _ in range(200):
        _, watch = await gone.close_rows(watch)
        async with simulated.database.transaction() as session:
            row = await session.get_one(ContactImport, given.id)
        if row.reason:
            break
    assert (row.state, row.reason, row.csv) == ("cancelled", Gone.TERMINATED, "")


async def test_every_waiting_row_is_compared_round_by_round(
    gone: GoneWorkflows, simulated: Sending, temporal: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROUND", 2)
    enrollments = [await started(simulated, temporal) for _ in range(3)]
    ids = sorted(each.id for each in enrollments)
    watch, seen = Watch(since=BEFORE), []
    for _ in range(3):
        _, watch = await gone.close_rows(watch)
        seen.append(watch.enrollment)
    assert seen == [ids[1], None, ids[1]]


async def test_when_very_many_were_terminated_one_search_ends_some_and_the_next_goes_on(
    gone: GoneWorkflows, simulated: Sending, temporal: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    monkeypatch.setattr(module, "PAGE", 1)
    monkeypatch.setattr(rows, "LISTED_AFTER", timedelta(hours=1))  # so that only what has closed is looked at
    enrollments = [await started(simulated, temporal) for _ in range(3)]
    for each in enrollments:
        await temporal.get_workflow_handle(workflow_id(each)).terminate()
    watch, ended = Watch(since=BEFORE), list[int]()
    while sum(ended) < 3:
        count, watch = await gone.close_rows(watch)
        assert (count == 1) == (watch.closed_until is None)
        ended.append(count)
        watch = Watch(since=BEFORE)  # the list is written late: look at all of it again
    assert [(await read(simulated, each)).state for each in enrollments] == ["stopped"] * 3
    assert max(ended) == 1


async def test_a_stop_that_was_asked_for_keeps_its_reason_when_the_workflow_is_terminated(
    gone: GoneWorkflows, simulated: Sending, temporal: Client
) -> None:
    enrollment = await started(simulated, temporal)
    async with simulated.database.transaction() as session:
        await issue(session, simulated.org_id, enrollment.id, CommandKind.STOP, Asked("Called us"))
    await temporal.get_workflow_handle(workflow_id(enrollment)).terminate()
    row = await look(gone, simulated, enrollment)
    assert (row.state, row.outcome) == ("stopped", "Called us")
    assert await CommandDelivery(simulated.database, temporal).sweep() == (1, False)
    assert (await read(simulated, enrollment)).finished_at == row.finished_at


async def test_the_search_stays_where_it_was_while_temporal_does_not_answer(
    gone: GoneWorkflows, temporal: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise RPCError("away", RPCStatusCode.UNAVAILABLE, b"")

    monkeypatch.setattr(GoneWorkflows, "_pages", away)
    watch = Watch(since=BEFORE)
    assert await gone.close_rows(watch) == (0, watch)


async def test_it_looks_only_every_few_seconds_however_often_it_is_swept(database: Database, temporal: Client) -> None:
    watch = Watch(since=BEFORE, closed_until=datetime.now(UTC))
    assert await GoneWorkflows(database, temporal).close_rows(watch) == (0, watch)


def test_the_row_of_a_workflow_is_in_its_id() -> None:
    row, ids = UUID(int=1), (enrollment_workflow_id, campaign_workflow_id, import_workflow_id)
    assert [row_of(make(row)) for make in ids] == [row] * 3
    others = (sweeper_workflow_id("rows"), "click-recorder/1", "enrollment/1", f"other/{row}")
    assert [row_of(each) for each in others] == [None] * 4
