"""Campaigns side by side have the numbers that each has by itself."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from models.campaigns.campaign import Campaign
from models.database import Database
from models.organizations.organization import create_organization
from tests.api.campaign_builders import fields
from tests.builders import Caller
from tests.plans import scans_without_index, statements
from tests.rows import NOWHERE, OFFER, Rows, minutes

TERMS = (None, "https://shop.example/terms")


async def clicked(made: Rows, people: int, clicks_each: int = 1) -> Campaign:
    """Everybody clicked at noon and every 20 minutes after that, and a machine once."""
    campaign = await made.campaign(links=(OFFER, TERMS), name=f"{people} people")
    for _ in range(people):
        message = await made.message(campaign.content_id, await made.contact())
        await made.click(message, at=minutes(1), verdict="bot", metadata=NOWHERE)
        for number in range(clicks_each):
            await made.click(message, number % 2, at=minutes(20 * number))
    return campaign


def asked(*ids: object, **params: str) -> dict[str, Any]:
    return {"campaign_id": [str(each) for each in ids], **params}


async def compare(api: Caller, *ids: UUID, **params: str) -> list[dict[str, Any]]:
    answer = await api.get("/analytics/campaigns", params=asked(*ids, **params))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["campaigns"]
    return found


async def test_each_campaign_has_the_numbers_of_its_own_report(api: Caller, made: Rows) -> None:
    campaigns = [await clicked(made, 1), await clicked(made, 3, 3), await made.campaign(state="draft")]
    ids = [each.id for each in campaigns]
    found = await compare(api, *reversed(ids))
    assert [each["campaign_id"] for each in found] == [str(each) for each in reversed(ids)]
    for each in found:
        own = (await api.get(f"/campaigns/{each['campaign_id']}/analytics")).json()
        assert {name: each[name] for name in ("funnel", "first_click_at", "last_click_at")} == {
            name: own[name] for name in ("funnel", "first_click_at", "last_click_at")
        }
        assert each["clicks"] == {name: own["totals"][name] for name in each["clicks"]}
    assert [(each["name"], each["state"]) for each in found[1:]] == [("3 people", "tracking"), ("1 people", "tracking")]


async def test_clicks_can_be_those_of_a_time_and_the_funnel_stays(api: Caller, made: Rows) -> None:
    one, two = await clicked(made, 2, 3), await clicked(made, 1, 2)
    everything = await compare(api, one.id, two.id)
    limits = {"since": minutes(15).isoformat(), "until": minutes(30).isoformat()}
    within = await compare(api, one.id, two.id, **limits)
    assert [each["funnel"] for each in within] == [each["funnel"] for each in everything]
    assert [(each["clicks"]["clicks"], each["clicks"]["people"], each["clicks"]["bot_clicks"]) for each in within] == [
        (2, 0, 0),
        (1, 0, 0),
    ]
    until = await compare(api, one.id, two.id, until=minutes(15).isoformat())
    assert [(each["clicks"]["clicks"], each["clicks"]["people"], each["clicks"]["bot_clicks"]) for each in until] == [
        (2, 2, 2),
        (1, 1, 1),
    ]


async def test_ids_that_are_not_ours_are_named(api: Caller, made: Rows, database: Database) -> None:
    ours = await made.campaign()
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    theirs, nobodys = (await Rows(database, other.id).campaign()).id, uuid4()
    answer = await api.get("/analytics/campaigns", params=asked(ours.id, theirs, nobodys))
    assert answer.status_code == 404
    assert [error["field"] for error in answer.json()["errors"]] == ["campaign_id[1]", "campaign_id[2]"]
    assert str(theirs) in answer.json()["detail"]


async def test_a_campaign_that_is_given_twice_is_refused(api: Caller, made: Rows) -> None:
    one, two = await made.campaign(), await made.campaign()
    answer = await api.get("/analytics/campaigns", params=asked(one.id, two.id, one.id))
    assert list(fields(answer)) == ["campaign_id[2]"]


@pytest.mark.parametrize("count", [0, 1, 21])
async def test_two_to_twenty_are_compared(api: Caller, count: int) -> None:
    answer = await api.get("/analytics/campaigns", params=asked(*(uuid4() for _ in range(count))))
    assert list(fields(answer)) == ["campaign_id"]


async def test_what_is_no_id_and_no_time_is_refused(api: Caller) -> None:
    answer = await api.get("/analytics/campaigns", params=asked(uuid4(), "spring", since="noon"))
    assert set(fields(answer)) == {"campaign_id[1]", "since"}


async def test_a_range_that_ends_before_it_begins_is_refused(api: Caller, made: Rows) -> None:
    ids = [(await made.campaign()).id for _ in range(2)]
    answer = await api.get("/analytics/campaigns", params=asked(*ids, since="2026-12-01", until="2026-11-01"))
    assert list(fields(answer)) == ["until"]


async def test_times_are_those_of_the_zone_and_the_answer_says_what_is_counted(api: Caller, made: Rows) -> None:
    one, two = await clicked(made, 1), await clicked(made, 1)
    params = asked(one.id, two.id, since="2026-11-03T17:47", until="2026-11-04", time_zone="Asia/Kathmandu")  # from 12:02 UTC on
    body = (await api.get("/analytics/campaigns", params=params)).json()
    assert (body["since"], body["counted_since"]) == ("2026-11-03T17:47:00+05:45", "2026-11-03T17:45:00+05:45")
    assert [each["clicks"]["clicks"] for each in body["campaigns"]] == [1, 1]


async def test_twenty_take_as_many_statements_as_two_and_each_uses_an_index(api: Caller, made: Rows, database: Database) -> None:
    ids = [(await clicked(made, 1)).id for _ in range(20)]
    counts = []
    for number in (2, 20):
        with statements(database) as sent:
            await compare(api, *ids[:number], since=minutes(0).isoformat())
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 7
    assert await scans_without_index(database, sent) == []
