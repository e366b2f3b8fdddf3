"""The form in which keys and tags are compared. Pasted text can look the same as typed text and consist of other characters.

A no-break space, a zero-width space, a soft hyphen, a full-width digit or a separate accent come from spreadsheets, web pages and
phones. All code that compares text which people typed compares `plain` text.
"""

import unicodedata

_INVISIBLE_MARKS = {"\u034f", *map(chr, range(0xFE00, 0xFE10))}
"""The combining grapheme joiner and the variation selectors."""


def plain(text: str) -> str:
    """Returns the text in NFC, in one width, without characters that have no shape, with single ordinary spaces inside and none
    at its ends."""
    if text.isascii() and text.isprintable():  # nearly always true, and then spaces are all there is to do
        return " ".join(text.split())
    shown = "".join(_one_width(each) for each in text if not _is_invisible(each))
    return " ".join(unicodedata.normalize("NFC", shown).split())


def _is_invisible(character: str) -> bool:
    """Format and control characters. Those that are white space become a space later."""
    if character.isspace():
        return False
    return unicodedata.category(character) in {"Cf", "Cc"} or character in _INVISIBLE_MARKS


def _one_width(character: str) -> str:
    """Reads `＋` and `１` as `+` and `1`. Other compatible characters, such as `²`, are another text."""
    is_other_width = unicodedata.decomposition(character).startswith(("<wide>", "<narrow>"))
    return unicodedata.normalize("NFKC", character) if is_other_width else character
