"""All messages: what the overview's figure of those that were sent leads to."""

import pytest

from models.database import Database
from models.messages.message import MessageState
from models.organizations.organization import Organization, create_organization
from tests.console.conftest import Browser
from tests.rows import Rows

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def test_without_any_message_it_says_what_will_stand_there(browser: Browser) -> None:
    shown = await browser.open("/messages")
    assert (shown.status, "Nothing has been sent yet" in shown.text) == (200, True)


async def test_the_overview_leads_to_the_messages_that_were_sent(browser: Browser, rows: Rows) -> None:
    campaign, contact = await rows.campaign(), await rows.contact()
    sent = await rows.message(campaign.content_id, contact, to_address="+12025550123")
    left_out = await rows.message(campaign.content_id, await rows.contact(), MessageState.SKIPPED, reason="no_phone")
    (href,) = [each for each in (await browser.open("/")).links(".stats a") if "/messages" in each]
    shown = await browser.open(href)
    assert shown.all("tbody th") == ["+12025550123"]
    assert f"/console/messages/{sent.id}/why" in shown.links("tbody a")
    assert f"/console/contacts/{contact.id}" in shown.links("tbody a")
    assert f"/console/campaigns/{campaign.id}" in shown.links("tbody a")
    skipped = await browser.open("/messages", state="skipped", reason="no_phone")
    assert f"/console/messages/{left_out.id}/why" in skipped.links("tbody a")
    assert "No message fits" in (await browser.open("/messages", report="bounced")).text


async def test_another_organizations_messages_are_not_here(browser: Browser, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    theirs = Rows(database, other.id)
    await theirs.message((await theirs.campaign()).content_id, await theirs.contact())
    assert (await browser.open("/messages")).all("tbody tr") == []


async def test_nonsense_in_the_address_is_refused_or_lists_none(browser: Browser, rows: Rows) -> None:
    await rows.message((await rows.campaign()).content_id, await rows.contact(), to_address=HOSTILE)
    for name in ("state", "report"):
        shown = await browser.open("/messages", **{name: HOSTILE})
        assert (shown.status, shown.all("tbody th"), shown.body.cssselect("main script")) == (422, [], [])
    shown = await browser.open("/messages")
    assert (shown.all("tbody th"), shown.body.cssselect("main script")) == ([HOSTILE], [])
    assert "No message fits" in (await browser.open("/messages", reason=HOSTILE)).text
