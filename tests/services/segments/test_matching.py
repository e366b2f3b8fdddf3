"""Which of some contacts are in a segment: what a trigger asks when it fires."""

from uuid import UUID

import pytest
from sqlalchemy import text

from models.base import new_id
from models.database import Database, Patience
from models.organizations.organization import Organization, create_organization
from models.segments.segment import Segment
from services.segments.matching import SegmentTooSlow, matching
from tests.plans import scans_without_index, statements
from tests.rows import Rows


async def ask(database: Database, org_id: UUID, segment_id: UUID, contact_ids: list[UUID]) -> set[UUID]:
    async with database.transaction() as session:
        return await matching(session, org_id, segment_id, contact_ids)


async def add_segment(rows: Rows) -> Segment:
    async with rows.database.transaction() as session:
        segment = Segment(org_id=rows.org_id, name="Vip", definition={"kind": "tags", "tags": ["vip"]})
        session.add(segment)
    return segment


async def test_those_who_are_in_the_segment_now_match(database: Database, organization: tuple[Organization, str]) -> None:
    rows = Rows(database, organization[0].id)
    segment = await add_segment(rows)
    inside, outside, unasked = [await rows.contact(tags=tags) for tags in (["vip"], ["other"], ["vip"])]
    asked = [inside.id, outside.id, new_id()]
    assert await ask(database, rows.org_id, segment.id, asked) == {inside.id}
    assert await ask(database, rows.org_id, segment.id, []) == set()
    async with database.transaction() as session:
        await session.execute(text("UPDATE contact SET tags = '{vip}' WHERE id = :id"), {"id": outside.id})
    assert await ask(database, rows.org_id, segment.id, [*asked, unasked.id]) == {inside.id, outside.id, unasked.id}


async def test_a_segment_that_is_gone_or_somebody_elses_has_nobody_in_it(
    database: Database, organization: tuple[Organization, str]
) -> None:
    rows = Rows(database, organization[0].id)
    segment, person = await add_segment(rows), await rows.contact(tags=["vip"])
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    stranger = await Rows(database, other.id).contact(tags=["vip"])
    assert await ask(database, rows.org_id, segment.id, [person.id, stranger.id]) == {person.id}
    assert await ask(database, other.id, segment.id, [person.id, stranger.id]) == set()
    assert await ask(database, rows.org_id, new_id(), [person.id]) == set()


async def test_a_thousand_contacts_are_one_question(database: Database, organization: tuple[Organization, str]) -> None:
    rows = Rows(database, organization[0].id)
    segment = await add_segment(rows)
    with statements(database) as sent:
        await ask(database, rows.org_id, segment.id, [new_id() for _ in range(1000)])
    assert len(sent) == 2  # the segment, and who is in it
    assert await scans_without_index(database, sent) == []


async def test_a_statement_that_takes_too_long_says_which_segment_it_was(
    database: Database, organization: tuple[Organization, str]
) -> None:
    """Somebody has locked the table, so that the statement never ends by itself."""
    rows = Rows(database, organization[0].id)
    segment, person = await add_segment(rows), await rows.contact(tags=["vip"])
    async with database.transaction() as other:
        await other.execute(text("LOCK TABLE contact"))
        with pytest.raises(SegmentTooSlow, match=str(segment.id)):
            async with database.transaction(Patience(lock=60, statement=0.05, idle=60)) as session:
                await matching(session, rows.org_id, segment.id, [person.id])
    assert await ask(database, rows.org_id, segment.id, [person.id]) == {person.id}
