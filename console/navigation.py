"""The places of the console, in the order of the navigation."""

from dataclasses import dataclass

from models.organizations.api_key import Role


@dataclass(frozen=True)
class Place:
    """`icon` is one of `static/icons.svg`. `first` places stand in the short navigation of a phone; `below` ones at the foot."""

    name: str
    title: str
    path: str
    icon: str
    first: bool = False
    below: bool = False
    role: Role = Role.VIEWER


PLACES = (
    Place("overview", "Overview", "/", "overview", first=True),
    Place("campaigns", "Campaigns", "/campaigns", "campaign", first=True),
    Place("sequences", "Sequences", "/sequences", "sequence", first=True),
    Place("contacts", "Contacts", "/contacts", "contact", first=True),
    Place("segments", "Segments", "/segments", "segment"),
    Place("links", "Links", "/links", "link"),
    Place("health", "Health", "/health", "health", below=True),
    Place("settings", "Settings", "/settings", "settings", below=True),
)
