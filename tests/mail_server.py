"""A real mail server of the tests (aiosmtpd), which takes mails, refuses them or breaks off as it is told."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session, syntax

from services.mail.connect import Security
from tests.certificates import server_side

USER, PASSWORD = "user", "right-password"


@dataclass
class TakenMail:
    """`options` are those of MAIL, such as SMTPUTF8."""

    sender: str
    recipients: list[str]
    content: bytes
    options: list[str]

    @property
    def parsed(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=SMTPUTF8)

    def text(self, kind: str = "plain") -> str:
        """Returns a part of it, decoded."""
        part = self.parsed.get_body((kind,))
        return str(part.get_content()) if part is not None else ""


@dataclass
class PostOffice:
    """`answers` are answers to a command other than the usual ones, such as {"RCPT": "550 5.1.1 unknown"}; `END` is the answer to
    the final dot. `breaks_at` is the command at which the connection breaks instead: DATA is before the text, `END` after the
    final dot, with the mail taken. `commands` are those that it got, in order."""

    port: int = 0
    mails: list[TakenMail] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    refused_recipients: set[str] = field(default_factory=set)
    breaks_at: str | None = None
    silent_at: str | None = None
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    most_connections: int = 0
    start: Callable[["PostOffice"], Awaitable[asyncio.Server]] | None = field(default=None, repr=False)
    _listening: asyncio.Server | None = None
    open: set["_Server"] = field(default_factory=set, repr=False)

    def one(self) -> TakenMail:
        (mail,) = self.mails
        return mail

    async def listen(self) -> None:
        """Does nothing when it listens already. It comes back at the port that it had."""
        if self._listening is None and self.start is not None:
            self._listening = await self.start(self)
            self.port = self._listening.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Goes away, as a server does that restarts."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        for server in self.open:
            server.abort()
        for _ in range(10):  # until the event loop has closed them; it does not tell a failed handshake to the server
            await asyncio.sleep(0)

    async def handle_DATA(self, server: "_Server", _session: Session, envelope: Envelope) -> str:
        if self.silent_at == "END":
            await asyncio.Event().wait()
        if refusal := self.answers.get("END"):
            return refusal
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        self.mails.append(TakenMail(envelope.mail_from or "", list(envelope.rcpt_tos), content, list(envelope.mail_options)))
        if self.breaks_at == "END":
            server.abort()
        return "250 2.0.0 Taken"


class _Server(SMTP):
    """`office` says what to do at each command."""

    def __init__(self, office: PostOffice, **options: Any) -> None:
        super().__init__(office, data_size_limit=40 * 2**20, enable_SMTPUTF8=True, **options)
        self.office = office

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        first = self.transport is None
        super().connection_made(transport)
        if first:
            self.office.connections += 1
            self.office.open.add(self)
            self.office.most_connections = max(self.office.most_connections, len(self.office.open))

    def connection_lost(self, error: Exception | None) -> None:
        self.office.open.discard(self)
        super().connection_lost(error)

    def abort(self) -> None:
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    async def _stopped(self, command: str) -> bool:
        """Answers as the office has been told, and says whether it has."""
        self.office.commands.append(command)
        if self.office.breaks_at == command:
            self.abort()
            return True
        if self.office.silent_at == command:
            await asyncio.Event().wait()
        if refusal := self.office.answers.get(command):
            await self.push(refusal)
            return True
        return False

    async def smtp_EHLO(self, hostname: str) -> None:
        if not await self._stopped("EHLO"):
            await super().smtp_EHLO(hostname)

    async def smtp_MAIL(self, arg: str | None) -> None:
        if not await self._stopped("MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        if not await self._stopped("RCPT"):
            if any(f"<{each}>" in (arg or "") for each in self.office.refused_recipients):
                await self.push("550 5.1.1 Unknown")
                return
            await super().smtp_RCPT(arg)

    async def smtp_RSET(self, arg: str | None) -> None:
        if not await self._stopped("RSET"):
            await super().smtp_RSET(arg)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:
        if self.office.breaks_at == "TEXT":  # once it has said that it wants the text
            self.office.commands.append("DATA")
            await self.push("354 Go on")
            self.abort()
        elif not await self._stopped("DATA"):
            await super().smtp_DATA(arg)


def _authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    known = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=known, handled=False)


@asynccontextmanager
async def post_office(
    certificate: Path | None = None, security: Security = "none", *, log_in: bool = False
) -> AsyncIterator[PostOffice]:
    """Runs on this machine. With `log_in` it takes nothing from anybody but `USER`."""
    context: ssl.SSLContext | None = server_side(certificate) if certificate else None
    options: dict[str, Any] = {}
    if log_in:
        options |= {"auth_required": True, "authenticator": _authenticate, "auth_require_tls": security == "starttls"}
    if security == "starttls":
        options |= {"tls_context": context, "require_starttls": True}

    def serve() -> _Server:
        with warnings.catch_warnings():  # it does not know of TLS from the first byte on
            warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")
            return _Server(office, **options)

    async def start(office: PostOffice) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(
            serve, "127.0.0.1", office.port, ssl=context if security == "tls" else None
        )

    office = PostOffice(start=start)
    await office.listen()
    try:
        yield office
    finally:
        await office.close()
