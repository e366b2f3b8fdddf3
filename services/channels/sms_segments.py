"""How many segments an SMS has, which is what providers count and charge. It is pure.

The rules are those of 3GPP TS 23.038 and 23.040: a text whose characters are all in the GSM 7-bit alphabet has 160 septets in one
segment, and 153 in each of several. Any other text is UCS-2, with 70 UTF-16 units in one segment and 67 in each of several. A
character is never divided between two segments.
"""

from collections.abc import Callable, Iterable

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
"""Each of these takes two septets: an escape and itself."""
ALPHABET = _BASIC | _EXTENSION

GSM_ALONE, GSM_EACH = 160, 153
UCS2_ALONE, UCS2_EACH = 70, 67


def count_segments(text: str) -> int:
    """Returns at least 1, because an empty text is sent as one segment as well."""
    if ALPHABET.issuperset(text):
        return _segments(text, _septets, GSM_ALONE, GSM_EACH)
    return _segments(text, _utf16_units, UCS2_ALONE, UCS2_EACH)


def _septets(character: str) -> int:
    return 2 if character in _EXTENSION else 1


def _utf16_units(character: str) -> int:
    return 2 if ord(character) > 0xFFFF else 1


def _segments(text: Iterable[str], size: Callable[[str], int], alone: int, each: int) -> int:
    sizes = [size(character) for character in text]
    if sum(sizes) <= alone:
        return 1
    segments, room = 1, each
    for units in sizes:
        if units > room:
            segments, room = segments + 1, each
        room -= units
    return segments
