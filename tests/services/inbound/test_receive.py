"""Inbound messages on a real PostgreSQL: each once, with what follows from the words, and one confirmation."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from models.base import now
from models.channels.channel import Channel, channels_by_name
from models.consent.consent import ConsentSource, ConsentState
from models.consent.suppression import SuppressionReason
from models.database import Database
from models.inbound.inbound_message import InboundMeaning, InboundMessage
from models.organizations.organization import create_organization
from models.sequences.sequence import Sequence as SequenceTable
from services.consent.opt_out import OPTED_OUT, Scope, record_consent
from services.consent.suppress import suppress
from services.inbound.receive import REPLIED, Inbound, receive
from tests.clicks import rows
from tests.sending import Sending

PHONE = "+4915112345678"


@pytest.fixture
async def channel(simulated: Sending) -> Channel:
    return await channel_named(simulated, "simulator-sms")


async def channel_named(sending: Sending, name: str) -> Channel:
    async with sending.database.transaction() as session:
        return (await channels_by_name(session, sending.org_id))[name]


def text(body: str, provider_id: str = "SM1", sender: str = PHONE, **fields: Any) -> Inbound:
    return Inbound(sender, "+15550100", body, provider_id, **fields)


async def consents(database: Database) -> list[tuple[Any, ...]]:
    return await rows(database, "SELECT state, medium, channel_id, source FROM consent ORDER BY given_at, id")


async def test_a_message_that_is_handed_over_many_times_is_one_row_and_one_answer(
    database: Database, channel: Channel, simulated: Sending
) -> None:
    await simulated.contacts(phone=PHONE)
    answers = await asyncio.gather(*(receive(database, channel, text("STOP"), None) for _ in range(8)))
    assert sum(each.answer is not None for each in answers) == 1
    assert sum(each.repeated for each in answers) == 7
    assert len(await consents(database)) == 1
    assert await rows(database, "SELECT count(*) FROM inbound_message") == [1]


@pytest.mark.parametrize(
    ("scope", "whose"), [("everything", "from us."), ("medium", "from us."), ("channel", "from this number.")]
)
async def test_the_confirmation_says_how_far_the_opt_out_goes(
    database: Database, channel: Channel, simulated: Sending, scope: str, whose: str
) -> None:
    await simulated.change(simulated.organization, opt_out_scope=scope)
    await simulated.contacts(phone=PHONE)
    answer = (await receive(database, channel, text("STOP"), None)).answer
    assert answer is not None
    assert f"no more messages {whose}" in answer


async def test_a_stop_opts_out_of_everything_by_default_and_is_confirmed(
    database: Database, channel: Channel, simulated: Sending
) -> None:
    (contact,) = await simulated.contacts(phone=PHONE)
    received = await receive(database, channel, text("Stop, please!"), None)
    assert received.meaning == InboundMeaning.STOP
    assert received.answer is not None
    assert "Test organization" in received.answer
    assert await consents(database) == [("opted_out", None, None, "sms_word")]
    assert await rows(database, "SELECT contact_id, meaning, answer FROM inbound_message") == [
        (contact.id, "stop", received.answer)
    ]


async def test_a_word_that_the_provider_knows_counts_and_is_not_answered_again(
    database: Database, channel: Channel, simulated: Sending
) -> None:
    """Such as a word of a language that nobody has told us."""
    await simulated.contacts(phone=PHONE)
    received = await receive(database, channel, text("Basta cosi", meaning=InboundMeaning.STOP), None)
    assert (received.meaning, received.answer) == (InboundMeaning.STOP, None)
    assert await consents(database) == [("opted_out", None, None, "sms_word")]


@pytest.mark.parametrize(("scope", "covers"), [("medium", ("sms", None)), ("channel", ("sms", "its own"))])
async def test_a_setting_says_how_much_a_stop_covers(
    database: Database, channel: Channel, simulated: Sending, scope: str, covers: tuple[str, str | None]
) -> None:
    await simulated.change(simulated.organization, opt_out_scope=scope)
    await simulated.contacts(phone=PHONE)
    await receive(database, channel, text("STOP"), None)
    expected = (covers[0], channel.id if covers[1] else None)
    assert await consents(database) == [("opted_out", *expected, "sms_word")]


async def test_the_number_of_the_sender_is_found_however_the_provider_writes_it(
    database: Database, channel: Channel, simulated: Sending
) -> None:
    (contact,) = await simulated.contacts(phone=PHONE)
    await receive(database, channel, text("hello", sender="+49 (151) 1234-5678"), None)
    assert await rows(database, "SELECT contact_id FROM inbound_message") == [contact.id]


@pytest.mark.parametrize(
    ("sender", "fields"),
    [
        ("4915112345678", {}),
        ("+ 49 151 12345678", {}),
        ("004915112345678", {}),
        ("whatsapp:+4915112345678", {}),
        ("+whatsapp:4915112345678", {}),
        ("sip:+4915112345678@provider.example", {}),
        ("015112345678", {"country": "DE"}),
        ("+015112345678", {"country": "DE"}),
        ("15112345678", {"country": "DE"}),
    ],
)
@pytest.mark.parametrize("known", [True, False])
async def test_a_stop_holds_however_the_provider_writes_the_sender(
    database: Database, channel: Channel, simulated: Sending, sender: str, fields: dict[str, str], known: bool
) -> None:
    if known:
        await simulated.contacts(phone=PHONE)
    assert (await receive(database, channel, text("STOP", sender=sender, **fields), None)).answer is not None
    assert [each[0] for each in await consents(database)] == (["opted_out"] if known else [])
    assert (PHONE in await rows(database, "SELECT address FROM suppression")) != known
    assert (await receive(database, channel, text("START", "SM2", sender=sender, **fields), None)).answer is not None
    assert await rows(database, "SELECT count(*) FROM suppression WHERE lifted_at IS NULL") == [0]


@pytest.mark.parametrize("ours", ["+4930123456", "4930123456"])
async def test_a_number_without_a_country_code_is_dialled_in_the_country_of_our_own(
    database: Database, channel: Channel, simulated: Sending, ours: str
) -> None:
    await simulated.contacts(phone=PHONE)
    await receive(database, channel, Inbound("015112345678", ours, "STOP", "SM1"), None)
    assert [each[0] for each in await consents(database)] == ["opted_out"]


@pytest.mark.parametrize("sender", ["BANK", "12345", "015112345678", ""])
@pytest.mark.parametrize("word", ["STOP", "START"])
async def test_a_sender_whom_nobody_can_be_is_told_nothing(
    database: Database, channel: Channel, simulated: Sending, sender: str, word: str
) -> None:
    received = await receive(database, channel, Inbound(sender, "80000", word, "SM1"), None)
    assert received.answer is None
    assert await rows(database, "SELECT count(*) FROM suppression") == [0]
    assert await rows(database, "SELECT from_address FROM inbound_message") == [sender]


@pytest.mark.parametrize(
    "sender",
    ["Ada <Ada@example.com>", "<ada@example.com>", "mailto:ada@example.com", "ada@example.com (Ada)", '"A <3" <ada@example.com>'],
)
async def test_a_stop_by_e_mail_holds_however_the_sender_is_written(database: Database, simulated: Sending, sender: str) -> None:
    mail = await channel_named(simulated, "simulator-email")
    await simulated.contacts(email="ada@example.com")
    await receive(database, mail, Inbound(sender, None, "STOP", "m1"), None)
    assert [each[0] for each in await consents(database)] == ["opted_out"]


async def test_a_second_word_within_five_minutes_is_not_confirmed_again_and_another_word_is(
    database: Database, channel: Channel, simulated: Sending
) -> None:
    await simulated.contacts(phone=PHONE)
    bodies = ["STOP", "stop!", "START", "STOP", "HELP", "help"]
    answers = [(await receive(database, channel, text(body, f"SM{place}"), None)).answer for place, body in enumerate(bodies)]
    assert [each is not None for each in answers] == [True, False, True, False, True, False]
    assert [each[0] for each in await consents(database)] == ["opted_out", "opted_out", "opted_in", "opted_out"]


async def test_after_five_minutes_a_word_is_confirmed_again(database: Database, channel: Channel, simulated: Sending) -> None:
    await simulated.contacts(phone=PHONE)
    await receive(database, channel, text("STOP"), None)
    async with database.transaction() as session:
        await session.execute(update(InboundMessage).values(received_at=now() - timedelta(minutes=6)))
    assert (await receive(database, channel, text("STOP", "SM2"), None)).answer is not None


async def test_a_word_that_comes_late_counts_and_is_not_confirmed(
    database: Database, channel: Channel, simulated: Sending
) -> None:
    await simulated.contacts(phone=PHONE)
    late = now() - timedelta(minutes=6)
    assert (await receive(database, channel, text("STOP", received_at=late), None)).answer is None
    assert len(await consents(database)) == 1


async def test_nobody_is_answered_when_the_provider_answers(database: Database, channel: Channel, simulated: Sending) -> None:
    await simulated.change(simulated.organization, answers_words="by_provider")
    await simulated.contacts(phone=PHONE)
    assert (await receive(database, channel, text("STOP"), None)).answer is None
    assert (await receive(database, channel, text("HELP", "SM2"), None)).answer is None
    assert [each[0] for each in await consents(database)] == ["opted_out"]


async def test_a_stop_of_a_stranger_suppresses_the_number_and_a_start_lifts_it(
    database: Database, channel: Channel, simulated: Sending
) -> None:
    assert (await receive(database, channel, text("STOP"), None)).answer is not None
    assert await rows(database, "SELECT address, reason, lifted_at IS NULL FROM suppression") == [(PHONE, "opted_out", True)]
    assert (await receive(database, channel, text("START", "SM2"), None)).answer is not None
    assert await rows(database, "SELECT lifted_at IS NULL FROM suppression") == [False]
    assert (await receive(database, channel, text("YES", "SM3"), None)).answer is None


async def test_a_start_does_not_lift_the_suppression_of_a_number_that_bounced(
    database: Database, channel: Channel, simulated: Sending
) -> None:
    await simulated.contacts(phone=PHONE)
    async with database.transaction() as session:
        assert await suppress(session, simulated.org_id, "sms", PHONE, SuppressionReason.BOUNCE)
    await receive(database, channel, text("START"), None)
    assert await rows(database, "SELECT lifted_at IS NULL FROM suppression") == [True]


async def test_a_start_by_text_message_says_nothing_about_e_mail(
    database: Database, channel: Channel, simulated: Sending
) -> None:
    await simulated.contacts(phone=PHONE)
    await receive(database, channel, text("STOP"), None)
    await receive(database, channel, text("START", "SM2"), None)
    assert await consents(database) == [("opted_out", None, None, "sms_word"), ("opted_in", "sms", None, "sms_word")]


async def test_a_stop_whose_text_is_older_than_an_opt_in_still_counts(
    database: Database, channel: Channel, simulated: Sending
) -> None:
    (contact,) = await simulated.contacts(phone=PHONE)
    async with database.transaction() as session:
        await record_consent(session, simulated.org_id, [contact.id], ConsentState.OPTED_IN, Scope(), ConsentSource.API)
    await receive(database, channel, text("STOP", received_at=now() - timedelta(minutes=1)), None)
    assert [each[0] for each in await consents(database)] == ["opted_in", "opted_out"]


async def test_a_text_that_looks_like_a_refusal_is_held_and_writes_no_consent(
    database: Database, channel: Channel, simulated: Sending
) -> None:
    await simulated.contacts(phone=PHONE)
    received = await receive(database, channel, text("please stop texting me"), None)
    assert (received.meaning, received.answer) == (InboundMeaning.PERHAPS_REFUSAL, None)
    assert await consents(database) == []
    assert await rows(database, "SELECT meaning, decided_at FROM inbound_message") == [("perhaps_refusal", None)]


async def test_a_reply_names_the_newest_message_and_is_counted_once(
    database: Database, channel: Channel, simulated: Sending
) -> None:
    (contact,) = await simulated.contacts(phone=PHONE)
    await simulated.send_step(await simulated.enrollment(contact))
    message = await simulated.message()
    for _ in range(2):
        await receive(database, channel, text("Thank you"), None)
    assert await rows(database, "SELECT message_id, contact_id FROM inbound_message") == [(message.id, contact.id)]
    assert await rows(database, "SELECT report FROM message") == ["replied"]
    assert await rows(database, "SELECT kind FROM message_report") == ["replied"]


@pytest.mark.parametrize("word", ["STOP", "START", "HELP"])
async def test_a_word_is_no_reply(database: Database, channel: Channel, simulated: Sending, word: str) -> None:
    (contact,) = await simulated.contacts(phone=PHONE)
    await simulated.send_step(await simulated.enrollment(contact))
    await receive(database, channel, text(word), None)
    assert await rows(database, "SELECT report FROM message") == [None]


async def test_a_stop_stops_the_enrollments_that_it_covers(database: Database, channel: Channel, simulated: Sending) -> None:
    (contact,) = await simulated.contacts(phone=PHONE)
    leaves, stays = [await simulated.enrollment(contact) for _ in range(2)]
    async with database.transaction() as session:
        (await session.get_one(SequenceTable, stays.sequence_id)).leave_on_opt_out = False
    await receive(database, channel, text("STOP"), None)
    assert await rows(database, "SELECT id, stop_reason FROM enrollment WHERE stop_requested_at IS NOT NULL") == [
        (leaves.id, OPTED_OUT)
    ]
    assert await rows(database, "SELECT enrollment_id, kind FROM command") == [(leaves.id, "stop")]


async def test_a_reply_ends_the_sequences_that_say_so_and_have_written(
    database: Database, channel: Channel, simulated: Sending
) -> None:
    (contact,) = await simulated.contacts(phone=PHONE)
    ends, has_not_written, goes_on = [await simulated.enrollment(contact) for _ in range(3)]
    for each in (ends, goes_on):
        await simulated.send_step(each)
    async with database.transaction() as session:
        for each in (ends, has_not_written):
            (await session.get_one(SequenceTable, each.sequence_id)).end_on_reply = True
    await receive(database, channel, text("I am interested, call me"), None)
    assert await rows(database, "SELECT id, stop_reason FROM enrollment WHERE stop_requested_at IS NOT NULL") == [
        (ends.id, REPLIED)
    ]


async def test_a_call_for_help_ends_nothing(database: Database, channel: Channel, simulated: Sending) -> None:
    (contact,) = await simulated.contacts(phone=PHONE)
    enrollment = await simulated.enrollment(contact)
    await simulated.send_step(enrollment)
    async with database.transaction() as session:
        (await session.get_one(SequenceTable, enrollment.sequence_id)).end_on_reply = True
    await receive(database, channel, text("HELP"), None)
    assert await rows(database, "SELECT count(*) FROM command") == [0]


async def test_contacts_of_another_organization_with_this_number_hear_nothing(
    database: Database, channel: Channel, simulated: Sending
) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    theirs = Sending(database, other)
    (contact,) = await theirs.contacts(phone=PHONE)
    await theirs.enrollment(contact)
    await receive(database, channel, text("STOP"), None)
    assert await consents(database) == []
    assert await rows(database, "SELECT count(*) FROM command") == [0]
    assert await rows(database, "SELECT org_id FROM suppression") == [simulated.org_id]


async def test_a_reply_by_e_mail_is_a_word_only_when_it_stands_alone(database: Database, simulated: Sending) -> None:
    mail = await channel_named(simulated, "simulator-email")
    await simulated.contacts(email="ada@example.com")
    quoting = "Thanks!\n> Hello Ada\n> unsubscribe here"
    first = await receive(database, mail, Inbound("Ada@Example.com", None, quoting, "m1"), None)
    second = await receive(database, mail, Inbound("ada@example.com", None, "Unsubscribe", "m2"), None)
    assert (first.meaning, second.meaning, second.answer) == (InboundMeaning.REPLY, InboundMeaning.STOP, None)
    assert [each[0] for each in await consents(database)] == ["opted_out"]


@pytest.mark.parametrize("body", ["\x00stop\x00", "a" * 100_000, "\ud800", ""])
async def test_any_body_can_be_kept(database: Database, channel: Channel, body: str) -> None:
    await receive(database, channel, text(body, provider_id="x" * 5_000, sender="BANK\x00"), None)
    assert await rows(database, "SELECT length(body) <= 20000, length(provider_id) FROM inbound_message") == [(True, 320)]
