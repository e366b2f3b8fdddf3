"""A contact's timeline: what it shows, in which order, and how it is paged."""

import base64
from typing import Any
from uuid import uuid4

import pytest

from models.database import Database
from models.messages.message import MessageState
from models.messages.report import MessageReport, ReportKind
from models.organizations.organization import Organization, create_organization
from models.sequences.enroll import Cause
from models.sequences.enrollment import CauseKind
from models.sequences.event import EventKind
from settings import Settings
from tests.builders import Caller
from tests.enrolling import enroll_in
from tests.plans import scans_without_index, statements
from tests.rows import OFFER, Rows, minutes
from tracking.tokens.token import TokenCodec


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def read(api: Caller, contact_id: object, **params: Any) -> dict[str, Any]:
    answer = await api.get(f"/contacts/{contact_id}/conversation", params=params)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


GARBAGE = ["x", "ä", "%%%", base64.urlsafe_b64encode(b"\x7f" * 24).decode(), base64.urlsafe_b64encode(b"\xff" * 23).decode()]


@pytest.mark.parametrize("cursor", GARBAGE)
async def test_garbage_is_no_cursor(api: Caller, rows: Rows, cursor: str) -> None:
    contact = await rows.contact()
    answer = await api.get(f"/contacts/{contact.id}/conversation", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


async def test_another_organizations_contact_is_not_found(api: Caller, rows: Rows, database: Database) -> None:
    contact = await rows.contact()
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    for caller, contact_id in ((api.with_key(key), contact.id), (api, uuid4())):
        assert (await caller.get(f"/contacts/{contact_id}/conversation")).status_code == 404


async def test_a_contact_that_heard_nothing_has_an_empty_conversation(api: Caller, rows: Rows) -> None:
    contact = await rows.contact()
    assert await read(api, contact.id) == {"items": [], "next_cursor": None}


async def story(rows: Rows) -> object:
    """One contact's sequence from enrollment to end, and somebody else's message."""
    sequence, contact = await rows.sequence(), await rows.contact()
    hello = await rows.content_of_step(sequence, "hello")
    enrollment = await rows.enrollment(sequence, contact)
    await rows.event(enrollment, EventKind.ENROLLED, 0, at=minutes(0), campaign_id=str(uuid4()))
    message = await rows.message(
        hello, contact, enrollment=enrollment, created_at=minutes(1), accepted_at=minutes(2), body="Hello https://l.example/abc"
    )
    await rows.event(enrollment, EventKind.STEP_LEFT, 1, "hello", minutes(3), outcome="sent", to="wait")
    due = minutes(60).isoformat()
    await rows.event(enrollment, EventKind.STEP_ENTERED, 2, "wait", minutes(4), kind="wait_for_click", due_at=due)
    await rows.click(message, at=minutes(5))
    await rows.event(enrollment, EventKind.STEP_LEFT, 2, "wait", minutes(6), outcome="clicked", to="thanks")
    await rows.event(enrollment, EventKind.ENDED, 3, at=minutes(7), state="completed", outcome="done")
    await rows.message(hello, await rows.contact())
    return contact.id


async def test_the_timeline_tells_the_story_in_order(api: Caller, rows: Rows) -> None:
    contact_id = await story(rows)
    items = (await read(api, contact_id, order="oldest"))["items"]
    assert [item.get("event", item["kind"]) for item in items] == [
        "enrolled",
        "message",
        "left",
        "entered",
        "click",
        "left",
        "ended",
    ]
    enrolled, message, _, entered, click, left, ended = items
    assert enrolled["campaign_id"] is not None
    assert (message["state"], message["channel"], message["body"]) == (
        "accepted",
        "simulator-sms",
        "Hello https://l.example/abc",
    )
    assert (entered["step_key"], entered["due_at"]) == ("wait", "2026-11-03T13:00:00Z")
    assert (click["link"]["name"], click["link"]["url"]) == OFFER
    assert (click["country"], click["city"], click["device_type"], click["verdict"]) == ("DE", "Berlin", "phone", "human")
    assert (left["step_key"], left["outcome"], left["branch"], left["sequence"]) == ("wait", "clicked", "thanks", "Welcome")
    assert (ended["outcome"], ended["branch"]) == ("done", None)
    assert (await read(api, contact_id))["items"] == items[::-1]


async def test_an_enrollment_by_a_step_names_the_enrollment_that_it_came_from(api: Caller, rows: Rows) -> None:
    first, second, contact = await rows.sequence(), await rows.sequence(), await rows.contact()
    running = await rows.enrollment(first, contact)
    async with rows.database.transaction() as session:
        await enroll_in(session, rows.org_id, second.id, [contact.id], Cause(CauseKind.STEP, running.id, 2))
        await enroll_in(session, rows.org_id, (await rows.sequence()).id, [contact.id])
    items = (await read(api, contact.id, order="oldest"))["items"]
    assert [(item["event"], item["cause"], item["cause_id"]) for item in items] == [
        ("enrolled", "step", str(running.id)),
        ("enrolled", "request", None),
    ]


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        ("enrolled", "'Welcome', step 'demo': enrolled in 'Demo call'"),
        (
            "not_enrolled: too_often",
            "'Welcome', step 'demo': not enrolled in 'Demo call': the contact has entered it as often as it ",
        ),
    ],
)
async def test_a_step_that_enrolls_names_the_other_sequence(
    api: Caller, rows: Rows, database: Database, outcome: str, sentence: str
) -> None:
    demo, contact = await rows.sequence(name="Demo call"), await rows.contact()
    sequence = await rows.sequence([{"kind": "enroll", "key": "demo", "sequence_id": str(demo.id)}])
    await rows.event(await rows.enrollment(sequence, contact), EventKind.STEP_LEFT, 1, "demo", outcome=outcome, to=None)
    with statements(database) as sent:
        (item,) = (await read(api, contact.id))["items"]
    assert item["summary"].startswith(sentence)
    assert await scans_without_index(database, sent) == []


async def test_a_step_of_another_version_names_no_other_sequence(api: Caller, rows: Rows) -> None:
    contact = await rows.contact()
    await rows.event(await rows.enrollment(await rows.sequence(), contact), EventKind.STEP_LEFT, 1, "gone", outcome="enrolled")
    (item,) = (await read(api, contact.id))["items"]
    assert item["summary"] == "'Welcome', step 'gone': enrolled in the other sequence"


async def test_a_skipped_message_says_why(api: Caller, rows: Rows) -> None:
    campaign, contact = await rows.campaign(), await rows.contact()
    await rows.message(campaign.content_id, contact, MessageState.SKIPPED, reason="no_phone")
    (item,) = (await read(api, contact.id))["items"]
    assert (item["state"], item["reason"], item["body"], item["campaign_id"]) == ("skipped", "no_phone", None, str(campaign.id))


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_pages_neither_skip_nor_repeat_while_things_happen(api: Caller, rows: Rows, order: str) -> None:
    contact_id = await story(rows)
    whole = [item["id"] for item in (await read(api, contact_id, order=order))["items"]]
    campaign = await rows.campaign()
    contact = await rows.contact()
    seen: list[str] = []
    params: dict[str, Any] = {"order": order, "limit": 2}
    while True:
        page = await read(api, contact_id, **params)
        seen += [item["id"] for item in page["items"]]
        contact.id = contact_id  # type: ignore[assignment] # a newer message to the same contact, at the end of time
        await rows.message(campaign.content_id, contact, campaign_id=None, created_at=minutes(1000 + len(seen)))
        if page["next_cursor"] is None or set(whole) <= set(seen):
            break
        params["cursor"] = page["next_cursor"]
    assert seen[: len(whole)] == whole
    assert len(seen) == len(set(seen))


async def test_entries_of_one_moment_are_paged_by_their_ids(api: Caller, rows: Rows) -> None:
    campaign, contact = await rows.campaign(), await rows.contact()
    message = await rows.message(campaign.content_id, contact, created_at=minutes(0))
    there = {str(message.id), *[str(await rows.click(message, at=minutes(0))) for _ in range(4)]}
    seen, cursor = [], None
    for _ in range(5):
        page = await read(api, contact.id, limit=1, **({"cursor": cursor} if cursor else {}))
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert (len(seen), set(seen), cursor) == (5, there, None)


async def test_a_page_takes_few_statements_and_each_uses_an_index(api: Caller, rows: Rows, database: Database) -> None:
    contact_id = await story(rows)
    with statements(database) as sent:
        first = await read(api, contact_id, limit=6)
    assert len(sent) <= 9  # the API key, the contact, the places, three kinds of entry, links, and what steps were left for
    with statements(database) as more:
        await read(api, contact_id, limit=1, cursor=first["next_cursor"])
    assert await scans_without_index(database, sent + more) == []


async def test_a_message_shows_its_links_its_clicks_and_each_report(api: Caller, rows: Rows, settings: Settings) -> None:
    campaign, contact = await rows.campaign(links=(OFFER, ("more", "https://shop.example/more"))), await rows.contact()
    token = TokenCodec(settings.effective_token_keys).encode(campaign.content_id or 0, 0, 0)  # the first recipient's
    message = await rows.message(
        campaign.content_id,
        contact,
        body=f"Look: https://l.example/{token}",
        created_at=minutes(0),
        report=ReportKind.DELIVERED,
    )
    await rows.click(message, at=minutes(1))
    await rows.click(message, at=minutes(2), verdict="bot", reason="scanner")
    async with rows.database.transaction() as session:
        for kind, at in ((ReportKind.DELIVERED, minutes(5)), (ReportKind.SENT, minutes(4))):
            session.add(
                MessageReport(org_id=rows.org_id, message_id=message.id, kind=kind, event_key=kind, code="0", reported_at=at)
            )
    click, _, item = (await read(api, contact.id))["items"]
    (link,) = item["links"]
    assert (link["name"], link["url"], link["destination"]) == ("offer", f"https://l.example/{token}", OFFER[1])
    assert (link["clicks"], link["machine_clicks"]) == (1, 1)
    assert [report["kind"] for report in item["reports"]] == ["sent", "delivered"]
    assert click["reason_in_words"] == "a mail gateway or security service looked at the link"
    assert click["summary"] == "clicked 'offer' in Berlin, DE, on a phone (bot)"


async def test_a_message_without_tracking_shows_its_links_as_they_were_written(api: Caller, rows: Rows) -> None:
    campaign, contact = await rows.campaign(), await rows.contact()
    await rows.message(campaign.content_id, contact, tracked=False, body=f"Look: {OFFER[1]}")
    (item,) = (await read(api, contact.id))["items"]
    assert [(link["url"], link["clicks"]) for link in item["links"]] == [(OFFER[1], 0)]


async def test_a_step_that_was_left_says_for_what(api: Caller, rows: Rows) -> None:
    contact_id = await story(rows)
    items = (await read(api, contact_id, order="oldest", kind=["step", "click", "message"]))["items"]
    (message,) = [item for item in items if item["kind"] == "message"]
    (click,) = [item for item in items if item["kind"] == "click"]
    sent, clicked = [item["because"] for item in items if item.get("event") == "left"]
    assert (sent["message_id"], sent["click_id"]) == (message["id"], None)
    assert (clicked["click_id"], clicked["link"], clicked["due_at"]) == (click["id"], "offer", "2026-11-03T13:00:00Z")


async def test_a_click_on_another_link_is_not_what_a_wait_was_left_for(api: Caller, rows: Rows) -> None:
    sequence = await rows.sequence(links=(("other", "https://shop.example/other"), OFFER))
    contact = await rows.contact()
    enrollment = await rows.enrollment(sequence, contact)
    message = await rows.message(await rows.content_of_step(sequence, "hello"), contact, enrollment=enrollment)
    wanted = await rows.click(message, position=1, at=minutes(1))
    await rows.click(message, position=0, at=minutes(2))
    await rows.event(enrollment, EventKind.STEP_LEFT, 2, "wait", minutes(3), outcome="clicked", to="thanks")
    (left,) = (await read(api, contact.id, kind="step"))["items"]
    assert left["because"]["click_id"] == str(wanted)
