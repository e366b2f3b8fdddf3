"""How people of the list stand, and enrolling those who are chosen in it."""

from typing import Any

import pytest

from console.words.standing import standing_words
from models.database import Database
from tests.api.campaign_builders import new_sequence
from tests.builders import Caller
from tests.console.conftest import Browser, with_role
from tests.console.contacts.test_contacts import add
from tests.plans import statements

IN, OUT, UNKNOWN = "opted_in", "opted_out", "unknown"


def media(**said: tuple[str, str | None]) -> dict[str, Any]:
    return {"media": [{"medium": name, "consent": each[0], "suppressed": each[1]} for name, each in said.items()]}


@pytest.mark.parametrize(
    ("standing", "word"),
    [
        (media(), "No address"),
        (media(sms=(UNKNOWN, None)), "Not said"),
        (media(sms=(UNKNOWN, None), email=(IN, None)), "Opted in"),
        (media(sms=(OUT, None)), "Opted out"),
        (media(sms=(OUT, None), email=(IN, "bounce")), "Opted out"),
        (media(sms=(IN, "bounce")), "Suppressed"),
        (media(sms=(IN, "opted_out")), "Opted out"),
        (media(sms=(IN, None), email=(OUT, None)), "e-mail: opted out"),
        (media(sms=(IN, "provider"), email=(UNKNOWN, None)), "SMS: suppressed"),
    ],
)
def test_one_word_says_what_stops_them_first(standing: dict[str, Any], word: str) -> None:
    assert standing_words(standing)[1] == word


async def test_the_list_says_who_has_opted_out(browser: Browser, api: Caller) -> None:
    contact_id = await add(api, email="a@example.com")
    said = await api.post(f"/contacts/{contact_id}/consent", json={"state": "opted_out", "reason": "Asked by phone"})
    assert said.is_success, said.text
    assert (await browser.open("/contacts")).all("tbody .badge") == ["Opted out"]


async def test_a_longer_list_asks_the_database_no_more_often(browser: Browser, api: Caller, database: Database) -> None:
    asked = list[int]()
    for number in range(9):
        await add(api, email=f"{number}@example.com")
        if number in (0, 8):
            await browser.open("/contacts")  # what is kept for a while, such as the pulse, is known then
            with statements(database) as sent:
                assert len((await browser.open("/contacts")).all("tbody tr")) == number + 1
            asked.append(len(sent))
    assert asked[0] == asked[1]


async def test_those_who_are_chosen_are_enrolled_after_it_is_said_what_happens(browser: Browser, api: Caller) -> None:
    people = [await add(api, external_id=f"p{number}", first_name=f"P{number}") for number in range(3)]
    sequence = await new_sequence(api)
    choice = await browser.send("/contacts/enroll", contact=people[:2])
    shown = await browser.open(choice.location)
    assert "Enroll 2 people" in shown.all("h1")[0]
    assert [each.get("value") for each in shown.body.cssselect("main input[name=contact]")] == people[:2]
    there = await browser.send("/contacts/enroll", contact=people[:2], sequence_id=sequence)
    looked = await browser.open(there.location)
    assert "2 people are found now." in looked.all("section p")
    assert {f"/console/contacts/{each}" for each in people[:2]} <= set(looked.links("section p a"))
    assert looked.value("people").split() == ["p0", "p1"]
    assert (await api.get("/enrollments")).json()["items"] == []
    typed = {name: looked.value(name) for name in ("once", "people")}
    done = await browser.send(f"/sequences/{sequence}/enroll", way="named", do="enroll", **typed)
    assert "2 people enrolled." in done.text
    inside = {each["contact_id"] for each in (await api.get("/enrollments")).json()["items"]}
    assert inside == {*people[:2]}


async def test_nobody_and_no_sequence_are_said(browser: Browser, api: Caller) -> None:
    assert (await browser.send("/contacts/enroll")).location == "/console/contacts"
    assert "Nobody is chosen" in (await browser.open("/contacts/enroll")).text
    contact_id = await add(api, external_id="x")
    assert "No sequence takes people in" in (await browser.open("/contacts/enroll", contact=contact_id)).text
    await new_sequence(api)
    for wrong in ("nonsense", "01a22ad0-0000-7000-8000-000000000000", "../../settings"):
        refused = await browser.send("/contacts/enroll", contact=[contact_id], sequence_id=wrong)
        assert (refused.status, len(refused.all(".fault"))) == (422, 1)


async def test_somebody_who_is_gone_is_named_before_anything_happens(browser: Browser, api: Caller) -> None:
    gone = "01a22ad0-0000-7000-8000-000000000000"
    shown = await browser.open(f"/sequences/{await new_sequence(api)}/enroll", contact=[await add(api, external_id="x"), gone])
    assert shown.status == 422
    assert gone in shown.all("#people-fault")[0]


async def test_a_viewer_enrolls_nobody(visitor: Browser, api: Caller) -> None:
    contact_id = await add(api, external_id="x")
    viewer = await with_role(visitor, api, "viewer")
    assert (await viewer.open("/contacts/enroll", contact=contact_id)).status == 403
    assert (await viewer.send("/contacts/enroll", contact=[contact_id])).status == 403
    assert (await viewer.open("/contacts")).all("main button[formaction]") == []
