"""A mail server for bounces alone: it takes mails to addresses that we have made and to a few mailboxes beside them, hands on
none, and answers 250 only when a mail is committed. So a server that sends one while PostgreSQL is away tries again later.
"""

import asyncio
import logging
import ssl
from pathlib import Path
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from services.bounces.take_mail import MailOutcome, MailTaker
from services.process.client_network import client_network
from services.process.few_lines import FewLines
from tracking.tokens.verp import MessageAddresses

log = structlog.get_logger()
logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd writes addresses into it

MOST_BYTES = 2 * 1024 * 1024
"""The largest mail that is taken. A bounce with all of a mail of ours in it is smaller."""
MOST_RECIPIENTS = 20
MOST_CONNECTIONS = 100
MOST_OF_A_CLIENT = 10
"""Connections of one address, or of one network of IPv6, so that a client that holds all of its own keeps nobody else out."""
MOST_AT_ONCE = 4
"""Mails that are read at a time; the others wait, because each takes the processor."""
SECONDS = 60
"""How long a server may say nothing."""
MAILBOXES = frozenset({"abuse", "bounce", "bounces", "complaints", "postmaster", "unsubscribe"})
"""Mailboxes whose mails are read although their address names no message, such as complaints, which name it in their text."""
CHANGED_NOTHING = frozenset({MailOutcome.IGNORED, MailOutcome.REPEATED})

UNKNOWN = "550 5.1.1 There is no such mailbox here"
TOO_MANY = "452 4.5.3 Too many recipients"
LATER = "451 4.3.0 The mail cannot be taken now, try again later"
TAKEN = "250 2.0.0 Taken"


class _Handler:
    """What aiosmtpd asks about each mail. A mail that says nothing to us is taken as well, because a bounce is never bounced."""

    def __init__(self, taker: MailTaker, addresses: MessageAddresses) -> None:
        self._taker = taker
        self._addresses = addresses
        self._gate = asyncio.Semaphore(MOST_AT_ONCE)
        self._lines = FewLines()

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return TOO_MANY
        if self._addresses.read(address) is None and address.partition("@")[0].lower() not in MAILBOXES:
            return UNKNOWN
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        try:
            async with self._gate:
                outcome = await self._taker.take(content, [str(each) for each in envelope.rcpt_tos])
        except Exception as error:  # whatever it is, the other server keeps the mail
            log.warning("a mail could not be taken", error=error)
            return LATER
        self._log(outcome, len(content))
        return TAKEN

    def _log(self, outcome: MailOutcome, size: int) -> None:
        """Anybody can send mails that change nothing, so not all of them have a line."""
        left_out = self._lines.next() if outcome in CHANGED_NOTHING else 0
        if left_out is not None:
            more = {"not_logged_before": left_out} if left_out else {}
            log.info("a mail was taken", outcome=outcome.value, bytes=size, **more)


class _Connection(SMTP):
    """One connection. Beyond the most that are open at a time, in all or of its client, it is closed with a word."""

    client: str | None = None

    def __init__(self, handler: _Handler, open_now: set["_Connection"], **options: Any) -> None:
        super().__init__(handler, **options)
        self._open_now = open_now

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self not in self._open_now and self._is_one_too_many(transport):
            assert isinstance(transport, asyncio.Transport)  # noqa: S101 - that is what a server of sockets makes
            transport.write(b"421 4.3.2 Too many connections, try again later\r\n")
            transport.close()
            return
        self._open_now.add(self)
        super().connection_made(transport)

    def _is_one_too_many(self, transport: asyncio.BaseTransport) -> bool:
        peer = transport.get_extra_info("peername")
        self.client = client_network(peer[0] if peer else None)
        of_client = sum(each.client == self.client for each in self._open_now)
        return of_client >= MOST_OF_A_CLIENT or len(self._open_now) >= MOST_CONNECTIONS

    def connection_lost(self, error: Exception | None) -> None:
        if self in self._open_now:
            self._open_now.discard(self)
            super().connection_lost(error)


class BounceListener:
    """`port` 0 takes any free one, which `start` returns. With a certificate, STARTTLS is offered, and never asked for, because
    many servers send bounces without."""

    def __init__(
        self,
        taker: MailTaker,
        addresses: MessageAddresses,
        host: str,
        port: int,
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        self._handler = _Handler(taker, addresses)
        self._host = host
        self._port = port
        self._tls = _context(certificate, key) if certificate else None
        self._open: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, self._host, self._port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for each in list(self._open):
                if each.transport is not None:
                    each.transport.close()
            await self._server.wait_closed()

    def _connection(self) -> _Connection:
        return _Connection(
            self._handler,
            self._open,
            data_size_limit=MOST_BYTES,
            enable_SMTPUTF8=True,
            hostname="linkwake",
            ident="Linkwake",
            tls_context=self._tls,
            timeout=SECONDS,
            command_call_limit=100,
        )


def _context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context
