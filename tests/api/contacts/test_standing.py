"""The list of contacts with how each stands: consent, suppressed addresses, the last click; one statement more, however many."""

from typing import Any

import pytest

from models.database import Database
from models.organizations.organization import Organization, create_organization
from tests.builders import Caller
from tests.plans import statements
from tests.rows import Rows, minutes


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def standing(api: Caller) -> dict[str, Any]:
    (found,) = (await api.get("/contacts?standing=true")).json()["items"]
    return {each["medium"]: (each["consent"], each["suppressed"]) for each in found["standing"]["media"]}


async def say(api: Caller, contact_id: object, **said: str) -> None:
    answer = await api.post(f"/contacts/{contact_id}/consent", json={"reason": "Said so", **said})
    assert answer.is_success, answer.text


async def test_without_being_asked_the_list_says_nothing_of_it(api: Caller, rows: Rows) -> None:
    contact = await rows.contact(email="a@example.com")
    (found,) = (await api.get("/contacts")).json()["items"]
    assert found == (await api.get(f"/contacts/{contact.id}")).json()


async def test_nobody_who_has_no_address_has_a_medium(api: Caller, rows: Rows) -> None:
    await rows.contact(external_id="x", phone=None, email=None)
    (found,) = (await api.get("/contacts?standing=true")).json()["items"]
    assert found["standing"] == {"media": [], "last_click_at": None}


async def test_the_newest_answer_about_marketing_counts_for_each_medium(api: Caller, rows: Rows) -> None:
    contact = await rows.contact(email="a@example.com", phone="+12025550123")
    assert await standing(api) == {"sms": ("unknown", None), "email": ("unknown", None)}
    await say(api, contact.id, state="opted_in")
    await say(api, contact.id, state="opted_out", medium="sms")
    await say(api, contact.id, state="opted_out", medium="email", message_kind="transactional")
    assert await standing(api) == {"sms": ("opted_out", None), "email": ("opted_in", None)}


async def test_a_suppressed_address_says_why_until_it_is_lifted(api: Caller, rows: Rows, database: Database) -> None:
    await rows.contact(email="a@example.com", phone="+12025550123")
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    theirs = await api.with_key(key).post("/suppressions", json={"medium": "sms", "address": "+12025550123"})
    ours = await api.post("/suppressions", json={"medium": "email", "address": "a@example.com"})
    assert theirs.is_success
    assert ours.is_success
    assert await standing(api) == {"sms": ("unknown", None), "email": ("unknown", "manual")}
    lifted = await api.delete(f"/suppressions/{ours.json()['id']}?reason=Asked")
    assert lifted.is_success, lifted.text
    assert (await standing(api))["email"] == ("unknown", None)


async def test_the_last_click_is_the_persons_own(api: Caller, rows: Rows) -> None:
    campaign = await rows.campaign()
    contact = await rows.contact(email="a@example.com")
    message = await rows.message(campaign.content_id, contact)
    at = minutes(-30)
    await rows.click(message, at=minutes(-60))
    await rows.click(message, at=at)
    await rows.click(message, at=minutes(-5), verdict="bot")
    (found,) = (await api.get("/contacts?standing=true")).json()["items"]
    assert found["standing"]["last_click_at"] == at.isoformat().replace("+00:00", "Z")


async def test_it_is_one_statement_more_however_many_people_there_are(api: Caller, rows: Rows, database: Database) -> None:
    asked = list[int]()
    for number in range(12):
        await rows.contact(external_id=str(number), email=f"{number}@example.com")
        if number in (0, 11):
            for query in ("", "?standing=true"):
                with statements(database) as sent:
                    assert len((await api.get(f"/contacts{query}")).json()["items"]) == number + 1
                asked.append(len(sent))
    assert asked[1] == asked[0] + 1
    assert asked[2:] == asked[:2]
