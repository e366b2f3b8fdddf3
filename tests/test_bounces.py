"""The role that takes bounces: it runs on PostgreSQL alone, and says what is missing."""

import asyncio
from contextlib import suppress
from pathlib import Path

import aiosmtplib
import pytest

import bounces
from models.messages.report import ReportKind
from settings import Settings, SettingsError
from tests.sending import Sending
from tests.services.bounces import samples
from tracking.tokens.verp import MessageAddresses, TokenUse


def role_settings(database_url: str, tmp_path: Path, port: int) -> Settings:
    return Settings(database_url=database_url, token_keys="6b" * 32, var_dir=tmp_path, bounce_port=port)


async def test_the_role_takes_a_bounce(sending: Sending, database_url: str, tmp_path: Path, free_tcp_port: int) -> None:
    (contact,) = await sending.contacts()
    await sending.send_step(await sending.enrollment(contact))
    settings = role_settings(database_url, tmp_path, free_tcp_port)
    to = MessageAddresses(settings.effective_token_keys).address(
        TokenUse.BOUNCE, (await sending.message()).id, "bounce@shop.example"
    )
    mail = samples.QMAIL.format(to=to, sender=to, message_id="x@shop.example")
    role = asyncio.create_task(bounces.main(settings))
    async with asyncio.timeout(30):
        while not await handed_over(mail, to, free_tcp_port):
            assert not role.done()
    role.cancel()
    with suppress(asyncio.CancelledError):
        await role
    assert (await sending.message()).report == ReportKind.BOUNCED


async def handed_over(mail: str, to: str, port: int) -> bool:
    try:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
            await client.sendmail("", [to], mail)
    except aiosmtplib.SMTPConnectError:
        await asyncio.sleep(0)  # it has not begun to listen
        return False
    return True


async def test_a_role_with_nothing_to_do_says_what_to_set(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="BOUNCE_PORT or BOUNCE_IMAP_HOST"):
        await bounces.main(role_settings(database_url, tmp_path, 0))


def test_a_mailbox_needs_a_user_and_a_password() -> None:
    with pytest.raises(ValueError, match="BOUNCE_IMAP_USER and BOUNCE_IMAP_PASSWORD"):
        Settings(bounce_imap_host="imap.example.com")
