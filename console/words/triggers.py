"""What a trigger waits for and what its actions do, in words."""

from collections.abc import Mapping
from typing import Any

from console.words.times import iso_duration

ACTIONS = {
    "send": "sends a message",
    "enroll": "enrolls the person in a sequence",
    "leave": "takes the person out of the sequence",
    "go_to": "moves the person to another step",
    "tag": "adds a tag",
    "untag": "removes a tag",
    "set_field": "sets a field",
    "notify": "notifies a target",
}


def trigger_sentence(trigger: Mapping[str, Any]) -> str:
    """What a trigger waits for: `A click on boots`, `No click on any link within 2 d`."""
    link = trigger["link"] or "any link"
    within = f" within {iso_duration(trigger['within'])}" if trigger["within"] else ""
    often = f", up to {trigger['times']} times for each person" if trigger["times"] > 1 else ""
    return f"{'No click' if trigger['when'] == 'not_clicked' else 'A click'} on {link}{within}{often}"


def trigger_words(trigger: Mapping[str, Any]) -> dict[str, Any]:
    """The counts of a trigger as the API has them, with `waits_for`, and `does` for each of its actions."""
    does = [action_words(each["kind"]) for each in trigger["actions"]]
    return {**trigger, "waits_for": trigger_sentence(trigger), "does": does}


def action_words(kind: str) -> str:
    """What an action does, as the rest of a sentence; one that is not listed is called by its kind."""
    return ACTIONS.get(kind, kind.replace("_", " "))
