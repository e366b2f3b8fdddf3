"""Analytics of one contact: what it got and what it clicked."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from models.contacts.contact import Contact
from models.database import Database
from models.messages.message import MessageState
from models.organizations.organization import Organization, create_organization
from models.reports import contact as contact_reports
from models.sequences.enrollment import EnrollmentState
from tests.builders import Caller, is_problem
from tests.plans import scans_without_index, statements
from tests.rows import DESKTOP, NOWHERE, OFFER, PHONE, Rows, minutes

TERMS = (None, "https://shop.example/terms")


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def read(api: Caller, contact: UUID, **params: str) -> dict[str, Any]:
    answer = await api.get(f"/contacts/{contact}/analytics", params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def busy_contact(rows: Rows) -> tuple[Contact, list[UUID]]:
    """Ada got two campaigns and two messages of a sequence. She clicks twice in the first campaign and once in the sequence; a
    machine clicks in the second one. Ben clicks too. Returns Ada, and the campaigns and the sequence."""
    ada, ben = await rows.contact(), await rows.contact()
    first, second = [await rows.campaign(links=(OFFER, TERMS), name=name) for name in ("First", "Second")]
    sequence = await rows.sequence(name="Welcome")
    content = await rows.content_of_step(sequence, "hello")
    enrollment = await rows.enrollment(sequence, ada, EnrollmentState.COMPLETED)
    to_ada = await rows.message(first.content_id, ada, report="delivered")
    by_machine = await rows.message(second.content_id, ada)
    of_sequence = await rows.message(content, ada, enrollment=enrollment)
    await rows.message(content, ada, MessageState.FAILED, enrollment=await rows.enrollment(sequence, ada))
    await rows.click(to_ada, 0, at=minutes(0), metadata=PHONE)
    await rows.click(to_ada, 1, at=minutes(70), metadata=DESKTOP)
    await rows.click(of_sequence, 0, at=minutes(26 * 60), metadata=None)
    await rows.click(by_machine, 0, at=minutes(5), verdict="bot", metadata=NOWHERE)
    await rows.click(await rows.message(first.content_id, ben), 0, at=minutes(1))
    return ada, [first.id, second.id, sequence.id]


async def test_a_contact_has_its_messages_clicks_and_places(api: Caller, rows: Rows) -> None:
    ada, (first, second, sequence) = await busy_contact(rows)
    body = await read(api, ada.id)
    assert body["totals"] == {
        "clicks": 3,
        "first_click_at": "2026-11-03T12:00:00Z",
        "last_click_at": "2026-11-04T14:00:00Z",
    }
    assert (body["human_clicks"], body["suspect_clicks"], body["bot_clicks"]) == (3, 0, 1)
    assert (body["human_clicks_ever"], body["last_human_click_at"]) == (3, "2026-11-04T14:00:00Z")
    assert (body["messages"], body["reports"]) == ({"accepted": 3, "failed": 1}, {"delivered": 1})
    assert [(UUID(each["id"]), each["name"], each["messages"], each["clicks"]) for each in body["campaigns"]] == [
        (second, "Second", 1, 0),
        (first, "First", 1, 2),
    ]
    assert (body["campaigns"][1]["report"], body["campaigns"][1]["first_click_at"]) == ("delivered", "2026-11-03T12:00:00Z")
    (welcome,) = body["sequences"]
    assert (UUID(welcome["id"]), welcome["messages"], welcome["message_state"], welcome["clicks"]) == (sequence, 2, "failed", 1)
    assert [(each["url"], each["clicks"]) for each in body["links"]] == [(OFFER[1], 1), (TERMS[1], 1), (OFFER[1], 1)]
    assert values(body["countries"]) == {"DE": 1, "FR": 1, None: 1}
    assert values(body["cities"]) == {"DE/Berlin": 1, "FR/Paris": 1, None: 1}
    assert values(body["devices"]) == {"phone": 1, "desktop": 1, None: 1}
    assert [each["clicks"] for each in body["series"]] == [1, 1, 1]


def values(cells: list[dict[str, Any]]) -> dict[str | None, int]:
    return {cell["value"]: cell["clicks"] for cell in cells}


async def test_each_filter_limits_the_clicks_and_no_messages(api: Caller, rows: Rows) -> None:
    ada, (first, _, sequence) = await busy_contact(rows)
    terms = next(each for each in (await read(api, ada.id))["links"] if each["url"] == TERMS[1])
    for params, clicks in (
        ({"campaign_id": str(first)}, 2),
        ({"sequence_id": str(sequence)}, 1),
        ({"link_id": terms["link_id"]}, 1),
        ({"verdict": "bot"}, 1),
        ({"verdict": "all"}, 4),
        ({"since": "2026-11-04"}, 1),
        ({"since": "2026-11-03", "until": "2026-11-04"}, 2),
        ({"country": "DE"}, 1),
        ({"country": "DE", "until": "2026-11-03"}, 0),
        ({"browser": "Firefox", "campaign_id": str(first)}, 1),
    ):
        body = await read(api, ada.id, **params)
        assert body["totals"]["clicks"] == clicks, params
        assert sum(values(body["countries"]).values()) == clicks, params
        assert body["messages"] == {"accepted": 3, "failed": 1}
        assert body["filters"] == {name: each for name, each in params.items() if name not in ("verdict", "since", "until")}


async def test_the_contact_and_the_campaign_say_the_same(api: Caller, rows: Rows) -> None:
    ada, (first, *_) = await busy_contact(rows)
    of_campaign = (await api.get(f"/campaigns/{first}/analytics")).json()["totals"]["clicks"]
    people = (await api.get(f"/campaigns/{first}/people?clicked=true")).json()["items"]
    each = [(await read(api, UUID(person["contact_id"]), campaign_id=str(first)))["totals"]["clicks"] for person in people]
    assert sum(each) == of_campaign == 3
    assert str(ada.id) in {person["contact_id"] for person in people}


async def test_what_retention_removed_is_still_said(api: Caller, rows: Rows, database: Database) -> None:
    ada, (first, *_) = await busy_contact(rows)
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM click_metadata"))
        await session.execute(text("DELETE FROM click"))
    body = await read(api, ada.id)
    assert (body["totals"]["clicks"], body["human_clicks_ever"]) == (0, 3)
    of_first = next(each for each in body["campaigns"] if each["id"] == str(first))
    assert (of_first["clicks"], of_first["first_click_at"]) == (0, "2026-11-03T12:00:00Z")


async def test_a_contact_without_anything_has_zeros(api: Caller, rows: Rows) -> None:
    body = await read(api, (await rows.contact()).id)
    assert body["totals"] == {"clicks": 0, "first_click_at": None, "last_click_at": None}
    assert (body["messages"], body["campaigns"], body["links"], body["series"]) == ({}, [], [], [])
    assert (body["human_clicks_ever"], body["last_human_click_at"]) == (0, None)


async def test_what_is_somebody_elses_is_not_found(api: Caller, rows: Rows, database: Database) -> None:
    ada, _ = await busy_contact(rows)
    async with database.transaction() as session:
        other, key = await create_organization(session, "Other")
    theirs = await Rows(database, other.id).campaign()
    assert (await api.with_key(key).get(f"/contacts/{ada.id}/analytics")).status_code == 404
    assert (await api.get(f"/contacts/{uuid4()}/analytics")).status_code == 404
    for params in ({"campaign_id": str(theirs.id)}, {"sequence_id": str(uuid4())}, {"link_id": str(uuid4())}, {"tag": "theirs"}):
        answer = await api.get(f"/contacts/{ada.id}/analytics", params=params)
        assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (404, list(params))


async def test_too_many_rows_are_refused(api: Caller, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, _ = await busy_contact(rows)
    monkeypatch.setattr(contact_reports, "SECONDS", 0.0)
    answer = await api.get(f"/contacts/{ada.id}/analytics")
    assert is_problem(answer, 422, "too_much")
    assert [each["field"] for each in answer.json()["errors"]] == ["since", "until"]


async def test_each_statement_uses_an_index_of_the_contact(api: Caller, rows: Rows, database: Database) -> None:
    ada, (first, *_) = await busy_contact(rows)
    for params in ({}, {"campaign_id": str(first)}, {"country": "DE", "since": "2026-11-03"}, {"verdict": "all"}):
        with statements(database) as sent:
            await read(api, ada.id, **params)
        assert await scans_without_index(database, sent) == []
