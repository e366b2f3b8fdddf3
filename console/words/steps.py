"""What a step does, in words and as an icon. Steps are as the API says them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from models.sequences.steps.base import in_words

_DURATION = TypeAdapter(timedelta)
ICONS = {
    "send": "sms",
    "wait": "clock",
    "wait_for_click": "click",
    "update_contact": "tag",
    "enroll": "branch",
    "stop_other": "leave",
    "notify": "bell",
    "end": "flag",
}
KINDS = {
    "send": "Send a message",
    "wait_for_click": "Wait for a click",
    "wait": "Wait for a time",
    "update_contact": "Change the contact",
    "enroll": "Enroll in another sequence",
    "stop_other": "Stop other enrollments",
    "notify": "Notify a team",
    "end": "End the sequence",
}
"""Every kind that the API has, in the order in which people look for one."""

Step = Mapping[str, Any]
Media = Mapping[str, str]
"""The medium of each channel by its name."""


def icon(step: Step, media: Media) -> str:
    if step.get("kind") == "send" and media.get(str(step.get("channel"))) == "email":
        return "mail"
    return ICONS.get(str(step.get("kind")), "info")


def lasts(value: Any) -> str:
    """`P3D` is `3 days`; what is no duration stays as it is."""
    try:
        return in_words(_DURATION.validate_python(value))
    except (ValidationError, OverflowError):
        return str(value)


def does(step: Step, media: Media) -> str:
    """A few words that stand under the key of a step. A step that is not finished lacks some of them."""
    match step.get("kind"):
        case "send":
            medium = {"email": "E-mail", "sms": "SMS"}.get(media.get(str(step.get("channel")), ""), "Message")
            return f"{medium} by {step.get('channel', '…')}"
        case "wait_for_click":
            what = f"click on {step['link']}" if step.get("link") else "any click"
            return f"{what} · {lasts(step.get('timeout', '…'))}"
        case "wait":
            return lasts(step.get("duration", "…"))
        case "update_contact":
            return _change(step.get("change"))
        case "enroll":
            return "enrolls in another sequence"
        case "stop_other":
            return "stops those in one sequence" if step.get("sequence_id") else "stops all other enrollments"
        case "notify":
            return f"tells {step.get('target', '…')}"
        case "end":
            return f"ends as “{step.get('outcome') or 'completed'}”"
        case other:
            return str(other)


def _change(change: Any) -> str:
    given = change if isinstance(change, Mapping) else {}
    parts = [f"+ {each}" for each in _listed(given.get("tags_add"))] + [f"− {each}" for each in _listed(given.get("tags_remove"))]
    parts += [str(name) for field in ("fields", "properties") for name in _listed(given.get(field))]
    return ", ".join(parts) or "changes the contact"


def _listed(value: Any) -> list[Any]:
    """What is in it; nothing for what is no list, which a draft may hold."""
    return list(value) if isinstance(value, list | tuple | Mapping) else []
