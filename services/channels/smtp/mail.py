"""Makes a mail from a message: envelope, headers, parts and signatures, as the bytes that the mail server gets."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote
from uuid import UUID

import css_inline
import idna

from models.messages.message import MessageKind
from services.channels.base import ChannelError, Fault, Outgoing
from services.channels.smtp.bodies import Part, alternatives, text_part
from services.channels.smtp.config import SmtpConfig, domain_of
from services.channels.smtp.headers import address_header, structured_header, text_header
from services.mail.transaction import Envelope
from tracking.tokens.verp import MessageAddresses, TokenUse

_ADDRESS = re.compile(r"[^\s<>@,;:\\\"()\[\]\x00-\x1f\x7f]+@[^\s<>@]+")

_inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
"""Loads nothing from anywhere. Rules that cannot stand in an element, such as @media, stay in <style>."""


@dataclass(frozen=True)
class Mail:
    """`message_id` is without its angle brackets."""

    message_id: str
    envelope: Envelope
    content: bytes


class MailWriter:
    """Writes the mails of one channel. It takes a thread's time for large HTML parts."""

    def __init__(self, config: SmtpConfig, channel_id: UUID, addresses: MessageAddresses) -> None:
        self._config = config
        self._channel_id = channel_id
        self._addresses = addresses
        self._signer = config.signer()
        self._sender = _for_the_wire(config.from_address)
        self._domain = config.from_domain

    def write(self, message: Outgoing, at: datetime) -> Mail:
        """Raises ChannelError for an address that mail servers do not take, and for HTML that cannot be read."""
        to_address = _recipient(message.to_address)
        message_id = f"{self._addresses.token(TokenUse.MESSAGE_ID, message.message_id)}@{self._domain}"
        body = self._body(message)
        headers = [*self._headers(message, to_address, message_id, at), *body.headers]
        signatures = self._signer.sign(headers, body.content, int(at.timestamp())) if self._signer else []
        envelope = Envelope(self._return_path(message.message_id), [to_address], utf8=not _is_ascii(headers))
        return Mail(message_id, envelope, b"".join([*signatures, *headers, b"\r\n", body.content]))

    def _return_path(self, message_id: UUID) -> str:
        mailbox = self._config.bounce_address
        return self._addresses.address(TokenUse.BOUNCE, message_id, _for_the_wire(mailbox)) if mailbox else self._sender

    def _headers(self, message: Outgoing, to_address: str, message_id: str, at: datetime) -> list[bytes]:
        config = self._config
        reply_to = _for_the_wire(config.reply_to) if config.reply_to else None
        return [
            address_header("From", self._sender, config.from_name),
            address_header("To", to_address),
            *([address_header("Reply-To", reply_to)] if reply_to else []),
            *([text_header("Subject", message.subject)] if message.subject is not None else []),
            structured_header("Date", format_datetime(at)),
            structured_header("Message-ID", f"<{message_id}>"),
            structured_header("Feedback-ID", self._feedback_id(message)),
            *(self._list_headers(message) if message.message_kind == MessageKind.MARKETING else []),
            b"MIME-Version: 1.0\r\n",
        ]

    def _feedback_id(self, message: Outgoing) -> str:
        """Returns the four parts by which mailbox providers count complaints: what was sent, its kind, the channel, and who
        sends."""
        source = message.source.hex if message.source else "none"
        return f"{source}:{message.message_kind}:{self._channel_id.hex}:{self._config.feedback_id or 'linkwake'}"

    def _list_headers(self, message: Outgoing) -> list[bytes]:
        """Returns what marks mail to many, and how to leave it (RFC 2369, RFC 2919, RFC 8058)."""
        headers = [structured_header("List-Id", f"<{self._config.list_id or f'list.{self._domain}'}>")]
        ways = [*self._unsubscribe_address(message.message_id)]
        if message.unsubscribe_url:
            ways.insert(0, f"<{message.unsubscribe_url}>")
        if ways:
            headers.append(structured_header("List-Unsubscribe", *_separated(ways)))
        if message.unsubscribe_url and message.unsubscribe_url.startswith("https:"):
            headers.append(structured_header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
        return headers

    def _unsubscribe_address(self, message_id: UUID) -> list[str]:
        mailbox = self._config.unsubscribe_address or self._config.bounce_address
        if mailbox is None:
            return []
        address = self._addresses.address(TokenUse.UNSUBSCRIBE, message_id, _for_the_wire(mailbox))
        return [f"<mailto:{quote(address, safe='@+')}?subject=unsubscribe>"]

    def _body(self, message: Outgoing) -> Part:
        text = text_part(message.body, "plain")
        if message.html is None:
            return text
        html = text_part(self._inlined(message.html), "html")
        return alternatives([text, html], f"=_{message.message_id.hex}")

    def _inlined(self, html: str) -> str:
        if not self._config.inline_css:
            return html
        try:
            return _inliner.inline(html)
        except css_inline.InlineError:
            raise ChannelError("The rules of its <style> cannot be read: correct the CSS.", permanent=True) from None


def _separated(ways: list[str]) -> list[str]:
    return [*(f"{way}," for way in ways[:-1]), ways[-1]]


def _recipient(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise ChannelError("The address is not one to which mail can be sent.", permanent=True, fault=Fault.ADDRESS)
    try:
        return _for_the_wire(address)
    except idna.IDNAError:
        raise ChannelError("The domain of the address cannot exist.", permanent=True, fault=Fault.ADDRESS) from None


def _for_the_wire(address: str) -> str:
    """Returns the address with its domain in ASCII (IDNA), which every server understands."""
    return f"{address.rpartition('@')[0]}@{domain_of(address)}"


def _is_ascii(headers: list[bytes]) -> bool:
    return all(each.isascii() for each in headers)
