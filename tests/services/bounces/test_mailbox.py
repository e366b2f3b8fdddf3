"""A mailbox with bounces: each mail takes effect once, is marked after that, and stays for the next look otherwise."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from models.database import Database
from models.messages.message import Message
from models.messages.report import ReportKind
from services.bounces.mailbox import MOST_MAILS, Mailbox, MailboxError, look_into, public_tls
from services.bounces.take_mail import MailOutcome, MailTaker
from tests.sending import Sending
from tests.services.bounces import samples
from tests.services.bounces.imap_server import PASSWORD, ImapServer
from tracking.tokens.verp import MessageAddresses, TokenUse

ADDRESSES = MessageAddresses([b"k" * 32])


@pytest.fixture
async def bounce(sending: Sending) -> bytes:
    (contact,) = await sending.contacts()
    await sending.send_step(await sending.enrollment(contact))
    to = ADDRESSES.address(TokenUse.BOUNCE, (await sending.message()).id, "bounce@shop.example")
    fields = {"to": to, "sender": to, "message_id": "x@shop.example", "reply": "550 5.1.1 User unknown", "status": "5.1.1"}
    return samples.POSTFIX.format(action="failed", **fields).encode()


@pytest.fixture
async def server(bounce: bytes) -> AsyncIterator[ImapServer]:
    server = ImapServer([b"Subject: hello\r\n\r\nno bounce\r\n", bounce])
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def mailbox(server: ImapServer) -> Mailbox:
    return Mailbox("127.0.0.1", server.port, "bounces", PASSWORD)


async def test_new_mails_take_effect_and_are_marked(sending: Sending, server: ImapServer, mailbox: Mailbox) -> None:
    taker = MailTaker(sending.database, ADDRESSES)
    assert await look_into(mailbox, taker) == 2
    assert (await sending.message()).report == ReportKind.BOUNCED
    assert server.seen == {1, 2}
    assert await look_into(mailbox, taker) == 0
    assert taker.outcomes == {(MailOutcome.IGNORED.value,): 1, (MailOutcome.REPORTED.value,): 1}


async def test_a_mail_that_could_not_be_marked_is_read_again_and_counts_once(
    sending: Sending, server: ImapServer, mailbox: Mailbox
) -> None:
    taker = MailTaker(sending.database, ADDRESSES)
    server.seen, server.breaks = {1}, "STORE"
    with pytest.raises(MailboxError, match=r"ended the connection|refused"):
        await look_into(mailbox, taker)
    server.breaks = None
    assert await look_into(mailbox, taker) == 1
    assert taker.outcomes == {(MailOutcome.REPORTED.value,): 1, (MailOutcome.REPEATED.value,): 1}


async def test_while_the_database_is_away_mails_stay_unseen(server: ImapServer, mailbox: Mailbox) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none")
    server.seen = {1}
    with pytest.raises(Exception, match="connection"):
        await look_into(mailbox, MailTaker(away, ADDRESSES))
    assert server.seen == {1}
    await away.close()


async def test_one_look_takes_a_number_of_mails_and_the_next_one_the_rest(
    sending: Sending, server: ImapServer, mailbox: Mailbox
) -> None:
    server.mails = [b"\r\n"] * (MOST_MAILS + 1)
    taker = MailTaker(sending.database, ADDRESSES)
    assert [await look_into(mailbox, taker) for _ in range(3)] == [MOST_MAILS, 1, 0]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"password": "guess"}, "the user, the password and the folder"),
        ({"folder": "Nowhere"}, "the user, the password and the folder"),
        ({"tls": public_tls()}, "TLS"),
        ({"port": 1}, "could not be reached"),
    ],
)
async def test_what_is_wrong_is_said_without_anybodys_words(
    sending: Sending, mailbox: Mailbox, wrong: dict[str, object], says: str
) -> None:
    with pytest.raises(MailboxError, match=says):
        await look_into(replace(mailbox, **wrong), MailTaker(sending.database, ADDRESSES))  # type: ignore[arg-type]


async def test_a_mail_without_anything_in_it_is_marked(sending: Sending, server: ImapServer, mailbox: Mailbox) -> None:
    server.mails = [b""]
    assert await look_into(mailbox, MailTaker(sending.database, ADDRESSES)) == 1
    assert server.seen == {1}
    assert isinstance(await sending.message(), Message)
