"""The message of a campaign, or of an action that sends one, as its form holds it."""

from collections.abc import Mapping
from typing import Any

from console.typed import duration_of, typed_duration

TEXTS = ("kind", "subject", "body", "html")


def with_all_of_message(typed: Mapping[str, Any]) -> dict[str, Any]:
    """Adds what is missing."""
    valid_for, links = typed.get("valid_for"), typed.get("links")
    return {
        **{name: _text(typed.get(name)) for name in TEXTS},
        "valid_for": {name: _text(valid_for.get(name)) if isinstance(valid_for, dict) else "" for name in ("number", "unit")},
        "links": [
            {"name": _text(each.get("name")), "url": _text(each.get("url"))}
            for each in (links if isinstance(links, list) else [])
            if isinstance(each, dict)
        ],
    }


def typed_message(message: Mapping[str, Any]) -> dict[str, Any]:
    links = [{"name": name, "url": url} for name, url in message["links"].items()]
    return {**message, "valid_for": typed_duration(message["valid_for"]), "links": links}


def message_of(typed: Mapping[str, Any], medium: str | None) -> dict[str, Any]:
    """Returns the message for the API. What only an e-mail has is left out of an SMS, and links without a name and an address
    are no links."""
    mail = {name: typed[name] or None for name in ("subject", "html")} if medium != "sms" else {}
    return {
        "kind": typed["kind"] or "marketing",
        "valid_for": duration_of(typed["valid_for"]),
        "body": typed["body"] or None,
        **mail,
        "links": {each["name"].strip(): each["url"].strip() for each in typed["links"] if each["name"] or each["url"]},
    }


def link_faults(typed: Mapping[str, Any], path: str) -> dict[str, str]:
    """Returns a fault for each link without a name, and for each name that two links have, because only one would be kept. A row
    that is empty is no link."""
    nameless = {
        f"{path}.links[{place}].name": "Give this link a name, such as offer: the text and the report call it by that."
        for place, each in enumerate(typed["links"])
        if each["url"].strip() and not each["name"].strip()
    }
    names = [each["name"].strip() for each in typed["links"] if each["name"].strip()]
    return nameless | {
        f"{path}.links.{name}": "Two links have this name: give one of them another." for name in names if names.count(name) > 1
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
