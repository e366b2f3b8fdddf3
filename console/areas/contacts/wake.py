"""The wake: which entries of a conversation a click has caused, and where the coloured rail runs that joins them."""

from collections.abc import Sequence
from typing import Any

Item = dict[str, Any]

FARTHEST = 12
"""Entries between a click and what it caused, beyond which no rail is drawn: nobody follows it with the eye."""


def caused_by(click: Item, items: Sequence[Item]) -> list[int]:
    """Returns the places of what the click caused. `items` are in the order of time, the newest first.

    A step that was left because of the click leads to the message of the step that came next; a trigger leads to the messages and
    enrollments that it made, and an enrollment to its first message.
    """
    steps, firings, enrollments = dict[str, str | None](), set[str](), set[str]()
    found = []
    for place in range(len(items) - 1, -1, -1):  # causes come before what they cause
        item = items[place]
        match item["kind"]:
            case "step" if (item["because"] or {}).get("click_id") == click["id"]:
                steps[item["enrollment_id"]] = item["branch"]
            case "step" if item["event"] == "enrolled" and item["cause_id"] in firings:
                enrollments.add(item["enrollment_id"])
            case "trigger" if item["click_id"] == click["id"]:
                firings.add(item["id"])
            case "message" if item["firing_id"] is not None and item["firing_id"] in firings:
                pass
            case "message" if item["enrollment_id"] in enrollments:
                enrollments.remove(item["enrollment_id"])
            case "message" if item["step_key"] is not None and steps.get(item["enrollment_id"]) == item["step_key"]:
                del steps[item["enrollment_id"]]
            case _:
                continue
        found.append(place)
    return found


def rails(items: Sequence[Item]) -> list[set[str]]:
    """Returns for each entry in which direction its rail is coloured: `above`, `below`, both or none. A machine's click causes
    nothing; one that somebody has called a machine's later can have."""
    drawn: list[set[str]] = [set() for _ in items]
    for place, item in enumerate(items):
        if item["kind"] != "click" or (item["verdict"] != "human" and not item["correction"]):
            continue
        last = min((each for each in caused_by(item, items) if place - FARTHEST <= each < place), default=place)
        for between in range(last, place):
            drawn[between].add("below")
            drawn[between + 1].add("above")
    return drawn


def rail_class(drawn: set[str]) -> str:
    """Returns the class of the stylesheet, or nothing."""
    if len(drawn) == 2:
        return "wake-through"
    return f"wake-{next(iter(drawn))}" if drawn else ""
