"""The mail server of `drill sending`, as a process: what it has answered for is in its log, also after a kill."""

from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from drills.providers.mail_server import text_of
from drills.providers.processes import Provider, mails


def mail(text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "hello@drill.example", "ada@drill.example", "Grüße"
    message.set_content(text)
    message.add_alternative(f"<p>{text}</p>", subtype="html")
    return message


async def deliver(port: int, text: str) -> None:
    await aiosmtplib.send(mail(text), hostname="127.0.0.1", port=port, start_tls=False)


async def test_what_it_took_survives_a_kill_and_it_comes_back_at_the_same_port(tmp_path: Path) -> None:
    server = Provider("drills.providers.mail_server", {"log": str(tmp_path / "mails")})
    try:
        await server.start()
        port = server.port
        await deliver(port, "Grüße: https://l.test/abc")
        await server.kill()
        await server.start()
        assert server.port == port
        await deliver(port, "again")
    finally:
        await server.kill()
    assert [(each.to, each.text) for each in mails(server)] == [
        ("ada@drill.example", "Grüße: https://l.test/abc"),
        ("ada@drill.example", "again"),
    ]


@pytest.mark.parametrize(("trouble", "kept"), [("busy", 0), ("lost", 1)])
async def test_its_troubles_come_before_and_after_it_has_taken_a_mail(tmp_path: Path, trouble: str, kept: int) -> None:
    server = Provider("drills.providers.mail_server", {"log": str(tmp_path / "mails"), trouble: 1.0})
    try:
        await server.start()
        with pytest.raises(aiosmtplib.SMTPException):
            await deliver(server.port, "Hello")
    finally:
        await server.kill()
    assert len(mails(server)) == kept


def test_a_person_reads_the_text_part() -> None:
    assert text_of(mail("a line\n.\nand\n" + "x" * 500).as_bytes()) == "a line\n.\nand\n" + "x" * 500
