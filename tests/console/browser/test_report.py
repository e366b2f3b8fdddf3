"""The report of a campaign in a real browser: at a desk, on a phone in the dark, and for those who do not see it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from playwright.async_api import expect

from models.base import now
from models.campaigns.campaign import Campaign
from models.clicks.recording import Metadata
from models.database import Database
from settings import Settings
from tests.api.triggers.test_firings import DONE, FAILED, SEND, TAG, Fired
from tests.console.browser.conftest import Shots, Team
from tests.rows import OFFER, Rows

TERMS = ("terms", "https://shop.example/terms")
PLACES = (
    Metadata("NO", "Oslo", "phone", "Mobile Safari", "iOS"),
    Metadata("NO", "Bergen", "phone", "Chrome Mobile", "Android"),
    Metadata("SE", "Gothenburg", "desktop", "Firefox", "Windows"),
    Metadata("US", "Chicago", "tablet", "Safari", "iPadOS"),
    Metadata("AU", "Perth", "desktop", "Chrome", "macOS"),
    Metadata("BR", "Recife", "phone", "Chrome Mobile", "Android"),
    None,
)


@asynccontextmanager
async def rows_of(team: Team, stack: Settings) -> AsyncIterator[Rows]:
    """Writes for the team's organization, past the API."""
    database = Database(stack.effective_database_url, 1)
    yield Rows(database, (await team.get("/organization"))["id"])
    await database.close()


async def clicked(rows: Rows) -> Any:
    """Forty people of whom thirty have clicked in the last two days, and machines soon after the launch."""
    launched = now() - timedelta(hours=54)
    campaign = await rows.campaign(name="Autumn trail sale", links=(OFFER, TERMS), tracking_until=now() + timedelta(days=9))
    async with rows.database.transaction() as session:
        (await session.get_one(Campaign, campaign.id)).launched_at = launched
    for number in range(40):
        person = await rows.contact(first_name=("Ada", "Ben", "Cy", "Dan")[number % 4], last_name=f"Lind {number}")
        message = await rows.message(campaign.content_id, person, accepted_at=launched)
        at = launched + timedelta(minutes=20 + number * number * 2)
        if number % 4:
            await rows.click(message, number % 2, at=at, metadata=PLACES[number % len(PLACES)], reason="browser")
        if number % 7 == 0:
            await rows.click(message, at=launched + timedelta(minutes=number), verdict="bot", reason="scanner")
    return campaign


async def test_the_report_at_a_desk(team: Team, stack: Settings, shots: Shots) -> None:
    async with rows_of(team, stack) as rows:
        campaign = await clicked(rows)
    await team.open(f"/campaigns/{campaign.id}")
    await expect(team.page.get_by_role("heading", level=1)).to_have_text("Autumn trail sale")
    await expect(team.page.locator(".world circle")).to_have_count(5)
    await shots.take(team.page, "report")
    await team.assert_accessible()
    await team.page.get_by_role("button", name="Filter").click()
    await team.page.get_by_role("combobox", name="Country").select_option("Norway")
    await team.page.get_by_role("button", name="Show").click()
    await expect(team.page.locator(".chip", has_text="Country: Norway")).to_be_visible()
    await expect(team.page.locator(".world circle")).to_have_count(1)


async def test_a_click_appears_in_an_open_report(team: Team, stack: Settings) -> None:
    async with rows_of(team, stack) as rows:
        campaign = await clicked(rows)
        await team.open(f"/campaigns/{campaign.id}")
        people = team.page.locator('[data-live="people"]')
        await expect(people).to_have_text("30")
        await expect(team.page.locator("[data-connection]")).to_have_attribute("data-state", "on")
        eve = await rows.message(campaign.content_id, await rows.contact(first_name="Eve"))
        await rows.click(eve, at=now(), metadata=PLACES[0])
        await expect(people).to_have_text("31")
        await expect(team.page.locator(".feed li").first).to_contain_text("Eve")


async def test_the_report_on_a_phone_in_the_dark(phone: Team, stack: Settings, shots: Shots) -> None:
    async with rows_of(phone, stack) as rows:
        campaign = await clicked(rows)
    await phone.open(f"/campaigns/{campaign.id}")
    await expect(phone.page.locator(".funnel li")).to_have_count(5)
    await shots.take(phone.page, "report-phone")
    await phone.assert_accessible()
    assert await phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_pages_beside_the_report(team: Team, stack: Settings, shots: Shots) -> None:
    async with rows_of(team, stack) as rows:
        campaign = await clicked(rows)
        made = Fired(rows, await rows.trigger([campaign.content_id], [TAG, SEND], campaign_id=campaign.id))
        await made.firing(DONE, DONE)
        await made.firing(DONE, FAILED)
    for tab in ("recipients", "message", "follow-ups", "history", "proof"):
        await team.open(f"/campaigns/{campaign.id}/{tab}")
        if tab == "proof":
            await expect(team.page.locator(".badge", has_text="All equal")).to_be_visible()
        await shots.take(team.page, tab)
        await team.assert_accessible()
    await team.open(f"/campaigns/{campaign.id}/recipients")
    await team.page.get_by_role("link", name="Why?").first.click()
    await expect(team.page.get_by_role("heading", level=1)).to_contain_text("they get it")
    await shots.take(team.page, "why")
    await team.assert_accessible()


async def test_links_clicks_and_segments(team: Team, stack: Settings, shots: Shots) -> None:
    async with rows_of(team, stack) as rows:
        await clicked(rows)
    shared = await team.post("/shared-links", {"slug": "poster", "destination": "https://shop.example/", "name": "In the shop"})
    tracked = (await team.get("/links", of="messages"))["items"]
    either = {"any": [{"kind": "replied"}, {"kind": "last_click", "longer_ago": "P60D"}]}
    rules = {"all": [{"kind": "clicked"}, either, {"not": {"kind": "tags", "tags": ["staff"]}}]}
    segment = await team.post("/segments", {"name": "Boots, not yet cared for", "definition": rules})
    pages = ("/links", f"/links/{tracked[0]['id']}", f"/links/{shared['id']}", "/links/new", "/clicks?verdict=all", "/segments")
    for number, path in enumerate((*pages, f"/segments/{segment['id']}", f"/segments/{segment['id']}/people")):
        await team.open(path)
        await shots.take(team.page, str(number))
        await team.assert_accessible()
    await expect(team.page.locator(".meta")).to_contain_text("people now")
    await team.open(f"/segments/{segment['id']}")
    await expect(team.page.locator("dd.figure")).to_have_text("0")
    await team.page.get_by_role("button", name="Delete…").click()
    await expect(team.page.get_by_role("button", name="Keep it")).to_be_focused()
    await team.assert_accessible()


async def test_a_segment_is_built_on_a_phone_by_its_buttons(phone: Team, shots: Shots) -> None:
    await phone.post("/contacts", {"external_id": "1", "first_name": "Ada", "tags": ["vip"]})
    await phone.open("/segments/new")
    await phone.page.get_by_label("Name").fill("Guests")
    await phone.page.get_by_label("Tags", exact=True).fill("vip")
    await expect(phone.page.locator("dd.figure")).to_have_text("1")  # it follows the typing
    await phone.page.get_by_label("Condition", exact=True).select_option("has_phone")
    await expect(phone.page.locator("dd.figure")).to_have_text("0")
    await phone.page.get_by_label("Condition", exact=True).select_option("tags")
    await phone.page.get_by_label("Tags", exact=True).fill("vip")
    await phone.page.get_by_role("button", name="Group").click()
    await expect(phone.page.locator(".rules .rules")).to_be_visible()
    await shots.take(phone.page, "builder-phone")
    await phone.assert_accessible()
    assert await phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await phone.page.get_by_role("button", name="Remove this condition").nth(1).click()
    await expect(phone.page.locator("dd.figure")).to_have_text("1")
    await phone.page.get_by_role("button", name="Save").click()
    await expect(phone.page.get_by_role("heading", level=1)).to_have_text("Guests")
