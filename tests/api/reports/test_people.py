"""Who of a campaign or a sequence clicked, and who did not: lists of people."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from models.database import Database
from models.messages.message import MessageState
from models.organizations.organization import Organization, create_organization
from models.reports import people
from models.sequences.enrollment import EnrollmentState
from tests.builders import Caller
from tests.plans import scans_without_index, statements
from tests.rows import OFFER, Rows, minutes

TERMS = (None, "https://shop.example/terms")


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def read(api: Caller, path: str, **params: Any) -> list[dict[str, Any]]:
    """All pages."""
    items: list[dict[str, Any]] = []
    while True:
        answer = await api.get(path, params=params)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if (cursor := answer.json()["next_cursor"]) is None:
            return items
        params["cursor"] = cursor


async def ids(api: Caller, path: str, **params: Any) -> list[UUID]:
    return [UUID(item["contact_id"]) for item in await read(api, path, **params)]


async def clicked_campaign(rows: Rows) -> tuple[UUID, list[UUID], list[UUID]]:
    """Ada clicks twice, Ben the terms alone, a machine clicks for Cy, Dan does not click, and Eve has no phone. Returns the
    campaign, these people and the links."""
    campaign = await rows.campaign(links=(OFFER, TERMS))
    contacts = [await rows.contact() for _ in range(5)]
    *got, eve = contacts
    ada, ben, cy, _ = [await rows.message(campaign.content_id, each) for each in got]
    await rows.message(campaign.content_id, eve, MessageState.SKIPPED, reason="no_phone")
    await rows.click(ada, 0, at=minutes(0))
    await rows.click(ada, 1, at=minutes(5))
    await rows.click(ben, 1, at=minutes(7))
    await rows.click(cy, 0, at=minutes(9), verdict="bot")
    return campaign.id, [each.id for each in contacts], [link.id for link in await rows.links(campaign.content_id)]


async def test_the_people_of_a_campaign_are_found_by_reason_and_by_report(api: Caller, rows: Rows) -> None:
    campaign, people, _ = await clicked_campaign(rows)
    assert await ids(api, f"/campaigns/{campaign}/people", reason="no_phone") == people[-1:]
    assert await ids(api, f"/campaigns/{campaign}/people", reason="no_phone", state="accepted") == []
    assert await ids(api, f"/campaigns/{campaign}/people", report="replied") == []
    answer = await api.get(f"/campaigns/{campaign}/people", params={"report": "liked"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "report")


async def test_everybody_with_a_message_is_listed_newest_first(api: Caller, rows: Rows) -> None:
    campaign, people, _ = await clicked_campaign(rows)
    items = await read(api, f"/campaigns/{campaign}/people")
    assert [UUID(item["contact_id"]) for item in items] == people[::-1]
    eve, dan, cy, ben, ada = items
    assert (eve["message_state"], eve["reason"], eve["clicks"], eve["first_click_at"]) == ("skipped", "no_phone", 0, None)
    assert [(each["clicks"], each["first_click_at"]) for each in (dan, cy, ben, ada)] == [
        (0, None),
        (0, None),
        (1, "2026-11-03T12:07:00Z"),
        (2, "2026-11-03T12:00:00Z"),
    ]
    who = {"contact_id", "external_id", "first_name", "last_name", "email", "phone"}
    assert set(ada) == who | {"message_id", "message_state", "reason", "report", "clicks", "first_click_at"}


async def test_each_person_is_listed_with_name_and_addresses(api: Caller, rows: Rows) -> None:
    ada = {"external_id": "crm-1", "first_name": "Ada", "last_name": "L", "email": "ada@example.com", "phone": "+4915112345678"}
    contact, campaign, sequence = await rows.contact(**ada), await rows.campaign(), await rows.sequence()
    await rows.message(campaign.content_id, contact)
    await rows.enrollment(sequence, contact)
    for path in (f"/campaigns/{campaign.id}/people", f"/sequences/{sequence.id}/people"):
        (item,) = await read(api, path)
        assert {name: item[name] for name in ada} == ada


async def test_who_did_not_click_includes_who_got_nothing_unless_the_state_is_named(api: Caller, rows: Rows) -> None:
    campaign, (_, _, cy, dan, eve), _ = await clicked_campaign(rows)
    assert await ids(api, f"/campaigns/{campaign}/people", clicked=False) == [eve, dan, cy]
    assert await ids(api, f"/campaigns/{campaign}/people", clicked=False, state="accepted") == [dan, cy]


async def test_each_filter_finds_its_people(api: Caller, rows: Rows) -> None:
    campaign, (ada, ben, cy, dan, eve), (offer, terms) = await clicked_campaign(rows)
    expected: list[tuple[dict[str, Any], list[UUID]]] = [
        ({"clicked": "true"}, [ben, ada]),
        ({"clicked": "false"}, [eve, dan, cy]),
        ({"clicked": "false", "state": "accepted"}, [dan, cy]),
        ({"clicked": "true", "state": "accepted"}, [ben, ada]),
        ({"clicked": "true", "state": "skipped"}, []),
        ({"state": ["skipped", "accepted"]}, [eve, dan, cy, ben, ada]),
        ({"state": "skipped"}, [eve]),
        ({"state": "failed"}, []),
        ({"link_id": offer}, [ada]),
        ({"link_id": terms}, [ben, ada]),
        ({"link_id": offer, "clicked": "false"}, [eve, dan, cy, ben]),
        ({"clicked": "true", "verdict": "bot"}, [cy]),
        ({"clicked": "true", "verdict": "all"}, [cy, ben, ada]),
        ({"clicked": "false", "verdict": "all"}, [eve, dan]),
    ]
    for params, found in expected:
        assert await ids(api, f"/campaigns/{campaign}/people", **params) == found, params
        assert await ids(api, f"/campaigns/{campaign}/people", **params, limit=1) == found, params


async def test_clicks_are_those_of_the_link_and_the_verdict(api: Caller, rows: Rows) -> None:
    campaign, _, (_, terms) = await clicked_campaign(rows)
    ben, ada = await read(api, f"/campaigns/{campaign}/people", link_id=terms)
    assert [(each["clicks"], each["first_click_at"]) for each in (ada, ben)] == [
        (1, "2026-11-03T12:05:00Z"),
        (1, "2026-11-03T12:07:00Z"),
    ]


async def test_a_page_looks_at_a_bounded_number_of_people_and_says_where_to_go_on(
    api: Caller, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign, _, _ = await clicked_campaign(rows)
    monkeypatch.setattr(people, "CANDIDATES", 2)
    pages, params = [], {"clicked": "true", "state": ["accepted", "skipped"], "limit": "1"}
    while True:
        answer = (await api.get(f"/campaigns/{campaign}/people", params=params)).json()
        pages.append(len(answer["items"]))
        if answer["next_cursor"] is None:
            break
        params["cursor"] = answer["next_cursor"]
    assert sum(pages) == 2
    assert pages[0] == 0, "the newest two have not clicked"


async def test_somebody_whose_click_rows_were_removed_has_still_clicked(api: Caller, rows: Rows, database: Database) -> None:
    campaign, (ada, ben, *_), _ = await clicked_campaign(rows)
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM click_metadata"))
        await session.execute(text("DELETE FROM click"))
    found = await read(api, f"/campaigns/{campaign}/people", clicked="true")
    assert [UUID(each["contact_id"]) for each in found] == [ben, ada]
    assert [(each["clicks"], each["first_click_at"]) for each in found][1] == (0, "2026-11-03T12:00:00Z")


async def test_people_of_a_sequence_stand_once_with_their_newest_enrollment(api: Caller, rows: Rows) -> None:
    sequence = await rows.sequence()
    content = await rows.content_of_step(sequence, "hello")
    ada, ben, cy = [await rows.contact() for _ in range(3)]
    first = await rows.enrollment(sequence, ada, EnrollmentState.COMPLETED)
    other = await rows.enrollment(sequence, ben, EnrollmentState.FAILED)
    second = await rows.enrollment(sequence, ada, EnrollmentState.RUNNING, step_key="wait")
    await rows.enrollment(sequence, cy, EnrollmentState.QUEUED)
    old = await rows.message(content, ada, enrollment=first)
    new = await rows.message(content, ada, MessageState.FAILED, enrollment=second)
    await rows.message(content, ben, enrollment=other)
    await rows.click(old, at=minutes(3))
    path = f"/sequences/{sequence.id}/people"
    assert await ids(api, path) == [cy.id, ada.id, ben.id]
    assert await ids(api, path, limit=1) == [cy.id, ada.id, ben.id]
    for params, found in (
        ({"state": "completed"}, []),
        ({"state": "running"}, [ada.id]),
        ({"clicked": "true"}, [ada.id]),
        ({"clicked": "true", "state": "running"}, [ada.id]),
        ({"clicked": "true", "state": "failed"}, []),
        ({"clicked": "false"}, [cy.id, ben.id]),
    ):
        assert await ids(api, path, **params) == found, params
    shown = (await read(api, path, clicked="true"))[0]
    assert (shown["enrollment_id"], shown["enrollment_state"], shown["step_key"]) == (str(second.id), "running", "wait")
    assert (shown["message_id"], shown["message_state"], shown["clicks"]) == (str(new.id), "failed", 1)
    waits = (await read(api, path, state="queued"))[0]
    assert (waits["message_id"], waits["message_state"], waits["report"]) == (None, None, None)


async def test_what_is_somebody_elses_is_not_found(api: Caller, rows: Rows, database: Database) -> None:
    campaign, _, (offer, _) = await clicked_campaign(rows)
    sequence, another = await rows.sequence(), await rows.campaign()
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    for path in (f"/campaigns/{campaign}/people", f"/sequences/{sequence.id}/people", f"/campaigns/{uuid4()}/people"):
        assert (await api.with_key(key).get(path)).status_code == 404
    for owner in (f"/sequences/{sequence.id}", f"/campaigns/{another.id}"):
        answer = await api.get(f"{owner}/people", params={"link_id": str(offer)})
        assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (404, ["link_id"])


@pytest.mark.parametrize(
    ("name", "value"), [("clicked", "perhaps"), ("state", "asleep"), ("link_id", "1"), ("verdict", "robot"), ("limit", "0")]
)
async def test_a_filter_that_cannot_be_meant_is_refused(api: Caller, rows: Rows, name: str, value: str) -> None:
    campaign, sequence = await rows.campaign(), await rows.sequence()
    for owner in (f"/campaigns/{campaign.id}", f"/sequences/{sequence.id}"):
        answer = await api.get(f"{owner}/people", params={name: value})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"].startswith(name)


async def test_every_page_uses_an_index(api: Caller, rows: Rows, database: Database) -> None:
    campaign, _, (offer, _) = await clicked_campaign(rows)
    sequence = await rows.sequence()
    await rows.enrollment(sequence, await rows.contact())
    for owner, state in ((f"/campaigns/{campaign}", "accepted"), (f"/sequences/{sequence.id}", "running")):
        for query in ("", "?clicked=true", "?clicked=false", f"?state={state}", f"?state={state}&clicked=true&verdict=all"):
            with statements(database) as sent:
                assert (await api.get(f"{owner}/people{query}")).status_code == 200
            assert await scans_without_index(database, sent) == [], query
    with statements(database) as sent:
        assert (await api.get(f"/campaigns/{campaign}/people?link_id={offer}")).status_code == 200
    assert await scans_without_index(database, sent) == []
