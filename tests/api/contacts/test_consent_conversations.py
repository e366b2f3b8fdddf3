"""What the conversation shows of a contact's own words: what they wrote, and what was said about getting messages."""

from typing import Any
from uuid import uuid4

import pytest

from api.contacts.consent_items import consent_sentence
from models.channels.channel import channels_by_name
from models.consent.consent import Consent, ConsentSource, ConsentState
from models.database import Database
from models.organizations.organization import Organization
from services.inbound.receive import Inbound, receive
from tests.builders import Caller
from tests.plans import scans_without_index, statements
from tests.rows import Rows

PHONE = "+4915112345678"


async def write(database: Database, organization: Organization, *bodies: str) -> None:
    async with database.transaction() as session:
        channel = (await channels_by_name(session, organization.id))["simulator-sms"]
    for body in bodies:
        await receive(database, channel, Inbound(PHONE, None, body, body), None)


async def test_what_a_contact_wrote_and_what_follows_stand_in_the_conversation(
    api: Caller, made: Rows, database: Database, organization: tuple[Organization, str]
) -> None:
    person = await made.contact(phone=PHONE)
    await write(database, organization[0], "Who are you?", "STOP")
    items = (await api.get(f"/contacts/{person.id}/conversation?order=oldest")).json()["items"]
    assert [each["kind"] for each in items] == ["inbound_message", "inbound_message", "consent"]
    assert [(each["body"], each["meaning"], each["channel"]) for each in items[:2]] == [
        ("Who are you?", "reply", "simulator-sms"),
        ("STOP", "stop", "simulator-sms"),
    ]
    assert items[0]["answer"] is None
    assert items[1]["answer"].startswith("Test organization")
    assert items[2]["summary"] == "opted out of everything, by a word in a message"


async def test_own_words_are_read_page_by_page(
    api: Caller, made: Rows, database: Database, organization: tuple[Organization, str]
) -> None:
    person = await made.contact(phone=PHONE)
    await write(database, organization[0], "one", "two", "stop", "three")
    shown: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await api.get(f"/contacts/{person.id}/conversation?limit=2{cursor}")).json()
        shown += page["items"]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    assert [each.get("body", each["kind"]) for each in shown] == ["three", "consent", "stop", "two", "one"]


async def test_own_words_are_found_by_an_index(
    api: Caller, made: Rows, database: Database, organization: tuple[Organization, str]
) -> None:
    person = await made.contact(phone=PHONE)
    await write(database, organization[0], "one", "stop")
    with statements(database) as sent:
        await api.get(f"/contacts/{person.id}/conversation")
    assert await scans_without_index(database, [each for each in sent if "inbound_message" in each[0]]) == []


def answer(**fields: Any) -> Consent:
    return Consent(org_id=uuid4(), contact_id=uuid4(), **fields)


@pytest.mark.parametrize(
    ("fields", "channel", "sentence"),
    [
        ({"state": ConsentState.OPTED_OUT}, None, "opted out of everything, recorded by hand or by the API"),
        ({"state": ConsentState.OPTED_IN, "medium": "sms"}, None, "opted in to messages by sms, recorded by hand or by the API"),
        (
            {"state": ConsentState.OPTED_OUT, "medium": "email", "message_kind": "marketing"},
            "news",
            "opted out of marketing messages by the channel 'news', recorded by hand or by the API",
        ),
        (
            {"state": ConsentState.UNKNOWN, "message_kind": "marketing"},
            None,
            "took back the answer about marketing messages, recorded by hand or by the API",
        ),
    ],
)
def test_an_answer_is_told_in_plain_english(fields: dict[str, Any], channel: str | None, sentence: str) -> None:
    assert consent_sentence(answer(source=ConsentSource.API, **fields), channel) == sentence


@pytest.mark.parametrize("source", ConsentSource)
@pytest.mark.parametrize("state", ConsentState)
def test_each_state_and_source_has_words(state: ConsentState, source: ConsentSource) -> None:
    assert consent_sentence(answer(state=state, source=source), None)
