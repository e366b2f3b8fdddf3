"""The people of a sequence: who is where, enrolling them once with the consequence stated, and stopping one."""

from typing import Any
from uuid import uuid4

import pytest

from models.database import Database
from models.organizations.organization import Organization
from models.sequences.enrollment import EnrollmentState
from tests.api.campaign_builders import add_contacts, new_sequence
from tests.builders import Caller
from tests.console.conftest import Browser, with_role
from tests.rows import Rows, minutes

HOSTILE = "<script>alert(1)</script>\N{RIGHT-TO-LEFT OVERRIDE}" + "x" * 200


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def test_people_are_narrowed_by_state_step_version_and_time(browser: Browser, rows: Rows) -> None:
    sequence = await rows.sequence()
    ada, ben, cy = [await rows.contact(first_name=name) for name in ("Ada", "Ben", HOSTILE)]
    await rows.enrollment(sequence, ada, step_key="wait", due_at=minutes(60))
    await rows.enrollment(sequence, ben, EnrollmentState.COMPLETED, outcome="done")
    await rows.enrollment(await rows.publish(sequence), cy, step_key="hello")

    async def names(**query: Any) -> list[str]:
        return [
            each.split(" ")[0]
            for each in (await browser.open(f"/sequences/{sequence.id}/people", **query)).all("tbody th bdi:first-child")
            if each
        ]

    assert len(await names()) == 3
    assert await names(state="completed") == ["Ben"]
    assert await names(step="wait") == ["Ada"]
    assert await names(version=1) == ["Ben", "Ada"]
    assert await names(due="7d") == ["Ada"]
    shown = await browser.open(f"/sequences/{sequence.id}/people")
    assert "<script>alert" not in shown.answer.text
    assert "Nobody is like that" in (await browser.open(f"/sequences/{sequence.id}/people", step="wait", state="stopped")).all(
        "h2"
    )
    assert (await browser.open(f"/sequences/{sequence.id}/people", step="gone")).status == 404


async def test_nobody_yet_says_how_people_enter(browser: Browser, api: Caller) -> None:
    shown = await browser.open(f"/sequences/{await new_sequence(api)}/people")
    assert "Nobody has entered yet" in shown.all("h2")


async def test_people_are_enrolled_once_after_the_consequence_was_stated(
    browser: Browser, api: Caller, database: Database, organization: Any
) -> None:
    sequence = await new_sequence(api)
    await add_contacts(database, organization[0].id, 3, tags=["vip"])
    path = f"/sequences/{sequence}/enroll"
    looked = await browser.send(path, way="tags", tags="vip", do="look")
    assert "3 people are found now." in looked.all("section p")
    assert (await api.get("/enrollments")).json()["items"] == []
    once = looked.value("once")
    for _ in range(2):
        done = await browser.send(path, way="tags", tags="vip", do="enroll", once=once)
        assert "3 people enrolled." in done.text
    assert len((await api.get("/enrollments")).json()["items"]) == 3
    again = await browser.send(path, way="tags", tags="vip", do="enroll", once=str(uuid4()))
    assert "left out: they are in it already" in again.text


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"way": "named", "people": ""}, "people"),
        ({"way": "named", "people": f"nobody@example.com\n{HOSTILE}"}, "people"),
        ({"way": "named", "people": "+49"}, "people"),
        ({"way": "named", "people": "\n".join(map(str, range(51)))}, "people"),
        ({"way": "named", "people": "0198c0de-0000-7000-8000-000000000002"}, "people"),
        ({"way": "tags", "tags": " , "}, "tags"),
        ({"way": "segment", "segment_id": ""}, "segment_id"),
        ({"way": "elsewhere"}, "people"),
    ],
)
async def test_who_cannot_be_found_keeps_what_was_typed(browser: Browser, api: Caller, typed: dict[str, str], field: str) -> None:
    shown = await browser.send(f"/sequences/{await new_sequence(api)}/enroll", **typed, do="look")
    assert shown.status == 422
    assert shown.body.cssselect(f'[name="{field}"]')[0].get("aria-invalid") == "true"
    for name in typed.keys() - {"way"}:
        assert shown.value(name).strip() == typed[name].strip()
    assert "<script>alert" not in shown.answer.text


async def test_every_line_that_finds_nobody_is_named_with_what_works(browser: Browser, api: Caller) -> None:
    await api.patch("/organization", json={"shared_mailboxes": True})
    for name in ("ada", "bob"):
        await api.post("/contacts", json={"external_id": name, "email": "family@example.com"})
    named = "ada\nAda Lind\n0151 12345678\nnobody@example.com\nfamily@example.com"
    shown = await browser.send(f"/sequences/{await new_sequence(api)}/enroll", way="named", people=named, do="look")
    assert shown.status == 422
    (fault,) = shown.body.cssselect("#people-fault span")
    assert list(fault.itertext()) == [
        "Nobody is found as “Ada Lind”. Write an e-mail address, a number or an external id: names are not looked for.",
        "Nobody is found as “0151 12345678”. Of a phone number, write the country code too, such as +49 151 12345678.",
        "Nobody is found as “nobody@example.com”.",
        "“family@example.com” is more than one person: write the external id or the phone number of the one who is meant.",
    ]
    assert "People by name" not in shown.text


async def test_people_are_named_by_whatever_is_known_of_them(browser: Browser, api: Caller, rows: Rows) -> None:
    sequence = await new_sequence(api)
    people = [
        await rows.contact(email="ada@example.com"),
        await rows.contact(phone="+4915112345678"),
        await rows.contact(external_id="crm-1"),
    ]
    named = "\n".join(["ada@example.com", "+4915112345678", "crm-1", str(people[0].id)])
    shown = await browser.send(f"/sequences/{sequence}/enroll", way="named", people=named, do="look")
    assert "3 people are found now." in shown.all("section p")


async def test_a_segment_of_another_organization_is_refused_in_the_form(browser: Browser, api: Caller) -> None:
    typed = {"way": "segment", "segment_id": str(uuid4())}
    for do in ("look", "enroll"):
        shown = await browser.send(f"/sequences/{await new_sequence(api)}/enroll", **typed, do=do, once=str(uuid4()))
        assert shown.status in (404, 422)
        assert shown.all("[role=alert]")


async def test_an_enrollment_says_where_it_is_and_is_stopped_with_a_reason(browser: Browser, api: Caller, rows: Rows) -> None:
    sequence = await rows.sequence()
    ada = await rows.contact(first_name="Ada")
    row = await rows.enrollment(sequence, ada, step_key="wait", step_run=2, due_at=minutes(60), variables={"offer": HOSTILE})
    path = f"/enrollments/{row.id}"
    shown = await browser.open(path)
    assert "Ada in Welcome" in shown.all("h1")
    assert f"/console/contacts/{ada.id}" in shown.links()
    assert "<script>alert" not in shown.answer.text
    assert (await browser.send(f"{path}/stop", reason="x" * 300)).status == 422
    assert (await browser.send(f"{path}/stop", reason="Asked by phone")).location == f"/console{path}"
    assert (await api.get(path)).json()["stop_requested_at"]
    assert not (await browser.open(path)).body.cssselect("#stop")


async def test_the_definition_is_read_version_by_version(browser: Browser, api: Caller) -> None:
    sequence = await new_sequence(api)
    path = f"/sequences/{sequence}/definition"
    shown = await browser.open(path)
    assert "key: hello" in shown.all("pre")[0]
    await api.patch(f"/sequences/{sequence}", json={"steps": [{"kind": "end", "key": "over"}]})
    assert "key: hello" not in (await browser.open(path, version="draft")).all("pre")[0]
    assert "key: hello" in (await browser.open(path)).all("pre")[0]
    assert (await browser.open(path, version=9)).status == 404


async def test_a_viewer_sees_everything_and_changes_nothing(visitor: Browser, api: Caller, rows: Rows) -> None:
    sequence = await rows.sequence()
    row = await rows.enrollment(sequence, await rows.contact(first_name="Ada"), step_key="wait")
    viewer = await with_role(visitor, api, "viewer")
    for path in (f"/sequences/{sequence.id}/people", f"/sequences/{sequence.id}/definition", f"/enrollments/{row.id}"):
        assert (await viewer.open(path)).status == 200
    assert not (await viewer.open(f"/enrollments/{row.id}")).body.cssselect("#stop")
    assert (await viewer.open(f"/sequences/{sequence.id}/enroll")).status == 403
    assert (await viewer.send(f"/enrollments/{row.id}/stop")).status == 403
    assert (await viewer.open(f"/enrollments/{uuid4()}")).status == 404
