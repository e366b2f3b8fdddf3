"""Campaigns side by side."""

from uuid import uuid4

import pytest

from models.database import Database
from models.organizations.organization import Organization, create_organization
from tests.console.conftest import Browser
from tests.rows import Rows


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def test_each_has_a_column_with_its_funnel(browser: Browser, rows: Rows) -> None:
    campaigns = [await rows.campaign(name=name) for name in ("One", "Two", "<script>alert(1)</script>")]
    message = await rows.message(campaigns[0].content_id, await rows.contact())
    await rows.click(message)
    shown = await browser.open("/campaigns/compare", campaign_id=[str(each.id) for each in campaigns])
    assert shown.all("thead b") == ["One", "Two", "<script>alert(1)</script>"]
    assert "Clicked1100.0% of sent00" in "".join(shown.all("tbody tr"))
    assert shown.body.cssselect("main script") == []
    without = shown.links("thead a.btn")[0]
    assert (await browser.open(without)).all("thead b") == ["Two", "<script>alert(1)</script>"]


@pytest.mark.parametrize("number", [0, 1, 21])
async def test_too_few_and_too_many_are_asked_to_be_chosen(browser: Browser, number: int) -> None:
    shown = await browser.open("/campaigns/compare", campaign_id=[str(uuid4()) for _ in range(number)])
    assert (shown.status, shown.all(".empty h2")) == (200, ["Choose 2 to 20 campaigns"])


async def test_those_of_others_are_not_there(browser: Browser, rows: Rows, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    ids = [str((await rows.campaign()).id), str((await Rows(database, other.id).campaign()).id)]
    assert (await browser.open("/campaigns/compare", campaign_id=ids)).status == 404
