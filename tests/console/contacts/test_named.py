"""Who is meant by what somebody types: the same rule where people are enrolled and where they are added to an audience."""

from typing import Any

import pytest

from tests.api.campaign_builders import new_sequence
from tests.builders import Caller
from tests.console.conftest import Browser

ID = "0198c0de-0000-7000-8000-000000000002"
PHONE = "+4915112345678"


async def add(api: Caller, **fields: Any) -> str:
    made = await api.post("/contacts", json=fields)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def meant(browser: Browser, api: Caller, typed: str) -> set[str]:
    """Whom each of the two forms finds, after it was asked to go on with them."""
    campaign = await browser.send("/campaigns/new", name="A", channel="simulator-sms", find_contact=typed, do="add-contact")
    in_audience = [each.get("value") for each in campaign.body.cssselect('[name="audience.contact_ids[0]"]')]
    sequence = await new_sequence(api)
    await browser.send(f"/sequences/{sequence}/enroll", way="named", people=typed, do="enroll")
    enrolled = (await api.get("/enrollments", params={"sequence_id": sequence})).json()["items"]
    found = {*in_audience, *(each["contact_id"] for each in enrolled)}
    assert len(in_audience) == len(enrolled) == len(found)
    return found


@pytest.mark.parametrize("typed", ["a@shop", ID, "+1 is first", PHONE, "０１"])
async def test_an_external_id_may_look_like_anything(browser: Browser, api: Caller, typed: str) -> None:
    contact = await add(api, external_id=typed)
    assert await meant(browser, api, typed) == {contact}


async def test_the_strongest_key_decides(browser: Browser, api: Caller) -> None:
    by_id, by_email = await add(api, external_id="ada@example.com"), await add(api, email="ada@example.com")
    assert await meant(browser, api, "ada@example.com") == {by_id}
    assert await meant(browser, api, "mailto:Ada@Example.com") == {by_email}
    assert await meant(browser, api, by_email) == {by_email}


async def test_the_id_of_one_that_is_the_external_id_of_another_names_neither(browser: Browser, api: Caller) -> None:
    first = await add(api, email="ada@example.com")
    await add(api, external_id=first)
    assert await meant(browser, api, first) == set()


@pytest.mark.parametrize("typed", ["0151 12345678", "0049 151 12345678", "\uff0b49 151 12345678", "tel:+49-151-12345678"])
async def test_a_number_is_read_as_it_is_dialled_where_the_organization_is(browser: Browser, api: Caller, typed: str) -> None:
    await api.patch("/organization", json={"time_zone": "Europe/Berlin"})
    contact = await add(api, phone=PHONE)
    assert await meant(browser, api, typed) == {contact}


async def test_nobody_is_chosen_among_those_who_share_a_mailbox(browser: Browser, api: Caller) -> None:
    await api.patch("/organization", json={"shared_mailboxes": True})
    for name in ("ada", "bob"):
        await add(api, external_id=name, email="family@example.com")
    assert await meant(browser, api, "family@example.com") == set()
    shown = await browser.send("/campaigns/new", name="A", find_contact="family@example.com", do="add-contact")
    assert (shown.status, "More than one contact has" in shown.text) == (422, True)
