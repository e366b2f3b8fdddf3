"""Enrolling: as often as the re-entry rule allows, each cause once, the row and its event together."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import new_id, now
from models.contacts.contact import Contact
from models.database import Database
from models.organizations.organization import Organization, create_organization
from models.sequences import enroll as enrolling
from models.sequences.enroll import Cause, EnrollResult, Person, Target, enroll, published_target
from models.sequences.enrollment import CauseKind, Enrollment, EnrollmentState
from models.sequences.event import Event, EventKind
from models.sequences.re_entry import ReEntry
from models.sequences.sequence import Sequence, SequenceVersion
from tests.enrolling import enroll_in


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.session() as session:
        yield session


async def add_contacts(session: AsyncSession, org_id: UUID, count: int) -> list[UUID]:
    contacts = [Contact(org_id=org_id, external_id=f"person-{n}") for n in range(count)]
    session.add_all(contacts)
    await session.flush()
    return [contact.id for contact in contacts]


async def add_sequence(session: AsyncSession, org_id: UUID, **rule: Any) -> SequenceVersion:
    definition = {"steps": [{"kind": "end", "key": "end"}]}
    sequence = Sequence(org_id=org_id, name="Sequence", draft=definition, version=2, **rule)
    session.add(sequence)
    await session.flush()
    versions = [SequenceVersion(org_id=org_id, sequence_id=sequence.id, version=n, definition=definition) for n in (1, 2)]
    session.add_all(versions)
    await session.flush()
    return versions[1]


async def results_of(session: AsyncSession, version: SequenceVersion, contact: UUID, *causes: Cause | None) -> list[str]:
    """Enrolls the contact once for each cause, one after the other."""
    results = []
    for cause in causes or (None,):
        (one,) = await enroll_in(session, version.org_id, version.sequence_id, [contact], cause)
        results.append(one.result.value)
    return results


async def end_all(session: AsyncSession) -> None:
    await session.execute(update(Enrollment).values(state=EnrollmentState.COMPLETED))


def firing() -> Cause:
    return Cause(CauseKind.TRIGGER, new_id(), 0)


async def test_a_contact_of_another_organization_is_unknown(
    session: AsyncSession, organization: tuple[Organization, str]
) -> None:
    org_id = organization[0].id
    other, _ = await create_organization(session, "Other")
    stranger = (await add_contacts(session, other.id, 1))[0]
    version = await add_sequence(session, org_id)
    results = await enroll_in(session, org_id, version.sequence_id, [stranger, new_id()])
    assert [each.result for each in results] == [EnrollResult.UNKNOWN_CONTACT] * 2
    assert (await session.scalars(select(Event))).all() == []


async def test_a_contact_named_twice_is_enrolled_once(session: AsyncSession, organization: tuple[Organization, str]) -> None:
    org_id = organization[0].id
    (contact,) = await add_contacts(session, org_id, 1)
    version = await add_sequence(session, org_id)
    first, second = await enroll_in(session, org_id, version.sequence_id, [contact, contact])
    assert (first.result, second.result) == (EnrollResult.ENROLLED, EnrollResult.ALREADY_ENROLLED)
    assert first.enrollment_id == second.enrollment_id
    (event,) = (await session.scalars(select(Event))).all()
    assert (event.kind, event.step_run, event.enrollment_id) == (EventKind.ENROLLED, 0, first.enrollment_id)


async def test_a_finished_enrollment_does_not_stand_in_the_way(
    session: AsyncSession, organization: tuple[Organization, str]
) -> None:
    org_id = organization[0].id
    (contact,) = await add_contacts(session, org_id, 1)
    version = await add_sequence(session, org_id)
    await enroll_in(session, org_id, version.sequence_id, [contact])
    await session.execute(update(Enrollment).values(state=EnrollmentState.COMPLETED))
    (again,) = await enroll_in(session, org_id, version.sequence_id, [contact])
    assert again.result == EnrollResult.ENROLLED


async def test_an_enrollment_that_ends_in_the_middle_of_a_request_does_not_make_its_contact_unknown(
    database: Database, organization: tuple[Organization, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    org_id = organization[0].id
    async with database.transaction() as session:
        (contact,) = await add_contacts(session, org_id, 1)
        version = await add_sequence(session, org_id)
        await enroll_in(session, org_id, version.sequence_id, [contact])
    insert = enrolling._insert

    async def insert_and_end(*arguments: Any) -> enrolling.Results:
        inserted = await insert(*arguments)
        if not inserted:
            async with database.transaction() as other:
                await other.execute(update(Enrollment).values(state=EnrollmentState.COMPLETED))
        return inserted

    monkeypatch.setattr(enrolling, "_insert", insert_and_end)
    async with database.transaction() as session:
        known, unknown = await enroll_in(session, org_id, version.sequence_id, [contact, new_id()])
    assert (known.result, unknown.result) == (EnrollResult.ENROLLED, EnrollResult.UNKNOWN_CONTACT)


async def test_two_requests_at_once_enroll_each_contact_once(database: Database, organization: tuple[Organization, str]) -> None:
    org_id = organization[0].id
    async with database.transaction() as session:
        contacts = await add_contacts(session, org_id, 300)
        version = await add_sequence(session, org_id)

    async def request(ids: list[UUID]) -> int:
        async with database.transaction() as session:
            results = await enroll_in(session, org_id, version.sequence_id, ids)
        assert all(each.enrollment_id for each in results)
        return sum(each.result == EnrollResult.ENROLLED for each in results)

    counts = await asyncio.gather(request(contacts), request(contacts[::-1]), request(contacts[100:]))
    assert sum(counts) == 300


async def test_a_sequence_that_is_entered_once_for_ever_refuses_whoever_was_in_it(
    session: AsyncSession, organization: tuple[Organization, str]
) -> None:
    org_id = organization[0].id
    (contact,) = await add_contacts(session, org_id, 1)
    version = await add_sequence(session, org_id, re_entry=ReEntry.NEVER)
    first, second = [await enroll_in(session, org_id, version.sequence_id, [contact]) for _ in range(2)]
    assert second[0].result == EnrollResult.ALREADY_ENROLLED
    await end_all(session)
    (third,) = await enroll_in(session, org_id, version.sequence_id, [contact])
    assert (third.result, third.enrollment_id) == (EnrollResult.ENTERED_BEFORE, first[0].enrollment_id)


async def test_a_sequence_that_allows_several_takes_every_enrollment_until_its_rule_changes(
    session: AsyncSession, organization: tuple[Organization, str]
) -> None:
    org_id = organization[0].id
    (contact,) = await add_contacts(session, org_id, 1)
    version = await add_sequence(session, org_id, re_entry=ReEntry.ALWAYS)
    assert await results_of(session, version, contact, None, firing(), None) == ["enrolled"] * 3
    sequence = await session.get_one(Sequence, version.sequence_id)
    sequence.re_entry = ReEntry.AFTER_FINISHING
    await session.flush()
    assert await results_of(session, version, contact) == ["already_enrolled"]  # those of before still run
    await end_all(session)
    sequence.re_entry = ReEntry.NEVER
    await session.flush()
    assert await results_of(session, version, contact) == ["entered_before"]


@pytest.mark.parametrize("re_entry", list(ReEntry))
async def test_a_limit_counts_the_enrollments_of_its_period(
    session: AsyncSession, organization: tuple[Organization, str], re_entry: ReEntry
) -> None:
    org_id = organization[0].id
    contact, other = await add_contacts(session, org_id, 2)
    limit = {"times": 2, "period": "P7D"}
    version = await add_sequence(session, org_id, re_entry=re_entry, re_entry_limit=limit)
    results = []
    for _ in range(3):
        results += await results_of(session, version, contact)
        await end_all(session)
    wanted = ["entered_before"] * 2 if re_entry == ReEntry.NEVER else ["enrolled", "too_often"]
    assert results == ["enrolled", *wanted]
    assert await results_of(session, version, other) == ["enrolled"]
    await session.execute(update(Enrollment).values(created_at=now() - timedelta(days=7, seconds=1)))
    again = await results_of(session, version, contact)
    assert again == ["entered_before" if re_entry == ReEntry.NEVER else "enrolled"]


async def test_a_limit_holds_for_causes_that_come_together(session: AsyncSession, organization: tuple[Organization, str]) -> None:
    org_id = organization[0].id
    (contact,) = await add_contacts(session, org_id, 1)
    rule = {"re_entry": ReEntry.ALWAYS, "re_entry_limit": {"times": 2, "period": "PT1H"}}
    version = await add_sequence(session, org_id, **rule)
    into = await published_target(session, org_id, version.sequence_id)
    assert into is not None
    results = await enroll(session, into, [Person(contact, firing()) for _ in range(4)])
    assert [each.result.value for each in results] == ["enrolled", "enrolled", "too_often", "too_often"]


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ({"re_entry": ReEntry.NEVER}, 1),
        ({"re_entry": ReEntry.AFTER_FINISHING}, 1),
        ({"re_entry": ReEntry.ALWAYS}, 6),
        ({"re_entry": ReEntry.ALWAYS, "re_entry_limit": {"times": 3, "period": "P1D"}}, 3),
    ],
)
async def test_the_rule_holds_for_triggers_steps_and_requests_at_the_same_moment(
    database: Database, organization: tuple[Organization, str], rule: dict[str, Any], allowed: int
) -> None:
    org_id = organization[0].id
    async with database.transaction() as session:
        contacts = await add_contacts(session, org_id, 40)
        version = await add_sequence(session, org_id, **rule)

    async def come_in(number: int) -> int:
        people = [Person(contact, firing() if number % 2 else None) for contact in contacts]
        async with database.transaction() as session:
            into = await published_target(session, org_id, version.sequence_id)
            assert into is not None
            results = await enroll(session, into, people if number % 3 else people[::-1])
        return sum(each.result == EnrollResult.ENROLLED for each in results)

    counts = await asyncio.gather(*map(come_in, range(6)))
    assert sum(counts) == allowed * 40


async def test_a_cause_enrolls_once_and_says_so_again(session: AsyncSession, organization: tuple[Organization, str]) -> None:
    org_id = organization[0].id
    contact, other = await add_contacts(session, org_id, 2)
    version = await add_sequence(session, org_id, re_entry=ReEntry.NEVER)
    cause = Cause(CauseKind.STEP, new_id(), 3)
    first, again = [await enroll_in(session, org_id, version.sequence_id, [contact], cause, room=n) for n in (1, 0)]
    assert first == again
    row = await session.get_one(Enrollment, first[0].enrollment_id)
    assert (row.cause, row.cause_id, row.cause_number) == ("step", cause.id, 3)
    (event,) = (await session.scalars(select(Event))).all()
    assert event.detail == {"cause": "step", "cause_id": str(cause.id)}
    (elsewhere,) = await enroll_in(session, org_id, version.sequence_id, [other], cause)  # one cause, another contact
    assert elsewhere.result == EnrollResult.ENROLLED


async def test_one_cause_that_is_repeated_at_the_same_moment_enrolls_once(
    database: Database, organization: tuple[Organization, str]
) -> None:
    org_id = organization[0].id
    async with database.transaction() as session:
        contacts = await add_contacts(session, org_id, 30)
        version = await add_sequence(session, org_id, re_entry=ReEntry.ALWAYS)
    cause = firing()

    async def fire() -> set[UUID | None]:
        async with database.transaction() as session:
            results = await enroll_in(session, org_id, version.sequence_id, contacts, cause)
        assert {each.result for each in results} == {EnrollResult.ENROLLED}
        return {each.enrollment_id for each in results}

    first, second, third = await asyncio.gather(fire(), fire(), fire())
    assert (first == second == third, len(first)) == (True, 30)


async def test_those_beyond_the_room_are_refused(session: AsyncSession, organization: tuple[Organization, str]) -> None:
    org_id = organization[0].id
    contacts = await add_contacts(session, org_id, 3)
    version = await add_sequence(session, org_id)
    results = await enroll_in(session, org_id, version.sequence_id, contacts, room=2)
    assert [each.result.value for each in results] == ["enrolled", "enrolled", "too_many_enrollments"]


async def test_a_draft_and_another_organizations_sequence_are_no_target(
    session: AsyncSession, organization: tuple[Organization, str]
) -> None:
    org_id = organization[0].id
    other, _ = await create_organization(session, "Other")
    version = await add_sequence(session, org_id)
    draft = Sequence(org_id=org_id, name="Draft", draft={"steps": []})
    session.add(draft)
    await session.flush()
    assert await published_target(session, org_id, draft.id) is None
    assert await published_target(session, other.id, version.sequence_id) is None
    assert await published_target(session, org_id, version.sequence_id) == Target(
        org_id, version.sequence_id, version.id, ReEntry.AFTER_FINISHING, None
    )
