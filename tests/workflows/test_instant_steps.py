"""Steps that take no time, in the real workflow with the real worker: other workflows start and stop because of them."""

from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

from temporalio.client import Client

from models.contacts.contact import Contact
from models.database import Database
from models.organizations.organization import Organization
from models.sequences.enrollment import EnrollmentState
from models.wire.enrollments import EnrollmentResult
from models.wire.names import enrollment_workflow_id
from services.starter import Starter
from settings import Settings
from tests.clicks import rows as read
from tests.conftest import start_temporal
from tests.rows import Rows
from worker import build_activities, build_workers

WAIT = {"kind": "wait", "key": "wait", "duration": "P1D"}
SEND = {"kind": "send", "key": "hello", "channel": "simulator-sms", "message": {"body": "x"}}
QUEUED = {"workflow_started_at": None}


async def test_one_turn_tags_a_contact_moves_it_into_another_sequence_and_stops_a_third(
    database: Database, organization: tuple[Organization, str], settings: Settings
) -> None:
    rows = Rows(database, organization[0].id)
    demo, waiting = await rows.sequence([SEND]), await rows.sequence([WAIT])
    move: list[dict[str, Any]] = [
        {"kind": "update_contact", "key": "mark", "change": {"tags_add": ["hot"]}},
        {"kind": "stop_other", "key": "alone", "sequence_id": str(waiting.id)},
        {"kind": "enroll", "key": "demo", "sequence_id": str(demo.id)},
        {"kind": "end", "key": "over", "outcome": "moved"},
    ]
    contact = await rows.contact(phone="+4915112345")
    third = await rows.enrollment(waiting, contact, EnrollmentState.QUEUED, **QUEUED)
    first = await rows.enrollment(await rows.sequence(move), contact, EnrollmentState.QUEUED, **QUEUED)

    async def outcome(client: Client, enrollment_id: UUID) -> str:
        handle = client.get_workflow_handle(enrollment_workflow_id(enrollment_id), result_type=EnrollmentResult)
        result: EnrollmentResult = await handle.result()
        return result.outcome

    async with await start_temporal() as environment, AsyncExitStack() as workers:
        client = environment.client
        for each in build_workers(client, build_activities(settings, database, database, client)):
            await workers.enter_async_context(each)
        assert await Starter(database, client).start_enrollments([third.id, first.id]) == 2
        assert await outcome(client, first.id) == "moved"
        assert await outcome(client, third.id) == "stopped by request"
        (second,) = await read(database, "SELECT id FROM enrollment WHERE cause = 'step'")
        assert await outcome(client, second) == "completed"
    assert sorted(await read(database, "SELECT state, outcome FROM enrollment")) == [
        ("completed", "completed"),
        ("completed", "moved"),
        ("stopped", "stopped by the sequence 'Welcome'"),
    ]
    left = await read(database, "SELECT step_key, outcome FROM step_run WHERE kind NOT IN ('send', 'wait') ORDER BY number")
    assert left == [("mark", "updated"), ("alone", "stopped 1"), ("demo", "enrolled")]
    async with database.transaction() as session:
        assert (await session.get_one(Contact, contact.id)).tags == ["hot"]
    assert len(await read(database, "SELECT id FROM message WHERE state = 'accepted'")) == 1
