"""Metadata off: what an organization does not keep of a click is dropped here, before the click is stored anywhere.

The switch counts at the time of the click. A click that comes without address and user agent stays without place and device: the
recorder finds nothing to describe (`activities/record_clicks.py`).
"""

from typing import NamedTuple

from api.redirect.answering.link_request import LinkRequest

LONGEST_USER_AGENT = 500


class KeptMetadata(NamedTuple):
    """Both are None when nothing is kept. `user_agent` is empty when the client sent none."""

    ip: str | None
    user_agent: str | None


NOTHING = KeptMetadata(None, None)


def kept_metadata(link_request: LinkRequest, address: str | None, keeps: bool) -> KeptMetadata:
    """`keeps`: the organization keeps metadata now."""
    if not keeps:
        return NOTHING
    agent = link_request.headers.get("user-agent", "").replace("\x00", "")[:LONGEST_USER_AGENT]
    return KeptMetadata(address, agent)
