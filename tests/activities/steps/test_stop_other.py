"""The step `stop_other`: the contact's other enrollments, once through kills, and two that stop each other."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

from models.contacts.contact import Contact
from models.sequences.enrollment import Enrollment
from models.wire.enrollments import Over
from tests.clicks import rows
from tests.crashes import killed_at
from tests.rows import Rows
from tests.sending import Sending


def stop_other(sequence_id: UUID | None = None) -> dict[str, Any]:
    return {"kind": "stop_other", "key": "alone", "sequence_id": sequence_id and str(sequence_id)}


async def enrolled(sending: Sending, contact: Contact, step: dict[str, Any]) -> Enrollment:
    return await sending.enrollment(contact, more=({"next": "alone"}, step))


async def stopped(sending: Sending) -> list[Any]:
    return await rows(sending.database, "SELECT id FROM enrollment WHERE stop_requested_at IS NOT NULL")


async def test_the_others_are_stopped_and_their_number_is_the_outcome(simulated: Sending) -> None:
    (contact,) = await simulated.contacts()
    of_it = Rows(simulated.database, simulated.org_id)
    others = [await of_it.enrollment(await of_it.sequence(), contact) for _ in range(2)]
    enrollment = await enrolled(simulated, contact, stop_other())
    assert (await simulated.turn(enrollment, step_key="alone", queue=None)).step_key == "pause"
    assert sorted(await stopped(simulated)) == sorted(each.id for each in others)
    assert await rows(simulated.database, "SELECT outcome FROM step_run WHERE step_key = 'alone'") == ["stopped 2"]
    assert len(await rows(simulated.database, "SELECT id FROM command WHERE kind = 'stop'")) == 2


async def test_only_those_of_the_named_sequence_are_stopped(simulated: Sending) -> None:
    (contact,) = await simulated.contacts()
    of_it = Rows(simulated.database, simulated.org_id)
    demo = await of_it.sequence()
    wanted, _other = await of_it.enrollment(demo, contact), await of_it.enrollment(await of_it.sequence(), contact)
    enrollment = await enrolled(simulated, contact, stop_other(demo.id))
    await simulated.turn(enrollment, step_key="alone", queue=None)
    assert await stopped(simulated) == [wanted.id]


async def test_whatever_kills_the_turn_each_is_stopped_by_one_command(simulated: Sending, tmp_path: Path) -> None:
    (contact,) = await simulated.contacts()
    of_it = Rows(simulated.database, simulated.org_id)
    await of_it.enrollment(await of_it.sequence(), contact)
    enrollment = await enrolled(simulated, contact, stop_other())
    with killed_at("turn_effects_written", tmp_path):
        await simulated.turn(enrollment)
    assert await stopped(simulated) == []
    await simulated.make_claims_old()
    with killed_at("turn_recorded", tmp_path):
        await simulated.turn(enrollment)
    await simulated.turn(enrollment)
    assert len(await rows(simulated.database, "SELECT id FROM command")) == 1
    assert await rows(simulated.database, "SELECT outcome FROM step_run WHERE step_key = 'alone'") == ["stopped 1"]


async def test_of_two_that_stop_each_other_one_goes_on(simulated: Sending) -> None:
    (contact,) = await simulated.contacts()
    pair = [await enrolled(simulated, contact, stop_other()) for _ in range(2)]
    turns = await asyncio.gather(*(simulated.turn(each, step_key="alone", queue=None) for each in pair))
    assert sorted(isinstance(turn.rest, Over) for turn in turns) == [False, True]
    assert len(await stopped(simulated)) == 1
