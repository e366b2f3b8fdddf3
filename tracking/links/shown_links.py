"""Finds the addresses that somebody can open in a message as it was received."""

from tracking.links.destination import is_destination
from tracking.links.markup import link_addresses
from tracking.links.urls import find_urls


def shown_links(body: str, html: str | None) -> list[str]:
    """Returns those of the text first, each once. What only looks like an address is left out."""
    in_text = (body[start:end] for start, end in find_urls(body))
    return list(dict.fromkeys([*filter(is_destination, in_text), *link_addresses(html or "")]))
