"""Enrolling without the API: what a command line, an activity and a console call."""

import pytest

from models.database import Database
from models.errors import Conflict, NotFound, QuotaReached
from models.organizations.limits import Limits
from models.organizations.organization import Organization, create_organization
from models.organizations.quotas import ActiveEnrollments
from models.sequences.enroll import EnrollResult, new_enrollments
from services.enroll import enroll_contacts
from settings import Settings
from tests.clicks import rows as read
from tests.rows import Rows


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


@pytest.fixture
def limits(settings: Settings) -> Limits:
    return Limits.of(settings, {})


async def test_contacts_are_enrolled_once_and_each_has_a_result(
    database: Database, organization: tuple[Organization, str], rows: Rows, limits: Limits
) -> None:
    sequence, contacts = await rows.sequence(), [(await rows.contact()).id for _ in range(2)]
    active = ActiveEnrollments()
    for new in (2, 0):
        async with database.transaction() as session:
            results = await enroll_contacts(session, limits, active, organization[0], sequence.id, contacts)
        assert [each.contact_id for each in results] == contacts
        assert len(new_enrollments(results)) == new
    assert {each.result for each in results} == {EnrollResult.ALREADY_ENROLLED}


async def test_without_room_for_all_none_is_enrolled(
    database: Database, organization: tuple[Organization, str], rows: Rows, limits: Limits
) -> None:
    sequence, contacts = await rows.sequence(), [(await rows.contact()).id for _ in range(3)]
    two, active = limits.changed({"active_enrollments": 2}), ActiveEnrollments()
    for given in (contacts, contacts[:2], contacts[2:]):
        fits = given == contacts[:2]
        try:
            async with database.transaction() as session:
                await enroll_contacts(session, two, active, organization[0], sequence.id, given)
        except QuotaReached:
            assert not fits
        assert await read(database, "SELECT count(*) FROM enrollment") == [0 if given == contacts else 2]


async def test_a_draft_and_another_organizations_sequence_enroll_nobody(
    database: Database, organization: tuple[Organization, str], rows: Rows, limits: Limits
) -> None:
    draft, published, contact = await rows.sequence(publish=False), await rows.sequence(), await rows.contact()
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    for whose, sequence, error in ((organization[0], draft, Conflict), (other, published, NotFound)):
        with pytest.raises(error):
            async with database.transaction() as session:
                await enroll_contacts(session, limits, ActiveEnrollments(), whose, sequence.id, [contact.id])
    assert await read(database, "SELECT count(*) FROM enrollment") == [0]
