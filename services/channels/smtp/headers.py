"""Writes the headers of a mail. Each one is returned whole, folded, with CRLF at its end.

Python's own generator is not used, because it breaks long words, such as the address of `List-Unsubscribe`, into encoded words
that no mail program reads there.
"""

import re
from email.header import Header
from email.utils import quote

MOST = 76
"""Characters of a line."""

_PLAIN = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def text_header(name: str, text: str) -> bytes:
    """Returns a header of free text, such as the subject. Line breaks in it become spaces, so that no value can add a header."""
    line = _CONTROLS.sub(" ", text)
    if _PLAIN.fullmatch(line) and "=?" not in line and len(name) + 2 + len(line) <= MOST:
        return f"{name}: {line}\r\n".encode()
    return f"{name}: {_encoded(line, len(name) + 2)}\r\n".encode()


def address_header(name: str, address: str, display_name: str | None = None) -> bytes:
    """Returns a header with one address. An address that is not ASCII is written in UTF-8, as SMTPUTF8 allows."""
    if display_name is None:
        return f"{name}: {address}\r\n".encode()
    phrase = _phrase(_CONTROLS.sub(" ", display_name).strip(), len(name) + 2)
    fits = len(name) + 2 + len(phrase.rpartition("\n")[2]) + len(address) + 3 <= MOST
    space = " " if fits else "\r\n "
    return f"{name}: {phrase}{space}<{address}>\r\n".encode()


def structured_header(name: str, *parts: str) -> bytes:
    """Returns a header whose parts are ASCII and stay whole. Each part has a line of its own if they do not fit into one."""
    line = f"{name}: {' '.join(parts)}"
    folded = line if len(line) <= MOST else f"{name}: " + "\r\n ".join(parts)
    return f"{folded}\r\n".encode("ascii")


def _phrase(text: str, used: int) -> str:
    if "=?" in text or not _PLAIN.fullmatch(text) or used + len(text) + 2 > MOST:
        return _encoded(text, used)
    return text if _ATOMS.fullmatch(text) else f'"{quote(text)}"'


def _encoded(text: str, used: int) -> str:
    """Returns encoded words (RFC 2047)."""
    return Header(text, "utf-8", maxlinelen=MOST, header_name="x" * (used - 2)).encode(linesep="\r\n")
