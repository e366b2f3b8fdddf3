"""Looks into a mailbox for bounces, over IMAP. A mail is marked as seen once what it says is committed, and never deleted.

The standard library's client blocks, so it runs in a thread.
"""

import asyncio
import imaplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import certifi
import structlog

from services.bounces.bounded_mail import MOST_BYTES
from services.bounces.take_mail import MailTaker

log = structlog.get_logger()

MOST_MAILS = 50
"""Mails that one look takes; more follow at once."""
SECONDS = 30
"""How long the server may take for an answer."""
UNSEEN = "(UNSEEN)"


class MailboxError(Exception):
    """The mailbox could not be read. The text is ours, and says what to look at."""


@dataclass(frozen=True)
class Mailbox:
    """`tls` None means a connection without encryption, which is possible in development only."""

    host: str
    port: int
    user: str
    password: str
    folder: str = "INBOX"
    tls: ssl.SSLContext | None = None


def public_tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


async def look_into(mailbox: Mailbox, taker: MailTaker) -> int:
    """Returns how many mails were taken. Raises MailboxError, and whatever the database raises: what is not marked is read
    again."""
    client = await asyncio.to_thread(_guarded, _open, mailbox)
    try:
        mails = await asyncio.to_thread(_guarded, _fetch, client)
        for uid, raw in mails:
            await taker.take(raw)
            await asyncio.to_thread(_guarded, _mark, client, uid)
        return len(mails)
    finally:
        await asyncio.to_thread(_close, client)


def _guarded(work: Any, *arguments: Any) -> Any:
    try:
        return work(*arguments)
    except imaplib.IMAP4.error:
        raise MailboxError("The mailbox refused: check the user, the password and the folder.") from None
    except ssl.SSLError:
        raise MailboxError("The mailbox's server does not speak TLS as it has to, or its certificate is not its own.") from None
    except OSError:
        raise MailboxError("The mailbox's server could not be reached, or it ended the connection.") from None


def _open(mailbox: Mailbox) -> imaplib.IMAP4:
    if mailbox.tls is None:
        client = imaplib.IMAP4(mailbox.host, mailbox.port, timeout=SECONDS)
    else:
        client = imaplib.IMAP4_SSL(mailbox.host, mailbox.port, ssl_context=mailbox.tls, timeout=SECONDS)
    try:
        client.login(mailbox.user, mailbox.password)
        if client.select(f'"{mailbox.folder}"')[0] != "OK":
            raise imaplib.IMAP4.error
    except BaseException:
        _close(client)
        raise
    return client


def _fetch(client: imaplib.IMAP4) -> Sequence[tuple[str, bytes]]:
    """Returns the numbers and the beginnings of the mails that nobody has seen."""
    _, found = client.uid("SEARCH", UNSEEN)
    uids = b" ".join(each for each in found if each).decode().split()[:MOST_MAILS]
    mails = []
    for uid in uids:
        _, parts = client.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MOST_BYTES}>)")
        mails.append((uid, next((part[1] for part in parts if isinstance(part, tuple)), b"")))
    return mails


def _mark(client: imaplib.IMAP4, uid: str) -> None:
    client.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)")


def _close(client: imaplib.IMAP4) -> None:
    try:
        client.logout()
    except (imaplib.IMAP4.error, OSError):  # it is gone already
        client.shutdown()
