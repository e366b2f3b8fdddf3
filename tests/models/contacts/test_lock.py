"""Who waits for whom: changes of identifying fields for each other, changes of everything else for their own contact at most."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from models.contacts.contact import Contact
from models.contacts.input import KEYS, ContactFields, ContactInput
from models.contacts.lock import changes_a_key, lock_contacts, lock_keys
from models.contacts.match import ContactIndex
from models.contacts.upsert import change_contact, upsert_contacts
from models.database import Database
from models.organizations.organization import Organization
from tests.clicks import rows
from tests.models.contacts.test_match import ROWS, Row, index

HARMLESS: list[dict[str, Any]] = [{"tags": ["vip"]}, {"properties": {"plan": "gold"}}, {"first_name": "Eve"}, {}]
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
async def ada(database: Database, organization: tuple[Organization, str]) -> Contact:
    return await stored(database, organization[0], external_id="ada", email="ada@example.com")


@pytest.fixture
async def bob(database: Database, organization: tuple[Organization, str]) -> Contact:
    return await stored(database, organization[0], external_id="bob")


async def stored(database: Database, organization: Organization, **fields: Any) -> Contact:
    contact = Contact(org_id=organization.id, **fields)
    async with database.transaction() as session:
        session.add(contact)
    return contact


async def put(session: AsyncSession, contact: Contact, **fields: Any) -> None:
    row = ContactInput(**{"external_id": contact.external_id, **fields})
    (outcome,) = await upsert_contacts(session, contact.org_id, [row])
    assert outcome.result != "failed", outcome


async def impatiently(session: AsyncSession) -> AsyncSession:
    """A transaction that waits for no lock."""
    await session.execute(text("SET LOCAL lock_timeout = '1ms'"))
    return session


async def until_somebody_waits(database: Database) -> None:
    async with asyncio.timeout(60):
        while await rows(database, WAITING) != [1]:
            pass


@pytest.mark.parametrize("change", HARMLESS, ids=str)
async def test_tags_and_properties_do_not_wait_for_a_change_of_identifying_fields(
    database: Database, ada: Contact, change: dict[str, Any]
) -> None:
    async with database.transaction() as other, database.transaction() as session:
        await lock_keys(other, ada.org_id)
        await put(await impatiently(session), ada, **change)
        await put(session, ada, email="ada@example.com", **change)
        await change_contact(session, ada.org_id, ada.id, ContactFields(**change))


@pytest.mark.parametrize(
    "change", [{"email": "new@example.com"}, {"email": None}, {"phone": "+12025550123"}, {"external_id": "somebody new"}], ids=str
)
async def test_changes_of_identifying_fields_wait_for_each_other(
    database: Database, ada: Contact, change: dict[str, Any]
) -> None:
    async with database.transaction() as other:
        await lock_keys(other, ada.org_id)
        with pytest.raises(DBAPIError, match="lock timeout"):
            async with database.transaction() as session:
                await put(await impatiently(session), ada, tags=["vip"], **change)
        if "external_id" not in change:
            with pytest.raises(DBAPIError, match="lock timeout"):
                async with database.transaction() as session:
                    await change_contact(await impatiently(session), ada.org_id, ada.id, ContactFields(**change))


async def test_a_contact_that_is_being_changed_holds_up_itself_alone(database: Database, ada: Contact, bob: Contact) -> None:
    async with database.transaction() as other:
        await put(other, ada, tags=["vip"])
        async with database.transaction() as session:
            await put(await impatiently(session), bob, tags=["vip"])
        with pytest.raises(DBAPIError, match="lock timeout"):
            async with database.transaction() as session:
                await put(await impatiently(session), ada, tags=["late"])


async def test_a_message_to_a_contact_is_stored_while_the_contact_is_being_changed(
    database: Database, ada: Contact, organization: tuple[Organization, str]
) -> None:
    key_share = text("SELECT id FROM contact WHERE id = :id FOR KEY SHARE")  # what a foreign key takes
    async with database.transaction() as other, database.transaction() as session:
        await lock_contacts(other, [ada.id], 1)
        await (await impatiently(session)).execute(key_share, {"id": ada.id})


async def test_two_who_change_one_contact_lose_nothing(database: Database, ada: Contact) -> None:
    async def second() -> None:
        async with database.transaction() as session:
            await put(session, ada, properties={"b": 2})

    async with database.transaction() as session:
        await put(session, ada, properties={"a": 1}, tags=["vip"])
        waits = asyncio.create_task(second())
        await until_somebody_waits(database)
    await waits
    assert await rows(database, "SELECT properties::text, tags FROM contact") == [('{"a": 1, "b": 2}', ["vip"])]


async def test_a_key_that_changes_hands_meanwhile_takes_the_change_with_it(
    database: Database, ada: Contact, bob: Contact
) -> None:
    """Who is looked up by an address gets the change, as they are when it is written."""

    async def second() -> None:
        async with database.transaction() as session:
            row = ContactInput(email="ada@example.com", tags=["vip"])
            await upsert_contacts(session, ada.org_id, [row])

    async with database.transaction() as session:
        await put(session, ada, email=None)
        await put(session, bob, email="ada@example.com")
        waits = asyncio.create_task(second())
        await until_somebody_waits(database)
    await waits
    assert await rows(database, "SELECT external_id FROM contact WHERE tags = '{vip}'") == ["bob"]


async def test_writers_of_the_same_contacts_in_another_order_and_of_keys_between_them_never_meet_in_a_circle(
    database: Database, organization: tuple[Organization, str]
) -> None:
    org = organization[0]
    people = [await stored(database, org, external_id=str(n)) for n in range(20)]

    async def write(order: list[Contact], **fields: Any) -> None:
        async with database.transaction() as session:
            changed = [ContactInput(external_id=each.external_id, **fields) for each in order]
            outcomes = await upsert_contacts(session, org.id, changed)
            assert {each.result for each in outcomes} <= {"updated", "unchanged"}

    await asyncio.gather(
        write(people, tags=["a"]),
        write(people[::-1], properties={"b": 1}),
        write(people[10:] + people[:10], phone=None, email=None, first_name="Ada"),
        write([people[3]], email="new@example.com"),
    )


KNOWN = st.lists(ROWS.filter(lambda row: any(row.values())), max_size=4)


@given(KNOWN, ROWS.filter(lambda row: any(row.values())))
def test_what_needs_no_lock_of_the_keys_changes_none(stored: list[Row], row: Row) -> None:
    people = ContactIndex([])
    for each in stored:
        people.apply(ContactInput(**each))
    before = {known.id: {key: known.values[key] for key in KEYS} for known in people.known.values()}
    changes = changes_a_key(people, ContactInput(**row))
    people.apply(ContactInput(**row))
    after = {known.id: {key: known.values[key] for key in KEYS} for known in people.known.values()}
    assert changes or after == before


def test_only_what_is_given_counts() -> None:
    people = index({"external_id": "A", "email": "one@example.com"})
    assert not changes_a_key(people, ContactInput(external_id="A", tags=["vip"]))
    assert changes_a_key(people, ContactInput(external_id="A", email=None))
    assert changes_a_key(people, ContactInput(external_id="B"))
