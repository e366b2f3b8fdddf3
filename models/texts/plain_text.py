"""The form in which keys and tags are compared. Pasted text can look the same as typed text and consist of other characters.

A no-break space, a zero-width space, a soft hyphen, a full-width digit or a separate accent come from spreadsheets, web pages and
phones. All code that compares text which people typed compares `plain` text.
"""

import unicodedata
from typing import Literal

PIECE = 256
"""Characters that are normalized together. Each accent of one letter is sorted in among those before it, so that the time would
grow with the square of their number, and nothing else in the process would run meanwhile."""

_INVISIBLE_MARKS = {"\u034f", *map(chr, range(0xFE00, 0xFE10))}
"""The combining grapheme joiner and the variation selectors."""


def plain(text: str) -> str:
    """Returns the text in NFC, in one width, without characters that have no shape, with single ordinary spaces inside and none
    at its ends."""
    if text.isascii() and text.isprintable():  # nearly always true, and then spaces are all there is to do
        return " ".join(text.split())
    shown = "".join(_one_width(each) for each in text if not _is_invisible(each))
    return " ".join(normalized("NFC", shown).split())


def normalized(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
    """Returns the text in a normal form of Unicode, in a time that grows with its length alone.

    A letter and its accent stay apart where a piece of 256 characters ends between them. Keys and tags are shorter than that.
    """
    return "".join(unicodedata.normalize(form, text[begin : begin + PIECE]) for begin in range(0, len(text), PIECE))


def _is_invisible(character: str) -> bool:
    """Format and control characters. Those that are white space become a space later."""
    if character.isspace():
        return False
    return unicodedata.category(character) in {"Cf", "Cc"} or character in _INVISIBLE_MARKS


def _one_width(character: str) -> str:
    """Reads `＋` and `１` as `+` and `1`. Other compatible characters, such as `²`, are another text."""
    is_other_width = unicodedata.decomposition(character).startswith(("<wide>", "<narrow>"))
    return unicodedata.normalize("NFKC", character) if is_other_width else character
