"""The mail server for bounces: what other servers hand over takes effect once, and nothing is lost or taken for somebody else."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiosmtplib
import pytest
from sqlalchemy import select, text
from structlog.testing import capture_logs

from models.base import new_id
from models.consent.consent import Consent
from models.consent.suppression import Suppression
from models.database import Database
from models.messages.message import Message
from models.messages.report import ReportKind
from services.bounces import listener as listening
from services.bounces.listener import BounceListener
from services.bounces.take_mail import MailOutcome, MailTaker
from services.process.few_lines import LINES
from tests.sending import Sending
from tests.services.bounces import samples
from tracking.tokens.verp import MessageAddresses, TokenUse

ADDRESSES = MessageAddresses([b"k" * 32])
MAILBOX = "bounce@shop.example"


class Running:
    def __init__(self, taker: MailTaker, port: int, message: Message) -> None:
        self.taker, self.port, self.message = taker, port, message

    def address(self, use: TokenUse = TokenUse.BOUNCE) -> str:
        return ADDRESSES.address(use, self.message.id, MAILBOX)

    def mail(self, sample: str = samples.POSTFIX, **fields: str) -> str:
        named = {"to": self.address(), "sender": self.address(), "message_id": "x@shop.example", "type": "abuse"}
        reply = {"reply": "550 5.1.1 User unknown", "status": "5.1.1", "action": "failed"}
        return sample.format(**{**named, **reply, **fields})

    async def hand_over(self, mail: str, *recipients: str) -> None:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=self.port, start_tls=False, local_hostname="test")
        async with client:
            await client.sendmail("", list(recipients) or [self.address()], mail.encode())


@pytest.fixture
async def running(sending: Sending) -> AsyncIterator[Running]:
    (contact,) = await sending.contacts()
    await sending.send_step(await sending.enrollment(contact))
    taker = MailTaker(sending.database, ADDRESSES)
    server = BounceListener(taker, ADDRESSES, "127.0.0.1", 0)
    yield Running(taker, await server.start(), await sending.message())
    await server.stop()


async def test_a_bounce_suppresses_the_address_before_its_server_gets_an_answer(running: Running, sending: Sending) -> None:
    await running.hand_over(running.mail())
    async with sending.database.transaction() as session:
        message = await session.get_one(Message, running.message.id)
        suppressed = (await session.scalars(select(Suppression))).one()
    assert (message.report, message.report_code) == (ReportKind.BOUNCED, "5.1.1")
    assert suppressed.address == running.message.to_address
    assert running.taker.outcomes == {(MailOutcome.REPORTED.value,): 1}


async def test_a_bounce_that_is_handed_over_twice_counts_once(running: Running) -> None:
    for _ in range(2):
        await running.hand_over(running.mail())
    assert running.taker.outcomes == {(MailOutcome.REPORTED.value,): 1, (MailOutcome.REPEATED.value,): 1}


async def test_a_complaint_comes_to_a_mailbox_of_its_own_and_names_the_message_in_its_text(
    running: Running, sending: Sending
) -> None:
    await running.hand_over(running.mail(samples.COMPLAINT, to="complaints@shop.example"), "complaints@shop.example")
    async with sending.database.transaction() as session:
        consent = (await session.scalars(select(Consent))).one()
        assert [each.reason for each in await session.scalars(select(Suppression))] == ["complaint"]
    assert (consent.contact_id, consent.state) == (running.message.contact_id, "opted_out")


async def test_a_mail_to_the_address_for_unsubscribing_opts_the_person_out_once(running: Running, sending: Sending) -> None:
    leave = running.address(TokenUse.UNSUBSCRIBE)
    for _ in range(2):
        await running.hand_over(running.mail(samples.LEAVE, to=leave), leave)
    async with sending.database.transaction() as session:
        consent = (await session.scalars(select(Consent))).one()
    assert (consent.contact_id, consent.state, consent.source) == (running.message.contact_id, "opted_out", "unsubscribe_link")
    assert running.taker.outcomes == {(MailOutcome.UNSUBSCRIBED.value,): 2}


@pytest.mark.parametrize("recipient", ["ann@shop.example", "bounce+forged@shop.example", "ann+bounce@shop.example"])
async def test_a_recipient_that_we_have_not_made_is_refused(running: Running, recipient: str) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await running.hand_over(running.mail(), recipient)
    assert refused.value.recipients[0].code == 550


async def test_a_forged_bounce_is_taken_and_changes_nothing(running: Running, sending: Sending) -> None:
    forged = MessageAddresses([b"x" * 32]).address(TokenUse.BOUNCE, running.message.id, MAILBOX)
    await running.hand_over(running.mail(to=forged, sender=forged), "bounce@shop.example")
    async with sending.database.transaction() as session:
        assert (await session.scalars(select(Suppression))).all() == []
    assert running.taker.outcomes == {(MailOutcome.IGNORED.value,): 1}


async def test_mails_of_strangers_do_not_fill_the_log(running: Running) -> None:
    with capture_logs() as lines:
        for number in range(LINES + 5):
            await running.hand_over(f"Subject: {number}\r\n\r\nHello.\r\n", "postmaster@shop.example")
        await running.hand_over(running.mail())
    assert [line["outcome"] for line in lines] == ["ignored"] * LINES + ["reported"]
    assert running.taker.outcomes[MailOutcome.IGNORED.value,] == LINES + 5


async def test_while_the_database_is_away_the_other_server_keeps_the_mail(
    running: Running, sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setattr(running.taker, "_database", away)
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await running.hand_over(running.mail())
    assert refused.value.code == 451
    monkeypatch.setattr(running.taker, "_database", sending.database)
    await running.hand_over(running.mail())
    assert running.taker.outcomes == {(MailOutcome.REPORTED.value,): 1}
    await away.close()


async def test_a_mail_of_a_message_that_is_gone_is_ignored(running: Running, sending: Sending) -> None:
    async with sending.database.transaction() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        await session.execute(text("DELETE FROM message"))
    await running.hand_over(running.mail())
    assert running.taker.outcomes == {(MailOutcome.IGNORED.value,): 1}


async def test_a_mail_that_is_too_large_is_refused(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "MOST_BYTES", 1000)
    with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
        await running.hand_over(running.mail())
    assert refused.value.code == 552


async def test_one_connection_too_many_is_told_to_come_later(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "MOST_CONNECTIONS", 1)
    first = aiosmtplib.SMTP(hostname="127.0.0.1", port=running.port, start_tls=False)
    async with first:
        with pytest.raises(aiosmtplib.SMTPConnectError):
            await running.hand_over(running.mail())
    await running.hand_over(running.mail())
    assert running.taker.outcomes == {(MailOutcome.REPORTED.value,): 1}


async def test_a_client_that_holds_all_of_its_connections_keeps_nobody_else_out(running: Running) -> None:
    async with AsyncExitStack() as held:
        for _ in range(listening.MOST_OF_A_CLIENT):
            await held.enter_async_context(aiosmtplib.SMTP(hostname="127.0.0.1", port=running.port, start_tls=False))
        with pytest.raises(aiosmtplib.SMTPConnectError):
            await running.hand_over(running.mail())
        other = aiosmtplib.SMTP(hostname="127.0.0.1", port=running.port, start_tls=False, source_address=("127.0.0.2", 0))
        async with other:
            await other.sendmail("", [running.address()], running.mail().encode())
    await running.hand_over(running.mail())
    assert running.taker.outcomes == {(MailOutcome.REPORTED.value,): 1, (MailOutcome.REPEATED.value,): 1}


async def test_a_mail_about_another_channels_message_is_ignored_where_the_channel_is_given(running: Running) -> None:
    mail = running.mail().encode()
    assert await running.taker.take(mail, channel_id=new_id()) == MailOutcome.IGNORED
    assert await running.taker.take(mail, channel_id=running.message.channel_id) == MailOutcome.REPORTED
