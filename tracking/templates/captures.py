"""Texts that a template captures with a link in them, where a filter or another tag would change the tracked link."""

import re
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from tracking.templates.source import Kind, pieces

_NAME = re.compile(r"capture\s+[\"']?([\w-]*\w)")
_DECIDING_TAGS = frozenset({"if", "elsif", "unless", "case", "when"})


class Captures(NamedTuple):
    """`names` of such texts. `shown`: every place in the source where one is put out by itself, or only decides something."""

    names: set[str]
    shown: set[int]


def captures_of(source: str, links: Iterable[int]) -> Captures:
    """`links`: where they start in the source. What shows such a text is one itself."""
    places = sorted(links)
    found = Captures(set(), set())
    opened: list[str] = []  # names, a deeper one behind
    for piece in pieces(source):
        tag = piece.inner if piece.kind is Kind.TAG else ""
        shows = piece.kind is Kind.OUTPUT and piece.inner in found.names
        if shows or tag in _DECIDING_TAGS:
            found.shown.update(range(piece.start, piece.end))
        if tag == "capture":
            name = _NAME.search(source, piece.start, piece.end)
            opened.append(name[1] if name else "")
        elif tag == "endcapture":
            opened.pop()
        elif opened and (shows or bisect_left(places, piece.start) < bisect_left(places, piece.end)):
            found.names.add(opened[-1])
    return found
