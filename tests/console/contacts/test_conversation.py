"""One contact: the conversation with its wake, what stands beside it, consent, why-not and erasure."""

from uuid import uuid4

import pytest

from models.database import Database
from models.messages.message import MessageState
from models.organizations.organization import Organization
from models.sequences.event import EventKind
from tests.api.campaign_builders import new_sequence
from tests.builders import Caller
from tests.console.conftest import Browser, with_role
from tests.rows import Rows, minutes


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


BODY = "Hello <b>you</b> https://l.example/abc"


async def story(rows: Rows) -> str:
    """Somebody who clicked in a sequence and got the next message because of it."""
    sequence, contact = await rows.sequence(), await rows.contact(first_name="Ingrid", last_name="Solheim")
    hello = await rows.content_of_step(sequence, "hello")
    enrollment = await rows.enrollment(sequence, contact)
    await rows.event(enrollment, EventKind.ENROLLED, 0, at=minutes(0))
    sent = await rows.message(hello, contact, enrollment=enrollment, created_at=minutes(1), accepted_at=minutes(2), body=BODY)
    click_id = await rows.click(sent, at=minutes(5))
    await rows.click(sent, at=minutes(6), verdict="bot", reason="previewer", metadata=None)
    await rows.event(
        enrollment,
        EventKind.STEP_LEFT,
        2,
        "wait",
        minutes(7),
        outcome="clicked",
        to="thanks",
        click_id=str(click_id),
    )
    await rows.message(hello, contact, state=MessageState.SKIPPED, reason="no_phone", created_at=minutes(9))
    return str(contact.id)


async def test_the_conversation_shows_texts_clicks_and_decisions(browser: Browser, rows: Rows) -> None:
    shown = await browser.open(f"/contacts/{await story(rows)}")
    assert (shown.status, shown.all("h1")) == (200, ["Ingrid Solheim"])
    assert shown.all(".bubble") == ["Hello <b>you</b> https://l.example/abc"]
    assert "Berlin, Germany (approximate)" in shown.text
    assert "Place and device not collected" in shown.text
    assert "They have no phone number" in shown.text
    assert any(each.endswith("/why") and "/messages/" in each for each in shown.links(".thread a"))
    assert shown.body.cssselect('[data-live="timeline"]')
    assert "/console/live?contact_id=" in shown.body.cssselect("body")[0].get("data-events")


async def test_a_click_whose_verdict_is_changed_by_hand_has_woken_what_it_has_woken(
    browser: Browser, api: Caller, rows: Rows
) -> None:
    contact_id = await story(rows)

    async def told() -> list[str]:
        shown = await browser.open(f"/contacts/{contact_id}", show="clicks")
        return [each for each in shown.all(".thread .line > .quiet") if each in ("woke nothing", "corrected by hand")]

    assert await told() == ["woke nothing"]
    person, machine = [each["id"] for each in (await api.get("/clicks", params={"verdict": "all"})).json()["items"]][::-1]
    for click_id, verdict in ((person, "bot"), (machine, "human")):
        assert (await api.post(f"/clicks/{click_id}/verdict", json={"verdict": verdict})).status_code == 200
    assert await told() == ["corrected by hand"] * 2


async def test_who_left_by_a_stop_shows_where_and_the_reason_that_was_given(browser: Browser, rows: Rows) -> None:
    sequence, contact = await rows.sequence(), await rows.contact(first_name="Ingrid")
    enrollment = await rows.enrollment(sequence, contact)
    await rows.event(enrollment, EventKind.STEP_LEFT, 2, "wait", minutes(1), outcome="stopped")
    await rows.event(enrollment, EventKind.ENDED, 3, None, minutes(2), state="stopped", outcome="Asked <b>by phone</b>")
    shown = await browser.open(f"/contacts/{contact.id}")
    assert shown.all(".thread .line")[:2] == ["Left Welcome: Asked <b>by phone</b>", "Stopped in wait"]


async def test_each_kind_of_entry_can_be_shown_alone(browser: Browser, rows: Rows) -> None:
    contact_id = await story(rows)
    for show, count in {"messages": 2, "clicks": 2, "replies": 0, "decisions": 2, "consent": 0}.items():
        shown = await browser.open(f"/contacts/{contact_id}", show=show)
        assert len(shown.body.cssselect(".thread > li:not(.day)")) == count, show
    shown = await browser.open(f"/contacts/{contact_id}", show="clicks", verdict="bot")
    assert len(shown.body.cssselect(".thread > li.click")) == 1
    assert (await browser.open(f"/contacts/{contact_id}", since="2026-11-04")).text.count("Nothing of this kind") == 1
    assert (await browser.open(f"/contacts/{contact_id}", since="nonsense")).status == 422
    assert (await browser.open(f"/contacts/{contact_id}", campaign_id=str(uuid4()))).status == 404


async def test_a_long_conversation_has_pages(browser: Browser, rows: Rows) -> None:
    sequence, contact = await rows.sequence(), await rows.contact()
    hello = await rows.content_of_step(sequence, "hello")
    for number in range(45):
        await rows.message(hello, contact, created_at=minutes(number), body=str(number))
    first = await browser.open(f"/contacts/{contact.id}")
    (older,) = first.links('a[rel="next"]')
    second = await browser.open(older)
    assert [len(each.all(".bubble")) for each in (first, second)] == [40, 5]


async def test_a_mail_is_shown_as_a_page_that_runs_nothing(browser: Browser, rows: Rows) -> None:
    campaign, contact = await rows.campaign(), await rows.contact()
    html = "<style>p{color:red}</style><p>Hi<script>alert(1)</script>"
    message = await rows.message(campaign.content_id, contact, created_at=minutes(1), body="Hi", html=html)
    shown = await browser.open(f"/contacts/{contact.id}")
    (frame,) = shown.body.cssselect("iframe")
    assert (frame.get("src"), frame.get("sandbox")) == (f"/console/messages/{message.id}/letter", "")
    letter = await browser.open(frame.get("src"))
    assert letter.answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'; style-src 'unsafe-inline'")
    assert letter.answer.text == html
    assert (await browser.open(f"/messages/{uuid4()}/letter")).status == 404


async def test_an_answer_is_written_down_and_counts(browser: Browser, api: Caller, rows: Rows) -> None:
    contact = await rows.contact()
    form = await browser.open(f"/contacts/{contact.id}/consent")
    fields = {"state": "opted_out", "medium": "sms", "message_kind": "marketing", "once": form.value("once")}
    refused = await browser.send(f"/contacts/{contact.id}/consent", **fields, reason="")
    assert (refused.status, refused.value("state"), refused.value("medium")) == (422, "opted_out", "sms")
    assert [each.get("id") for each in refused.body.cssselect(".fault")] == ["reason-fault"]
    for _ in range(2):
        answer = await browser.send(f"/contacts/{contact.id}/consent", **fields, reason="By telephone")
        assert answer.status == 303
    said = (await api.get(f"/contacts/{contact.id}/consent")).json()["items"]
    assert [(each["state"], each["medium"], each["reason"]) for each in said] == [("opted_out", "sms", "By telephone")]
    assert "Opted out" in (await browser.open(f"/contacts/{contact.id}")).text


async def test_why_not_asks_and_answers(browser: Browser, rows: Rows) -> None:
    campaign, contact = await rows.campaign(name="Autumn"), await rows.contact()
    asking = await browser.open(f"/contacts/{contact.id}/why")
    assert "Choose a campaign or a sequence" in asking.text
    answered = await browser.open(f"/contacts/{contact.id}/why", campaign_id=str(campaign.id))
    assert answered.status == 200
    assert answered.all(".facts dd.mono")[0] == "created_after_launch"
    assert answered.value("campaign_id") == str(campaign.id)
    assert str(campaign.id) not in " ".join(answered.all(".w8 .facts dd"))
    nothing = await browser.open(f"/contacts/{contact.id}/why", campaign_id="", sequence_id="", step="")
    assert "Nothing is chosen yet" in nothing.text
    sequence = await rows.sequence()
    asked = await browser.open(f"/contacts/{contact.id}/why", campaign_id="", sequence_id=str(sequence.id))
    assert asked.all("#step option")[0] == "any step"
    assert len(asked.all("#step option")) > 1
    assert asked.all("#campaign option")[0] == "Choose a campaign"
    both = await browser.open(f"/contacts/{contact.id}/why", campaign_id=str(campaign.id), sequence_id=str(uuid4()))
    assert both.status == 422
    assert (await browser.open(f"/contacts/{contact.id}/why", campaign_id=str(uuid4()))).status == 404


async def test_a_person_is_enrolled_once(browser: Browser, api: Caller, rows: Rows) -> None:
    sequence, contact = await rows.sequence(), await rows.contact()
    form = await browser.open(f"/contacts/{contact.id}/enroll")
    fields = {"sequence_id": str(sequence.id), "once": form.value("once")}
    for _ in range(2):
        assert (await browser.send(f"/contacts/{contact.id}/enroll", **fields)).status == 303
    assert len((await api.get("/enrollments", params={"contact_id": str(contact.id)})).json()["items"]) == 1
    await browser.send(f"/contacts/{contact.id}/enroll", sequence_id=str(sequence.id), once=str(uuid4()))
    assert "Not enrolled: they are in it already" in (await browser.open(f"/contacts/{contact.id}")).text
    assert (await browser.send(f"/contacts/{contact.id}/enroll", sequence_id=str(uuid4()))).status == 422


async def test_all_that_is_known_is_handed_over(browser: Browser, rows: Rows) -> None:
    contact_id = await story(rows)
    answer = (await browser.open(f"/contacts/{contact_id}/export")).answer
    assert answer.headers["content-disposition"] == f'attachment; filename="contact-{contact_id}.json"'
    assert answer.json()["contact_id"] == contact_id


async def test_nobody_is_erased_without_the_word(browser: Browser, api: Caller, rows: Rows) -> None:
    contact_id = await story(rows)
    assert (await browser.send(f"/contacts/{contact_id}/erase", confirm="")).status == 303
    assert (await api.get(f"/contacts/{contact_id}")).json()["erased_at"] is None
    receipt = await browser.send(f"/contacts/{contact_id}/erase", confirm="Erase")
    assert receipt.status == 200
    assert "The contact: names, addresses, tags and properties" in receipt.all("tbody th")
    shown = await browser.open(f"/contacts/{contact_id}")
    assert (shown.status, shown.all("h1")) == (200, ["Erased contact"])
    assert "Ingrid" not in shown.text
    assert f"/console/contacts/{contact_id}/edit" not in shown.links()
    assert (await browser.send(f"/contacts/{contact_id}/edit", first_name="Back")).status == 409


async def test_a_viewer_reads_the_conversation_and_changes_nothing(visitor: Browser, api: Caller, rows: Rows) -> None:
    contact_id = await story(rows)
    browser = await with_role(visitor, api, "viewer")
    shown = await browser.open(f"/contacts/{contact_id}")
    assert shown.status == 200
    assert shown.body.cssselect("dialog form, main form[method=post]") == []
    assert (await browser.send(f"/contacts/{contact_id}/consent", state="opted_out", reason="x")).status == 403
    assert (await browser.open(f"/contacts/{contact_id}/consent")).body.cssselect("main form") == []


async def test_whoever_enrolled_them_is_named_as_far_as_it_is_known(browser: Browser, api: Caller, rows: Rows) -> None:
    contact = await rows.contact(external_id="x")
    made = (await api.post("/api-keys", json={"name": "<b>Shop</b>", "role": "sender"})).json()
    body = {"contact_ids": [str(contact.id)]}
    sender = api.with_key(made["key"])
    assert (await sender.post(f"/sequences/{await new_sequence(api)}/enrollments", json=body)).status_code == 202
    path = f"/contacts/{contact.id}"
    assert "Enrolled in Welcome with the key <b>Shop</b>" in (await browser.open(path)).all(".thread .line")
    await browser.sign_in(made["key"])
    assert f"Enrolled in Welcome with the key {made['id']}" in (await browser.open(path)).all(".thread .line")


async def test_an_enrollment_from_before_keys_were_kept_says_by_hand_or_by_the_api(browser: Browser, rows: Rows) -> None:
    enrollment = await rows.enrollment(await rows.sequence(), contact := await rows.contact(first_name="Ada"))
    await rows.event(enrollment, EventKind.ENROLLED, 0, at=minutes(0))
    assert "Enrolled in Welcome by hand or by the API" in (await browser.open(f"/contacts/{contact.id}")).all(".thread .line")
