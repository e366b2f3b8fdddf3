"""Writes the text of a mail in 7 bits, because servers on the way that change 8 bits to 7 would break the DKIM signature."""

import binascii
import re
from typing import NamedTuple

MOST = 998
"""Characters of a line that every server takes, without its end."""

_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_PLAIN = re.compile(rb"(?:(?:[\t -~]*[!-~])?\n)*")
"""Matches printable ASCII in lines that do not end with a space, which servers cut off."""


class Part(NamedTuple):
    """`content` is encoded, in lines that end with CRLF. `headers` are those of the part, each with its CRLF."""

    headers: tuple[bytes, ...]
    content: bytes


def text_part(text: str, subtype: str) -> Part:
    """Returns the text as `text/{subtype}`, which ends with a line break. It is written as it is when it is ASCII in short
    lines, and otherwise as quoted-printable or base64, whichever is shorter."""
    lines = _LINE_ENDS.sub("\n", text)
    data = (lines if lines.endswith("\n") else f"{lines}\n").encode()
    encoding, content = _encode(data)
    kind = f"Content-Type: text/{subtype}; charset=utf-8\r\n".encode()
    return Part((kind, b"Content-Transfer-Encoding: " + encoding + b"\r\n"), content)


def _encode(data: bytes) -> tuple[bytes, bytes]:
    if _PLAIN.fullmatch(data) and max(map(len, data.split(b"\n"))) <= MOST:
        return b"7bit", data.replace(b"\n", b"\r\n")
    # A byte that is not ASCII takes three in quoted-printable; base64 takes four for three of all.
    if sum(each > 127 for each in data) * 6 <= len(data):
        return b"quoted-printable", _quoted_printable(data)
    encoded = binascii.b2a_base64(data.replace(b"\n", b"\r\n"), newline=False)
    return b"base64", b"".join(encoded[start : start + 76] + b"\r\n" for start in range(0, len(encoded), 76))


def _quoted_printable(data: bytes) -> bytes:
    return binascii.b2a_qp(data, istext=True).replace(b"\n", b"\r\n")


def alternatives(parts: list[Part], boundary: str) -> Part:
    """Returns the parts as `multipart/alternative`, of which mail programs show the last one that they can. No text has
    the boundary in it, because it is made from the message's id."""
    line = f"--{boundary}".encode()
    content = b"".join(line + b"\r\n" + b"".join(part.headers) + b"\r\n" + part.content + b"\r\n" for part in parts)
    kind = f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n'.encode()
    return Part((kind,), content + line + b"--\r\n")
