"""Reads a mail that came to an address for bounces: what it reports, and of which message.

A mail counts only when it holds a token that we signed (`tracking/tokens/verp.py`), in the address to which it came or in the
headers of the message that it returns. So nobody can forge a bounce of a message that they did not get.

Reports in the standard form (RFC 3464 and RFC 5965) are read by the standard library, and all other bounces by flufl.bounce.
"""

import hashlib
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import Message as Mail
from email.parser import BytesParser, HeaderParser
from email.utils import parseaddr, parsedate_to_datetime
from itertools import groupby, islice
from typing import Any
from uuid import UUID

from flufl.bounce import all_failures

from models.messages.report import ReportKind
from services.bounces.bounded_mail import bounded
from services.bounces.statuses import CODE, REPLY, SOFT, Blame, Status, blame, read_status
from services.channels.base import Fault
from tracking.tokens.verp import TOKEN_LENGTH, MessageAddresses, TokenUse

logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # it writes down the mails that it cannot read

MOST_ADDRESSES = 20
"""Headers with an address that are looked at."""
MOST_BLOCKS = 50
"""Groups of fields that are read of a machine-readable part. Each is about one recipient."""
MOST_TOKENS = 20
"""Words of a mail that are tried as tokens."""
MOST_WORDS = 1000
"""Characters that are kept of what a server says."""

TOKEN = re.compile(rf"(?<![A-Za-z0-9])[bmBM][A-Za-z2-7]{{{TOKEN_LENGTH - 1}}}(?![A-Za-z0-9])")
MACHINES = {"mailer-daemon", "postmaster", "mail-daemon", "mdaemon"}

DONE = {"delivered": ReportKind.DELIVERED, "relayed": ReportKind.SENT, "expanded": ReportKind.SENT, "delayed": ReportKind.SENT}
"""What the actions of a delivery report mean, beside `failed`."""
COMPLAINTS = {"abuse", "fraud", "virus", "other", "opt-out", "opt-out-list"}
"""Types of feedback reports by which somebody complains. Others say the opposite (`not-spam`) or are about signatures."""


@dataclass(frozen=True)
class Told:
    """What a mail reports. `at` is None when it does not say when that was."""

    kind: ReportKind
    code: str | None
    detail: str | None
    blame: Blame
    at: datetime | None


@dataclass(frozen=True)
class ReadMail:
    """What a mail says about which message. With `told` None, its sender wants to be unsubscribed. `event_key` is the same when
    the mail comes again."""

    message_id: UUID
    event_key: str
    told: Told | None


NOBODY = Blame(Fault.MESSAGE)


def read_mail(raw: bytes, recipients: Sequence[str], addresses: MessageAddresses) -> ReadMail | None:
    """Returns None for a mail that reports nothing, or nothing of ours. `recipients` are those of the envelope, as far as they
    are known. It never raises, whatever the mail is, and takes a thread's time."""
    try:
        return _read(bounded(raw), recipients, addresses)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError):
        return None  # the parsers raise any of these at mails that no server wrote


def _read(raw: bytes, recipients: Sequence[str], addresses: MessageAddresses) -> ReadMail | None:
    mail = BytesParser().parsebytes(raw)
    named = [found for each in (*recipients, *islice(_addressed(mail), MOST_ADDRESSES)) if (found := addresses.read(each))]
    key = f"mail {hashlib.sha256(_name(mail, raw)).hexdigest()[:32]}"
    leaves = next((each for each in named if each.use == TokenUse.UNSUBSCRIBE), None)
    if leaves is not None:
        return None if _is_automatic(mail) else ReadMail(leaves.message_id, key, None)
    told = _complaint(mail) or _delivery_report(mail) or _other_bounce(mail)
    if told is None:
        return None
    message_id = next((each.message_id for each in named if each.use == TokenUse.BOUNCE), None) or _quoted(raw, addresses)
    return ReadMail(message_id, key, told if told.at else replace(told, at=_time(mail.get("Date")))) if message_id else None


def _addressed(mail: Mail) -> Iterator[str]:
    for name in ("Delivered-To", "X-Original-To", "Envelope-To", "To"):
        for value in mail.get_all(name, []):
            yield parseaddr(str(value))[1]


def _name(mail: Mail, raw: bytes) -> bytes:
    return str(mail.get("Message-ID") or "").strip().encode(errors="replace") or raw


def _quoted(raw: bytes, addresses: MessageAddresses) -> UUID | None:
    """Returns the message whose token stands anywhere in the mail: in its Message-ID or in the address of its sender."""
    text = re.sub(r"=\r?\n", "", raw.decode("latin-1"))  # as quoted-printable breaks lines
    for _, match in zip(range(MOST_TOKENS), TOKEN.finditer(text), strict=False):
        found = addresses.read(match[0])
        if found is not None and found.use in {TokenUse.BOUNCE, TokenUse.MESSAGE_ID}:
            return found.message_id
    return None


def _is_automatic(mail: Mail) -> bool:
    submitted = str(mail.get("Auto-Submitted") or "no").partition(";")[0].strip().lower()
    return submitted != "no" or _is_from_machine(mail)


def _is_from_machine(mail: Mail) -> bool:
    sender = parseaddr(str(mail.get("From") or ""))[1].partition("@")[0].lower()
    return sender in MACHINES or str(mail.get("Return-Path") or "").strip() == "<>"


def _blocks(part: Mail) -> list[Mail]:
    """Returns the groups of fields of a machine-readable part."""
    payload: Any = part.get_payload()
    if isinstance(payload, list):
        return payload[:MOST_BLOCKS]
    groups = ("".join(lines) for has_text, lines in groupby(str(payload).splitlines(keepends=True), _has_text) if has_text)
    return [HeaderParser().parsestr(group) for group in islice(groups, MOST_BLOCKS)]


def _has_text(line: str) -> bool:
    return bool(line.strip())


def _field(block: Mail, name: str) -> str:
    return " ".join(str(block.get(name) or "").split())[:MOST_WORDS]


def _complaint(mail: Mail) -> Told | None:
    for part in mail.walk():
        if part.get_content_type() != "message/feedback-report":
            continue
        for fields in _blocks(part):
            kind = _field(fields, "Feedback-Type").lower()
            if kind in COMPLAINTS:
                at = _time(fields.get("Arrival-Date") or fields.get("Received-Date"))
                return Told(ReportKind.COMPLAINED, kind, None, NOBODY, at)
    return None


def _delivery_report(mail: Mail) -> Told | None:
    for part in mail.walk():
        if part.get_content_type() in {"message/delivery-status", "message/global-delivery-status"}:
            people = [block for block in _blocks(part) if block.get("Action")]
            failed = [block for block in people if _field(block, "Action").lower().startswith("failed")]
            return _of_recipient(failed[0], mail) if failed else _of_action(people)
    return None


def _of_action(people: Sequence[Mail]) -> Told | None:
    for block in people:
        kind = DONE.get(_field(block, "Action").partition(" ")[0].lower())
        if kind is not None:
            return Told(kind, _text(read_status(_field(block, "Status"))), None, NOBODY, _time(block.get("Last-Attempt-Date")))
    return None


def _of_recipient(block: Mail, mail: Mail) -> Told:
    """The server that refused the message says more than the one that writes the report."""
    said = _field(block, "Diagnostic-Code").removeprefix("smtp;").strip()
    own, quoted = read_status(_field(block, "Status")), read_status(said, REPLY)
    status = quoted if quoted is not None and not quoted.says_nothing else own
    words = said or _first_text(mail)
    return Told(ReportKind.BOUNCED, _text(status), said or None, blame(status, words), _time(block.get("Last-Attempt-Date")))


def _other_bounce(mail: Mail) -> Told | None:
    """Reads a bounce in a form of its own, as older servers write it."""
    if not _is_from_machine(mail) and not mail.get("X-Failed-Recipients"):
        return None
    temporary, permanent = all_failures(mail)
    if not temporary and not permanent:
        return None
    words = _first_text(mail)
    status = read_status(words, REPLY) or read_status(str(mail.get("Subject") or ""), CODE)
    found = blame(status, words) if permanent or status is not None else SOFT
    return Told(ReportKind.BOUNCED, _text(status), _said(words), found, None)


def _text(status: Status | None) -> str | None:
    return str(status) if status is not None else None


def _first_text(mail: Mail) -> str:
    for part in mail.walk():
        if part.get_content_type() == "text/plain":
            payload = part.get_payload(decode=True)
            return payload.decode(errors="replace")[: 10 * MOST_WORDS] if isinstance(payload, bytes) else ""
    return ""


def _said(words: str) -> str | None:
    """Returns the line with a server's reply, if there is one."""
    return next((line.strip()[:MOST_WORDS] for line in words.splitlines() if REPLY.search(line)), None)


def _time(value: Any) -> datetime | None:
    with suppress(ValueError, TypeError, OverflowError, IndexError):
        found = parsedate_to_datetime(str(value))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    return None
