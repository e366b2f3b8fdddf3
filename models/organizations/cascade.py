"""What an organization's settings and those of a campaign or a sequence come to together. Documented in docs/tracking.md."""

from typing import Literal

from models.organizations.organization import Organization

Level = Literal["organization", "campaign", "sequence"]


def tracking_off_at(organization: Organization, level: Level, link_tracking: bool | None) -> list[Level]:
    """The levels at which link tracking is switched off. `link_tracking` is the setting of the campaign or the sequence; None
    inherits the organization's."""
    levels: list[Level] = [] if organization.link_tracking else ["organization"]
    return levels if link_tracking is not False else [*levels, level]


def is_tracked(organization: Organization, link_tracking: bool | None) -> bool:
    """Whether a message of this campaign or sequence goes out with tracked links: every level has to allow it."""
    return organization.link_tracking and link_tracking is not False


def link_domain_of(organization: Organization, own: str | None, server: str) -> str:
    """The base of a message's tracked links, without a slash at the end: the campaign's `own` link domain, else the
    organization's, else the server's. A sequence has none of its own."""
    return (own or organization.link_domain or server).rstrip("/")
