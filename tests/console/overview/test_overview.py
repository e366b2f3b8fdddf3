"""The overview: every number of it, what needs a look, and what a new organization sees."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from models.base import now
from models.campaigns.campaign import CampaignState
from models.database import Database
from models.messages.message import MessageState
from models.organizations.organization import Organization
from tests.builders import Caller
from tests.console.conftest import Browser, with_role
from tests.rows import Rows

Org = tuple[Organization, str]
EVIL = "<script>alert(1)</script>\u202e gnimmos"


@pytest.fixture
def made(database: Database, organization: Org) -> Rows:
    return Rows(database, organization[0].id)


async def clicked(made: Rows, *minutes_ago: int, name: str = EVIL, state: CampaignState = CampaignState.TRACKING) -> str:
    """A campaign that as many people have clicked."""
    campaign = await made.campaign(name=name, state=state, recipients=4)
    for each in minutes_ago:
        message = await made.message(campaign.content_id, await made.contact(first_name=name))
        await made.click(message, at=now() - timedelta(minutes=each))
    return str(campaign.id)


async def test_a_new_organization_is_told_what_to_do_first(browser: Browser) -> None:
    shown = await browser.open("/")
    assert shown.status == 200
    assert "Nothing has been sent yet" in shown.all("h2")
    assert "/console/campaigns/new" in shown.links(".empty a")
    assert "No click yet. The first one appears here within seconds." in shown.text


async def test_numbers_are_those_of_the_period_and_lead_to_their_rows(browser: Browser, made: Rows) -> None:
    await clicked(made, 5, 10, 60 * 30)
    for period, people in (("24h", 2), ("7d", 3), ("30d", 3), ("", 2)):
        shown = await browser.open("/", period=period)
        assert shown.all("[data-live=people]") == [str(people)]
        assert shown.all("[data-live=clicks]") == [str(people)]
        assert shown.all("[data-live=sent]") == ["3"]
        assert all(href.startswith("/console/") for href in shown.links("a.stat"))
        assert len(shown.links("a.stat")) == 5
    shown = await browser.open("/")
    assert "up by 100.0%" in shown.text


async def test_what_runs_and_what_is_being_sent_is_shown_with_its_progress(browser: Browser, made: Rows) -> None:
    sending = await clicked(made, 5, name="Winter", state=CampaignState.SENDING)
    await clicked(made, 5, name="Autumn")
    await made.campaign(name="Draft", state=CampaignState.DRAFT)
    await made.sequence(name="Welcome")
    shown = await browser.open("/")
    assert sorted(shown.all("#running, a.row")) == ["Autumn", "Running now", "Welcome", "Winter"]
    (progress,) = shown.body.cssselect("progress")
    assert (progress.get("value"), progress.get("max")) == ("1", "4")
    assert f"/console/campaigns/{sending}" in shown.links()


async def test_the_table_beside_the_chart_has_the_same_numbers(browser: Browser, made: Rows) -> None:
    await clicked(made, 5, 6, 60 * 5)
    shown = await browser.open("/")
    cells = shown.all("[data-live=figures] td:nth-child(3)")
    assert sum(map(int, cells)) == 3
    assert len(cells) <= 26
    assert sum(int(each) for each in shown.all("[data-live=hours] td")) == 3


async def test_what_stands_in_the_way_is_said_with_its_place(browser: Browser, api: Caller) -> None:
    await api.patch("/organization", json={"link_tracking": False})
    shown = await browser.open("/")
    assert any("Link tracking is off" in each for each in shown.all(".todo b"))
    assert "/console/settings" in shown.links(".todo a")


@pytest.mark.parametrize("name", [EVIL, "{{ 7 * 7 }}", "x" * 200])
async def test_a_hostile_name_is_a_name(browser: Browser, made: Rows, name: str) -> None:
    await clicked(made, 5, name=name)
    shown = await browser.open("/")
    assert shown.status == 200
    assert not shown.body.cssselect("script:not([src])")
    assert [each.text_content() for each in shown.body.cssselect("a.row bdi")] == [name]


async def test_a_viewer_sees_the_same_without_what_makes_something(visitor: Browser, api: Caller, made: Rows) -> None:
    await with_role(visitor, api, "viewer")
    assert "/console/campaigns/new" not in (await visitor.open("/")).links()
    await clicked(made, 5)
    shown = await visitor.open("/")
    assert shown.all("[data-live=people]") == ["1"]


async def test_the_feed_shows_the_newest_clicks_of_people(browser: Browser, made: Rows, database: Database) -> None:
    await clicked(made, *range(1, 9))
    shown = await browser.open("/")
    keys = [each.get("data-key") for each in shown.body.cssselect(".feed li")]
    async with database.transaction() as session:
        newest = await session.scalars(text("SELECT id::text FROM click ORDER BY id DESC LIMIT 6"))
        assert keys == list(newest)


async def test_failed_and_unknown_messages_stand_beside_those_sent(browser: Browser, made: Rows) -> None:
    campaign = await made.campaign()
    for state in (MessageState.ACCEPTED, MessageState.FAILED, MessageState.UNKNOWN, MessageState.UNKNOWN):
        await made.message(campaign.content_id, await made.contact(), state)
    assert "1 failed, 2 unknown" in (await browser.open("/")).text
