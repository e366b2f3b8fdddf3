"""After an erasure nothing in any table says who the person was, counters equal rows, and nothing more is sent."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from temporalio.client import Client
from temporalio.service import RPCError

from activities.record_clicks import RecordClicks
from models.base import new_id, now
from models.channels.channel import Channel, Medium, channels_by_name
from models.channels.simulator_inbox import SimulatorInbox
from models.clicks.inbox import ClickInbox
from models.consent import obstacles
from models.consent.consent import ConsentSource, ConsentState
from models.consent.suppression import SuppressionReason
from models.contacts.change_many import ChangeResult, ContactChange, change_contacts
from models.contacts.contact import Contact
from models.contacts.imports import ContactImport, ImportState
from models.contacts.input import ContactInput
from models.contacts.personal_data import WHY
from models.contacts.upsert import create_contact
from models.database import Database
from models.errors import NotFound
from models.inbound.inbound_message import InboundMeaning, InboundMessage
from models.messages.content import PersonalLink
from models.messages.message import Message, MessageState
from models.messages.report import MessageReport, ReportKind
from models.organizations.idempotency import IdempotencyKey
from models.organizations.organization import create_organization
from models.reconcile.reconcile import compare
from models.sequences.enroll import EnrollResult, enroll, published_target
from models.sequences.enroll import Person as EnrollPerson
from models.sequences.event import EventKind
from models.wire.clicks import RecorderInput
from models.wire.names import enrollment_workflow_id
from services.clicks.geo_locations import GeoLocations
from services.consent.opt_out import EVERYTHING, Scope, record_consent
from services.consent.suppress import suppress
from services.contacts.erase import Receipt, erase_contact
from temporal_client import DATA_CONVERTER
from tests.clicks import assert_counters_equal_rows, rows
from tests.rows import Rows
from tests.sending import Provider, Sending

MAIL, PHONE = "canary@example.com", "+4915100000777"
WORDS = {"external_id": "canary-1", "first_name": "Canary", "last_name": "Finch", "email": MAIL, "phone": PHONE}
CANARY = "canary"
"""Each text about the person has this word."""


class Person:
    """A contact about whom every table knows something."""

    def __init__(self, made: Rows, contact: Contact, message: Message, enrollment_id: UUID) -> None:
        self.made, self.contact, self.message, self.enrollment_id = made, contact, message, enrollment_id


@pytest.fixture
async def person(made: Rows, database: Database) -> Person:
    contact = await made.contact(**WORDS, tags=["canary"], properties={"pet": "canary"}, time_zone="Europe/London")
    campaign = await made.campaign()
    texts: dict[str, Any] = {
        "to_address": PHONE,
        "subject": "canary",
        "body": "Hello Canary",
        "html": "canary",
        "provider_id": "canary-9",
    }
    texts["unsubscribe_url"] = "https://l.test/unsubscribe/canary"
    message = await made.message(campaign.content_id, contact, **texts)
    await made.message((await made.campaign()).content_id, contact, MessageState.PLANNED, body="canary", to_address=PHONE)
    await made.click(message)
    await made.trigger([campaign.content_id])
    await made.click(message)
    sequence = await made.sequence()
    enrollment = await made.enrollment(
        sequence, contact, variables={"topic": "canary"}, stop_reason="canary asked", step_run=1, step_key="hello"
    )
    await made.step_run(enrollment, 1, "hello")
    await made.event(enrollment, EventKind.ENROLLED, 0, canary="canary")
    await _more(made, database, contact, message)
    return Person(made, contact, message, enrollment.id)


WRITTEN = """
UPDATE firing SET last_error = 'canary';
UPDATE firing_action SET detail = '{"canary": "canary"}', reason = 'a canary';
"""


async def _more(made: Rows, database: Database, contact: Contact, message: Message) -> None:
    about: dict[str, Any] = {"org_id": made.org_id, "contact_id": contact.id}
    place: dict[str, Any] = {"content_id": message.content_id, "recipient_number": message.recipient_number}
    wrote: dict[str, Any] = {
        "channel_id": message.channel_id,
        "from_address": PHONE,
        "body": "canary",
        "meaning": InboundMeaning.REPLY,
    }
    fault: dict[str, Any] = {"line": 2, "field": "email", "message": "canary", "contact_id": str(contact.id)}
    clicked: dict[str, Any] = {
        "position": 0,
        "clicked_at": now(),
        "verdict": "human",
        "reason": "person",
        "ip": "1.2.3.4",
        "user_agent": "canary",
    }
    async with database.transaction() as session:
        session.add_all(
            [
                PersonalLink(**place, position=3, url="https://example.com/canary"),
                SimulatorInbox(channel_id=message.channel_id, message_id=message.id, to_address=PHONE, body="canary"),
                InboundMessage(**about, **wrote, provider_id="1"),
                InboundMessage(org_id=made.org_id, **wrote, provider_id="2"),
                MessageReport(
                    org_id=made.org_id,
                    message_id=message.id,
                    kind=ReportKind.BOUNCED,
                    event_key="e",
                    detail="canary is full",
                    reported_at=now(),
                ),
                IdempotencyKey(org_id=made.org_id, key="k", request_hash=b"", status=201, body=f'{{"email":"{MAIL}"}}'.encode()),
                ContactImport(org_id=made.org_id, csv="", total=1, state=ImportState.COMPLETED, errors=[fault]),
                ClickInbox(id=new_id(), org_id=made.org_id, **place, **clicked),
            ]
        )
        await record_consent(
            session, made.org_id, [contact.id], ConsentState.OPTED_OUT, EVERYTHING, ConsentSource.API, reason="canary said so"
        )
        for statement in filter(str.strip, WRITTEN.split(";")):
            await session.execute(text(statement))


async def erase(person: Person, temporal: Client) -> Receipt:
    return await erase_contact(person.made.database, temporal, person.made.org_id, person.contact.id)


async def tables_with(database: Database, *words: str) -> set[str]:
    """The tables with a row in whose text one of these occurs."""
    tables = await rows(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = set()
    for table in tables:
        everything = await rows(database, f'SELECT t::text FROM "{table}" t')  # noqa: S608 # names from the catalogue
        hexed = [word.encode().hex() for word in words]
        found |= {table for row in everything for word in (*words, *hexed) if word.lower() in row.lower()}
    return found


async def test_no_table_says_any_more_who_it_was(person: Person, database: Database, temporal: Client) -> None:
    before = await tables_with(database, CANARY, PHONE)
    assert before >= {"contact", "contact_tag", "message", "event", "enrollment", "inbound_message", "simulator_inbox"}
    receipt = await erase(person, temporal)
    assert await tables_with(database, CANARY, PHONE, "Finch", "1.2.3.4") == set()
    removed = {each.table: each.rows for each in receipt.removed}
    assert (removed["message"], removed["inbound_message"], removed["contact"], removed["simulator_inbox"]) == (2, 2, 1, 1)
    assert receipt.unfinished == []


async def test_counters_stay_and_equal_the_rows(person: Person, database: Database, temporal: Client) -> None:
    counts = "SELECT content_id, state, sum(messages) FROM message_count GROUP BY 1, 2 ORDER BY 1, 2"
    series = "SELECT sum(clicks), sum(people) FROM click_series WHERE scope <> 'organization'"
    people = await rows(database, series)
    await erase(person, temporal)
    await assert_counters_equal_rows(database)
    assert (await compare(database)).equal
    assert await rows(database, series) == people
    assert [state for _, state, messages in await rows(database, counts) if messages] == ["accepted", "skipped"]
    values = await rows(database, "SELECT DISTINCT dimension, value FROM click_by WHERE value <> ''")
    assert values == []


async def test_asking_again_removes_nothing_more_and_keeps_the_time(person: Person, temporal: Client) -> None:
    first = await erase(person, temporal)
    again = await erase(person, temporal)
    assert again.erased_at == first.erased_at
    assert {each.table: each.rows for each in again.removed if each.rows} == {}


async def test_a_running_enrollment_ends_and_its_run_is_deleted_from_temporal(
    person: Person, database: Database, temporal: Client
) -> None:
    workflow_id = enrollment_workflow_id(person.enrollment_id)
    await temporal.start_workflow("NobodyRunsThis", id=workflow_id, task_queue="nobody")
    receipt = await erase(person, temporal)
    assert receipt.temporal_runs == 1
    async with asyncio.timeout(30):
        while await exists(temporal, workflow_id):  # noqa: ASYNC110 # Temporal deletes in the background
            await asyncio.sleep(0.05)
    state = "SELECT state, outcome, stop_reason, finished_at IS NOT NULL FROM enrollment"
    assert await rows(database, state) == [("stopped", WHY, WHY, True)]


async def exists(temporal: Client, workflow_id: str) -> bool:
    try:
        await temporal.get_workflow_handle(workflow_id).describe()
    except RPCError:
        return False
    return True


async def test_with_temporal_away_the_receipt_says_what_is_left(person: Person, database: Database) -> None:
    away = await Client.connect("127.0.0.1:1", lazy=True, data_converter=DATA_CONVERTER)
    receipt = await erase(person, away)
    assert "ask again" in receipt.unfinished[0]
    assert await tables_with(database, CANARY) == set()


async def test_another_contact_and_another_organization_lose_nothing(
    person: Person, database: Database, temporal: Client
) -> None:
    other = await person.made.contact(email="other@example.com", first_name="Other")
    message = await person.made.message(person.message.content_id, other, body="Hello Other", to_address="other@example.com")
    await person.made.click(message)
    await erase(person, temporal)
    texts = await rows(database, "SELECT body FROM message WHERE contact_id = :id", id=other.id)
    assert texts == ["Hello Other"]
    assert await rows(database, "SELECT city FROM click_metadata") == ["Berlin"]
    assert (await compare(database)).equal
    async with database.transaction() as session:
        stranger, _ = await create_organization(session, "Stranger")
    with pytest.raises(NotFound):
        await erase_contact(database, temporal, stranger.id, other.id)


async def test_who_wanted_no_messages_gets_none_when_an_import_brings_the_address_back(
    person: Person, database: Database, temporal: Client
) -> None:
    await erase(person, temporal)
    stays = "SELECT medium, address, reason FROM suppression ORDER BY medium"
    assert await rows(database, stays) == [("email", None, "opted_out"), ("sms", None, "opted_out")]
    async with database.transaction() as session:
        channel = (await channels_by_name(session, person.made.org_id))["simulator-sms"]
        back = await create_contact(session, person.made.org_id, ContactInput(phone=PHONE))
        found = await obstacles.read(session, channel, "marketing", {back.id: PHONE})
    assert found[back.id].suppressed == "opted_out"


KINDS = ["marketing", "transactional"]


@pytest.mark.parametrize(
    ("refused", "by_channel", "suppressed"),
    [
        (Scope("sms", None, "marketing"), False, ["marketing"]),
        (Scope("sms", None, "transactional"), False, ["transactional"]),
        (Scope("sms"), True, KINDS),
        (Scope("email", None, "marketing"), False, []),
    ],
)
async def test_what_was_refused_stays_refused_and_nothing_else(
    made: Rows, database: Database, temporal: Client, refused: Scope, by_channel: bool, suppressed: list[str]
) -> None:
    contact = await made.contact(phone=PHONE, email=MAIL)
    async with database.transaction() as session:
        channels = await channels_by_name(session, made.org_id)
        channel = channels["simulator-sms"]
        other = Channel(org_id=made.org_id, name="other", kind=channel.kind, medium=Medium.SMS, config=channel.config)
        session.add(other)
        scope = replace(refused, channel_id=channel.id) if by_channel else refused
        await record_consent(session, made.org_id, [contact.id], ConsentState.OPTED_OUT, scope, ConsentSource.PREFERENCE_PAGE)
    await erase_contact(database, temporal, made.org_id, contact.id)
    assert await tables_with(database, PHONE) == set()
    async with database.transaction() as session:
        back = await create_contact(session, made.org_id, ContactInput(phone=PHONE))
        for each, expected in ((channel, suppressed), (other, [] if by_channel else suppressed)):
            found = [kind for kind in KINDS if (await obstacles.read(session, each, kind, {back.id: PHONE}))[back.id].suppressed]
            assert found == expected


async def test_a_click_afterwards_is_counted_without_the_person(person: Person, database: Database, temporal: Client) -> None:
    await erase(person, temporal)
    before = await rows(database, "SELECT sum(clicks), sum(people) FROM click_series WHERE scope <> 'organization'")
    place: dict[str, Any] = {
        "content_id": person.message.content_id,
        "recipient_number": person.message.recipient_number,
        "position": 0,
    }
    click: dict[str, Any] = {
        "clicked_at": now(),
        "verdict": "human",
        "reason": "person",
        "ip": "81.2.69.160",
        "user_agent": "canary",
    }
    async with database.transaction() as session:
        session.add(ClickInbox(id=new_id(), org_id=person.made.org_id, **place, **click))
    await RecordClicks(database, GeoLocations()).record_clicks(RecorderInput(shard=0, shards=1))
    ((clicks, people),) = await rows(database, "SELECT sum(clicks), sum(people) FROM click_series WHERE scope <> 'organization'")
    assert (clicks, people) == (before[0][0] + 2, before[0][1])  # with the one that had waited in the inbox
    assert await rows(database, "SELECT click_id FROM click_metadata") == []
    assert await tables_with(database, CANARY) == set()
    assert (await compare(database)).equal


@pytest.mark.parametrize("erased_first", [True, False])
async def test_a_message_that_was_written_before_is_not_kept(
    sending: Sending,
    provider: Provider,
    database: Database,
    temporal: Client,
    monkeypatch: pytest.MonkeyPatch,
    erased_first: bool,
) -> None:
    """A page has composed the message with the address, and the person is erased before it is claimed."""
    (contact,) = await sending.contacts(first_name="Canary")
    campaign = await sending.campaign()
    composing = sending.pages._composing.compose

    async def compose(*given: Any, **more: Any) -> Any:
        composed = await composing(*given, **more)
        if not erased_first:
            await erase_contact(database, temporal, sending.org_id, contact.id)
        return composed

    if erased_first:
        await erase_contact(database, temporal, sending.org_id, contact.id)
    monkeypatch.setattr(sending.pages._composing, "compose", compose)
    await sending.send_page(campaign)
    assert provider.taken == []
    assert await tables_with(database, CANARY) == set()
    reasons = await rows(database, "SELECT state, reason FROM message")
    assert reasons == ([] if erased_first else [("skipped", "contact_erased")])


async def test_an_erased_person_enters_no_sequence(person: Person, database: Database, temporal: Client) -> None:
    await erase(person, temporal)
    sequence = await person.made.sequence()
    async with database.transaction() as session:
        into = await published_target(session, person.made.org_id, sequence.id)
        assert into is not None
        (result,) = await enroll(session, into, [EnrollPerson(person.contact.id)])
    assert result.result == EnrollResult.UNKNOWN_CONTACT


async def test_a_trigger_or_a_step_that_comes_later_writes_nothing_about_the_person(
    person: Person, database: Database, temporal: Client
) -> None:
    await erase(person, temporal)
    async with database.transaction() as session:
        change = ContactChange(tags_add=["canary"], fields={"first_name": "Canary"})
        results = await change_contacts(session, person.made.org_id, [person.contact.id], change)
    assert results == {person.contact.id: ChangeResult.UNKNOWN_CONTACT}
    assert await tables_with(database, CANARY) == set()


async def test_an_address_that_is_refused_when_its_person_was_erased_meanwhile_is_kept_as_a_hash(
    person: Person, database: Database, temporal: Client
) -> None:
    await erase(person, temporal)
    async with database.transaction() as session:
        about: dict[str, Any] = {"detail": f"{MAIL} is unknown", "message_id": person.message.id}
        reason = SuppressionReason.PROVIDER
        new = await suppress(session, person.made.org_id, "sms", "+4915100000778", reason, **about, contact_id=person.contact.id)
    assert new
    assert await tables_with(database, CANARY, "+4915100000778") == set()


async def test_an_address_that_the_person_had_before_goes_too(person: Person, database: Database, temporal: Client) -> None:
    """Once it is known by the message that suppressed it, and once by a message that went to it."""
    async with database.transaction() as session:
        (await session.get_one(Message, person.message.id)).to_address = "canary-old@example.com"
        about: dict[str, Any] = {"message_id": person.message.id}
        await suppress(session, person.made.org_id, "email", "canary-older@example.com", SuppressionReason.BOUNCE, **about)
        await suppress(session, person.made.org_id, "sms", "canary-old@example.com", SuppressionReason.MANUAL)
        session.add(IdempotencyKey(org_id=person.made.org_id, key="x", request_hash=b"", body=b"canary-old@example.com"))
    await erase(person, temporal)
    assert await tables_with(database, CANARY) == set()


async def test_an_answer_about_consent_that_names_only_its_own_row_goes_too(
    person: Person, database: Database, temporal: Client
) -> None:
    (consent_id,) = await rows(database, "SELECT id FROM consent WHERE contact_id = :id", id=person.contact.id)
    async with database.transaction() as session:
        body = f'{{"id":"{consent_id}","reason":"canary said so"}}'.encode()
        session.add(IdempotencyKey(org_id=person.made.org_id, key="consent", request_hash=b"", status=201, body=body))
    await erase(person, temporal)
    assert await tables_with(database, CANARY) == set()
