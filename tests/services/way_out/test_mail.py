"""Mail leaves encrypted, to the mail server that was checked and whose certificate is its own."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from services.way_out import mail
from services.way_out.errors import RefusedAddress, WayOutError
from services.way_out.mail import MailServer, Security, send_mail
from services.way_out.way_out import WayOut
from tests.services.notifications.receiver import Mailbox

Names = dict[str, list[list[str]]]
PASSWORDS = {b"user": b"right"}


def message() -> EmailMessage:
    found = EmailMessage()
    found["From"], found["To"], found["Subject"] = "a@team.example", "b@team.example", "Hello"
    found.set_content("Grüße")
    return found


@asynccontextmanager
async def server(certificate: Path, security: Security) -> AsyncIterator[tuple[Mailbox, int]]:
    """A mail server that knows one user."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    box, within_tls = Mailbox(), security == "starttls"  # TLS from the first byte on is not seen by the server
    options: dict[str, Any] = {"auth_required": within_tls, "authenticator": authenticate, "auth_require_tls": within_tls}
    if security == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    listening = await asyncio.get_running_loop().create_server(
        lambda: SMTP(box, **options), "127.0.0.1", 0, ssl=context if security == "ssl" else None
    )
    try:
        yield box, listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    known = PASSWORDS.get(given.login) == given.password
    return AuthResult(success=known, handled=known)


@pytest.fixture
def out(certificate: Path) -> WayOut:
    return WayOut(local=True, tls=ssl.create_default_context(cafile=certificate))


@pytest.mark.parametrize("security", ["ssl", "starttls"])
async def test_a_mail_arrives_encrypted(names: Names, certificate: Path, out: WayOut, security: Security) -> None:
    names["team.example"] = [["127.0.0.1"], ["10.0.0.1"]]
    async with server(certificate, security) as (box, port):
        given = MailServer("team.example", port, security, "user", "right")
        await send_mail(out, given, message(), ["b@team.example"])
    assert [mail.rcpt_tos for mail in box.mails] == [["b@team.example"]]
    assert names["team.example"] == [["10.0.0.1"]]  # the name was looked up once


@pytest.mark.parametrize("security", ["ssl", "starttls"])
async def test_a_mail_server_with_another_name_gets_neither_mail_nor_password(
    names: Names, certificate: Path, out: WayOut, security: Security
) -> None:
    names["other.example"] = [["127.0.0.1"]]
    async with server(certificate, security) as (box, port):
        with pytest.raises(WayOutError, match="did not take the mail"):
            await send_mail(out, MailServer("other.example", port, security, "user", "right"), message(), ["b@team.example"])
    assert box.mails == []


async def test_a_wrong_password_is_said_and_not_quoted(names: Names, certificate: Path, out: WayOut) -> None:
    names["team.example"] = [["127.0.0.1"]]
    async with server(certificate, "ssl") as (box, port):
        with pytest.raises(WayOutError, match="user name and the password") as refused:
            await send_mail(out, MailServer("team.example", port, "ssl", "user", "wrong-secret"), message(), ["b@team.example"])
    assert (box.mails, "wrong-secret" in str(refused.value)) == ([], False)


@pytest.mark.parametrize(("host", "security"), [("8.8.8.8", "insecure"), ("127.0.0.1", "ssl"), ("169.254.169.254", "starttls")])
async def test_a_real_server_sends_no_open_mail_and_none_to_itself(host: str, security: Security) -> None:
    with pytest.raises(RefusedAddress):
        await send_mail(WayOut(), MailServer(host, 25, security), message(), ["b@team.example"])


async def test_a_mail_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "SECONDS", 0.2)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        given = MailServer("127.0.0.1", silent.sockets[0].getsockname()[1], "insecure")
        with pytest.raises(WayOutError, match="mail server did not"):
            await send_mail(WayOut(local=True), given, message(), ["b@team.example"])
