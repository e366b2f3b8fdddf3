"""One change for many contacts: tags, names and properties, within the limits, once, and only the organization's own."""

from typing import Any

import pytest
from pydantic import ValidationError

from models.contacts.change_many import ChangeResult, ContactChange
from models.contacts.contact import Contact
from models.database import Database
from models.organizations.organization import Organization, create_organization
from services.effects.update_contacts import update_contacts
from tests.clicks import rows as read
from tests.rows import Rows


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def change(rows: Rows, contacts: list[Contact], **what: Any) -> list[ChangeResult]:
    async with rows.database.transaction() as session:
        ids = [contact.id for contact in contacts]
        results = await update_contacts(session, rows.org_id, ids, ContactChange.model_validate(what))
    return [results[each] for each in ids]


async def stored(rows: Rows, contact: Contact) -> Contact:
    async with rows.database.transaction() as session:
        return await session.get_one(Contact, contact.id)


async def test_tags_names_and_properties_change_and_the_rest_stays(rows: Rows) -> None:
    ada = await rows.contact(
        tags=["cold", "new", "vip"], first_name="Ada", last_name="L", properties={"plan": "gold", "trial": True, "n": 1}
    )
    empty = await rows.contact(email="e@example.com")
    what = {
        "tags_add": ["hot", "vip"],
        "tags_remove": ["cold"],
        "fields": {"last_name": None, "time_zone": "Europe/London"},
        "properties": {"plan": "silver", "trial": None, "list": [1, {"a": None}]},
    }
    assert await change(rows, [ada, empty], **what) == ["updated", "updated"]
    row = await stored(rows, ada)
    assert (row.tags, row.first_name, row.last_name, row.time_zone) == (["new", "vip", "hot"], "Ada", None, "Europe/London")
    assert row.properties == {"plan": "silver", "n": 1, "list": [1, {"a": None}]}
    assert row.updated_at > ada.updated_at
    assert (await stored(rows, empty)).tags == ["hot", "vip"]
    assert sorted(await read(rows.database, "SELECT tag FROM contact_tag")) == ["hot", "hot", "new", "vip", "vip"]
    assert await change(rows, [ada, empty], **what) == ["unchanged", "unchanged"]  # it is safe to repeat
    assert (await stored(rows, ada)).updated_at == row.updated_at


async def test_a_contact_beyond_a_limit_is_left_as_it_is_and_the_others_are_changed(rows: Rows) -> None:
    full = await rows.contact(tags=[f"t{n}" for n in range(100)])
    large = await rows.contact(properties={"text": "x" * 16_300})
    other = await rows.contact()
    assert await change(rows, [full, large, other], tags_add=["hot"], properties={"more": "y" * 100}) == [
        "too_many_tags",
        "properties_too_large",
        "updated",
    ]
    assert (await stored(rows, large)).tags == []
    assert await change(rows, [full], tags_add=["hot"], tags_remove=["t0"]) == ["updated"]
    assert await change(rows, [large], properties={"text": None, "more": 1}) == ["updated"]


async def test_a_contact_of_another_organization_is_unknown(rows: Rows) -> None:
    async with rows.database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    stranger, own = await Rows(rows.database, other.id).contact(), await rows.contact()
    assert await change(rows, [stranger, own], tags_add=["hot"]) == ["unknown_contact", "updated"]
    assert (await stored(rows, stranger)).tags == []


@pytest.mark.parametrize(
    "what",
    [
        {},
        {"tags_add": ["a", "b"], "tags_remove": ["b"]},
        {"tags_add": ["#hot"]},
        {"fields": {"email": "a@example.com"}},
        {"fields": {"time_zone": "Mars/Olympus"}},
        {"fields": {"first_name": " "}},
        {"properties": {"not a name": 1}},
        {"properties": {"large": "x" * 20_000}},
    ],
)
def test_a_change_that_no_contact_could_have_is_refused(what: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ContactChange.model_validate(what)
