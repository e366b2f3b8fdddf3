"""Pages of what holds long texts: a page ends when they are enough, and nobody waits while it is written."""

import re
import time
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import SQLModel

from models.base import new_id
from models.channels.channel import Channel, ChannelKind, Medium
from models.channels.simulator_inbox import SimulatorInbox
from models.contacts.contact import Contact
from models.contacts.imports import ContactImport, ImportState
from models.database import Database
from models.inbound.inbound_message import InboundMessage
from models.organizations.organization import Organization
from models.paging import MOST_BYTES
from models.segments.segment import Segment
from tests.builders import Caller
from tests.plans import statements
from tests.rows import Rows

LONG = "é" * 100_000
"""Of 200,000 bytes."""
LONG_COLUMNS = {"*", "sequence.draft", "sequence_version.definition", "message.body", "message.html"}
COUNT = 60
"""More than fit into three pages."""


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def save(rows: Rows, *made: SQLModel) -> None:
    async with rows.database.transaction() as session:
        session.add_all(made)


async def channel_of(api: Caller, name: str) -> UUID:
    return next(UUID(each["id"]) for each in (await api.get("/channels")).json()["items"] if each["name"] == name)


async def pages(api: Caller, path: str, **query: str) -> list[list[Any]]:
    found: list[list[Any]] = []
    cursor = None
    while not found or cursor:
        answer = await api.get(path, params={"limit": 500, **query, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        assert len(answer.content) < MOST_BYTES * 1.5
        found.append([each["id"] for each in answer.json()["items"]])
        cursor = answer.json()["next_cursor"]
    return found


async def whole(api: Caller, path: str, **query: str) -> None:
    found = await pages(api, path, **query)
    ids = [each for page in found for each in page]
    assert (len(ids), len({*ids})) == (COUNT, COUNT)
    assert ids == sorted(ids, reverse=True)
    assert 3 <= len(found) <= COUNT / 2


async def test_a_page_of_campaigns_ends_when_their_texts_are_long(api: Caller, rows: Rows) -> None:
    message = {"kind": "marketing", "subject": "Hello", "body": "Hello", "html": LONG, "links": {}}
    for _ in range(COUNT):
        await rows.campaign(message=message)
    await whole(api, "/campaigns")


async def test_a_page_of_contacts_ends_when_their_properties_are_many(api: Caller, rows: Rows) -> None:
    many = {f"p{number}": number for number in range(1_200)}
    made = [Contact(org_id=rows.org_id, external_id=f"c{number}", tags=["a"], properties=many) for number in range(2 * COUNT)]
    await save(rows, *made)
    segment = Segment(org_id=rows.org_id, name="a", definition={"kind": "tags", "has": "any", "tags": ["a"]})
    await save(rows, segment)
    for path in ("/contacts", "/contacts?tag=a", f"/segments/{segment.id}/contacts"):
        path, _, tag = path.partition("?tag=")
        found = await pages(api, path, **({"tag": tag} if tag else {}))
        assert sorted((each for page in found for each in page), reverse=True) == [each for page in found for each in page]
        assert sum(map(len, found)) == 2 * COUNT
        assert len(found) > 1


async def test_a_page_of_imports_ends_when_their_errors_are_long(api: Caller, rows: Rows) -> None:
    errors = [{"line": 1, "field": "phone", "message": LONG, "contact_id": None}]
    made = (ContactImport(org_id=rows.org_id, csv="", total=1, state=ImportState.COMPLETED, errors=errors) for _ in range(COUNT))
    await save(rows, *made)
    await whole(api, "/contact-imports")


async def test_a_page_of_an_inbox_ends_when_its_texts_are_long(api: Caller, rows: Rows) -> None:
    channel = await channel_of(api, "simulator-email")
    made = (SimulatorInbox(channel_id=channel, message_id=new_id(), to_address="a@b.c", body="", html=LONG) for _ in range(COUNT))
    await save(rows, *made)
    await whole(api, f"/channels/{channel}/inbox")


async def test_a_page_of_channels_ends_when_their_settings_are_long(api: Caller, rows: Rows) -> None:
    kept = (await api.get("/channels")).json()["items"]
    config = {"url": "https://api.example.com/", "body": "{}", "headers": {"X-Long": LONG}}
    made = (
        Channel(org_id=rows.org_id, name=f"c{number}", kind=ChannelKind.HTTP, medium=Medium.SMS, config=config)
        for number in range(COUNT - len(kept))
    )
    await save(rows, *made)
    await whole(api, "/channels")


async def test_a_page_of_segments_ends_when_their_definitions_are_long(api: Caller, rows: Rows) -> None:
    definition = {
        "any": [{"kind": "tags", "tags": [f"{group} {tag}".ljust(64, "x") for tag in range(100)]} for group in range(8)]
    }
    await save(rows, *(Segment(org_id=rows.org_id, name=f"s{number}", definition=definition) for number in range(COUNT)))
    await whole(api, "/segments")


@pytest.mark.parametrize("filtered", [False, True])
async def test_a_page_of_what_people_wrote_ends_when_it_is_long(api: Caller, rows: Rows, filtered: bool) -> None:
    channel = await channel_of(api, "simulator-sms")
    person = await rows.contact()
    made = (
        InboundMessage(
            org_id=rows.org_id, channel_id=channel, contact_id=person.id, from_address="+1", provider_id=f"{n}", body=LONG
        )
        for n in range(COUNT)
    )
    await save(rows, *made)
    await whole(api, "/inbound-messages", **({"contact_id": str(person.id)} if filtered else {}))


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_a_page_of_a_conversation_ends_when_its_texts_are_long(api: Caller, rows: Rows, order: str) -> None:
    person = await rows.contact()
    sent = [await rows.message((await rows.campaign()).content_id, person, body=LONG, html=LONG) for _ in range(25)]
    ids = [str(each.id) for each in sent]
    found = await pages(api, f"/contacts/{person.id}/conversation", order=order)
    assert [each for page in found for each in page] == sorted(ids, reverse=order == "newest")
    assert len(found) >= 3


async def test_a_row_that_is_too_long_for_any_page_has_one_of_its_own(api: Caller, rows: Rows) -> None:
    channel = await channel_of(api, "simulator-email")
    long = "a" * (MOST_BYTES + 1)
    made = (SimulatorInbox(channel_id=channel, message_id=new_id(), to_address="a@b.c", body=text) for text in (long, "", long))
    await save(rows, *made)
    found, cursor = [], None
    for _ in range(3):
        answer = (await api.get(f"/channels/{channel}/inbox", params={"cursor": cursor} if cursor else {})).json()
        found += [len(each["body"]) for each in answer["items"]]
        cursor = answer["next_cursor"]
    assert (found, cursor) == ([MOST_BYTES + 1, 0, MOST_BYTES + 1], None)


async def test_the_links_in_an_inbox_are_found_away_from_the_event_loop(api: Caller, rows: Rows) -> None:
    channel = await channel_of(api, "simulator-email")
    hostile = "<a " * 100_000 + '<a href="https://shop.example/a">'
    await save(rows, SimulatorInbox(channel_id=channel, message_id=new_id(), to_address="a@b.c", body="", html=hostile))
    assert (await api.get(f"/channels/{await channel_of(api, 'simulator-sms')}/inbox")).status_code == 200  # the first one
    started = time.thread_time()
    (item,) = (await api.get(f"/channels/{channel}/inbox")).json()["items"]
    assert time.thread_time() - started < 0.25  # finding them takes half a second
    assert item["links"] in ([], ["https://shop.example/a"])


async def test_lists_that_show_no_texts_read_none(api: Caller, rows: Rows) -> None:
    """Or a page of 500 would bring hundreds of megabytes into memory."""
    sequence, contact = await rows.sequence(), await rows.contact()
    await rows.message(await rows.content_of_step(sequence, "hello"), contact)
    with statements(rows.database) as sent:
        for path in ("/sequences", f"/sequences/{sequence.id}/versions", "/messages", f"/messages?contact_id={contact.id}"):
            answer = await api.get(path)
            assert len(answer.json()["items"]) == 1, answer.text
    read = [re.findall(r"\b(?:sequence|sequence_version|message)\.\w+|\*", each) for each, _ in sent if "ORDER BY" in each]
    assert len(read) == 4
    assert {column for each in read for column in each} & LONG_COLUMNS == set()
