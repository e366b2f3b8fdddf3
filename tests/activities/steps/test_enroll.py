"""The step `enroll`: another sequence, with variables, once through kills, and with a reason when it cannot be."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from models.base import new_id
from models.organizations.limits import Limits
from models.sequences.enrollment import Enrollment
from models.sequences.sequence import Sequence
from services.effects.hints import Hints
from settings import Settings
from tests.clicks import rows
from tests.crashes import killed_at
from tests.rows import Rows
from tests.sending import Sending

OUTCOME = "SELECT outcome FROM step_run WHERE step_key = 'more'"


async def other_sequence(sending: Sending, **fields: Any) -> Sequence:
    return await Rows(sending.database, sending.org_id).sequence(name="Other", **fields)


async def enrolled(sending: Sending, sequence_id: UUID, *, times: int = 1) -> Enrollment:
    (contact,) = await sending.contacts()
    keys = ["more", *(f"more_{n}" for n in range(1, times))]
    steps = [
        {"kind": "enroll", "key": key, "sequence_id": str(sequence_id), "variables": {"offer": "spring", "off": 10}}
        for key in keys
    ]
    return await sending.enrollment(contact, more=({"next": "more"}, *steps))


async def made(sending: Sending, enrollment: Enrollment) -> list[Enrollment]:
    async with sending.database.transaction() as session:
        others = select(Enrollment).where(col(Enrollment.id) != enrollment.id)
        return list(await session.scalars(others))


async def test_the_contact_enters_the_other_sequence_with_the_variables(simulated: Sending) -> None:
    other = await other_sequence(simulated)
    enrollment = await enrolled(simulated, other.id)
    turn = await simulated.turn(enrollment, step_key="more", queue=None)
    assert turn.step_key == "pause"
    (new,) = await made(simulated, enrollment)
    assert (new.contact_id, new.sequence_id, new.state) == (enrollment.contact_id, other.id, "queued")
    assert (new.cause, new.cause_id, new.cause_number) == ("step", enrollment.id, 1)
    assert new.variables == {"offer": "spring", "off": 10}
    assert await rows(simulated.database, OUTCOME) == ["enrolled"]


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({}, "not_enrolled: already_enrolled"),
        ({"re_entry": "always"}, "enrolled"),
        ({"re_entry": "always", "re_entry_limit": {"times": 1, "period": "P1D"}}, "not_enrolled: too_often"),
        ({"publish": False}, "not_enrolled: sequence_not_published"),
    ],
)
async def test_what_cannot_be_done_is_an_outcome_and_the_enrollment_goes_on(
    simulated: Sending, fields: dict[str, Any], outcome: str
) -> None:
    other = await other_sequence(simulated, **fields)
    enrollment = await enrolled(simulated, other.id, times=2)
    turn = await simulated.turn(enrollment, step_key="more", queue=None)
    assert (turn.step_key, turn.step_run) == ("pause", 3)
    assert await rows(simulated.database, "SELECT outcome FROM step_run WHERE step_key = 'more_1'") == [outcome]


async def test_a_sequence_that_is_not_there_is_an_outcome(simulated: Sending) -> None:
    enrollment = await enrolled(simulated, new_id())
    await simulated.turn(enrollment, step_key="more", queue=None)
    assert await rows(simulated.database, OUTCOME) == ["not_enrolled: sequence_not_published"]


async def test_at_the_organizations_limit_nobody_is_enrolled(simulated: Sending) -> None:
    full = Limits.of(Settings(_env_file=None), {"active_enrollments": 0})
    limited = Sending(simulated.database, simulated.organization, limits=full)
    enrollment = await enrolled(limited, (await other_sequence(limited)).id)
    await limited.turn(enrollment, step_key="more", queue=None)
    assert await rows(limited.database, OUTCOME) == ["not_enrolled: too_many_enrollments"]


class Bell(Hints):
    """Remembers what it was asked to start and deliver, and can be broken."""

    def __init__(self) -> None:
        self.enrollments: list[UUID] = []

    async def give(self, enrollments: Any = (), commands: Any = (), *, notified: bool = False) -> None:
        self.enrollments += enrollments


@pytest.mark.parametrize("point", ["turn_effects_written", "turn_effects_committed", "turn_recorded"])
async def test_whatever_kills_the_turn_the_contact_is_enrolled_once(simulated: Sending, tmp_path: Path, point: str) -> None:
    simulated.turns._hints = bell = Bell()
    other = await other_sequence(simulated, re_entry="always")
    enrollment = await enrolled(simulated, other.id)
    with killed_at(point, tmp_path):
        await simulated.turn(enrollment)
    assert len(bell.enrollments) == (1 if point == "turn_recorded" else 0)
    assert len(await made(simulated, enrollment)) == (0 if point == "turn_effects_written" else 1)
    await simulated.make_claims_old()
    turn = await simulated.turn(enrollment)
    assert (turn.step_key, turn.step_run) == ("pause", 3)
    (new,) = await made(simulated, enrollment)
    assert bell.enrollments == ([] if point == "turn_effects_committed" else [new.id])  # then the sweeper starts it
    assert await rows(simulated.database, OUTCOME) == ["enrolled"]
