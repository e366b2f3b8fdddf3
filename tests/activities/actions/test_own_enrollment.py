"""The actions `leave` and `go_to`: a command to the enrollment whose message was clicked, in the transaction of the result."""

from typing import Any

import pytest

from models.base import now
from models.database import Database
from models.sequences.enrollment import Enrollment, EnrollmentState
from tests.clicks import rows
from tests.rows import Rows
from tests.triggers import TAG, Machine

COMMANDS = "SELECT enrollment_id, kind, detail FROM command"
LEAVE = {"kind": "leave"}
GO_TO = {"kind": "go_to", "step": "thanks"}


async def clicked(made: Rows, *actions: dict[str, Any], **fields: Any) -> Enrollment:
    """An enrollment that somebody else may have ended between the click and its actions."""
    sequence = await made.sequence()
    content_id = await made.content_of_step(sequence, "hello")
    await made.trigger([content_id], [*actions, TAG], sequence_id=sequence.id)
    enrollment = await made.enrollment(sequence, await made.contact())
    contact = await made.contact()
    message = await made.message(content_id, contact, enrollment=enrollment)
    await made.click(message)
    async with made.database.transaction() as session:
        row = await session.get_one(Enrollment, enrollment.id)
        for name, value in fields.items():
            setattr(row, name, value)
    return enrollment


async def test_leave_holds_from_the_commit_on_and_says_which_trigger_it_was(
    database: Database, made: Rows, machine: Machine
) -> None:
    enrollment = await clicked(made, LEAVE)
    await machine.run()
    assert await rows(database, COMMANDS) == [(enrollment.id, "stop", {})]
    # Nobody runs a workflow of it, so its row is ended instead.
    assert await rows(database, "SELECT state, outcome FROM enrollment") == [("stopped", "left by the trigger hot")]
    assert await rows(database, "SELECT outcome, detail ->> 'enrollment_id' FROM firing_action WHERE position = 0") == [
        ("done", str(enrollment.id))
    ]


async def test_go_to_is_a_command_with_the_step(database: Database, made: Rows, machine: Machine) -> None:
    enrollment = await clicked(made, GO_TO)
    await machine.run()
    assert await rows(database, COMMANDS) == [(enrollment.id, "move", {"step_key": "thanks"})]
    assert await rows(database, "SELECT outcome FROM command") == ["no_workflow"]
    assert await rows(database, "SELECT state, stop_requested_at FROM enrollment") == [("running", None)]


@pytest.mark.parametrize("action", [LEAVE, GO_TO])
@pytest.mark.parametrize(
    "end", [{"state": EnrollmentState.COMPLETED, "finished_at": now()}, {"stop_requested_at": now(), "stop_reason": "asked"}]
)
async def test_an_enrollment_that_ended_between_the_click_and_the_action_is_left_as_it_is(
    database: Database, made: Rows, machine: Machine, action: dict[str, Any], end: dict[str, Any]
) -> None:
    await clicked(made, action, **end)
    await machine.run()
    assert await rows(database, COMMANDS) == []
    assert await rows(database, "SELECT outcome, reason FROM firing_action ORDER BY position") == [
        ("skipped", "the enrollment is over already, or was asked to stop"),
        ("done", None),
    ]
    assert await rows(database, "SELECT stop_reason FROM enrollment") == [end.get("stop_reason")]


async def test_a_message_of_no_enrollment_cannot_be_left(database: Database, made: Rows, machine: Machine) -> None:
    campaign = await made.campaign()
    await made.trigger([campaign.content_id], [LEAVE], campaign_id=campaign.id)
    await made.click(await made.message(campaign.content_id, await made.contact()))
    await machine.run()
    assert await rows(database, "SELECT outcome, reason FROM firing_action") == [
        ("failed", "the message belongs to no enrollment")
    ]
