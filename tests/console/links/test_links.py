"""Links in the console: shared ones are made, changed and deleted here; those of messages are shown with their clicks."""

from typing import Any
from uuid import uuid4

import pytest

from models.database import Database
from models.organizations.organization import Organization, create_organization
from tests.builders import Caller, hold
from tests.console.campaigns.test_report import clicked
from tests.console.conftest import Browser, with_role
from tests.rows import Rows

POSTER = {"slug": "poster", "destination": "https://shop.example/"}


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def made(api: Caller, **changes: Any) -> dict[str, Any]:
    answer = await api.post("/shared-links", json={**POSTER, **changes})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_without_links_the_page_says_how_there_will_be_some(browser: Browser) -> None:
    shown = await browser.open("/links")
    assert "No shared link yet" in shown.text
    assert "No link has gone out yet" in shown.text


async def test_both_kinds_of_links_are_listed_with_their_clicks(browser: Browser, api: Caller, rows: Rows) -> None:
    await made(api, name="Poster in the shop")
    campaign = await clicked(rows)
    shown = await browser.open("/links")
    shared, tracked = shown.body.cssselect("table")
    assert "Poster in the shop" in shared.text_content()
    assert [each.text_content() for each in tracked.cssselect("th .sub a")] == ["Spring", "Spring"]
    assert f"/console/campaigns/{campaign.id}" in shown.links("th .sub a")
    (offer,) = [each for each in tracked.cssselect("tbody tr") if "offer" in each.cssselect("th a")[0].text_content()]
    assert [each.text_content() for each in offer.cssselect("td.n")] == ["3", "2", "66.7%", "2", "1"]


async def test_a_shared_link_is_made_once_and_refused_with_what_was_typed(browser: Browser, api: Caller) -> None:
    typed = {"slug": "a b", "destination": "www.example.com", "name": "Poster", "utm_source": "wall"}
    refused = await browser.send("/links/new", **typed)
    assert refused.status == 422
    assert len(refused.all(".fault")) == 2
    assert [refused.value(name) for name in typed] == list(typed.values())
    once = str(uuid4())
    good = {**typed, "slug": "poster", "destination": "https://www.example.com/", "once": once}
    first, again = await browser.send("/links/new", **good), await browser.send("/links/new", **good)
    assert first.location == again.location
    (shared,) = (await api.get("/shared-links")).json()["items"]
    assert (shared["utm"]["source"], first.location) == ("wall", f"/console/links/{shared['id']}")
    taken = await browser.send("/links/new", **{**good, "once": str(uuid4())})
    assert (taken.status, taken.value("slug")) == (409, "poster")


async def test_a_shared_link_that_leads_to_itself_is_refused_at_its_field(browser: Browser, api: Caller) -> None:
    shared = await made(api)
    for path in ("/links/new", f"/links/{shared['id']}/edit"):
        refused = await browser.send(path, slug="other", destination=shared["url"])
        assert (refused.status, refused.value("destination")) == (422, shared["url"])
        assert [each.get("id") for each in refused.body.cssselect(".fault")] == ["destination-fault"]
    (kept,) = (await api.get("/shared-links")).json()["items"]
    assert kept["destination"] == POSTER["destination"]


async def test_a_shared_link_whose_destination_has_become_a_link_domain_does_not_work(
    browser: Browser, api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    shared = await made(api)
    assert (await browser.open(f"/links/{shared['id']}")).all(".badge.running") == ["Works"]
    await hold(database, organization[0].id, "shop.example")
    for path in ("/links", f"/links/{shared['id']}"):
        shown = await browser.open(path)
        assert (shown.all(".badge.running"), shown.all(".badge.failed")) == ([], ["Leads back to this server"])


async def test_a_shared_link_is_changed_switched_off_and_deleted(browser: Browser, api: Caller) -> None:
    shared = await made(api, utm={"source": "wall"})
    path = f"/links/{shared['id']}"
    assert (await browser.open(f"{path}/edit")).value("utm_source") == "wall"
    await browser.send(f"{path}/edit", destination="https://shop.example/new", name="New")
    await browser.send(f"{path}/switch", active="")
    changed = (await api.get(f"/shared-links/{shared['id']}")).json()
    assert (changed["destination"], changed["name"], changed["utm"], changed["active"]) == (
        "https://shop.example/new",
        "New",
        None,
        False,
    )
    shown = await browser.open(path)
    assert "Off" in shown.all(".badge.boxed")
    await browser.send(f"{path}/switch", active="on")
    assert (await api.get(f"/shared-links/{shared['id']}")).json()["active"]
    assert (await browser.send(f"{path}/delete")).location == "/console/links"
    assert (await api.get("/shared-links")).json()["items"] == []
    assert (await browser.open(path)).status == 200  # its clicks stay on record


async def test_the_link_of_a_message_is_shown_with_its_filters(browser: Browser, rows: Rows) -> None:
    campaign = await clicked(rows)
    offer, _ = await rows.links(campaign.content_id)
    shown = await browser.open(f"/links/{offer.id}")
    assert shown.all(".stat .figure") == ["2", "2", "1"]
    assert len(shown.all(".feed li")) == 3
    germany = await browser.open(f"/links/{offer.id}", country="DE")
    assert germany.all(".stat .figure")[0] == "1"
    refused = await browser.open(f"/links/{offer.id}", country="nowhere")
    assert (refused.status, "country" in refused.all(".consequence.bad")[0]) == (422, True)


async def test_other_organizations_links_are_not_there(browser: Browser, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    theirs = Rows(database, other.id)
    (link,) = await theirs.links((await theirs.campaign()).content_id)
    assert (await browser.open(f"/links/{link.id}")).status == 404
    assert (await browser.open(f"/links/{link.id}/edit")).status == 404
    assert (await browser.send(f"/links/{link.id}/delete")).status == 404


async def test_a_viewer_changes_no_link(visitor: Browser, api: Caller) -> None:
    shared = await made(api, name="<script>1</script>")
    viewer = await with_role(visitor, api, "viewer")
    shown = await viewer.open(f"/links/{shared['id']}")
    assert shown.all("h1") == ["<script>1</script>"]
    assert shown.body.cssselect("main form[method=post]") == shown.body.cssselect("dialog form[method=post]") == []
    for path in ("/links/new", f"/links/{shared['id']}/edit", f"/links/{shared['id']}/switch", f"/links/{shared['id']}/delete"):
        assert (await viewer.send(path)).status == 403, path
