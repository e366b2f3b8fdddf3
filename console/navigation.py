"""The places of the console, in the order of the navigation."""

from dataclasses import dataclass

from models.organizations.api_key import Role


@dataclass(frozen=True)
class Place:
    """`icon` is one of `static/icons.svg`, and `key` leads there after `g`. `first` places stand in the short navigation of a
    phone; `below` ones at the foot."""

    name: str
    title: str
    path: str
    icon: str
    key: str
    first: bool = False
    below: bool = False
    role: Role = Role.VIEWER


PLACES = (
    Place("overview", "Overview", "/", "overview", "o", first=True),
    Place("campaigns", "Campaigns", "/campaigns", "campaign", "c", first=True),
    Place("sequences", "Sequences", "/sequences", "sequence", "s", first=True),
    Place("contacts", "Contacts", "/contacts", "contact", "p", first=True),
    Place("segments", "Segments", "/segments", "segment", "e"),
    Place("links", "Links", "/links", "link", "l"),
    Place("health", "Health", "/health", "health", "h", below=True),
    Place("settings", "Settings", "/settings", "settings", ",", below=True),
)
