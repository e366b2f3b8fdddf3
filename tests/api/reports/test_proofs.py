"""Proofs of analytics: every figure against its rows, in one state of the database."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from api.handling.services import Services
from api.reports import proofs
from models.database import Database
from models.messages.message import MessageState
from models.organizations.organization import Organization, create_organization
from tests.builders import Caller, is_problem
from tests.plans import scans_without_index, statements
from tests.rows import DESKTOP, NOWHERE, OFFER, PHONE, Rows, minutes

TERMS = (None, "https://shop.example/terms")


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def read(api: Caller, path: str) -> dict[str, Any]:
    answer = await api.get(f"{path}/analytics/proof")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def figure(body: dict[str, Any], name: str, **of: str) -> tuple[int, int, int]:
    (found,) = [each for each in body["figures"] if each["figure"] == name and each["of"] == of]
    return found["expected"], found["found"], found["different"]


async def clicked_campaign(rows: Rows) -> Any:
    """Ada clicks twice, Ben once, a machine for Cy; Dan's message is skipped."""
    campaign = await rows.campaign(links=(OFFER, TERMS))
    ada, ben, cy = [await rows.message(campaign.content_id, await rows.contact()) for _ in range(3)]
    await rows.message(campaign.content_id, await rows.contact(), MessageState.SKIPPED, reason="no_phone")
    await rows.click(ada, at=minutes(0), metadata=PHONE)
    await rows.click(ada, 1, at=minutes(70), metadata=DESKTOP)
    await rows.click(ben, at=minutes(80), metadata=None)
    await rows.click(cy, at=minutes(90), verdict="bot", metadata=NOWHERE)
    return campaign


async def change(database: Database, statement: str, **values: Any) -> None:
    async with database.transaction() as session:
        await session.execute(text(statement), values)


async def test_every_figure_of_a_campaign_equals_its_rows(api: Caller, rows: Rows) -> None:
    campaign = await clicked_campaign(rows)
    body = await read(api, f"/campaigns/{campaign.id}")
    assert (body["equal"], body["different"], body["differences"]) == (True, 0, [])
    assert figure(body, "clicks", verdict="human") == (3, 3, 0)
    assert figure(body, "clicks", verdict="bot") == (1, 1, 0)
    assert figure(body, "people", verdict="human") == (2, 2, 0)
    assert figure(body, "people", verdict="suspect") == (0, 0, 0)
    assert figure(body, "series", interval="quarter_hour") == (4, 4, 0)
    for dimension in ("country", "city", "device_type", "browser", "os"):
        assert figure(body, "values", dimension=dimension) == (4, 4, 0)
    assert figure(body, "messages", state="accepted") == (3, 3, 0)
    assert figure(body, "messages", state="skipped") == (1, 1, 0)
    clicks, messages = body["rows"]
    assert (clicks["table"], clicks["rows"], clicks["retired"]) == ("click", 4, 0)
    assert clicks["oldest_id"] < clicks["newest_id"]
    assert (messages["table"], messages["rows"]) == ("message", 4)


async def test_the_figures_are_those_of_the_report(api: Caller, rows: Rows) -> None:
    campaign = await clicked_campaign(rows)
    totals = (await api.get(f"/campaigns/{campaign.id}/analytics")).json()["totals"]
    body = await read(api, f"/campaigns/{campaign.id}")
    assert figure(body, "clicks", verdict="human")[1] == totals["clicks"]
    assert figure(body, "people", verdict="human")[1] == totals["people"]
    assert {each["of"]["state"]: each["found"] for each in body["figures"] if each["figure"] == "messages"} == totals["messages"]


async def test_a_link_is_proven_by_itself(api: Caller, rows: Rows, database: Database) -> None:
    campaign = await clicked_campaign(rows)
    offer, terms = await rows.links(campaign.content_id)
    body = await read(api, f"/links/{terms.id}")
    assert (body["equal"], figure(body, "clicks", verdict="human"), figure(body, "people", verdict="human")) == (
        True,
        (1, 1, 0),
        (1, 1, 0),
    )
    await change(database, "UPDATE click_series SET clicks = clicks + 1 WHERE link_id = :id", id=terms.id)
    assert (await read(api, f"/links/{offer.id}"))["equal"] is True
    assert (await read(api, f"/links/{terms.id}"))["equal"] is False


async def test_a_sequence_is_proven_with_the_step_runs_of_all_versions(api: Caller, rows: Rows, database: Database) -> None:
    sequence = await rows.sequence()
    enrollment = await rows.enrollment(sequence, contact := await rows.contact())
    await rows.step_run(enrollment, 1, "hello", outcome="sent", next_key="wait")
    await rows.click(await rows.message(await rows.content_of_step(sequence, "hello"), contact, enrollment=enrollment))
    await rows.publish(sequence)
    body = await read(api, f"/sequences/{sequence.id}")
    assert (body["equal"], figure(body, "step_runs")) == (True, (1, 1, 0))
    await change(database, "UPDATE step_count SET step_runs = step_runs + 2")
    body = await read(api, f"/sequences/{sequence.id}")
    assert (body["equal"], figure(body, "step_runs")) == (False, (1, 3, 1))


WRONG = {
    "clicks": "UPDATE click_series SET clicks = clicks + 5 WHERE verdict = 'human' AND bucket = '2026-11-03T12:00:00Z'",
    "series": "UPDATE click_series SET bucket = bucket - interval '1 hour' WHERE bucket = '2026-11-03T12:00:00Z'",
    "people": "UPDATE click_series SET people = people + 1 WHERE verdict = 'human' AND bucket = '2026-11-03T12:00:00Z'",
    "values": "UPDATE click_by SET clicks = clicks - 1 WHERE dimension = 'country' AND value = 'DE'",
    "messages": "UPDATE message_count SET messages = messages + 1 WHERE state = 'accepted'",
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_counter_that_is_wrong_is_found_and_named(api: Caller, rows: Rows, database: Database, name: str) -> None:
    campaign = await clicked_campaign(rows)
    await change(database, WRONG[name])
    body = await read(api, f"/campaigns/{campaign.id}")
    assert body["equal"] is False
    assert name in {each["figure"] for each in body["figures"] if not each["equal"]}
    assert body["different"] >= 1
    assert body["differences"]


async def test_a_first_click_that_is_missing_is_found(api: Caller, rows: Rows, database: Database) -> None:
    campaign = await clicked_campaign(rows)
    await change(database, "DELETE FROM click_first WHERE scope = 'campaign' AND verdict = 'human'")
    await change(database, "UPDATE click_series SET people = 0")
    await change(database, "UPDATE click_by SET people = 0")
    body = await read(api, f"/campaigns/{campaign.id}")
    assert (body["equal"], figure(body, "people", verdict="human")) == (False, (2, 0, 2))


async def test_a_proof_is_right_while_clicks_are_recorded_beside_it(api: Caller, rows: Rows) -> None:
    campaign = await rows.campaign(links=(OFFER, TERMS))
    messages = [await rows.message(campaign.content_id, await rows.contact()) for _ in range(8)]

    async def record() -> None:
        for n in range(40):
            await rows.click(messages[n % 8], n % 2, at=minutes(n * 7))

    recording, seen = asyncio.create_task(record()), []
    while not recording.done():
        body = await read(api, f"/campaigns/{campaign.id}")
        assert body["equal"] is True, body
        seen.append(figure(body, "clicks", verdict="human")[1])
    await recording
    assert seen == sorted(seen)
    assert figure(await read(api, f"/campaigns/{campaign.id}"), "clicks", verdict="human") == (40, 40, 0)


async def test_everything_is_read_in_one_state_that_nobody_can_change(api: Caller, rows: Rows, database: Database) -> None:
    campaign = await clicked_campaign(rows)
    with statements(database) as sent:
        await read(api, f"/campaigns/{campaign.id}")
    asked = [statement for statement, _ in sent]
    first = next(place for place, each in enumerate(asked) if "REPEATABLE READ READ ONLY" in each)
    assert not any(f"FROM {table}" in each for each in asked[:first] for table in ("campaign", "click", "message"))
    assert any("click_series" in each for each in asked[first:])


async def test_too_many_rows_are_refused_with_the_way_to_count_them(
    api: Caller, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await clicked_campaign(rows)
    monkeypatch.setattr(proofs, "SECONDS", 0.0)
    answer = await api.get(f"/campaigns/{campaign.id}/analytics/proof")
    assert is_problem(answer, 422, "too_much")
    (error,) = answer.json()["errors"]
    assert (error["field"], "./linkwake reconcile" in error["message"]) == ("campaign_id", True)


async def test_an_organization_has_one_proof_at_a_time_and_others_have_theirs(
    api: Caller, rows: Rows, services: Services, database: Database
) -> None:
    campaign = await clicked_campaign(rows)
    async with database.transaction() as session:
        other, key = await create_organization(session, "Other")
    theirs = await Rows(database, other.id).campaign()
    async with services.proof_turns.turn(rows.org_id):
        refused = await api.get(f"/campaigns/{campaign.id}/analytics/proof")
        assert is_problem(refused, 429, "too_many_requests")
        assert (await api.with_key(key).get(f"/campaigns/{theirs.id}/analytics/proof")).status_code == 200
    assert (await read(api, f"/campaigns/{campaign.id}"))["equal"] is True


async def test_what_is_somebody_elses_is_not_found(api: Caller, rows: Rows, database: Database) -> None:
    campaign, sequence = await clicked_campaign(rows), await rows.sequence()
    link, _ = await rows.links(campaign.content_id)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    for owner in (f"/campaigns/{campaign.id}", f"/sequences/{sequence.id}", f"/links/{link.id}", f"/campaigns/{uuid4()}"):
        assert (await api.with_key(key).get(f"{owner}/analytics/proof")).status_code == 404


async def test_each_statement_uses_an_index(api: Caller, rows: Rows, database: Database) -> None:
    campaign, sequence = await clicked_campaign(rows), await rows.sequence()
    link: UUID = (await rows.links(campaign.content_id))[0].id
    for owner in (f"/campaigns/{campaign.id}", f"/sequences/{sequence.id}", f"/links/{link}"):
        with statements(database) as sent:
            await read(api, owner)
        assert await scans_without_index(database, sent) == []
