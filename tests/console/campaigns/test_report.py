"""The report of a campaign: what it shows, what its filters do, and what it says when they cannot be answered."""

from typing import Any
from uuid import uuid4

import pytest

from models.database import Database
from models.messages.message import MessageState
from models.organizations.organization import Organization, create_organization
from tests.builders import Caller
from tests.console.conftest import Browser, with_role
from tests.rows import DESKTOP, NOWHERE, OFFER, PHONE, Rows, minutes

TERMS = (None, "https://shop.example/terms")
HOSTILE = "<script>alert(1)</script>\u202e" + "x" * 10_000


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def clicked(rows: Rows, **fields: Any) -> Any:
    """Ada clicks in Berlin and Paris, Ben nowhere, a machine for Cy, and Dan has no phone."""
    campaign = await rows.campaign(links=(OFFER, TERMS), **fields)
    ada, ben, cy = [await rows.message(campaign.content_id, await rows.contact(first_name=name)) for name in ("Ada", "Ben", "Cy")]
    await rows.message(campaign.content_id, await rows.contact(first_name="Dan"), MessageState.SKIPPED, reason="no_phone")
    await rows.click(ada, at=minutes(10), metadata=PHONE)
    await rows.click(ada, 1, at=minutes(80), metadata=DESKTOP)
    await rows.click(ben, at=minutes(90), metadata=None)
    await rows.click(cy, at=minutes(95), verdict="bot", reason="scanner", metadata=NOWHERE)
    return campaign


async def test_a_draft_leads_to_its_editor(browser: Browser, rows: Rows) -> None:
    draft = await rows.campaign(state="draft")
    shown = await browser.open(f"/campaigns/{draft.id}")
    assert (shown.status, shown.location) == (303, f"/console/campaigns/{draft.id}/edit")


async def test_another_organizations_campaign_is_not_there(browser: Browser, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    theirs = await Rows(database, other.id).campaign()
    for path in (f"/campaigns/{theirs.id}", f"/campaigns/{uuid4()}", "/campaigns/nonsense"):
        assert (await browser.open(path)).status in (404, 422), path


async def test_every_number_leads_to_its_rows(browser: Browser, rows: Rows) -> None:
    campaign = await clicked(rows)
    shown = await browser.open(f"/campaigns/{campaign.id}")
    assert shown.status == 200
    assert shown.all(".funnel .figure a") == ["4", "3", "–", "2", "0"]
    people, clicks, rate, _, machines = shown.all(".stat .figure")
    assert (people, clicks, rate, machines) == ("2", "3", "66.7%", "1")
    base = f"/console/campaigns/{campaign.id}"
    assert f"{base}/recipients?clicked=true" in shown.links(".stat")
    for each in {*shown.links(".funnel a"), *shown.links(".stat"), *shown.links(".rank a")}:
        assert each is None or each.startswith("/console/"), each
    assert "wakes a follow-up" not in shown.text


async def test_places_are_approximate_and_lead_to_their_filter(browser: Browser, rows: Rows) -> None:
    campaign = await clicked(rows)
    shown = await browser.open(f"/campaigns/{campaign.id}")
    assert "Approximate: found by IP address" in shown.text
    assert f"/console/campaigns/{campaign.id}?country=DE" in shown.links(".rank a")
    assert len(shown.all(".world circle")) == 1  # Paris has no first click of anybody
    germany = await browser.open(f"/campaigns/{campaign.id}", country="DE")
    assert germany.all(".chip b") == ["Germany"]
    assert germany.all(".stat .figure")[:2] == ["1", "1"]


async def test_machines_are_below_the_line_and_in_the_feed(browser: Browser, rows: Rows) -> None:
    campaign = await clicked(rows)
    shown = await browser.open(f"/campaigns/{campaign.id}")
    assert [each.split()[-1] for each in shown.all(".chart .hit title") if "machines" in each and " 0 by" not in each] == [
        "machines"
    ]
    assert shown.all(".feed .badge") == ["Bot", "Person", "Person", "Person"]
    assert "Ben" in shown.all(".feed .who")[1]


async def test_filters_that_cannot_be_read_keep_what_was_chosen_and_say_what_is_wrong(browser: Browser, rows: Rows) -> None:
    campaign = await clicked(rows)
    shown = await browser.open(f"/campaigns/{campaign.id}", since="2026-11-31", country="DE")
    assert shown.status == 422
    assert "since" in shown.all(".consequence.bad")[0]
    assert shown.value("since") == "2026-11-31"
    assert shown.value("country") == "DE"
    unknown = await browser.open(f"/campaigns/{campaign.id}", tag="nobody-has-it")
    assert unknown.status == 404
    assert "tag" in unknown.all(".consequence.bad")[0]


async def test_too_many_rows_say_what_to_narrow(browser: Browser, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.reports.answer.MOST_ROWS", 1)
    campaign = await clicked(rows)
    shown = await browser.open(f"/campaigns/{campaign.id}", country="DE", device_type="phone")
    assert shown.status == 422
    assert "at most 1 can be read" in shown.text
    assert f"/console/campaigns/{campaign.id}" in shown.links(".empty a")
    half = await browser.open(f"/campaigns/{campaign.id}", country="DE")
    assert half.status == 200
    assert "too many clicks to draw" in half.text


async def test_hostile_names_are_names(browser: Browser, rows: Rows) -> None:
    campaign = await rows.campaign(name="<script>alert(1)</script>", links=((HOSTILE[:60], "https://shop.example/'\"><b>"),))
    message = await rows.message(campaign.content_id, await rows.contact(first_name=HOSTILE))
    await rows.click(message)
    shown = await browser.open(f"/campaigns/{campaign.id}")
    assert shown.all("h1") == ["<script>alert(1)</script>"]
    assert shown.body.cssselect("main script") == shown.body.cssselect("main b b") == []


async def test_a_viewer_sees_the_report_and_no_export(visitor: Browser, api: Caller, rows: Rows) -> None:
    campaign = await clicked(rows)
    viewer = await with_role(visitor, api, "viewer")
    shown = await viewer.open(f"/campaigns/{campaign.id}")
    assert shown.status == 200
    assert not [each for each in shown.links() if "/exports/" in each]


async def test_a_campaign_that_nobody_has_clicked_says_so(browser: Browser, rows: Rows) -> None:
    campaign = await rows.campaign(links=())
    shown = await browser.open(f"/campaigns/{campaign.id}")
    assert "No click yet" in shown.text
    assert "no link that can be tracked" in shown.text
    assert shown.all(".stat .figure") == ["0", "0", "–", "–", "0"]
