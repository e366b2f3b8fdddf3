"""The list of clicks: its filters, and another verdict for one of them."""

from uuid import UUID, uuid4

import pytest

from models.database import Database
from models.organizations.organization import Organization
from tests.builders import Caller
from tests.console.campaigns.test_report import HOSTILE, clicked
from tests.console.conftest import Browser, with_role
from tests.rows import Rows


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def people(browser: Browser, **query: object) -> list[str]:
    shown = await browser.open("/clicks", **query)
    assert shown.status == 200, shown.text
    return shown.all("tbody th > a")


async def form_of_the_newest(browser: Browser, campaign_id: UUID) -> str:
    """Where the form of the newest click is sent to. Only one form is on the page, because each click would have one."""
    shown = await browser.open("/clicks", campaign_id=campaign_id)
    assert shown.body.cssselect("tbody form") == []
    shown = await browser.open(next(each for each in shown.links("tbody a") if "correct=" in each))
    (form,) = shown.body.cssselect("tbody form")
    return str(form.get("action"))


async def test_an_organization_without_clicks_is_told_what_to_do(browser: Browser) -> None:
    shown = await browser.open("/clicks")
    assert "No clicks here" in shown.text
    assert "GET /v1/clicks" in shown.text


async def test_clicks_are_narrowed_by_the_address(browser: Browser, rows: Rows) -> None:
    campaign = await clicked(rows)
    await clicked(rows, name="Other")
    assert await people(browser, campaign_id=campaign.id) == ["Ben", "Ada", "Ada"]
    assert await people(browser, campaign_id=campaign.id, verdict="all") == ["Cy", "Ben", "Ada", "Ada"]
    assert await people(browser, campaign_id=campaign.id, country="FR") == ["Ada"]
    shown = await browser.open("/clicks", campaign_id=campaign.id, country="FR")
    assert shown.all(".chip b") == ["Spring", "France"]


@pytest.mark.parametrize(
    ("query", "status"), [({"country": "nowhere"}, 422), ({"campaign_id": str(uuid4())}, 404), ({"cursor": "x"}, 422)]
)
async def test_a_filter_that_cannot_be_meant_says_so_and_stays(browser: Browser, query: dict[str, str], status: int) -> None:
    shown = await browser.open("/clicks", **query)
    assert shown.status == status
    assert next(iter(query)) in shown.all(".consequence.bad")[0]


async def test_a_corrected_click_is_no_longer_a_persons(browser: Browser, rows: Rows) -> None:
    campaign = await clicked(rows)
    action = await form_of_the_newest(browser, campaign.id)
    done = await browser.send(action, verdict="bot", note="Our own checker")
    assert done.location == f"/console/clicks?campaign_id={campaign.id}"
    assert await people(browser, campaign_id=campaign.id) == ["Ada", "Ada"]
    bots = await browser.open("/clicks", campaign_id=campaign.id, verdict="bot")
    assert "Our own checker" in bots.text
    assert "it was person" in bots.text


async def test_a_correction_without_sense_is_refused(browser: Browser, rows: Rows) -> None:
    campaign = await clicked(rows)
    action = await form_of_the_newest(browser, campaign.id)
    assert (await browser.send(action, verdict="robot")).status == 422
    assert (await browser.send(f"/clicks/{uuid4()}/verdict", verdict="bot")).status == 404
    assert await people(browser, campaign_id=campaign.id) == ["Ben", "Ada", "Ada"]


async def test_a_viewer_corrects_nothing(visitor: Browser, api: Caller, rows: Rows) -> None:
    campaign = await clicked(rows)
    viewer = await with_role(visitor, api, "viewer")
    shown = await viewer.open("/clicks", campaign_id=campaign.id)
    assert [each for each in shown.links("tbody a") if "correct=" in each] == []
    assert (await viewer.send(f"/clicks/{uuid4()}/verdict", verdict="bot")).status == 403


async def test_hostile_people_and_links_are_texts(browser: Browser, rows: Rows) -> None:
    campaign = await rows.campaign(name="<script>1</script>", links=(("<b>", "https://shop.example/'\"><i>"),))
    await rows.click(await rows.message(campaign.content_id, await rows.contact(first_name=HOSTILE)))
    shown = await browser.open("/clicks")
    assert shown.body.cssselect("main script") == shown.body.cssselect("tbody i") == []
    assert "<script>1</script>" in shown.all("tbody th a")
