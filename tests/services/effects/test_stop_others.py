"""Stopping a contact's other enrollments: which ones, once, and by a command that the delivery finds."""

import asyncio

import pytest

from models.database import Database
from models.organizations.organization import Organization, create_organization
from models.sequences.enrollment import Enrollment, EnrollmentState
from services.effects.stop_others import stop_others
from tests.clicks import rows as read
from tests.rows import Rows


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def reason(rows: Rows, enrollment: Enrollment) -> str | None:
    async with rows.database.transaction() as session:
        return (await session.get_one(Enrollment, enrollment.id)).stop_reason


async def test_all_others_of_the_contact_are_stopped_once(rows: Rows) -> None:
    welcome, demo, contact = await rows.sequence(), await rows.sequence(), await rows.contact()
    own, other = await rows.enrollment(welcome, contact), await rows.enrollment(demo, contact)
    over = await rows.enrollment(demo, contact, EnrollmentState.COMPLETED)
    of_another = await rows.enrollment(demo, await rows.contact())
    async with rows.database.transaction() as session:
        stopped = await stop_others(session, rows.org_id, [(contact.id, own.id)], reason="moved")
        assert await stop_others(session, rows.org_id, [(contact.id, own.id)], reason="moved") == []
    assert [(each.contact_id, each.enrollment_id) for each in stopped] == [(contact.id, other.id)]
    assert [await reason(rows, each) for each in (own, other, over, of_another)] == [None, "moved", None, None]
    commands = await read(rows.database, "SELECT id, enrollment_id, kind, outcome FROM command")
    assert commands == [(stopped[0].command_id, other.id, "stop", None)]


async def test_only_those_of_the_named_sequence_are_stopped(rows: Rows) -> None:
    welcome, demo = await rows.sequence(), await rows.sequence()
    people = [await rows.contact() for _ in range(3)]
    inside = [await rows.enrollment(demo, contact) for contact in people]
    elsewhere = [await rows.enrollment(welcome, contact) for contact in people]
    async with rows.database.transaction() as session:
        stopped = await stop_others(session, rows.org_id, [(contact.id, None) for contact in people], demo.id, reason="moved")
    assert {each.enrollment_id for each in stopped} == {each.id for each in inside}
    assert [await reason(rows, each) for each in elsewhere] == [None] * 3


async def test_another_organizations_enrollments_are_left_alone(rows: Rows) -> None:
    async with rows.database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    contact = await rows.contact()
    await rows.enrollment(await rows.sequence(), contact)
    async with rows.database.transaction() as session:
        assert await stop_others(session, other.id, [(contact.id, None)], reason="moved") == []


async def test_two_enrollments_of_one_contact_that_stop_each_other_wait_for_each_other(rows: Rows) -> None:
    welcome, demo = await rows.sequence(), await rows.sequence()
    people = [await rows.contact() for _ in range(50)]
    pairs = [(await rows.enrollment(welcome, each), await rows.enrollment(demo, each)) for each in people]

    async def stop(kept: int) -> int:
        given = [(contact.id, pair[kept].id) for contact, pair in zip(people, pairs, strict=True)]
        async with rows.database.transaction() as session:
            return len(await stop_others(session, rows.org_id, given[:: 1 - 2 * kept], reason="moved"))

    assert sum(await asyncio.gather(stop(0), stop(1))) == 100
