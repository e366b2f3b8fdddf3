"""What is done right after a commit: workflows start and stops are delivered, and what fails there is left to the sweepers."""

import asyncio

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from models.commands.command import CommandKind
from models.database import Database
from models.organizations.organization import Organization
from models.sequences.enrollment import EnrollmentState
from models.wire.names import SweepPart, enrollment_workflow_id
from services.commands.deliver import CommandDelivery
from services.commands.issue import issue
from services.effects.hints import Hints
from services.starter import Starter
from tests.clicks import rows as read
from tests.rows import Rows


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def test_workflows_start_and_stops_are_delivered(rows: Rows, temporal: Client) -> None:
    sequence, contact = await rows.sequence(re_entry="always"), await rows.contact()
    queued = {"workflow_started_at": None, "re_entry": "always"}
    new, old = [await rows.enrollment(sequence, contact, EnrollmentState.QUEUED, **queued) for _ in range(2)]
    async with rows.database.transaction() as session:
        command = (await issue(session, rows.org_id, old.id, CommandKind.STOP)).command_id
    assert command is not None
    await Hints(Starter(rows.database, temporal), CommandDelivery(rows.database, temporal)).give([new.id], [command])
    workflow = temporal.get_workflow_handle(enrollment_workflow_id(new.id))
    assert (await workflow.describe()).status == WorkflowExecutionStatus.RUNNING
    assert await read(rows.database, "SELECT outcome FROM command") == ["no_workflow"]
    await workflow.terminate()


async def test_what_fails_is_left_to_the_sweepers(rows: Rows, temporal: Client) -> None:
    class Broken(Starter):
        async def start_enrollments(self, *_: object, **__: object) -> int:
            raise RuntimeError("Temporal is away")

    enrollment = await rows.enrollment(
        await rows.sequence(), await rows.contact(), EnrollmentState.QUEUED, workflow_started_at=None
    )
    hints = Hints(Broken(rows.database, temporal), CommandDelivery(rows.database, temporal))
    await hints.give([enrollment.id])
    assert await read(rows.database, "SELECT workflow_started_at IS NULL FROM enrollment") == [True]


async def test_the_sweeper_of_notifications_is_woken(rows: Rows, temporal: Client) -> None:
    woken: asyncio.Queue[str] = asyncio.Queue()

    class Listening(Starter):
        async def ring_sweeper(self, part: SweepPart = "starts") -> None:
            woken.put_nowait(part)

    hints = Hints(Listening(rows.database, temporal), CommandDelivery(rows.database, temporal))
    await hints.give(notified=True)
    assert await woken.get() == "notifications"
