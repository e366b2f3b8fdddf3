"""What of a conversation is shown: by kind, time, campaign, sequence, enrollment, channel, medium and verdict."""

from typing import Any
from uuid import uuid4

import pytest

from models.channels.channel import channels_by_name
from models.consent.consent import Consent, ConsentSource, ConsentState
from models.consent.suppression import SuppressionReason, add_suppression
from models.contacts.contact import Contact
from models.conversation.timeline import EntryKind
from models.database import Database
from models.sequences.enrollment import CauseKind
from models.sequences.event import EventKind
from models.triggers.firing import TriggerRefusal
from services.inbound.receive import Inbound, receive
from tests.builders import Caller
from tests.plans import scans_without_index, statements
from tests.rows import Rows, minutes

PHONE = "+4915112345678"
Ids = dict[str, Any]


async def story(rows: Rows) -> tuple[Contact, Ids]:
    """Of each kind something that belongs to a campaign, its follow-up and its trigger, and something that does not."""
    contact = await rows.contact(phone=PHONE, email="ada@example.com")
    campaign, other = await rows.campaign(), await rows.campaign()
    own = await rows.message(campaign.content_id, contact, created_at=minutes(0))
    await rows.message(other.content_id, contact, created_at=minutes(1))
    trigger = await rows.trigger([campaign.content_id], campaign_id=campaign.id)
    human = await rows.click(own, at=minutes(2))  # which fires the trigger
    bot = await rows.click(own, at=minutes(3), verdict="bot", reason="scanner")
    refused: dict[str, Any] = {
        "contact_id": contact.id,
        "reason": "too_late",
        "org_id": rows.org_id,
        "message_id": own.id,
        "at": minutes(4),
    }
    async with rows.database.transaction() as session:
        session.add(TriggerRefusal(trigger_id=trigger.id, **refused))
    sent = await rows.triggered_message(trigger, contact)
    sequence = await rows.sequence()
    follow_up = await rows.enrollment(sequence, contact, campaign_id=campaign.id, cause=CauseKind.TRIGGER)
    step = await rows.message(await rows.content_of_step(sequence, "hello"), contact, enrollment=follow_up, created_at=minutes(6))
    await rows.event(follow_up, EventKind.ENROLLED, 0, at=minutes(5))
    await rows.click(step, at=minutes(7))
    return contact, {
        "campaign_id": campaign.id,
        "other": other.id,
        "sequence_id": sequence.id,
        "enrollment_id": follow_up.id,
        "own": own.id,
        "sent": sent.id,
        "step": step.id,
        "human": human,
        "bot": bot,
    }


async def own_words(rows: Rows, contact: Contact, message_id: object) -> None:
    async with rows.database.transaction() as session:
        channel = (await channels_by_name(session, rows.org_id))["simulator-sms"]
        common: dict[str, Any] = {"org_id": rows.org_id, "contact_id": contact.id, "source": ConsentSource.UNSUBSCRIBE_LINK}
        proof = {"message_id": str(message_id)}
        session.add(Consent(**common, state=ConsentState.OPTED_OUT, medium="sms", proof=proof, given_at=minutes(8)))
        odd = {"message_id": "written by somebody"}
        session.add(Consent(**common, state=ConsentState.OPTED_IN, medium="email", proof=odd, given_at=minutes(9)))
        reason = SuppressionReason.BOUNCE
        await add_suppression(session, rows.org_id, "email", "ada@example.com", reason, message_id=message_id)  # type: ignore[arg-type] # an id
    await receive(rows.database, channel, Inbound(PHONE, None, "Thank you", "1"), None)


async def kinds(api: Caller, contact: Contact, **params: Any) -> list[str]:
    answer = await api.get(f"/contacts/{contact.id}/conversation", params={"order": "oldest", **params})
    assert answer.status_code == 200, answer.text
    return [item["kind"] for item in answer.json()["items"]]


async def ids(api: Caller, contact: Contact, **params: Any) -> set[str]:
    answer = await api.get(f"/contacts/{contact.id}/conversation", params=params)
    assert answer.status_code == 200, answer.text
    return {item["id"] for item in answer.json()["items"]}


@pytest.mark.parametrize("name", ["campaign_id", "sequence_id", "enrollment_id", "channel_id"])
async def test_an_id_that_is_somebody_elses_is_not_found(api: Caller, made: Rows, name: str) -> None:
    contact = await made.contact()
    answer = await api.get(f"/contacts/{contact.id}/conversation", params={name: str(uuid4())})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (404, name)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"kind": "letter"}, "kind"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-11-03T12:00:00Z", "until": "2026-11-03T12:00:00Z"}, "until"),
        ({"medium": "pigeon"}, "medium"),
        ({"verdict": "all"}, "verdict"),
        ({"campaign_id": "x"}, "campaign_id"),
    ],
)
async def test_what_is_no_filter_is_refused_with_its_field(api: Caller, made: Rows, params: Any, field: str) -> None:
    contact = await made.contact()
    answer = await api.get(f"/contacts/{contact.id}/conversation", params=params)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith(field)


async def test_a_cursor_is_for_its_own_filters(api: Caller, made: Rows) -> None:
    contact, _ = await story(made)
    path = f"/contacts/{contact.id}/conversation"
    cursor = (await api.get(path, params={"kind": "message", "limit": 1})).json()["next_cursor"]
    answer = await api.get(path, params={"kind": "click", "limit": 1, "cursor": cursor})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


@pytest.mark.parametrize("kind", list(EntryKind))
async def test_one_kind_shows_nothing_else(api: Caller, made: Rows, kind: EntryKind) -> None:
    contact, known = await story(made)
    await own_words(made, contact, known["own"])
    assert set(await kinds(api, contact, kind=kind.value)) == {kind.value}


async def test_several_kinds_are_shown_together_page_by_page(api: Caller, made: Rows) -> None:
    contact, _ = await story(made)
    wanted = {"kind": ["message", "click"], "limit": 2}
    seen, cursor = [], None
    while True:
        params = {**wanted, **({"cursor": cursor} if cursor else {})}
        page = (await api.get(f"/contacts/{contact.id}/conversation", params=params)).json()
        seen += [item["kind"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == ["click"] * 3 + ["message"] * 4


async def test_a_time_range_includes_its_beginning_and_not_its_end(api: Caller, made: Rows) -> None:
    contact, _ = await story(made)
    shown = await kinds(api, contact, since=minutes(1).isoformat(), until=minutes(4).isoformat())
    assert sorted(shown) == ["click", "click", "message", "trigger"]


async def test_a_campaign_shows_all_that_it_led_to(api: Caller, made: Rows) -> None:
    contact, known = await story(made)
    await own_words(made, contact, known["own"])
    shown = await ids(api, contact, campaign_id=str(known["campaign_id"]))
    assert {str(known[name]) for name in ("own", "sent", "step", "human", "bot")} <= shown
    of_kind = await kinds(api, contact, campaign_id=str(known["campaign_id"]))
    assert {kind: of_kind.count(kind) for kind in set(of_kind)} == {
        "message": 3,
        "click": 3,
        "trigger": 1,
        "trigger_refusal": 1,
        "step": 1,
        "consent": 1,
        "suppression": 1,
        "inbound_message": 1,
    }
    assert await kinds(api, contact, campaign_id=str(known["other"])) == ["message"]


async def test_a_sequence_and_an_enrollment_show_their_own(api: Caller, made: Rows) -> None:
    contact, known = await story(made)
    for name in ("sequence_id", "enrollment_id"):
        assert await kinds(api, contact, **{name: str(known[name])}) == ["step", "message", "click"]


async def test_a_medium_shows_what_it_carried_and_what_covers_it(api: Caller, made: Rows, database: Database) -> None:
    contact, known = await story(made)
    await own_words(made, contact, known["own"])
    assert await kinds(api, contact, medium="email") == ["consent", "suppression"]
    shown = await kinds(api, contact, medium="sms")
    assert (shown.count("message"), shown.count("click"), shown.count("consent")) == (4, 3, 1)
    assert "step" not in shown
    async with database.transaction() as session:
        channel = (await channels_by_name(session, made.org_id))["simulator-sms"]
    assert await kinds(api, contact, channel_id=str(channel.id)) == shown


async def test_a_verdict_leaves_out_clicks_alone(api: Caller, made: Rows) -> None:
    contact, known = await story(made)
    assert await ids(api, contact, verdict="human") == await ids(api, contact) - {str(known["bot"])}


async def test_every_filter_is_answered_from_indexes(api: Caller, made: Rows, database: Database) -> None:
    contact, known = await story(made)
    await own_words(made, contact, known["own"])
    filters: list[Any] = [{name: str(known[name])} for name in ("campaign_id", "sequence_id", "enrollment_id")]
    filters += [{"medium": "sms"}, {"verdict": "human"}, {"since": minutes(1).isoformat(), "until": minutes(9).isoformat()}]
    with statements(database) as sent:
        for each in filters:
            await kinds(api, contact, **each)
    assert await scans_without_index(database, sent) == []


async def test_an_erased_contact_shows_what_is_kept(api: Caller, made: Rows) -> None:
    contact, known = await story(made)
    await own_words(made, contact, known["own"])
    assert (await api.post(f"/contacts/{contact.id}/erase")).status_code == 200
    items = (await api.get(f"/contacts/{contact.id}/conversation")).json()["items"]
    assert {item["kind"] for item in items} & {"consent", "step", "suppression"} == set()
    messages = [item for item in items if item["kind"] == "message"]
    assert len(messages) == 4
    assert all(item["body"] is None and item["links"] == [] for item in messages)
    assert all(item["country"] is None for item in items if item["kind"] == "click")
