"""Enrolling: each contact once at a time, each follow-up once for ever, the row and its event together."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models import enrollment
from models.base import new_id
from models.campaign import Campaign
from models.channel import channels_by_name
from models.contact import Contact
from models.database import Database
from models.enrollment import Enrollment, EnrollmentState, EnrollResult, create_follow_ups, enroll
from models.event import Event, EventKind
from models.organization import Organization, create_organization
from models.sequence import Sequence, SequenceVersion
from models.starts import mark_enrollments_started

MESSAGE = {"body": "https://example.com", "links": {}}


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.session() as session:
        yield session


async def add_contacts(session: AsyncSession, org_id: UUID, count: int) -> list[UUID]:
    contacts = [Contact(org_id=org_id, external_id=f"person-{n}") for n in range(count)]
    session.add_all(contacts)
    await session.flush()
    return [contact.id for contact in contacts]


async def add_sequence(session: AsyncSession, org_id: UUID) -> SequenceVersion:
    definition = {"steps": [{"kind": "end", "key": "end"}]}
    sequence = Sequence(org_id=org_id, name="Sequence", draft=definition, version=2)
    session.add(sequence)
    await session.flush()
    versions = [SequenceVersion(org_id=org_id, sequence_id=sequence.id, version=n, definition=definition) for n in (1, 2)]
    session.add_all(versions)
    await session.flush()
    return versions[1]


async def add_campaign(session: AsyncSession, org_id: UUID, sequence_id: UUID | None) -> UUID:
    channel = (await channels_by_name(session, org_id))["simulator-sms"]
    trigger = {"link": None, "sequence_id": str(sequence_id)} if sequence_id else None
    campaign = Campaign(org_id=org_id, name="Campaign", channel_id=channel.id, message=MESSAGE, audience={}, trigger=trigger)
    session.add(campaign)
    await session.flush()
    return campaign.id


async def test_a_contact_of_another_organization_is_unknown(
    session: AsyncSession, organization: tuple[Organization, str]
) -> None:
    org_id = organization[0].id
    other, _ = await create_organization(session, "Other")
    stranger = (await add_contacts(session, other.id, 1))[0]
    version = await add_sequence(session, org_id)
    results = await enroll(session, org_id, version.id, version.sequence_id, [stranger, new_id()])
    assert [each.result for each in results] == [EnrollResult.UNKNOWN_CONTACT] * 2
    assert (await session.scalars(select(Event))).all() == []


async def test_a_contact_named_twice_is_enrolled_once(session: AsyncSession, organization: tuple[Organization, str]) -> None:
    org_id = organization[0].id
    (contact,) = await add_contacts(session, org_id, 1)
    version = await add_sequence(session, org_id)
    first, second = await enroll(session, org_id, version.id, version.sequence_id, [contact, contact])
    assert (first.result, second.result) == (EnrollResult.ENROLLED, EnrollResult.ALREADY_ENROLLED)
    assert first.enrollment_id == second.enrollment_id
    (event,) = (await session.scalars(select(Event))).all()
    assert (event.kind, event.visit, event.enrollment_id) == (EventKind.ENROLLED, 0, first.enrollment_id)


async def test_a_finished_enrollment_does_not_stand_in_the_way(
    session: AsyncSession, organization: tuple[Organization, str]
) -> None:
    org_id = organization[0].id
    (contact,) = await add_contacts(session, org_id, 1)
    version = await add_sequence(session, org_id)
    await enroll(session, org_id, version.id, version.sequence_id, [contact])
    await session.execute(update(Enrollment).values(state=EnrollmentState.COMPLETED))
    (again,) = await enroll(session, org_id, version.id, version.sequence_id, [contact])
    assert again.result == EnrollResult.ENROLLED


async def test_an_enrollment_that_ends_in_the_middle_of_a_request_does_not_make_its_contact_unknown(
    database: Database, organization: tuple[Organization, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    org_id = organization[0].id
    async with database.transaction() as session:
        (contact,) = await add_contacts(session, org_id, 1)
        version = await add_sequence(session, org_id)
        await enroll(session, org_id, version.id, version.sequence_id, [contact])
    insert = enrollment._insert

    async def insert_and_end(*arguments: Any, **parameters: Any) -> set[UUID]:
        inserted = await insert(*arguments, **parameters)
        if not inserted:
            async with database.transaction() as other:
                await other.execute(update(Enrollment).values(state=EnrollmentState.COMPLETED))
        return inserted

    monkeypatch.setattr(enrollment, "_insert", insert_and_end)
    async with database.transaction() as session:
        known, unknown = await enroll(session, org_id, version.id, version.sequence_id, [contact, new_id()])
    assert (known.result, unknown.result) == (EnrollResult.ENROLLED, EnrollResult.UNKNOWN_CONTACT)


async def test_two_requests_at_once_enroll_each_contact_once(database: Database, organization: tuple[Organization, str]) -> None:
    org_id = organization[0].id
    async with database.transaction() as session:
        contacts = await add_contacts(session, org_id, 300)
        version = await add_sequence(session, org_id)

    async def request(ids: list[UUID]) -> int:
        async with database.transaction() as session:
            results = await enroll(session, org_id, version.id, version.sequence_id, ids)
        assert all(each.enrollment_id for each in results)
        return sum(each.result == EnrollResult.ENROLLED for each in results)

    counts = await asyncio.gather(request(contacts), request(contacts[::-1]), request(contacts[100:]))
    assert sum(counts) == 300


async def test_a_campaign_without_a_trigger_makes_no_follow_ups(
    session: AsyncSession, organization: tuple[Organization, str]
) -> None:
    org_id = organization[0].id
    contacts = await add_contacts(session, org_id, 2)
    campaign = await add_campaign(session, org_id, None)
    assert await create_follow_ups(session, campaign, contacts) == []


async def test_follow_ups_are_made_once_and_returned_until_they_have_a_workflow(
    session: AsyncSession, organization: tuple[Organization, str]
) -> None:
    org_id = organization[0].id
    contacts = await add_contacts(session, org_id, 3)
    version = await add_sequence(session, org_id)
    campaign = await add_campaign(session, org_id, version.sequence_id)
    first = await create_follow_ups(session, campaign, contacts[:2])
    assert len(first) == 2
    assert set(await create_follow_ups(session, campaign, contacts[:2])) == set(first)
    await mark_enrollments_started(session, first)
    third = await create_follow_ups(session, campaign, contacts)
    assert len(third) == 1
    row = await session.get_one(Enrollment, third[0])
    assert (row.contact_id, row.campaign_id, row.sequence_version_id) == (contacts[2], campaign, version.id)
    events = (await session.scalars(select(col(Event.detail)))).all()
    assert events == [{"campaign_id": str(campaign)}] * 3


async def test_a_follow_up_may_run_beside_an_enrollment_in_the_same_sequence(
    session: AsyncSession, organization: tuple[Organization, str]
) -> None:
    org_id = organization[0].id
    contacts = await add_contacts(session, org_id, 1)
    version = await add_sequence(session, org_id)
    campaign = await add_campaign(session, org_id, version.sequence_id)
    await enroll(session, org_id, version.id, version.sequence_id, contacts)
    assert len(await create_follow_ups(session, campaign, contacts)) == 1
