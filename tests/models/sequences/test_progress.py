"""When a move happened, as the conversation tells it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from models.base import now
from models.database import Database
from models.messages.ledger import SendResult
from models.messages.message import Message, MessageState
from models.organizations.organization import Organization
from models.sequences import progress
from models.sequences.enrollment import Enrollment
from models.sequences.event import Event
from models.sequences.progress import End, Move, move
from models.sequences.step_run import StepRun
from tests.rows import Rows


async def test_a_step_is_not_left_before_its_message_was_accepted(
    database: Database, organization: tuple[Organization, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although the process took its time, and then waited for a connection."""
    rows = Rows(database, organization[0].id)
    sequence, contact = await rows.sequence(), await rows.contact()
    enrollment = await rows.enrollment(sequence, contact, step_key="hello", step_run=1)
    await rows.step_run(enrollment, 1, "hello")
    content = await rows.content_of_step(sequence, "hello")
    message = await rows.message(content, contact, MessageState.SENDING, enrollment=enrollment)
    monkeypatch.setattr(progress, "now", lambda: now() - timedelta(seconds=2))
    result = SendResult(message.id, MessageState.ACCEPTED, "provider-1", claimed_at=message.sending_at)
    async with database.transaction() as session:
        assert await move(session, Move(enrollment.id, 1, "sent", end=End("completed", "done")), result)
    async with database.transaction() as session:
        accepted = (await session.get_one(Message, message.id)).accepted_at
        left = (await session.get_one(StepRun, (enrollment.id, 1))).left_at
        finished = (await session.get_one(Enrollment, enrollment.id)).finished_at
        events = (await session.scalars(select(Event))).all()
    assert accepted is not None
    assert {left, finished, *(each.at for each in events)} == {accepted}
