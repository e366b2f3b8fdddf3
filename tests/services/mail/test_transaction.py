"""A mail is taken, not taken, or nobody knows: the final dot is the border."""

from collections.abc import AsyncIterator

import aiosmtplib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mail import transaction
from services.mail.connect import MailServer, connect
from services.mail.transaction import ConnectionLost, EnhancedCode, Envelope, Phase, Refused, Unanswered, deliver, enhanced_code
from services.way_out.way_out import WayOut
from tests.mail_server import PostOffice, post_office

ENVELOPE = Envelope("shop@example.com", ["ada@example.com"])
MAIL = b"Subject: Hello\r\n\r\nHello Ada\r\n"
LARGE = MAIL + b"x" * 70 + b"\r\n" * 100_000 + (b"x" * 70 + b"\r\n") * 300_000


@pytest.fixture
async def office() -> AsyncIterator[PostOffice]:
    async with post_office() as found:
        yield found


@pytest.fixture
async def client(office: PostOffice) -> AsyncIterator[aiosmtplib.SMTP]:
    found = await connect(WayOut(local=True), MailServer("127.0.0.1", office.port, "none"))
    yield found
    found.close()


@pytest.mark.parametrize(
    ("command", "phase"), [("MAIL", Phase.SENDER), ("RCPT", Phase.RECIPIENT), ("DATA", Phase.DATA), ("END", Phase.END)]
)
@pytest.mark.parametrize("answer", ["550 5.7.1 no", "451 4.3.0 later", "554 no"])
async def test_an_answer_says_at_which_command_the_mail_was_stopped(
    office: PostOffice, client: aiosmtplib.SMTP, command: str, phase: Phase, answer: str
) -> None:
    office.answers = {command: answer}
    with pytest.raises(Refused) as refused:
        await deliver(client, ENVELOPE, MAIL)
    assert (refused.value.phase, refused.value.code) == (phase, int(answer[:3]))
    assert refused.value.enhanced == enhanced_code(answer[4:])
    assert office.mails == []


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
async def test_a_connection_that_breaks_before_the_text_leaves_no_doubt(
    office: PostOffice, client: aiosmtplib.SMTP, command: str
) -> None:
    office.breaks_at = command
    with pytest.raises(ConnectionLost):
        await deliver(client, ENVELOPE, MAIL)
    assert office.mails == []


async def test_a_connection_that_breaks_within_a_large_text_leaves_no_doubt(office: PostOffice, client: aiosmtplib.SMTP) -> None:
    office.breaks_at = "TEXT"
    with pytest.raises(ConnectionLost):
        await deliver(client, ENVELOPE, LARGE)


async def test_a_connection_that_breaks_after_the_final_dot_leaves_doubt(office: PostOffice, client: aiosmtplib.SMTP) -> None:
    office.breaks_at = "END"
    with pytest.raises(Unanswered):
        await deliver(client, ENVELOPE, MAIL)
    assert len(office.mails) == 1


async def test_no_answer_to_the_final_dot_leaves_doubt(
    office: PostOffice, client: aiosmtplib.SMTP, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "ANSWER_SECONDS", 0.1)
    office.silent_at = "END"
    with pytest.raises(Unanswered):
        await deliver(client, ENVELOPE, MAIL)


async def test_what_is_raised_before_the_final_dot_stops_the_mail(office: PostOffice, client: aiosmtplib.SMTP) -> None:
    def too_late() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await deliver(client, ENVELOPE, MAIL, too_late)
    client.close()
    assert office.mails == []


async def test_a_mail_goes_to_those_who_can_get_it(office: PostOffice, client: aiosmtplib.SMTP) -> None:
    office.refused_recipients = {"b@example.com"}
    await deliver(client, Envelope("shop@example.com", ["a@example.com", "b@example.com"]), MAIL)
    assert office.one().recipients == ["a@example.com"]


@pytest.mark.parametrize("body", [b".\r\n", b"..\r\n", b".hidden\r\n.\r\n..\r\n", b"a\r\n.\r\nb\r\n", b"\r\n.\r\n"])
async def test_leading_dots_arrive_as_they_are(office: PostOffice, client: aiosmtplib.SMTP, body: bytes) -> None:
    await deliver(client, ENVELOPE, b"Subject: dots\r\n\r\n" + body)
    assert office.one().content == b"Subject: dots\r\n\r\n" + body


async def test_a_large_mail_arrives_whole(office: PostOffice, client: aiosmtplib.SMTP) -> None:
    await deliver(client, ENVELOPE, LARGE)
    assert office.one().content == LARGE


async def test_the_size_is_announced(office: PostOffice, client: aiosmtplib.SMTP) -> None:
    await deliver(client, ENVELOPE, MAIL)
    assert f"SIZE={len(MAIL)}" in office.one().options


@given(st.text())
def test_any_text_has_a_status_or_none(text: str) -> None:
    found = enhanced_code(text)
    assert found is None or text.strip().startswith(str(found.status))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("5.1.1 unknown", EnhancedCode(5, 1, 1)),
        ("4.7.650 too many", EnhancedCode(4, 7, 650)),
        ("5.1.10\nmore", EnhancedCode(5, 1, 10)),
        ("3.1.1 is no status", None),
        ("5.1.1.1 is an address", None),
        ("10.5.1.1", None),
        ("", None),
    ],
)
def test_a_status_stands_at_the_beginning(text: str, code: EnhancedCode | None) -> None:
    assert enhanced_code(text) == code
