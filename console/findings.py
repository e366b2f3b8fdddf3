"""Findings of the diagnostics as a list of what needs somebody: what is, what to change, and the place where it can be."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.addresses import url

LOOKS = {"problem": ("bad", "alert"), "warning": ("warn", "alert"), "info": ("", "info")}
"""The class of the list and the icon."""
ICONS = {"channel_paused": "pause", "link_tracking_off": "pause", "metadata_off": "pause"}
PLACES = (
    (("channel_", "callbacks_"), "/settings/channels", "Channels"),
    (("link_tracking_", "metadata_"), "/settings", "Settings"),
    (("refusals_undecided",), "/replies", "Decide"),
    (("notification_target_",), "/settings/notification-targets", "Targets"),
    (("addresses_suppressed",), "/suppressions", "Addresses"),
    (("geo_", "clicks_without_metadata"), "/health#geo", "Places"),
    (("enrollments_failed", "workflow", "campaign_gone"), "/health#workflows", "Workflows"),
)
"""Beginnings of codes, the page on which one can do something about it, and the word on the button."""
FOR_PEOPLE = {
    "channel_paused": "Correct that, send a test on its page, and resume it there. What waits goes on, except what is too late.",
    "channel_test_failed": "Correct that in its settings, and send another test.",
    "link_tracking_off": "Switch link tracking on. What is sent from then on is tracked, what was sent stays untracked.",
    "metadata_off": "Switch link tracking metadata on. Clicks made before stay without.",
    "refusals_undecided": "Read them and decide about each.",
    "workflows_gone": "Enroll these people again, if that was not meant. The latest are named under Workflows, and the name of "
    "a sequence there leads to the others. To end one enrollment, stop it on its page.",
    "contacts_opted_out": "Nothing has to be changed. Only what a person says later counts instead.",
    "contacts_without_consent": "Record that they have agreed, ask for no consent to this medium, or send as transactional what "
    "they expect.",
}
"""What to change, where the API names calls and their fields: said for whoever stands in front of the console."""
CALL = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) /")
QUESTIONS = {
    "clicks_not_showing": "Why are clicks not showing?",
    "automation_not_triggered": "Why was the automation not triggered?",
    "no_metadata": "Why is there no place or device?",
    "location_wrong": "Why is a place wrong?",
    "sequence_not_tracking": "Why is a sequence not tracking?",
    "delivery": "Why did a message not arrive?",
}
"""The questions of the troubleshooting page that findings answer."""


@dataclass(frozen=True)
class ToDo:
    """`title` says what is, `text` what to change, and `href` leads to where, if there is such a page."""

    look: str
    icon: str
    title: str
    text: str
    question: str
    href: str = ""
    verb: str = ""


def to_do(findings: Iterable[Mapping[str, Any]]) -> Sequence[ToDo]:
    """Returns the problems and warnings; what only explains something needs nobody."""
    return [_shown(each) for each in findings if each["severity"] != "info"]


def explained(findings: Iterable[Mapping[str, Any]]) -> Sequence[ToDo]:
    """Returns what is as it should be, with why."""
    return [_shown(each) for each in findings if each["severity"] == "info"]


def _shown(finding: Mapping[str, Any]) -> ToDo:
    look, icon = LOOKS[finding["severity"]]
    code: str = finding["code"]
    place = _place(code, finding.get("channel_id"))
    question = QUESTIONS.get(finding["question"], "")
    icon = "place" if code.startswith("geo_") else ICONS.get(code, icon)
    return ToDo(look, icon, finding["sentence"], _for_people(code, finding["what_to_change"]), question, *place)


def _for_people(code: str, text: str) -> str:
    """Sentences that name a call of the API say nothing to whoever stands in front of the console."""
    sentences = re.split(r"(?<=[.?!]) ", FOR_PEOPLE.get(code, text))
    return " ".join(each for each in sentences if not CALL.search(each))


def _place(code: str, channel_id: str | None) -> tuple[str, str]:
    if channel_id:
        return url(f"/settings/channels/{channel_id}"), "Channel"
    return next(((url(path), verb) for beginnings, path, verb in PLACES if code.startswith(beginnings)), ("", ""))
