"""Finds the comments in YAML. They mean nothing to the API, so a draft that is saved has none."""

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, cast

import yaml

from console.areas.sequences.yaml_text import LOADER

_BEGIN = re.compile(r"(?:^|(?<=[ \t]))#")


@dataclass(frozen=True)
class Comment:
    """`line` counts from 1. `is_alone` says that nothing else stands in its line."""

    line: int
    text: str
    is_alone: bool


def comments(text: str) -> list[Comment]:
    """`text` is YAML that has been read. A `#` in quotes, or in a text of several lines, begins no comment."""
    if "#" not in text:
        return []
    texts, quoted = set[int](), defaultdict[int, list[tuple[int, int]]](list)
    for event in yaml.parse(text, Loader=LOADER):
        if not isinstance(event, yaml.ScalarEvent) or not event.style:
            continue
        begin, end = cast("Any", event.start_mark), cast("Any", event.end_mark)
        if event.style in ("|", ">"):
            texts.update(range(begin.line + 1, end.line + (end.column > 0)))
            continue
        for number in range(begin.line, end.line + 1):
            first = begin.column if number == begin.line else 0
            quoted[number].append((first, end.column if number == end.line else len(text)))
    found = list[Comment]()
    for number, line in enumerate(text.split("\n")):
        at = None if number in texts else _place(line, quoted[number])
        if at is not None:
            found.append(Comment(number + 1, line[at:].strip(), not line[:at].strip()))
    return found


def _place(line: str, quoted: list[tuple[int, int]]) -> int | None:
    """Returns where the comment of a line begins."""
    places = (found.start() for found in _BEGIN.finditer(line))
    return next((at for at in places if not any(begin <= at < end for begin, end in quoted)), None)
