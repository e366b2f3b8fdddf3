"""Rows without a workflow get one, in slices, and a start that fails holds up nobody else's."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import ActivityEnvironment

from activities import sweep_starts as module
from activities.sweep_starts import SweepStarts
from models.base import now
from models.campaigns.campaign import Campaign, CampaignState
from models.contacts.imports import ContactImport
from models.database import Database
from models.organizations.organization import create_organization
from models.retry import retry_delay
from models.sequences import starts
from models.sequences.enrollment import Enrollment, EnrollmentState
from models.sequences.starts import unstarted_enrollments
from models.start import NeedsWorkflow
from models.wire.names import BULK, enrollment_workflow_id
from models.wire.sweeper import SweepRequest
from services.starter import Starter
from tests.clicks import rows
from tests.plans import buffers_read, statements
from tests.sending import Sending

LONG_AGO = timedelta(hours=1)


class Flawed(Starter):
    """Starts nothing for the rows in `broken`, and remembers what it tried."""

    def __init__(self, database: Database, client: Client) -> None:
        super().__init__(database, client)
        self.broken: set[UUID] = set()
        self.tried: list[UUID] = []

    async def _start(self, workflow: str, workflow_id: str, *given: Any) -> None:
        row_id = UUID(workflow_id.split("/")[1])
        self.tried.append(row_id)
        if row_id in self.broken:
            raise RPCError("too large", RPCStatusCode.INVALID_ARGUMENT, b"")
        await super()._start(workflow, workflow_id, *given)


@pytest.fixture
def starter(database: Database, temporal: Client) -> Flawed:
    return Flawed(database, temporal)


@pytest.fixture
def sweep(database: Database, starter: Flawed) -> SweepStarts:
    return SweepStarts(database, starter)


async def run(sweep: SweepStarts, woken: bool = False) -> dict[str, int]:
    """What was started, of the kinds of which there was something."""
    result = await ActivityEnvironment().run(sweep.sweep_starts, SweepRequest(woken=woken))
    return {kind: count for kind, count in result.done.items() if count}


async def left(sending: Sending, age: timedelta = LONG_AGO, **values: Any) -> Enrollment:
    """An enrollment without a workflow whose start has been due for this long."""
    (contact,) = await sending.contacts()
    enrollment = await sending.enrollment(contact)
    await sending.change(enrollment, **{"start_due_at": now() - age, **values})
    return enrollment


async def read(database: Database, row: NeedsWorkflow) -> NeedsWorkflow:
    async with database.transaction() as session:
        return await session.get_one(type(row), row.id)  # type: ignore[attr-defined] # every table has an id


async def is_started(database: Database, row: NeedsWorkflow) -> bool:
    return (await read(database, row)).workflow_started_at is not None


async def make_due(database: Database, table: str = "enrollment") -> None:
    async with database.transaction() as session:
        await session.execute(text(f"UPDATE {table} SET start_due_at = now()"))  # noqa: S608 - a name of this file


async def test_with_nothing_left_undone_nothing_is_started(sweep: SweepStarts) -> None:
    assert await run(sweep) == {}


@pytest.mark.parametrize("values", [{"state": EnrollmentState.STOPPED}, {"stop_requested_at": now()}])
async def test_an_enrollment_that_is_over_or_was_asked_to_stop_is_left_alone(
    sweep: SweepStarts, simulated: Sending, values: dict[str, Any]
) -> None:
    enrollment = await left(simulated, **values)
    assert await run(sweep) == {}
    assert not await is_started(simulated.database, enrollment)


async def test_a_row_of_this_moment_is_left_to_the_request_that_made_it(sweep: SweepStarts, simulated: Sending) -> None:
    (contact,) = await simulated.contacts()
    enrollment = await simulated.enrollment(contact)
    assert await run(sweep) == {}
    assert await run(sweep, woken=True) == {"enrollments": 1}
    assert await is_started(simulated.database, enrollment)


async def test_enrollments_are_started_slice_by_slice(
    sweep: SweepStarts, simulated: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICE", 2)
    enrollments = [await left(simulated) for _ in range(5)]
    assert await run(sweep) == {"enrollments": 5}
    assert all([await is_started(simulated.database, each) for each in enrollments])
    assert await run(sweep) == {}


async def test_a_sweep_ends_after_some_slices_and_says_that_there_is_more(
    sweep: SweepStarts, simulated: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICE", 1)
    monkeypatch.setattr(module, "ROUNDS", 2)
    for _ in range(3):
        await left(simulated)
    result = await ActivityEnvironment().run(sweep.sweep_starts, SweepRequest(woken=False))
    assert (result.done["enrollments"], result.more) == (2, True)


async def test_starts_that_always_fail_hold_up_none_of_those_behind_them_and_are_tried_less_and_less_often(
    sweep: SweepStarts, starter: Flawed, simulated: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICE", 3)
    broken = [await left(simulated, age=LONG_AGO + timedelta(minutes=1)) for _ in range(2)]
    starter.broken = {each.id for each in broken}
    behind = [await left(simulated) for _ in range(4)]
    assert await run(sweep) == {"enrollments": 4}
    assert all([await is_started(simulated.database, each) for each in behind])
    assert sorted(starter.tried) == sorted(each.id for each in [*broken, *behind])  # each once
    waits = "SELECT DISTINCT start_attempts, start_due_at > now() FROM enrollment WHERE workflow_started_at IS NULL"
    assert await rows(simulated.database, waits) == [(1, True)]
    await make_due(simulated.database)
    starter.broken = set()
    assert await run(sweep) == {"enrollments": 2}


async def test_the_waits_between_starts_are_those_of_every_retry(starter: Flawed, simulated: Sending) -> None:
    enrollment = await left(simulated)
    starter.broken = {enrollment.id}
    found = []
    for attempts in (0, 1, 2, 8, 100):
        await simulated.change(enrollment, start_attempts=attempts)
        before = now()
        assert await starter.start_enrollments([enrollment.id]) == 0
        found.append((await read(simulated.database, enrollment)).start_due_at - before)
    for wait, attempts in zip(found, (1, 2, 3, 9, 101), strict=True):
        assert retry_delay(attempts) <= wait < retry_delay(attempts) + timedelta(seconds=30)


async def test_while_temporal_is_away_a_sweep_tries_one_slice_and_no_more(
    sweep: SweepStarts, starter: Flawed, simulated: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICE", 2)
    starter.broken = {(await left(simulated)).id for _ in range(6)}
    assert await run(sweep) == {}
    assert len(starter.tried) == 2


async def test_one_organizations_bulk_does_not_hold_up_anothers_enrollment(
    sweep: SweepStarts, starter: Flawed, simulated: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICE", 3)
    bulk = {(await left(simulated)).id for _ in range(6)}
    async with simulated.database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    late = await left(Sending(simulated.database, other), age=timedelta(minutes=1))
    assert await run(sweep) == {"enrollments": 7}
    assert starter.tried.index(late.id) < 3
    assert set(starter.tried) == {*bulk, late.id}


@pytest.mark.counts_pages
async def test_who_is_next_is_found_without_reading_all_that_waits(sweep: SweepStarts, simulated: Sending) -> None:
    """However many starts of one organization wait."""
    first = await left(simulated)
    async with simulated.database.transaction() as session:
        await session.execute(text(MANY_MORE), {"id": first.id, "started_at": None})
        await session.execute(text("ANALYZE enrollment"))
    with statements(simulated.database) as sent:
        async with simulated.database.transaction() as session:
            assert len(await unstarted_enrollments(session, 200, 100)) == 100
    read = await buffers_read(simulated.database, sent)
    assert len(read) == 1
    assert max(read.values()) < 250  # the whole of it has some thousands


async def test_no_more_of_an_organization_is_started_while_many_have_yet_to_make_their_first_move(
    sweep: SweepStarts, simulated: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starts, "BEFORE_FIRST_MOVE", 2)
    enrollments = [await left(simulated) for _ in range(4)]
    async with simulated.database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    another = await left(Sending(simulated.database, other))
    assert await run(sweep) == {"enrollments": 3}
    assert await is_started(simulated.database, another)
    assert await run(sweep) == {}
    (started, *_) = [each for each in enrollments if await is_started(simulated.database, each)]
    async with simulated.database.transaction() as session:
        (await session.get_one(Enrollment, started.id)).state = EnrollmentState.RUNNING
    assert await run(sweep) == {"enrollments": 1}


@pytest.mark.counts_pages
async def test_those_that_have_yet_to_make_their_first_move_are_counted_without_reading_all_of_them(simulated: Sending) -> None:
    first = await left(simulated)
    async with simulated.database.transaction() as session:
        await session.execute(text(MANY_MORE), {"id": first.id, "started_at": now()})
        await session.execute(text("ANALYZE enrollment"))
    with statements(simulated.database) as sent:
        async with simulated.database.transaction() as session:
            assert await unstarted_enrollments(session, 200, 100) == []
    assert max((await buffers_read(simulated.database, sent)).values()) < 250


MANY_MORE = """
INSERT INTO enrollment (id, org_id, sequence_id, sequence_version_id, contact_id,
    cause, variables, re_entry, state, step_run, created_at,
    start_due_at, start_attempts, workflow_started_at)
SELECT gen_random_uuid(), org_id, sequence_id, sequence_version_id, contact_id, 'request', '{}', 'always', state, 0, now(),
    now() - interval '1 minute', 0, CAST(:started_at AS timestamptz)
FROM enrollment CROSS JOIN generate_series(1, 30000) WHERE id = :id
"""


async def test_what_the_sweeper_starts_is_a_bulk(sweep: SweepStarts, simulated: Sending, temporal: Client) -> None:
    enrollment = await left(simulated)
    await run(sweep)
    history = await temporal.get_workflow_handle(enrollment_workflow_id(enrollment.id)).fetch_history()
    priority = history.events[0].workflow_execution_started_event_attributes.priority
    assert (priority.priority_key, priority.fairness_key) == (BULK, str(simulated.org_id))


async def test_draft_campaigns_are_left_alone(sweep: SweepStarts, simulated: Sending) -> None:
    campaign = await simulated.campaign()
    await simulated.change(campaign, state=CampaignState.DRAFT, launched_at=None, start_due_at=now() - LONG_AGO)
    assert await run(sweep) == {}


async def test_a_launched_campaign_without_a_workflow_is_started(sweep: SweepStarts, simulated: Sending) -> None:
    campaign = await simulated.campaign()
    assert await run(sweep) == {}
    await make_due(simulated.database, "campaign")
    assert await run(sweep) == {"campaigns": 1}
    assert await is_started(simulated.database, campaign)
    assert await run(sweep) == {}


async def test_a_campaign_that_cannot_be_started_holds_up_no_other_and_no_enrollment(
    sweep: SweepStarts, starter: Flawed, simulated: Sending
) -> None:
    broken, fine, enrollment = await simulated.campaign(), await simulated.campaign(), await left(simulated)
    await make_due(simulated.database, "campaign")
    starter.broken = {broken.id}
    assert await run(sweep) == {"campaigns": 1, "enrollments": 1}
    assert [await is_started(simulated.database, each) for each in (broken, fine, enrollment)] == [False, True, True]
    assert starter.tried.count(broken.id) == 1


async def test_an_import_without_a_workflow_is_started(sweep: SweepStarts, simulated: Sending) -> None:
    waiting = ContactImport(org_id=simulated.org_id, csv="phone", total=0)
    await simulated.save(waiting)
    assert await run(sweep) == {}
    await make_due(simulated.database, "contact_import")
    assert await run(sweep) == {"imports": 1}
    assert await run(sweep) == {}


async def test_an_import_that_cannot_be_started_keeps_its_turn_and_waits(
    sweep: SweepStarts, starter: Flawed, simulated: Sending
) -> None:
    first, second = [ContactImport(org_id=simulated.org_id, csv="phone", total=0) for _ in range(2)]
    await simulated.save(first, second)
    await make_due(simulated.database, "contact_import")
    starter.broken = {first.id}
    assert [await run(sweep) for _ in range(2)] == [{}, {}]
    assert starter.tried == [first.id]
    await make_due(simulated.database, "contact_import")
    starter.broken = set()
    assert await run(sweep) == {"imports": 1}
    assert await is_started(simulated.database, first)


async def test_a_launch_is_left_to_its_request_for_a_moment(simulated: Sending) -> None:
    """A draft's row may be old."""
    campaign = await simulated.campaign()
    assert isinstance(campaign, Campaign)
    assert campaign.start_due_at > now()
