"""A CSV file as text. Its encoding and the separator of its columns are found in the file itself."""

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from typing import Any

from models.errors import FieldError, Invalid

MAX_CELL = 100_000
"""The most characters of a cell, which is also what one unclosed quotation mark can swallow before it is noticed."""

DELIMITERS = (",", ";", "\t", "|")

CHARSETS = re.compile(r"utf-?8|utf-?16(le|be)?|us-ascii|windows-125[0-8]|iso-8859-(1[0-6]|[1-9])")
"""The values that `charset` in the Content-Type may have."""

_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_UTF8_LETTER = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_LINE = re.compile(r"[^\r\n]*+(?:\r\n?|\n)|[^\r\n]++\Z")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


def decode_csv(body: bytes, charset: str | None = None) -> tuple[str, str]:
    """Returns the text and the name of its encoding: that of the byte order mark, else `charset`, else UTF-8, else Windows-1252.

    Raises Invalid with the line of the first byte that cannot be read.
    """
    encoding = next((name for mark, name in _MARKS.items() if body.startswith(mark)), charset or _likely(body))
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        line = body[: error.start].decode(encoding, "replace").count("\n") + 1
        raise invalid(line, f"this is not {encoding.upper()}; save the file as CSV UTF-8") from None
    if (index := text.find("\x00")) >= 0:
        raise invalid(text.count("\n", 0, index) + 1, "there is a NUL character (U+0000), which cannot be stored")
    return text, encoding.removesuffix("-sig")


def find_delimiter(text: str) -> str:
    """Returns what the line `sep=;` of a spreadsheet says, else the separator that makes most columns of the header, and a comma
    for a single column."""
    if said := re.match(r"sep=([,;\t|])\r?\n", text):
        return said[1]
    return max(DELIMITERS, key=lambda each: len(_header(text, each)))


def csv_rows(text: str, delimiter: str) -> Any:
    """Returns a reader whose first row is the header."""
    csv.field_size_limit(MAX_CELL)
    rows = csv.reader(_lines(text), strict=True, delimiter=delimiter)
    if header_line(text) > 1:
        next(rows, None)
    return rows


def _lines(text: str) -> Iterator[str]:
    """Yields the lines with their ends, one by one: `io.StringIO` would copy the text, with four bytes for each character."""
    return (each[0] for each in _LINE.finditer(text))


def header_line(text: str) -> int:
    """The header is the second line when a spreadsheet's `sep=;` comes first."""
    return 2 if text.startswith("sep=") else 1


def invalid(line: int, *problems: str) -> Invalid:
    """The file cannot be read. Everything that is wrong with a line is told together."""
    sentences = [f"Line {line}: {problem.rstrip('.')}." for problem in problems]
    detail = sentences[0] if len(sentences) == 1 else f"Line {line}: {len(sentences)} things need a change."
    return Invalid(detail, [FieldError("body", sentence, line=line) for sentence in sentences])


def _likely(body: bytes) -> str:
    """Returns Windows-1252 for a file that is not UTF-8, unless most letters beyond ASCII are valid UTF-8. Then it is a UTF-8
    file with a damaged part, and reading it in another way would spoil every name."""
    try:
        body.decode()
    except UnicodeDecodeError:
        letters = sum(len(each) for each in _UTF8_LETTER.findall(body))
        others = len(_NOT_ASCII.findall(body)) - letters
        return "utf-8" if letters > others else "cp1252"
    return "utf-8"


def _header(text: str, delimiter: str) -> Sequence[str]:
    try:
        return next(csv_rows(text, delimiter), [])
    except csv.Error:
        return []
