"""What triggers did, and why they did not fire, in a contact's conversation."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from api.contacts.step_sentences import REASONS, outcome_sentence
from models.contacts.contact import Contact
from models.database import Database
from models.notifications.notification import Notification, NotificationItem, NotificationState
from models.notifications.target import NotificationTarget
from models.organizations.organization import Organization, create_organization
from models.segments.segment import Segment
from models.sequences.enroll import EnrollResult
from models.triggers.due import claim_firings
from models.triggers.published import load_triggers
from models.triggers.results import refuse_firings
from tests.builders import Caller
from tests.plans import scans_without_index, statements
from tests.rows import Rows, minutes

TAG = {"kind": "tag", "tags": ["hot"]}
NOTIFY = {"kind": "notify", "target": "Sales"}
NAMED = ("firing_id", "trigger_key", "trigger_campaign_id", "trigger_sequence_id")
SEND = {"kind": "send", "channel": "simulator-sms", "message": {"body": "Thank you", "links": {}}}


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def read(api: Caller, contact: Contact, **params: Any) -> list[dict[str, Any]]:
    """The entries about triggers."""
    answer = await api.get(f"/contacts/{contact.id}/conversation", params={"limit": 500, **params})
    assert answer.status_code == 200, answer.text
    return [item for item in answer.json()["items"] if item["kind"].startswith("trigger")]


async def clicked(rows: Rows, actions: list[dict[str, Any]], clicks: int = 1, **fields: Any) -> tuple[Contact, UUID]:
    """Somebody who has clicked the link of a campaign's trigger, and the click."""
    campaign = await rows.campaign(name="Spring offer")
    await rows.trigger([campaign.content_id], actions, campaign_id=campaign.id, **fields)
    contact = await rows.contact()
    message = await rows.message(campaign.content_id, contact, created_at=minutes(-1), accepted_at=minutes(-1))
    ids = [await rows.click(message, at=minutes(number)) for number in range(clicks)]
    return contact, ids[0]


async def outcome(rows: Rows, contact: Contact, position: int, outcome: str, reason: str | None = None, **detail: Any) -> None:
    """What became of one action of the contact's firing, as the machine writes it."""
    values = {"contact": contact.id, "position": position, "outcome": outcome, "reason": reason, "detail": json.dumps(detail)}
    write = """
    INSERT INTO firing_action (firing_id, position, trigger_id, kind, outcome, reason, detail, at)
    SELECT firing.id, :position, trigger_id, definition #>> ARRAY['actions', CAST(:position AS text), 'kind'], :outcome, :reason,
        CAST(:detail AS jsonb), now()
    FROM firing JOIN trigger ON trigger.id = trigger_id WHERE contact_id = :contact
    """
    async with rows.database.transaction() as session:
        await session.execute(text(write), values)
        await session.execute(text("UPDATE firing SET next_action = :position + 1 WHERE contact_id = :contact"), values)


async def test_a_firing_tells_what_was_done_in_one_sentence(api: Caller, rows: Rows) -> None:
    demo = await rows.sequence(name="Demo call")
    own = await rows.sequence(name="Welcome", links=(("offer", "https://shop.example/offer"),))
    content = await rows.content_of_step(own, "hello")
    enroll = {"kind": "enroll", "sequence_id": str(demo.id)}
    version = (await _version(rows, own.id), own.id)
    await rows.trigger(
        [content], [TAG, NOTIFY, {"kind": "leave"}, enroll], sequence_version_id=version[0], sequence_id=own.id, step_key="hello"
    )
    contact = await rows.contact()
    enrollment = await rows.enrollment(own, contact)
    click = await rows.click(await rows.message(content, contact, enrollment=enrollment, accepted_at=minutes(0)), at=minutes(1))
    other = uuid4()
    for position, detail in enumerate([{}, {"target_id": str(other)}, {"enrollment_id": str(enrollment.id)}]):
        await outcome(rows, contact, position, "done", **detail)
    await outcome(rows, contact, 3, "done", enrollment_id=str(other), sequence_id=str(demo.id))
    (item,) = await read(api, contact)
    assert item["summary"] == "clicked 'offer' → tagged 'hot', Sales notified, moved to 'Demo call'"
    assert (item["trigger_key"], item["when"], item["sequence"], item["sequence_version"]) == ("hot", "clicked", "Welcome", 1)
    assert (item["campaign_id"], item["sequence_id"], item["step_key"]) == (None, str(own.id), "hello")
    assert (item["link"], item["click_id"], item["enrollment_id"]) == ("offer", str(click), str(enrollment.id))
    assert [each["outcome"] for each in item["actions"]] == ["done"] * 4
    assert (item["actions"][1]["target_id"], item["actions"][3]["enrollment_id"]) == (str(other), str(other))


async def _version(rows: Rows, sequence_id: UUID) -> UUID:
    async with rows.database.transaction() as session:
        statement = text("SELECT id FROM sequence_version WHERE sequence_id = :id")
        found: UUID = (await session.execute(statement, {"id": sequence_id})).scalar_one()
    return found


async def test_what_failed_was_skipped_or_waits_says_why_and_until_when(api: Caller, rows: Rows) -> None:
    contact, click = await clicked(rows, [SEND, TAG, NOTIFY])
    await outcome(rows, contact, 0, "failed", "no_phone", message_id=str(uuid4()))
    await outcome(rows, contact, 1, "skipped", "the action before it failed")
    async with rows.database.transaction() as session:
        await session.execute(text("UPDATE firing SET last_error = 'the database is away', due_at = now() + interval '1 minute'"))
    (item,) = await read(api, contact)
    assert item["summary"] == (
        "clicked 'offer' → could not send a message (no_phone), did not tag 'hot' (the action before it failed), "
        "still to notify Sales"
    )
    failed, skipped, waiting = item["actions"]
    assert (failed["outcome"], failed["reason"], failed["due_at"]) == ("failed", "no_phone", None)
    assert (skipped["outcome"], skipped["at"] is not None) == ("skipped", True)
    assert (waiting["outcome"], waiting["reason"], waiting["at"]) == ("waiting", "the database is away", None)
    assert waiting["due_at"] is not None
    assert (item["finished_at"], item["campaign"], item["click_id"]) == (None, "Spring offer", str(click))


@pytest.mark.parametrize(
    ("state", "error", "shown", "sentence"),
    [
        (None, None, "waiting", "Sales is to be told"),
        ("open", "The service answered 500.", "waiting", "Sales is to be told (waits: the service answered 500)"),
        ("failed", "The target was deleted.", "failed", "could not notify Sales (the target was deleted)"),
        ("sent", None, "done", "Sales notified"),
    ],
)
async def test_a_team_is_notified_only_once_it_was_told(
    api: Caller, rows: Rows, state: str | None, error: str | None, shown: str, sentence: str
) -> None:
    contact, _ = await clicked(rows, [NOTIFY])
    await outcome(rows, contact, 0, "done")
    target = NotificationTarget(org_id=rows.org_id, name="Sales", service="Slack", shown="slack://…")
    await rows._add(target)
    notification = Notification(
        org_id=rows.org_id, target_id=target.id, state=NotificationState(state or "open"), last_error=error
    )
    await rows._add(notification)
    (entry,) = await read(api, contact)
    about: dict[str, Any] = {"contact_id": contact.id, "happened": "clicked", "happened_at": minutes(0)}
    about |= {"firing_id": UUID(entry["id"]), "action_position": 0, "notification_id": notification.id if state else None}
    await rows._add(NotificationItem(org_id=rows.org_id, target_id=target.id, **about))
    (entry,) = await read(api, contact)
    assert entry["summary"] == f"clicked 'offer' → {sentence}"
    (action,) = entry["actions"]
    assert (action["outcome"], action["reason"], action["summary"]) == (shown, error, sentence)
    assert (action["due_at"] is not None) == (state == "open")


async def test_a_message_of_a_trigger_and_its_clicks_name_the_trigger(api: Caller, rows: Rows, database: Database) -> None:
    campaign, contact = await rows.campaign(), await rows.contact()
    trigger = await rows.trigger([campaign.content_id], [SEND], campaign_id=campaign.id)
    first = await rows.message(campaign.content_id, contact, accepted_at=minutes(-1))
    await rows.click(first)
    sent = await rows.triggered_message(trigger, contact)
    await rows.click(sent, at=minutes(1))
    (entry,) = await read(api, contact)
    with statements(database) as asked:
        items = (await api.get(f"/contacts/{contact.id}/conversation", params={"limit": 500})).json()["items"]
    about = [each for each in items if each["kind"] in ("message", "click")]
    named = {(each["kind"], each.get("message_id") or each["id"]): [each[name] for name in NAMED] for each in about}
    by = [entry["id"], "hot", str(campaign.id), None]
    assert named == {
        ("message", str(first.id)): [None] * 4,
        ("click", str(first.id)): [None] * 4,
        ("message", str(sent.id)): by,
        ("click", str(sent.id)): by,
    }
    for message, expected in ((first, [None] * 4), (sent, by)):
        detail = (await api.get(f"/messages/{message.id}")).json()
        assert [detail[name] for name in NAMED] == expected
    assert len(asked) <= 11  # the API key, the contact, the places, two for messages, two for clicks, three for firings
    assert await scans_without_index(database, asked) == []


async def test_a_sequence_that_is_gone_has_no_name(api: Caller, rows: Rows) -> None:
    contact, _ = await clicked(rows, [{"kind": "enroll", "sequence_id": str(uuid4())}])
    await outcome(rows, contact, 0, "failed", "the sequence is not published")
    (item,) = await read(api, contact)
    assert item["summary"].endswith("could not enroll in a sequence that is gone (the sequence is not published)")


async def test_another_organizations_sequence_is_not_named(api: Caller, rows: Rows, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    secret = await Rows(database, other.id).sequence(name="Secret")
    contact, _ = await clicked(rows, [{"kind": "enroll", "sequence_id": str(secret.id)}])
    assert "Secret" not in json.dumps(await read(api, contact))


async def test_a_click_after_the_window_says_so(api: Caller, rows: Rows) -> None:
    campaign, contact = await rows.campaign(), await rows.contact()
    await rows.trigger([campaign.content_id], campaign_id=campaign.id, within=timedelta(days=3))
    message = await rows.message(campaign.content_id, contact, accepted_at=minutes(0))
    click = await rows.click(message, at=minutes(0) + timedelta(days=4))
    (item,) = await read(api, contact)
    assert (item["kind"], item["reason"], item["click_id"]) == ("trigger_refusal", "too_late", str(click))
    assert item["summary"] == "clicked 'offer', but the trigger 'hot' did nothing: the click came after its window of 3 days"


async def test_a_contact_outside_of_the_segment_is_told_which_one(api: Caller, rows: Rows) -> None:
    segment = Segment(org_id=rows.org_id, name="Engaged", definition={"tag": "x"})
    await rows._add(segment)
    contact, _ = await clicked(rows, [TAG], segment_id=segment.id)
    async with rows.database.transaction() as session:
        firings = await claim_firings(session, 10, 10, timedelta(minutes=1), sends=False)
        (trigger,) = (await load_triggers(session, [firings[0].trigger_id])).values()
        await refuse_firings(session, trigger, firings)
    (item,) = await read(api, contact)
    assert item["summary"].endswith("did nothing: the contact was not in the segment 'Engaged'")


async def test_a_click_after_the_end_of_the_enrollment_says_so(api: Caller, rows: Rows) -> None:
    own, contact = await rows.sequence(), await rows.contact()
    content = await rows.content_of_step(own, "hello")
    await rows.trigger([content], sequence_id=own.id, sequence_version_id=await _version(rows, own.id))
    enrollment = await rows.enrollment(own, contact, finished_at=minutes(1))
    await rows.click(await rows.message(content, contact, enrollment=enrollment, accepted_at=minutes(0)), at=minutes(2))
    (item,) = await read(api, contact)
    assert (item["reason"], item["sequence"]) == ("enrollment_over", "Welcome")
    assert item["summary"].endswith("the enrollment was over by then")


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_pages_of_one_entry_show_everything_once(api: Caller, rows: Rows, order: str) -> None:
    contact, _ = await clicked(rows, [TAG], clicks=3, times=2, within=timedelta(seconds=90))
    path = f"/contacts/{contact.id}/conversation"
    whole = (await api.get(path, params={"order": order, "limit": 500})).json()["items"]
    seen: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await api.get(path, params={"order": order, "limit": 1, **({"cursor": cursor} if cursor else {})})).json()
        seen, cursor = seen + page["items"], page["next_cursor"]
    assert seen == whole
    assert sorted(item["kind"] for item in whole) == ["click"] * 3 + ["message", "trigger", "trigger_refusal"]


async def test_many_entries_take_as_many_statements_as_one_and_each_uses_an_index(
    api: Caller, rows: Rows, database: Database
) -> None:
    demo = await rows.sequence(name="Demo call")
    contact, _ = await clicked(rows, [TAG, {"kind": "enroll", "sequence_id": str(demo.id)}], clicks=5, times=5)
    await outcome(rows, contact, 0, "done")
    late = await rows.campaign()
    await rows.trigger([late.content_id], campaign_id=late.id, within=timedelta(seconds=1))
    message = await rows.message(late.content_id, contact, accepted_at=minutes(0))
    await rows.click(message, at=minutes(9))
    with statements(database) as sent:
        items = await read(api, contact)
    assert sorted(item["kind"] for item in items) == ["trigger"] * 5 + ["trigger_refusal"]
    assert len(sent) <= 11  # the API key, the contact, the places, messages, clicks, three for firings, two for refusals
    assert await scans_without_index(database, sent) == []


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        ("enrolled", "enrolled in the other sequence"),
        ("not_enrolled: already_enrolled", "not enrolled in the other sequence: the contact is in it already"),
        ("stopped 1", "1 other enrollment was stopped"),
        ("stopped 2", "2 other enrollments were stopped"),
        ("stopped by request", "stopped by request"),
        ("not_updated: too_many_tags", "the contact was not changed: the contact would have too many tags"),
        ("notified", "the team notified"),
        ("not_notified: no_target", "the team was not notified: there is no such notification target any more"),
        ("no_phone", "no_phone"),
    ],
)
def test_the_outcomes_of_steps_read_well(outcome: str, sentence: str) -> None:
    assert outcome_sentence(outcome) == sentence


def test_every_reason_why_somebody_is_not_enrolled_has_its_words() -> None:
    assert set(EnrollResult) - {EnrollResult.ENROLLED} <= REASONS.keys()
