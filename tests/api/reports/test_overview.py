"""The organization's overview: what is being sent, and what most people clicked, against plain counting of rows."""

from typing import Any
from uuid import UUID

import pytest

from models.base import first_id, now
from models.campaigns.campaign import Campaign, CampaignState
from models.database import Database
from models.messages.message import Message, MessageState
from models.outcomes import overview
from tests.api.campaign_builders import fields
from tests.builders import Caller
from tests.clicks import rows
from tests.plans import scans_without_index, statements
from tests.rows import NOWHERE, Rows, minutes


async def read(api: Caller, **params: str) -> dict[str, Any]:
    answer = await api.get("/analytics", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def clicked(made: Rows, messages: list[Message], start: int = 0) -> None:
    """Each person clicks twice, an hour apart, after a machine."""
    for message in messages:
        await made.click(message, at=minutes(start), verdict="bot", metadata=NOWHERE)
        for hour in range(2):
            await made.click(message, at=minutes(start + 60 * hour + 1))


async def campaign(made: Rows, people: int, start: int = 0, **fields: Any) -> Campaign:
    row = await made.campaign(name=f"{people} people", **fields)
    await clicked(made, [await made.message(row.content_id, await made.contact()) for _ in range(people)], start)
    return row


async def sequence(made: Rows, people: int) -> UUID:
    row = await made.sequence(name=f"{people} people")
    content_id = await made.content_of_step(row, "hello")
    await clicked(made, [await made.message(content_id, await made.contact()) for _ in range(people)])
    return row.id


COUNTED = """
SELECT campaign_id::text, count(*), count(DISTINCT contact_id) FROM click
WHERE campaign_id IS NOT NULL AND verdict = 'human' AND org_id = :org_id GROUP BY 1 ORDER BY 3 DESC
"""


def counts(found: list[dict[str, Any]], name: str = "campaign_id") -> list[tuple[str, int, int]]:
    return [(each[name], each["clicks"], each["people"]) for each in found]


async def test_what_most_people_clicked_comes_first(api: Caller, made: Rows, database: Database) -> None:
    await campaign(made, 1)
    await campaign(made, 3)
    await made.campaign(name="nobody")
    first, second = await sequence(made, 2), await sequence(made, 1)
    body = await read(api)
    assert counts(body["campaigns"]) == await rows(database, COUNTED, org_id=made.org_id)
    assert [each["name"] for each in body["campaigns"]] == ["3 people", "1 people"]
    assert counts(body["sequences"], "sequence_id") == [(str(first), 4, 2), (str(second), 2, 1)]


async def test_people_are_those_who_clicked_first_within_the_time(api: Caller, made: Rows) -> None:
    early, late = await campaign(made, 2), await campaign(made, 1, start=60)
    assert counts((await read(api, since=minutes(60).isoformat()))["campaigns"]) == [(str(late.id), 2, 1), (str(early.id), 2, 0)]
    assert counts((await read(api, until=minutes(60).isoformat()))["campaigns"]) == [(str(early.id), 2, 2)]


FIRST = """
SELECT count(*) FROM click_first WHERE scope IN ('campaign', 'sequence') AND verdict = 'human' AND click_id >= :first
"""


@pytest.mark.parametrize("interval", ["quarter_hour", "hour", "day"])
async def test_people_over_time_are_first_clicks_and_are_compared_with_as_long_before(
    api: Caller, made: Rows, database: Database, interval: str
) -> None:
    await campaign(made, 3, start=-60)
    await campaign(made, 2, start=0)
    await sequence(made, 1)
    body = await read(api, since=minutes(0).isoformat(), until=minutes(120).isoformat(), interval=interval)
    assert [body["people"]] == await rows(database, FIRST, first=first_id(minutes(0)))
    assert body["people"] == sum(each["people"] for each in body["series"]) == 3
    assert body["before"] == {"people": 3, "human_clicks": 3}
    assert (await read(api, since="2026-11-01", until="2026-11-01T12:00"))["people"] == 0


async def test_messages_are_those_that_were_made_within_the_time(
    api: Caller, stranger: Caller, made: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await made.campaign()
    for state in (MessageState.ACCEPTED, MessageState.ACCEPTED, MessageState.ACCEPTED, MessageState.FAILED):
        await made.message(row.content_id, await made.contact(), state)
    today = now().date().isoformat()
    assert (await read(api, since=today))["messages"] == {"accepted": 3, "failed": 1}
    assert (await read(api, until=today, since="2026-01-01"))["messages"] == {}
    assert (await read(stranger, since=today))["messages"] == {}
    monkeypatch.setattr(overview, "MOST_MESSAGES", 2)
    assert (await read(api, since=today))["messages"] == {"accepted": 2, "failed": 1}


DAYS = """
SELECT to_char(date_trunc('day', clicked_at AT TIME ZONE 'Asia/Kathmandu'), 'YYYY-MM-DD"T"HH24:MI:SS+05:45'), count(*) FROM click
WHERE verdict = 'human' AND org_id = :org_id GROUP BY 1 ORDER BY 1
"""


async def test_the_clicks_of_each_local_day_equal_the_rows(api: Caller, made: Rows, database: Database) -> None:
    await campaign(made, 2, start=60 * 6)  # 18:01 UTC, 23:46 there, and an hour later
    await sequence(made, 1)
    body = await read(api, time_zone="Asia/Kathmandu")
    found = [(each["at"], each["clicks"]) for each in body["series"]]
    assert found == await rows(database, DAYS, org_id=made.org_id)
    assert [clicks for _, clicks in found] == [4, 2]
    assert [(each["suspect_clicks"], each["bot_clicks"]) for each in body["series"]] == [(0, 3), (0, 0)]
    assert (body["human_clicks"], body["suspect_clicks"], body["bot_clicks"]) == (6, 0, 3)
    within = await read(api, since=minutes(60 * 7).isoformat())
    assert (within["human_clicks"], sum(each["clicks"] for each in within["series"])) == (2, 2)


async def test_campaigns_that_are_being_sent_say_how_far_they_are(api: Caller, made: Rows) -> None:
    row = await made.campaign(state=CampaignState.SENDING, recipients=5)
    for state in (MessageState.ACCEPTED, MessageState.ACCEPTED, MessageState.SKIPPED):
        await made.message(row.content_id, await made.contact(), state)
    for other in (CampaignState.DRAFT, CampaignState.COMPLETED):
        await made.campaign(state=other)
    (found,) = (await read(api))["sending"]
    assert (found["campaign_id"], found["recipients"]) == (str(row.id), 5)
    assert found["messages"] == {"accepted": 2, "skipped": 1}


async def test_an_organization_without_anything_has_an_empty_overview(stranger: Caller, made: Rows) -> None:
    await campaign(made, 1, state=CampaignState.SENDING)
    await sequence(made, 1)
    assert await read(stranger) == {
        "since": None,
        "until": None,
        "counted_since": None,
        "counted_until": None,
        "interval": "day",
        "time_zone": "UTC",
        **{f"{verdict}_clicks": 0 for verdict in ("human", "suspect", "bot")},
        **dict.fromkeys(("people", "before", "messages")),
        "series": [],
        "sending": [],
        "campaigns": [],
        "sequences": [],
    }


async def test_the_newest_are_compared_and_the_best_are_shown(api: Caller, made: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "MOST_CONSIDERED", 3)
    monkeypatch.setattr(overview, "MOST_SHOWN", 2)
    for people in (4, 1, 2, 3):
        await campaign(made, people)
    assert [each["people"] for each in (await read(api))["campaigns"]] == [3, 2]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"since": "noon"}, "since"),
        ({"since": "2026-12-01", "until": "2026-11-01"}, "until"),
        ({"time_zone": "Nowhere/Land"}, "time_zone"),
    ],
)
async def test_a_time_that_cannot_be_meant_is_refused(api: Caller, params: dict[str, str], field: str) -> None:
    assert list(fields(await api.get("/analytics", params=params))) == [field]


@pytest.mark.parametrize("since", ["0001-01-01T00:00:00Z", "1970-01-01", "2026-11-01"])
async def test_a_time_as_long_before_ends_where_the_calendar_does(api: Caller, made: Rows, since: str) -> None:
    await campaign(made, 2)
    body = await read(api, since=since, until="9999-12-31T23:59:59Z")
    assert body["human_clicks"] == 4
    assert (body["before"], body["people"]) in ((None, None), ({"people": 0, "human_clicks": 0}, 2))


async def test_dates_are_local_ones_and_the_answer_says_what_is_counted(api: Caller, made: Rows) -> None:
    await campaign(made, 1, start=60 * 6 + 15)  # at 18:16 UTC, 00:01 of the next day there, and an hour later
    body = await read(api, since="2026-11-04", until="2026-11-04T00:50", time_zone="Asia/Kathmandu")
    assert (body["human_clicks"], body["counted_since"]) == (1, "2026-11-04T00:00:00+05:45")
    assert (body["until"], body["counted_until"]) == ("2026-11-04T00:50:00+05:45", "2026-11-04T01:00:00+05:45")
    assert (await read(api, until="2026-11-04", time_zone="Asia/Kathmandu"))["human_clicks"] == 0


@pytest.mark.parametrize("params", [{}, {"since": minutes(0).isoformat()}])
async def test_an_overview_takes_few_statements_and_each_uses_an_index(
    api: Caller, made: Rows, database: Database, params: dict[str, str]
) -> None:
    for _ in range(3):
        await campaign(made, 1, state=CampaignState.SENDING)
    await sequence(made, 1)
    with statements(database) as sent:
        await read(api, **params)
    assert len(sent) <= (7 if not params else 13)
    assert await scans_without_index(database, sent) == []
