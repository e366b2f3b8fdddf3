"""The condition of a segment in words, as a clause about a contact."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from api.contacts.trigger_sentences import duration
from api.why.words import MEDIUMS, shown

Condition = Mapping[str, Any]

FIELDS = {
    "first_name": "the first name",
    "last_name": "the last name",
    "email": "the e-mail address",
    "phone": "the phone number",
    "external_id": "the external_id",
    "time_zone": "the time zone",
}
COMPARISONS = {
    "equals": "is {}",
    "not_equals": "is not {}",
    "contains": "contains {}",
    "greater": "is more than {}",
    "less": "is less than {}",
    "after": "is {} or later",
    "before": "is before {}",
    "within": "is not longer ago than {}",
    "longer_ago": "is longer ago than {}",
    "at_least": "is {} or more",
    "at_most": "is {} or less",
}
CONSENTS = {"opted_in": "opted in to", "opted_out": "opted out of", "unknown": "said nothing about"}


def condition_clause(condition: Condition, about: str | None) -> str:
    """Returns for example `the property 'plan' is 'paid'`. `about` is the campaign, the sequence or the link that it is about."""
    return CLAUSES[condition["kind"]](condition, about)


def _compared(subject: str, condition: Condition) -> str:
    parts = [words.format(_shown(name, condition[name])) for name, words in COMPARISONS.items() if name in condition]
    if "exists" in condition:
        parts.append("is there" if condition["exists"] else "is not there")
    return f"{subject} {' and '.join(parts)}"


DURATION = TypeAdapter(timedelta)


def _shown(name: str, value: Any) -> str:
    if name in ("within", "longer_ago"):
        return duration(DURATION.validate_python(value))
    return shown(datetime.fromisoformat(value)) if name in ("after", "before") else quoted(value)


def quoted(value: Any) -> str:
    """A text in quotes; true, false and numbers as they are written in JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}'" if isinstance(value, str) else str(value)


def tag_list(tags: list[str]) -> str:
    """Returns for example `the tags 'a', 'b'`, or `no tags`."""
    names = ", ".join(f"'{each}'" for each in tags)
    return "no tags" if not tags else f"the tag{'s' if len(tags) > 1 else ''} {names}"


def _tags(condition: Condition, _about: str | None) -> str:
    tags, has = condition["tags"], condition.get("has", "any")
    if has == "none":
        return f"the contact does not have {tag_list(tags)}"
    some = "one of " if has == "any" and len(tags) > 1 else ""
    return f"the contact has {some}{tag_list(tags)}"


def _clicked(condition: Condition, about: str | None) -> str:
    has = "has" if condition["kind"] == "clicked" else "has not"
    if "link_id" in condition:
        return f"the contact {has} clicked the {about or 'link ' + condition['link_id']}"
    link = f"the link '{condition['link']}'" if condition.get("link") else "a link"
    return f"the contact {has} clicked {link}{_of(condition, about)}"


def _received(condition: Condition, about: str | None) -> str:
    times = {name: condition[name] for name in ("after", "before", "within", "longer_ago") if name in condition}
    when = f", and {_compared('the time', times)}" if times else ""
    count = condition.get("at_least", 1)
    messages = "a message" if count == 1 else f"at least {count} messages"
    return f"the contact has got {messages}{_of(condition, about)}{when}"


def _of(condition: Condition, about: str | None) -> str:
    named = [f"{name.removesuffix('_id')} {condition[name]}" for name in ("campaign_id", "sequence_id") if name in condition]
    return f" of the {about or named[0]}" if named else ""


def _consent(condition: Condition, _about: str | None) -> str:
    medium = MEDIUMS.get(condition["medium"], condition["medium"])
    return f"the contact has {CONSENTS[condition['state']]} {condition['message_kind']} messages by {medium}"


CLAUSES: dict[str, Callable[[Condition, str | None], str]] = {
    "clicked": _clicked,
    "clicks": lambda condition, _: _compared("the number of clicks", condition),
    "consent": _consent,
    "created_at": lambda condition, _: _compared("the time when the contact was made", condition),
    "field": lambda condition, _: _compared(FIELDS[condition["name"]], condition),
    "has_email": lambda *_: "the contact has an e-mail address",
    "has_phone": lambda *_: "the contact has a phone number",
    "last_click": lambda condition, _: _compared("the time of the last click", condition),
    "not_clicked": _clicked,
    "property": lambda condition, _: _compared(f"the property '{condition['name']}'", condition),
    "received": _received,
    "replied": lambda *_: "the contact has written back",
    "tags": _tags,
}
"""By the kind of a condition."""


def value_sentence(condition: Condition, value: Any) -> str:
    """Returns what the contact has there, such as ` It is 'free'.`, and nothing for a condition that compares no value."""
    match condition["kind"]:
        case "tags":
            return f" It has {tag_list(value or [])}."
        case "property" | "field" if value is None:
            return " It has no value."
        case "property" | "field":
            return f" It is {quoted(value)}."
        case "created_at":
            return f" It is {shown(datetime.fromisoformat(value))}."
        case _:
            return ""
