"""One content as the link_cache keeps it: a single bytes object, because a hundred thousand of them are in memory and on disk.

`organization (16 bytes) | positions with merge fields (4, bits) | positions that wake something (4, bits) | addresses`, the
addresses by position with a zero byte between them; an empty one is no link. PostgreSQL stores no zero byte.
"""

import struct
from functools import lru_cache
from typing import NamedTuple

from models.links.link_cache import ContentRow

_HEAD = struct.Struct("<16sII")


class LinkEntry(NamedTuple):
    """One link. `url` is as it was stored. With `merge` it is a template, and each recipient has an address of its own. `alone`
    says that its content has no other link."""

    org_id: bytes
    url: str
    wakes: bool
    alone: bool
    merge: bool = False


def pack(content: ContentRow) -> bytes:
    urls = [""] * (max((link.position for link in content.links), default=-1) + 1)
    for link in content.links:
        urls[link.position] = link.url
    merge = sum(1 << link.position for link in content.links if link.merge)
    wakes = sum(1 << position for position in set(content.wakes))
    return _HEAD.pack(content.org_id.bytes, merge, wakes) + "\0".join(urls).encode()


@lru_cache(maxsize=4096)  # most clicks are on few links
def link_of(entry: bytes, position: int) -> LinkEntry | None:
    """Returns None when the content has no such link."""
    org_id, merge, wakes = _HEAD.unpack_from(entry)
    urls = entry[_HEAD.size :].split(b"\0")
    if position >= len(urls) or not urls[position]:
        return None
    bit = 1 << position
    return LinkEntry(org_id, urls[position].decode(), bool(wakes & bit), len(urls) == 1, bool(merge & bit))
