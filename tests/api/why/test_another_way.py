"""Why one person did not get the message of a step: another way was taken, and the step can no longer come."""

from typing import Any

import pytest

from models.sequences.enrollment import EnrollmentState
from models.sequences.event import EventKind
from models.sequences.sequence import Sequence
from tests.api.why.test_contacts import why
from tests.builders import Caller
from tests.rows import BYE, SEND, THANKS, WAIT, Rows, minutes

TIMED_OUT = "The contact took another way at 'wait' in 'Welcome' (the contact did not click in time)"
PAUSED = (SEND, {**WAIT, "on_timeout": "pause"}, THANKS, {"kind": "wait", "key": "pause", "duration": "P1D", "next": "bye"}, BYE)


@pytest.mark.parametrize(
    "fields",
    [
        {"state": EnrollmentState.RUNNING, "due_at": minutes(60)},
        {"state": EnrollmentState.COMPLETED, "outcome": "done", "finished_at": minutes(9)},
    ],
)
async def test_a_step_that_can_no_longer_come_names_where_another_way_was_taken(
    api: Caller, made: Rows, fields: dict[str, Any]
) -> None:
    contact, sequence = await made.contact(), await made.sequence(PAUSED)
    enrollment = await made.enrollment(sequence, contact, step_key="pause", step_run=3, **fields)
    await made.step_run(enrollment, 1, "hello", "sent", "wait")
    await made.step_run(enrollment, 2, "wait", "timed_out", "pause")
    left = await made.event(enrollment, EventKind.STEP_LEFT, 2, "wait", outcome="timed_out", to="pause")
    await made.step_run(enrollment, 3, "pause")
    found = await why(api, contact, sequence_id=sequence.id, step="thanks")
    assert (found["rule"], found["facts"]["from_step"], found["facts"]["outcome"]) == ("left_another_way", "wait", "timed_out")
    assert found["answer"] == f"{TIMED_OUT}, so the step 'thanks' can no longer come."
    assert found["rows"][1] == {"table": "event", "id": str(left.id)}


async def test_a_step_that_only_another_version_has_can_not_come(api: Caller, made: Rows) -> None:
    contact, sequence = await made.contact(), await made.sequence([SEND, WAIT, THANKS, BYE])
    await made.enrollment(sequence, contact, step_key="wait", step_run=2, due_at=minutes(60))
    reminder = {**THANKS, "key": "reminder"}
    async with made.database.transaction() as session:
        (await session.get_one(Sequence, sequence.id)).draft = {"steps": [SEND, WAIT, THANKS, reminder, BYE]}
    await made.publish(sequence)
    found = await why(api, contact, sequence_id=sequence.id, step="reminder")
    assert (found["rule"], found["answer"]) == (
        "left_another_way",
        "The way of the contact through 'Welcome' does not lead to the step 'reminder'.",
    )


async def test_the_end_of_a_sequence_without_a_message_names_the_last_step(api: Caller, made: Rows) -> None:
    contact, sequence = await made.contact(), await made.sequence()
    done = {"outcome": "done", "finished_at": minutes(9)}
    enrollment = await made.enrollment(sequence, contact, EnrollmentState.COMPLETED, **done)
    await made.step_run(enrollment, 1, "wait", "timed_out", "bye")
    found = await why(api, contact, sequence_id=sequence.id)
    assert found["rule"] == "left_another_way"
    assert found["answer"].startswith(
        "The contact left 'Welcome' before it after the step 'wait', which it had come to the end of"
    )
