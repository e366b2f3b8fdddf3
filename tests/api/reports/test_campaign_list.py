"""The list of campaigns with their numbers: what is in it, what it can be narrowed to, and what it costs."""

from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from models.base import now
from models.database import Database
from models.organizations.organization import create_organization
from tests.builders import Caller
from tests.plans import statements
from tests.rows import Rows


async def listed(api: Caller, **params: object) -> dict[str, Any]:
    answer = await api.get("/analytics/campaigns/list", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_each_has_the_funnel_of_its_own_report_and_its_clicks_by_day(api: Caller, made: Rows) -> None:
    campaign = await made.campaign(recipients=3)
    message = await made.message(campaign.content_id, await made.contact())
    for days in (0, 0, 1, 40):
        await made.click(message, at=now() - timedelta(days=days))
    await made.click(message, at=now(), verdict="bot")
    (found,) = (await api.get("/analytics/campaigns/list?days=3&time_zone=UTC")).json()["items"]
    own = (await api.get(f"/campaigns/{campaign.id}/analytics")).json()
    assert found["funnel"] == own["funnel"]
    assert found["clicks_by_day"] == [0, 1, 2]
    assert (found["campaign_id"], found["recipients"], found["channel"], found["medium"]) == (
        str(campaign.id),
        3,
        "simulator-sms",
        "sms",
    )


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati"])
async def test_its_days_are_those_of_the_zone(api: Caller, made: Rows, zone: str) -> None:
    campaign = await made.campaign()
    message = await made.message(campaign.content_id, await made.contact())
    today = now().astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday, minute = today - timedelta(days=1), timedelta(minutes=1)
    for at in (today, today - minute, yesterday, yesterday - minute):
        await made.click(message, at=at.astimezone(UTC))
    (found,) = (await listed(api, days=3, time_zone=zone))["items"]
    assert found["clicks_by_day"] == [1, 2, 1]


async def test_it_is_narrowed_by_state_and_by_a_part_of_the_name(api: Caller, made: Rows) -> None:
    for name, state in (("Spring 100%", "draft"), ("spring_2", "tracking"), ("Autumn", "tracking")):
        await made.campaign(name=name, state=state)
    everything = await listed(api)
    assert everything["states"] == {"draft": 1, "tracking": 2}
    found = await listed(api, name="SPRING")
    assert [each["name"] for each in found["items"]] == ["spring_2", "Spring 100%"]
    assert found["states"] == {"draft": 1, "tracking": 1}
    for name, states, names in (("%", [], ["Spring 100%"]), ("g_", [], ["spring_2"]), ("spring", ["draft"], ["Spring 100%"])):
        found = await listed(api, name=name, state=states)
        assert [each["name"] for each in found["items"]] == names
        texts = (await api.get("/campaigns", params={"name": name, "state": states})).json()["items"]
        assert [each["name"] for each in texts] == names


async def test_pages_go_on_and_other_organizations_are_left_out(api: Caller, made: Rows, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    await Rows(database, other.id).campaign()
    names = [(await made.campaign(name=str(number), state="draft")).name for number in range(5)]
    first = (await api.get("/analytics/campaigns/list?limit=3")).json()
    second = (await api.get("/analytics/campaigns/list", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [each["name"] for each in first["items"] + second["items"]] == names[::-1]
    assert second["next_cursor"] is None


async def test_it_takes_as_many_statements_for_many_campaigns_as_for_one(api: Caller, made: Rows, database: Database) -> None:
    counts = []
    for _ in range(2):
        await made.campaign()
        with statements(database) as sent:
            await listed(api)
        counts.append(len(sent))
    assert counts[0] == counts[1]
    texts = [statement for statement, _ in sent if "campaign.message" in statement or "campaign.triggers" in statement]
    assert texts == []


@pytest.mark.parametrize("query", ["days=0", "days=32", "name=", "state=open", "time_zone=Mars"])
async def test_what_it_cannot_read_is_refused(api: Caller, query: str) -> None:
    assert (await api.get(f"/analytics/campaigns/list?{query}")).status_code == 422
