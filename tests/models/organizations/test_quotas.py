"""Quotas of an organization: counted exactly, refused with what to do, and others are not touched."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text, update

from models.database import Database
from models.errors import OutOfContents, QuotaReached
from models.messages.content import MAX_CONTENT_ID, Content, contents_left, insert_content
from models.organizations.limits import Limits
from models.organizations.organization import Organization, create_organization
from models.organizations.quotas import ActiveEnrollments, take_contents
from models.sequences.enrollment import Enrollment, EnrollmentState
from settings import Settings
from tests.rows import Rows


def limits(**own: Any) -> Limits:
    return Limits.of(Settings(_env_file=None), own)


async def made(database: Database, organization: Organization, count: int, **own: Any) -> bool:
    try:
        async with database.transaction() as session:
            await take_contents(session, organization.id, count, limits(**own))
    except QuotaReached:
        return False
    return True


async def test_contents_of_a_day_are_counted_for_each_organization(
    database: Database, organization: tuple[Organization, str]
) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    results = [await made(database, organization[0], count, contents_per_day=5) for count in (3, 3, 2, 1)]
    assert results == [True, False, True, False]  # what was refused does not count
    assert await made(database, other, 5, contents_per_day=5)


async def test_contents_are_counted_over_all_days(database: Database, organization: tuple[Organization, str]) -> None:
    assert await made(database, organization[0], 3, contents=5)
    async with database.transaction() as session:
        await session.execute(text("UPDATE content_usage SET day = day - 1"))
    assert [await made(database, organization[0], count, contents=5) for count in (3, 2)] == [False, True]


async def test_contents_that_are_made_at_once_do_not_pass_the_limit(
    database: Database, organization: tuple[Organization, str]
) -> None:
    results = await asyncio.gather(*(made(database, organization[0], 1, contents_per_day=2) for _ in range(4)))
    assert sorted(results) == [False, False, True, True]


async def test_the_last_content_of_all_is_made_and_the_next_one_is_refused(
    database: Database, organization: tuple[Organization, str]
) -> None:
    async with database.transaction() as session:
        assert await contents_left(session) == MAX_CONTENT_ID
        await session.execute(text(f"ALTER SEQUENCE content_id_seq RESTART WITH {MAX_CONTENT_ID}"))
        assert await contents_left(session) == 1
        assert await insert_content(session, Content(org_id=organization[0].id, body="")) == MAX_CONTENT_ID
        assert await contents_left(session) == 0
    with pytest.raises(OutOfContents):
        async with database.transaction() as session:
            await insert_content(session, Content(org_id=organization[0].id, body=""))


async def test_active_enrollments_are_counted_again_at_the_limit(
    database: Database, organization: tuple[Organization, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, active, org_id = Rows(database, organization[0].id), ActiveEnrollments(), organization[0].id
    sequence = await rows.sequence()
    for _ in range(2):
        await rows.enrollment(sequence, await rows.contact())
    await rows.enrollment(sequence, await rows.contact(), EnrollmentState.COMPLETED)

    async def room(limit: int = 3) -> int:
        async with database.session() as session:
            return await active.room(session, org_id, limit)

    assert await room() == 1
    active.started(org_id, 1)
    assert await room() == 0
    async with database.transaction() as session:
        await session.execute(update(Enrollment).values(state=EnrollmentState.STOPPED))
    assert await room() == 0  # counted a moment ago
    monkeypatch.setattr(ActiveEnrollments, "AGAIN_SECONDS", 0.0)
    assert await room() == 3
