"""The other pages of a launched campaign: its people, its message, its follow-ups and its history, and the files to take away."""

from typing import Any
from uuid import uuid4

import pytest

from api.reports import proofs
from models.database import Database
from models.messages.message import MessageState
from models.organizations.organization import Organization, create_organization
from tests.api.triggers.test_firings import DONE, FAILED, SEND, TAG, Fired
from tests.builders import Caller
from tests.console.campaigns.test_report import HOSTILE, clicked
from tests.console.conftest import Browser, with_role
from tests.rows import Rows, minutes

TABS = ("recipients", "message", "follow-ups", "history", "proof")


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


@pytest.mark.parametrize("tab", TABS)
async def test_a_draft_has_no_such_page_and_leads_to_its_editor(browser: Browser, rows: Rows, tab: str) -> None:
    draft = await rows.campaign(state="draft")
    shown = await browser.open(f"/campaigns/{draft.id}/{tab}")
    assert shown.location == f"/console/campaigns/{draft.id}/edit"


@pytest.mark.parametrize("tab", TABS)
async def test_another_organizations_campaign_has_no_pages_here(browser: Browser, database: Database, tab: str) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    theirs = await Rows(database, other.id).campaign()
    assert (await browser.open(f"/campaigns/{theirs.id}/{tab}")).status == 404


@pytest.mark.parametrize("tab", TABS)
async def test_hostile_names_are_names_on_every_tab(browser: Browser, rows: Rows, tab: str) -> None:
    campaign = await rows.campaign(name="<script>alert(1)</script>")
    message = await rows.message(campaign.content_id, await rows.contact(first_name=HOSTILE), body="<b>x</b><script>1</script>")
    await rows.click(message)
    shown = await browser.open(f"/campaigns/{campaign.id}/{tab}")
    assert shown.status == 200
    assert shown.all("h1") == ["<script>alert(1)</script>"]
    assert shown.body.cssselect("main script") == []


@pytest.mark.parametrize("tab", TABS)
async def test_a_viewer_sees_every_tab_and_can_do_nothing_there(visitor: Browser, api: Caller, rows: Rows, tab: str) -> None:
    campaign = await clicked(rows)
    viewer = await with_role(visitor, api, "viewer")
    shown = await viewer.open(f"/campaigns/{campaign.id}/{tab}")
    assert shown.status == 200
    assert [each.get("action") for each in shown.body.cssselect("main form")] == []


async def test_people_are_found_by_state_reason_and_click(browser: Browser, rows: Rows) -> None:
    campaign = await clicked(rows)

    async def people(**query: str) -> list[str]:
        shown = await browser.open(f"/campaigns/{campaign.id}/recipients", **query)
        return sorted(each.split()[0] for each in shown.all("tbody th"))

    assert await people() == ["Ada", "Ben", "Cy", "Dan"]
    assert await people(state="skipped", reason="no_phone") == ["Dan"]
    assert await people(clicked="true") == ["Ada", "Ben"]
    assert await people(clicked="false", state="accepted") == ["Cy"]
    shown = await browser.open(f"/campaigns/{campaign.id}/recipients", state="skipped")
    assert "They have no phone number" in shown.text
    assert [each for each in shown.links("td a") if each.endswith("/why")]


async def test_nobody_fits_says_what_to_do(browser: Browser, rows: Rows) -> None:
    campaign = await clicked(rows)
    shown = await browser.open(f"/campaigns/{campaign.id}/recipients", report="replied")
    assert "Nobody fits. Take a filter off" in shown.text


async def test_who_did_not_click_becomes_a_segment_once(browser: Browser, api: Caller, rows: Rows) -> None:
    campaign = await clicked(rows)
    path, once = f"/campaigns/{campaign.id}/segments", str(uuid4())
    first = await browser.send(path, kind="unengaged", once=once)
    assert first.status == 303
    assert (await browser.send(path, kind="unengaged", once=once)).location == first.location
    (made,) = (await api.get("/segments")).json()["items"]
    assert first.location == f"/console/segments/{made['id']}"


async def test_the_letter_is_a_page_of_its_own_that_cannot_run_scripts(browser: Browser, rows: Rows) -> None:
    campaign = await rows.campaign()
    html = "<style>p {color: red}</style><p>Hello</p><script>alert(1)</script>"
    await rows.message(campaign.content_id, await rows.contact(), html=html, body="Hello")
    shown = await browser.open(f"/campaigns/{campaign.id}/message")
    (frame,) = shown.body.cssselect("iframe")
    letter = await browser.client.get(frame.get("src"))
    assert letter.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert letter.text == html


async def test_a_file_is_passed_on_as_the_api_writes_it(browser: Browser, api: Caller, rows: Rows) -> None:
    campaign = await clicked(rows)
    theirs = await api.get("/exports/clicks", params={"campaign_id": str(campaign.id), "verdict": "all"})
    ours = await browser.client.get(f"/console/exports/clicks?campaign_id={campaign.id}&verdict=all&tag=")
    assert ours.headers["content-disposition"] == theirs.headers["content-disposition"]
    assert ours.text == theirs.text
    assert len(ours.text.splitlines()) == 1 + 4 + 1


async def test_a_file_that_cannot_be_made_says_why_on_a_page(browser: Browser, rows: Rows) -> None:
    shown = await browser.open("/exports/clicks", campaign_id=uuid4())
    assert shown.status == 404
    assert "campaign" in shown.all("main p")[0]


async def test_a_sender_gets_no_file(visitor: Browser, api: Caller, rows: Rows) -> None:
    campaign = await clicked(rows)
    sender = await with_role(visitor, api, "sender")
    assert (await sender.open("/exports/clicks", campaign_id=campaign.id)).status == 403


async def test_the_proof_says_that_all_is_equal(browser: Browser, rows: Rows) -> None:
    campaign = await clicked(rows)
    shown = await browser.open(f"/campaigns/{campaign.id}/proof", count="1")
    assert "All equal" in shown.text
    assert shown.body.cssselect("[data-count-from]") == []


async def test_the_proofs_page_is_there_before_anything_is_counted(
    browser: Browser, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await clicked(rows)

    async def never(*_: object) -> None:
        raise AssertionError("It was counted.")

    with monkeypatch.context() as patched:
        patched.setattr(proofs, "prove", never)
        shown = await browser.open(f"/campaigns/{campaign.id}/proof")
    assert (shown.status, shown.all(".badge.done")) == (200, [])
    (counted,) = shown.links("main [data-count-from] a")
    assert shown.body.cssselect("[data-count-from]")[0].get("data-count-from") == counted
    assert "All equal" in (await browser.open(counted)).all('[data-counted="proof"] .badge.done')


async def test_a_proof_of_too_many_rows_says_so_in_its_place(
    browser: Browser, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await clicked(rows)
    monkeypatch.setattr(proofs, "SECONDS", 0.0)
    shown = await browser.open(f"/campaigns/{campaign.id}/proof", count="1")
    assert shown.status == 422
    assert "./linkwake reconcile" in shown.all('[data-counted="proof"] .consequence.bad')[0]
    assert shown.body.cssselect("[data-count-from]") == []


async def test_a_launch_is_in_the_history(browser: Browser, api: Caller) -> None:
    body: dict[str, Any] = {"name": "Spring", "channel": "simulator-sms", "message": {"body": "x", "links": {}}}
    campaign = (await api.post("/campaigns", json=body)).json()
    (await api.post("/contacts", json={"phone": "+12025550123", "tags": ["all"]})).raise_for_status()
    (await api.patch(f"/campaigns/{campaign['id']}", json={"audience": {"tags": ["all"]}})).raise_for_status()
    (await api.post(f"/campaigns/{campaign['id']}/launch")).raise_for_status()
    shown = await browser.open(f"/campaigns/{campaign['id']}/history")
    assert "campaigns.launch" in shown.all("tbody td")


async def test_why_says_what_stopped_a_message_and_shows_the_rows(browser: Browser, rows: Rows, database: Database) -> None:
    campaign = await rows.campaign(name="Spring")
    message = await rows.message(campaign.content_id, await rows.contact(), MessageState.SKIPPED, reason="no_phone")
    shown = await browser.open(f"/messages/{message.id}/why")
    assert "Why did they not get it?" in shown.all("h1")
    assert "because the contact has no phone number" in shown.text
    assert str(message.id) in shown.text
    assert f"/console/campaigns/{campaign.id}" in shown.links("dd a")
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    theirs = Rows(database, other.id)
    their_message = await theirs.message((await theirs.campaign()).content_id, await theirs.contact())
    assert (await browser.open(f"/messages/{their_message.id}/why")).status == 404


async def fired(rows: Rows) -> tuple[Fired, str]:
    campaign = await rows.campaign()
    trigger = await rows.trigger([campaign.content_id], [TAG, SEND], campaign_id=campaign.id)
    return Fired(rows, trigger), f"/campaigns/{campaign.id}/follow-ups"


async def test_without_triggers_the_page_says_what_one_is(browser: Browser, rows: Rows) -> None:
    campaign = await rows.campaign()
    shown = await browser.open(f"/campaigns/{campaign.id}/follow-ups")
    assert "No click of this campaign starts anything" in shown.text


async def test_what_failed_is_tried_again(browser: Browser, api: Caller, rows: Rows) -> None:
    made, path = await fired(rows)
    await made.firing(DONE, DONE)
    failed = await made.firing(DONE, FAILED)
    shown = await browser.open(path)
    assert "A click on any link" in shown.text
    assert len(shown.all("tbody tr")) == 2
    shown = await browser.open(path, trigger="hot", outcome="failed")
    (form,) = shown.body.cssselect("tbody form")
    assert str(failed.id) in form.get("action")
    assert (await browser.send(form.get("action"), once=str(uuid4()))).location == f"/console{path}?trigger=hot"
    assert (await api.get(made.path, params={"outcome": "failed"})).json()["items"] == []
    assert (await browser.send(form.get("action"), once=str(uuid4()))).status == 409


async def test_a_trigger_that_is_not_there_is_404(browser: Browser, rows: Rows) -> None:
    _, path = await fired(rows)
    assert (await browser.open(path, trigger="cold")).status == 404


async def test_a_viewer_retries_nothing(visitor: Browser, api: Caller, rows: Rows) -> None:
    made, path = await fired(rows)
    failed = await made.firing(DONE, FAILED)
    viewer = await with_role(visitor, api, "viewer")
    assert (await viewer.open(path, outcome="failed")).body.cssselect("tbody form") == []
    assert (await viewer.send(f"{path}/hot/{failed.id}/retry")).status == 403


@pytest.mark.parametrize("path", ["?until=2026-11-08", "/recipients", "/follow-ups"])
async def test_a_page_of_a_campaign_is_light(browser: Browser, rows: Rows, path: str) -> None:
    campaign = await rows.campaign(links=[(f"link-{number}", f"https://shop.example/{number}") for number in range(20)])
    for number in range(60):
        message = await rows.message(campaign.content_id, await rows.contact(first_name=f"Somebody with number {number}"))
        await rows.click(message, number % 20, at=minutes(number * 97))
    shown = await browser.open(f"/campaigns/{campaign.id}{path}")
    assert shown.status == 200
    assert len(shown.answer.content) < 150_000


async def test_the_list_of_clicks_is_light(browser: Browser, rows: Rows) -> None:
    campaign = await rows.campaign(
        name="A campaign with a name of some length", links=(("a-link", "https://shop.example/offer"),)
    )
    message = await rows.message(campaign.content_id, await rows.contact(first_name="Somebody with a long name"))
    for number in range(60):
        await rows.click(message, at=minutes(number))
    assert len((await browser.open("/clicks")).answer.content) < 150_000
