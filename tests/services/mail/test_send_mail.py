"""A single mail leaves encrypted, to the mail server that was checked, and a failure is told without quoting anybody."""

import asyncio
from email.message import EmailMessage
from pathlib import Path

import pytest

from services.mail import send_mail as module
from services.mail.connect import MailServer, Security
from services.mail.send_mail import send_mail
from services.way_out.errors import WayOutError
from services.way_out.way_out import WayOut
from tests.certificates import client_side
from tests.mail_server import PASSWORD, USER, post_office

Names = dict[str, list[list[str]]]
SECURE = ("tls", "starttls")


def message() -> EmailMessage:
    found = EmailMessage()
    found["From"], found["To"], found["Subject"] = "a@team.example", "b@team.example", "Hello"
    found.set_content("Grüße")
    return found


@pytest.fixture
def out(certificate: Path) -> WayOut:
    return WayOut(local=True, tls=client_side(certificate))


@pytest.mark.parametrize(("host", "security"), [("8.8.8.8", "none"), ("127.0.0.1", "tls"), ("169.254.169.254", "starttls")])
async def test_a_real_server_sends_no_open_mail_and_none_to_itself(host: str, security: Security) -> None:
    with pytest.raises(WayOutError, match=r"not be encrypted|only public addresses"):
        await send_mail(WayOut(), MailServer(host, 25, security), message(), ["b@team.example"])


@pytest.mark.parametrize("security", SECURE)
async def test_a_mail_server_with_another_name_gets_neither_mail_nor_password(
    names: Names, certificate: Path, out: WayOut, security: Security
) -> None:
    names["other.example"] = [["127.0.0.1"]]
    async with post_office(certificate, security, log_in=True) as office:
        with pytest.raises(WayOutError, match="another name"):
            await send_mail(
                out, MailServer("other.example", office.port, security, USER, PASSWORD), message(), ["b@team.example"]
            )
    assert office.mails == []


async def test_a_wrong_password_is_said_and_not_quoted(names: Names, certificate: Path, out: WayOut) -> None:
    names["team.example"] = [["127.0.0.1"]]
    async with post_office(certificate, "tls", log_in=True) as office:
        with pytest.raises(WayOutError, match="user name and the password") as refused:
            await send_mail(
                out, MailServer("team.example", office.port, "tls", USER, "wrong-secret"), message(), ["b@team.example"]
            )
    assert (office.mails, "wrong-secret" in str(refused.value)) == ([], False)


async def test_a_refusal_is_said_without_the_words_of_the_server() -> None:
    async with post_office() as office:
        office.answers = {"RCPT": "550 5.1.1 b@team.example is unknown"}
        with pytest.raises(WayOutError, match=r"answered 550 5\.1\.1") as refused:
            await send_mail(WayOut(local=True), MailServer("127.0.0.1", office.port, "none"), message(), ["b@team.example"])
    assert "team.example" not in str(refused.value)


@pytest.mark.parametrize("at", ["DATA", "END"])
async def test_a_connection_that_breaks_is_said(at: str) -> None:
    async with post_office() as office:
        office.breaks_at = at
        with pytest.raises(WayOutError, match=r"broke|did not answer"):
            await send_mail(WayOut(local=True), MailServer("127.0.0.1", office.port, "none"), message(), ["b@team.example"])


async def test_a_mail_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.2)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        given = MailServer("127.0.0.1", silent.sockets[0].getsockname()[1], "none")
        with pytest.raises(WayOutError, match="mail server did not"):
            await send_mail(WayOut(local=True), given, message(), ["b@team.example"])


@pytest.mark.parametrize("security", SECURE)
async def test_a_mail_arrives_encrypted(names: Names, certificate: Path, out: WayOut, security: Security) -> None:
    names["team.example"] = [["127.0.0.1"], ["10.0.0.1"]]
    async with post_office(certificate, security, log_in=True) as office:
        await send_mail(out, MailServer("team.example", office.port, security, USER, PASSWORD), message(), ["b@team.example"])
    assert (office.one().recipients, office.one().text().strip()) == (["b@team.example"], "Grüße")
    assert names["team.example"] == [["10.0.0.1"]]  # the name was looked up once
