"""The most rows that a form may have of one kind. They are counted before anything of a form is drawn, because a field of a few
bytes, such as `triggers[7].key`, is drawn as thousands."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from console.refused import Refused
from console.typed import parts_of
from models.triggers.check import MAX_SENDS
from models.triggers.definition import MAX_ACTIONS, MAX_TRIGGERS

MOST = {
    "triggers": MAX_TRIGGERS,
    "actions": MAX_ACTIONS,
    "links": 32,
    "segment_ids": 12,
    "exclude_segment_ids": 12,
}
"""The most rows of one list. Of links and segments it is more than the API takes, which says so at the row."""
LINKS = 400
"""The most links of all messages of a form together."""
PROPERTIES = 400
COMPARISONS = 20
"""The most comparisons of one condition of a segment."""
WORDS = {
    "triggers": "Of triggers",
    "actions": "Of actions, a trigger",
    "links": "Of links, a message",
    "segment_ids": "Of segments, an audience",
    "exclude_segment_ids": "Of excluded segments, an audience",
}

_OWNER = re.compile(r"[qs]\d{0,4}\.")
"""What names of the fields of a sequence's triggers begin with."""
_KIND = re.compile(r".*actions\[\d+\]\.kind")
_PROPERTY = re.compile(r"property-\d+")
_COMPARISON = re.compile(r"(compare|value):")


def refuse_too_many_rows(form: Iterable[tuple[str, Any]]) -> None:
    """Raises Refused, which is a small page, for a form with more rows than the thing may have."""
    fields = list(form)
    lists = _lists(name for name, _ in fields if "[" in name)
    for place, rows in lists.items():
        _refuse_more(WORDS[str(place[-1])], len(rows), MOST[str(place[-1])])
    _refuse_more("Of links, all messages together", sum(len(rows) for at, rows in lists.items() if at[-1] == "links"), LINKS)
    sends = sum(value == "send" and _KIND.fullmatch(name) is not None for name, value in fields)
    _refuse_more("Of actions “send”, all triggers together", sends, MAX_SENDS)
    names = Counter(name for name, _ in fields)
    _refuse_more("Of properties, a form", sum(_PROPERTY.fullmatch(name) is not None for name in names), PROPERTIES)
    compared = max((times for name, times in names.items() if _COMPARISON.match(name)), default=0)
    _refuse_more("Of comparisons, a condition", compared, COMPARISONS)


def add_row(name: str, rows: list[Any], row: Any) -> None:
    """Adds a row, unless the list has as many as its form takes."""
    if len(rows) < MOST[name]:
        rows.append(row)


def are_too_many(triggers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether triggers, as the API has them, have more rows than a form takes."""
    if len(triggers) > MOST["triggers"] or any(len(each.get("actions", ())) > MOST["actions"] for each in triggers):
        return True
    sends = [action["message"] for each in triggers for action in each.get("actions", ()) if action["kind"] == "send"]
    links = [len(message.get("links", ())) for message in sends]
    return len(sends) > MAX_SENDS or max(links, default=0) > MOST["links"] or sum(links) > LINKS


def _lists(names: Iterable[str]) -> dict[tuple[str | int, ...], set[int]]:
    """Returns the numbers of the rows of each list of `MOST`, by the parts of the names that lead to it. `[7]` and `[07]` are one
    row."""
    found = defaultdict[tuple[str | int, ...], set[int]](set)
    for name in names:
        owner = _OWNER.match(name)
        parts = [owner[0] if owner else "", *parts_of(name[owner.end() :] if owner else name)]
        for place in range(1, len(parts)):
            number = parts[place]
            if isinstance(number, int) and parts[place - 1] in MOST:
                found[tuple(parts[:place])].add(number)
    return found


def _refuse_more(what: str, count: int, most: int) -> None:
    if count > most:
        text = f"{what} can have at most {most}; this form has {count}. Nothing was saved: go back and take some away."
        raise Refused(422, "These are too many rows", text)
