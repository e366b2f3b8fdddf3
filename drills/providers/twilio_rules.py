"""What Twilio's Messages API refuses, and with which error code, as far as a stand-in needs it.

Written from Twilio's documentation and apart from the product's own code, so that the two can be held against each other.
"""

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

LONGEST_TEXT = 1600
LONGEST_VALIDITY = 36_000

_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà\f^{}\\[~]|€" + string.ascii_letters + string.digits
)


@dataclass(frozen=True)
class Refused(Exception):
    """An answer with an error. Twilio's own texts quote what they refuse."""

    status: int
    code: int
    message: str
    retry_after: int | None = None


def check_message(form: Mapping[str, str], numbers: frozenset[str], services: frozenset[str], opted_out: set[str]) -> None:
    """Raises Refused in the order in which Twilio looks at a new message."""
    to, body = form.get("To", ""), form.get("Body", "")
    if not _PHONE.fullmatch(to):
        raise Refused(400, 21211, f"Invalid 'To' Phone Number: {to}")
    _check_sender(form, numbers, services)
    if not body.strip():
        raise Refused(400, 21602, "Message body is required.")
    if len(body) > LONGEST_TEXT:
        raise Refused(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
    _check_validity(form.get("ValidityPeriod"))
    _check_callback(form.get("StatusCallback"))
    if to in opted_out:
        raise Refused(400, 21610, "Attempt to send to unsubscribed recipient")


def _check_sender(form: Mapping[str, str], numbers: frozenset[str], services: frozenset[str]) -> None:
    sender, service = form.get("From"), form.get("MessagingServiceSid")
    if sender is None and service is None:
        raise Refused(400, 21603, "A 'From' phone number is required.")
    if service is not None and service not in services:
        raise Refused(404, 21701, "The Messaging Service does not exist")
    if sender is not None and sender not in numbers:
        raise Refused(400, 21659, f"'From' {sender} is not a Twilio phone number or Short Code country mismatch")


def _check_validity(text: str | None) -> None:
    if text is not None and not (text.isdecimal() and 1 <= int(text) <= LONGEST_VALIDITY):
        raise Refused(400, 21624, "Invalid validity period value")


def _check_callback(text: str | None) -> None:
    parts = urlsplit(text or "https://example.com/")
    if parts.scheme not in {"http", "https"} or not parts.hostname or "_" in parts.hostname:
        raise Refused(400, 21609, f"The 'StatusCallback' URL {text} is not a valid URL")


def segments(body: str) -> int:
    """About as many as Twilio counts; it does not look where a character would be divided."""
    if _ALPHABET.issuperset(body):
        size = len(body) + sum(each in "\f^{}\\[~]|€" for each in body)
        return 1 if size <= 160 else -(-size // 153)
    size = len(body.encode("utf-16-le")) // 2
    return 1 if size <= 70 else -(-size // 67)
