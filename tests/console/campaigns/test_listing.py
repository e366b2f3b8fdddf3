"""The list of campaigns: what it shows, what it is narrowed by, and what it is without any."""

from typing import Any

import pytest

from models.base import now
from models.database import Database
from models.organizations.organization import Organization, create_organization
from tests.api.campaign_builders import new_campaign
from tests.builders import Caller
from tests.console.conftest import Browser, with_role
from tests.rows import Rows

HOSTILE = ("<script>alert(1)</script>", "\N{RIGHT-TO-LEFT OVERRIDE}gnirpS", "x" * 200, "{{ 7 * 7 }}", "a&b=c?d#e")


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def test_without_campaigns_it_says_what_one_is_and_how_to_begin(browser: Browser) -> None:
    shown = await browser.open("/campaigns")
    assert shown.status == 200
    assert shown.all(".empty h2") == ["No campaign yet"]
    assert "/console/campaigns/new" in shown.links(".empty a")


async def test_each_campaign_has_its_counters_and_leads_to_its_report(browser: Browser, rows: Rows) -> None:
    campaign = await rows.campaign(name="Spring", recipients=4)
    for clicks in (1, 0):
        message = await rows.message(campaign.content_id, await rows.contact())
        for _ in range(clicks):
            await rows.click(message, at=now())
    shown = await browser.open("/campaigns")
    assert shown.all("tbody .n")[:4] == ["4", "–", "1", "50.0%"]
    assert f"/console/campaigns/{campaign.id}" in shown.links("tbody a")
    assert shown.body.cssselect("svg.spark")[0].get("aria-label").endswith("0, 1")


async def test_tabs_count_and_filter_by_state_and_the_search_by_name(browser: Browser, rows: Rows) -> None:
    for name, state in (("Spring", "draft"), ("Spring two", "tracking"), ("Autumn", "tracking")):
        await rows.campaign(name=name, state=state)
    assert (await browser.open("/campaigns")).all(".tabs a")[:4] == ["All3", "Drafts1", "Sending0", "Open for clicks2"]
    shown = await browser.open("/campaigns", state="tracking", q="SPRING")
    assert shown.all("tbody th b") == ["Spring two"]
    assert shown.value("q") == "SPRING"
    assert "/console/campaigns?state=tracking" in shown.links(".chip a")
    shown = await browser.open("/campaigns", q="winter")
    assert shown.all(".empty h2") == ["No campaign fits"]


async def test_a_campaign_that_is_being_sent_shows_how_far_it_is(browser: Browser, rows: Rows) -> None:
    campaign = await rows.campaign(state="sending", recipients=4)
    await rows.message(campaign.content_id, await rows.contact())
    shown = await browser.open("/campaigns", state="sending")
    (progress,) = shown.body.cssselect("progress")
    assert (progress.get("value"), progress.get("max"), progress.text_content()) == ("1", "4", "25.0%")


async def test_pages_go_on_and_keep_their_filters(browser: Browser, rows: Rows) -> None:
    for number in range(27):
        await rows.campaign(name=f"Spring {number}", state="draft")
    first = await browser.open("/campaigns", q="spring")
    (older,) = first.links("a[rel=next]")
    second = await browser.open(older)
    names = first.all("tbody th b") + second.all("tbody th b")
    assert names == [f"Spring {number}" for number in reversed(range(27))]
    assert (await browser.open("/campaigns", cursor="nonsense")).status == 422


async def test_another_organizations_campaigns_are_not_in_it(browser: Browser, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    await Rows(database, other.id).campaign()
    assert (await browser.open("/campaigns")).all(".empty h2") == ["No campaign yet"]


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_names_are_names(browser: Browser, api: Caller, name: str) -> None:
    await new_campaign(api, name=name)
    shown = await browser.open("/campaigns")
    assert shown.all("tbody th bdi")[0] == name
    assert shown.body.cssselect("main script") == []
    assert (await browser.open("/campaigns", q=name)).all("tbody th b") == [name]


async def test_a_viewer_reads_and_is_offered_nothing_to_change(visitor: Browser, api: Caller) -> None:
    campaign = await new_campaign(api)
    browser = await with_role(visitor, api, "viewer")
    shown = await browser.open("/campaigns")
    assert f"/console/campaigns/{campaign}" in shown.links("tbody a")
    assert [each for each in shown.links() if each.endswith(("/new", "/edit"))] == []


async def test_a_state_that_there_is_not_is_refused_and_never_shows_all(browser: Browser, api: Caller) -> None:
    await new_campaign(api)
    shown: Any = await browser.open("/campaigns", state="<script>")
    assert (shown.status, shown.all("tbody"), shown.body.cssselect("main script")) == (422, [], [])
