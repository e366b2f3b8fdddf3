"""A conversation as its page shows it: days, rails, and texts with their links marked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.areas.contacts.wake import Item, rail_class, rails
from console.words.times import Times

SHOWN = {
    "messages": ("message",),
    "clicks": ("click",),
    "replies": ("inbound_message",),
    "decisions": ("step", "trigger", "trigger_refusal"),
    "consent": ("consent", "suppression"),
}
"""What `?show=` means: kinds of entries of the API."""


@dataclass(frozen=True)
class Entry:
    """One row of the thread. `day` is set on the first one of a day; `day_rail` and `rail` are classes of the stylesheet."""

    item: Item
    rail: str
    day: str | None
    day_rail: str
    lag: float | None


def thread(items: Sequence[Item], times: Times) -> list[Entry]:
    """The newest entry comes first, as the API sends them."""
    entries, day_before = list[Entry](), None
    for item, drawn in zip(items, rails(items), strict=True):
        day = times.local(item["at"]).date()
        new_day = item["at"] if day != day_before else None
        entries.append(Entry(item, rail_class(drawn), new_day, "wake-through" if "above" in drawn else "", _lag(item, times)))
        day_before = day
    return entries


def _lag(item: Item, times: Times) -> float | None:
    """Seconds from the click until the workflow took its next step."""
    clicked_at = (item.get("because") or {}).get("clicked_at")
    if item["kind"] != "step" or not clicked_at:
        return None
    return max(0.0, (times.local(item["at"]) - times.local(clicked_at)).total_seconds())


def marked(text: str, links: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Parts of a text, each with the link that it is. The longest link that stands at a place is the one that is meant."""
    rest = text
    by_length = sorted(links, key=lambda link: -len(link["url"]))
    while rest:
        starts = [(start, link) for link in by_length if link["url"] and (start := rest.find(link["url"])) >= 0]
        if not starts:
            yield rest, None
            return
        start, link = min(starts, key=lambda found: found[0])
        if start:
            yield rest[:start], None
        yield link["url"], link
        rest = rest[start + len(link["url"]) :]
