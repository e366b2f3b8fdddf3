"""Keeps the spelling of an address that a content has in several spellings. It is one link, but each goes out as it was
written."""

from urllib.parse import quote, unquote

FILTER = "as_spelled"


class AsWritten(str):
    """An address in place of a tracked link, while links are not tracked."""

    __slots__ = ()


def spelling(written: str) -> str:
    """Returns the filter that a compiled template has behind `tracked_links[N]`. The spelling is encoded, because Liquid's
    strings cannot contain their own quotes."""
    return f" | {FILTER}: '{quote(written, safe='')}'"


def as_spelled(address: object, written: object) -> object:
    return unquote(str(written)) if isinstance(address, AsWritten) else address
