"""What reports and lists of clicks are narrowed to, by the address of the page: the names are those of the API's parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from console.page import Page
from console.words.places import country

VERDICTS = {"human": "people", "suspect": "suspects", "bot": "bots", "all": "people and machines"}
DEVICES = {"phone": "Phone", "tablet": "Tablet", "desktop": "Desktop", "bot": "Machine", "other": "Other"}
NAMES = ("since", "until", "verdict", "link_id", "country", "region", "city", "device_type", "browser", "os", "tag")
LABELS = {
    "since": "From",
    "until": "Before",
    "verdict": "Clicks by",
    "link_id": "Link",
    "country": "Country",
    "region": "Region",
    "city": "City",
    "device_type": "Device",
    "browser": "Browser",
    "os": "System",
    "tag": "Tag",
}


@dataclass(frozen=True)
class Chip:
    """A filter that is on, as it is shown."""

    name: str
    label: str
    value: str


def given_filters(page: Page, *more: str) -> dict[str, str]:
    """Returns those that the address has. `more` are names of further ones."""
    return {name: value for name in (*NAMES, *more) if (value := page.query(name))}


def chips(given: Mapping[str, str], links: Mapping[str, str]) -> list[Chip]:
    """`links` are names by id."""
    shown: dict[str, Callable[[str], str]] = {
        "verdict": lambda value: VERDICTS.get(value, value),
        "country": country,
        "device_type": device,
        "link_id": lambda value: links.get(value, value),
    }
    return [Chip(name, LABELS[name], shown.get(name, str)(value)) for name, value in given.items() if name in LABELS]


def device(kind: str | None) -> str:
    """Without metadata nothing is known of a click's device."""
    return DEVICES.get(kind, kind) if kind else "Not known"
