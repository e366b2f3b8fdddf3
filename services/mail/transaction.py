"""Hands one mail to a mail server over an open connection, and tells the three ends apart: taken, not taken, nobody knows.

Before the final dot nothing can have been taken, so a connection that breaks there leaves no doubt. After it the server may have
taken the mail although its answer never came.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

from safe_errors import OwnWords

ANSWER_SECONDS = 28.0
"""How long the server may take to answer the final dot."""


class Phase(StrEnum):
    """The command at which the server stopped the mail: the sender, the recipient, the beginning of the text, or its end."""

    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"
    END = "final dot"


class EnhancedCode(NamedTuple):
    """A status of RFC 3463, such as 5.1.1."""

    status: int
    subject: int
    detail: int

    def __str__(self) -> str:
        return f"{self.status}.{self.subject}.{self.detail}"


_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")


def enhanced_code(text: str) -> EnhancedCode | None:
    """Returns the status with which the text of an answer begins."""
    found = _ENHANCED.match(text.strip())
    return EnhancedCode(*(int(each) for each in found.groups())) if found else None


def spoken(code: int, enhanced: EnhancedCode | None) -> str:
    """Returns such as `550 5.1.1`."""
    return f"{code} {enhanced}" if enhanced else str(code)


class Refused(Exception):
    """The server answered, and has not taken the mail. The answer's words are left out, because they may quote an address."""

    def __init__(self, phase: Phase, code: int, enhanced: EnhancedCode | None) -> None:
        super().__init__(f"{phase}: {spoken(code, enhanced)}")
        self.phase = phase
        self.code = code
        self.enhanced = enhanced


class ConnectionLost(OwnWords):
    """The connection broke before the final dot: the server has not taken the mail."""


class Unanswered(OwnWords):
    """The final dot was sent and no answer came: nobody knows whether the server has taken the mail."""


@dataclass(frozen=True)
class Envelope:
    """`utf8` says that an address or a header has characters for which the server has to offer SMTPUTF8."""

    sender: str
    recipients: Sequence[str]
    utf8: bool = False


def _nothing() -> None: ...


async def deliver(
    client: aiosmtplib.SMTP, envelope: Envelope, content: bytes, before_the_dot: Callable[[], None] = _nothing
) -> None:
    """Returns when the server has taken the mail for at least one recipient. Raises Refused, ConnectionLost or Unanswered.

    The lines of `content` end with CRLF, the last one too. `before_the_dot` is called when everything but the final dot is sent:
    what it raises stops the mail without doubt.
    """
    try:
        await _begin(client, envelope, len(content))
        protocol = _protocol(client)
        protocol.write(b"." + content.replace(b"\n.", b"\n..") if content.startswith(b".") else content.replace(b"\n.", b"\n.."))
        await _written(protocol)
    except (aiosmtplib.SMTPException, OSError):
        raise ConnectionLost("The connection to the mail server broke before the mail was complete.") from None
    before_the_dot()
    await _end(client, protocol)


async def _begin(client: aiosmtplib.SMTP, envelope: Envelope, size: int) -> None:
    """Says who writes to whom, until the server wants the text."""
    options = [*([f"SIZE={size}"] if client.supports_extension("size") else []), *(["SMTPUTF8"] if envelope.utf8 else [])]
    await _ask(client, Phase.SENDER, "MAIL", f"FROM:<{envelope.sender}>", *options)
    refused: Refused | None = None
    taken = 0
    for recipient in envelope.recipients:
        try:
            await _ask(client, Phase.RECIPIENT, "RCPT", f"TO:<{recipient}>")
            taken += 1
        except Refused as error:
            refused = error
    if refused is not None and not taken:
        raise refused
    await _ask(client, Phase.DATA, "DATA")


async def _ask(client: aiosmtplib.SMTP, phase: Phase, *command: str) -> None:
    answer = await client.execute_command(*(each.encode() for each in command))
    expected = 3 if phase == Phase.DATA else 2
    if answer.code // 100 != expected:
        raise Refused(phase, answer.code, enhanced_code(answer.message))


def _protocol(client: aiosmtplib.SMTP) -> SMTPProtocol:
    if client.protocol is None:
        raise aiosmtplib.SMTPServerDisconnected("Connection lost")
    return client.protocol


async def _written(protocol: SMTPProtocol) -> None:
    """Waits until the text has left this process, so that a connection that breaks meanwhile is seen before the final dot."""
    if isinstance(protocol.transport, asyncio.WriteTransport) and protocol.transport.get_write_buffer_size():
        protocol.transport.set_write_buffer_limits(high=0)
        await protocol._drain_helper()


async def _end(client: aiosmtplib.SMTP, protocol: SMTPProtocol) -> None:
    if not protocol.is_connected:
        raise ConnectionLost("The connection to the mail server broke before the mail was complete.")
    try:
        answer = await client.execute_command(b".", timeout=ANSWER_SECONDS)
    except (aiosmtplib.SMTPException, OSError):
        raise Unanswered("The mail server got the whole mail and did not answer.") from None
    if answer.code // 100 != 2:
        raise Refused(Phase.END, answer.code, enhanced_code(answer.message))
