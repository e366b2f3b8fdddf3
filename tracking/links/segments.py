"""Counts how many SMS a text is, which is what a provider charges for.

A text is GSM 03.38 (7 bit) while every character is in its alphabet, otherwise UCS-2. A text that does not fit into one message
is cut into segments with a header, and neither an escaped character nor a surrogate pair is cut in two.
"""

from typing import Literal, NamedTuple

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED = frozenset("\f^{}\\[~]|€")  # two units each
_GSM7_LIMITS = (160, 153)  # units in a single message, and in each segment of several
_UCS2_LIMITS = (70, 67)


class Segments(NamedTuple):
    """`characters` counts Unicode code points, `units` the 7-bit or 16-bit units that are charged, and `segments` the SMS, which
    are 0 for an empty text."""

    encoding: Literal["GSM-7", "UCS-2"]
    characters: int
    segments: int
    units: int


def count_segments(text: str) -> Segments:
    if _BASIC.issuperset(text):
        return _count("GSM-7", [1] * len(text), _GSM7_LIMITS)
    if (_BASIC | _ESCAPED).issuperset(text):
        return _count("GSM-7", [2 if character in _ESCAPED else 1 for character in text], _GSM7_LIMITS)
    return _count("UCS-2", [2 if character > "\uffff" else 1 for character in text], _UCS2_LIMITS)


def _count(encoding: Literal["GSM-7", "UCS-2"], sizes: list[int], limits: tuple[int, int]) -> Segments:
    single, each = limits
    units = sum(sizes)
    if units <= single:
        return Segments(encoding, len(sizes), min(units, 1), units)
    segments, left = 1, each
    for size in sizes:
        if size > left:
            segments, left = segments + 1, each
        left -= size
    return Segments(encoding, len(sizes), segments, units)
