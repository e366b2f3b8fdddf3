"""Destinations as authors write them, with merge fields or without: they are judged when they are saved and filled in for each
contact."""

import functools
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from tracking.links.destination import DestinationError, check_destination
from tracking.links.urls import FIELD
from tracking.templates.masked import MaskedText
from tracking.templates.source import Kind, pieces
from tracking.templates.template import render

_AUTHORITY = re.compile(r"https?://[^/?#\\]*", re.IGNORECASE)
_ENCODED = re.compile(r"\|\s*url_encode\s*$")


class Destination(NamedTuple):
    """`key` is equal for equal destinations. `url` is what is stored: as browsers write it or, with `merge`, as its author wrote
    it."""

    key: str
    url: str
    merge: bool
    written: str


def judge(written: str) -> Destination:
    """Raises DestinationError when the address can lead nowhere, whatever the merge fields will hold."""
    text = MaskedText(written)
    if any(piece.kind not in (Kind.TEXT, Kind.OUTPUT) for piece in pieces(written)):
        raise DestinationError("The address contains a tag; only merge fields are possible in an address.")
    if not text.outputs:
        url = check_destination(written)
        return Destination(url, url, merge=False, written=written)
    authority = _AUTHORITY.match(text.masked)
    if authority and authority[0].endswith(FIELD):
        raise DestinationError("The host ends with a merge field; put a / between the host and the field.")
    check_destination(text.masked.replace(FIELD, "x"))
    return Destination(_same_spacing(written), written, merge=True, written=written)


def has_fields(url: str) -> bool:
    """With UTM parameters, an address without merge fields can belong to a link that has some."""
    return any(piece.kind is Kind.OUTPUT for piece in pieces(url))


def without_fields(url: str) -> str | None:
    """Returns where a merge link leads when its fields are unknown: to the address with empty fields, if all of them stand in the
    query. Returns None when a field is a part of the host, the path or the fragment, or when the address leads nowhere without
    its fields."""
    text = MaskedText(url)
    before, _, query = text.masked.partition("?")
    if FIELD in before or "#" in before or FIELD in query.partition("#")[2]:
        return None
    try:
        return check_destination("".join(url[piece.start : piece.end] for piece in pieces(url) if piece.kind is Kind.TEXT))
    except DestinationError:
        return None


def render_destination(
    url: str,
    *,
    contact: Mapping[str, Any],
    organization: Mapping[str, Any] | None = None,
    enrollment: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> str:
    """Returns a merge link's destination for one contact. Values are percent-encoded, so that none can leave its part of the
    address.

    Raises TemplateError when a filter objects, and DestinationError when the result cannot be a destination.
    """
    template = encoding_template(url)
    text = render(template, contact=contact, organization=organization, enrollment=enrollment, extra=extra)
    return check_destination(text)


@functools.lru_cache(maxsize=512)
def encoding_template(url: str) -> str:
    """Turns `https://x.test/{{ contact.id }}` into `https://x.test/{{ contact.id | url_path }}`. What is encoded already
    stays."""
    before = ""
    for piece in pieces(url):
        text = url[piece.start : piece.end]
        if piece.kind is Kind.OUTPUT and not _ENCODED.search(piece.inner):
            text = f"{{{{ {piece.inner} | {_filter_after(before)} }}}}"
        before += text
    return before


def _filter_after(before: str) -> str:
    """Returns the filter for a value, by the part of the address in which it stands."""
    if _AUTHORITY.fullmatch(before):
        return "url_host"
    literal = "".join(before[piece.start : piece.end] for piece in pieces(before) if piece.kind is Kind.TEXT)
    return "url_query" if "?" in literal or "#" in literal else "url_path"


def _same_spacing(url: str) -> str:
    return "".join(
        f"{{{{ {piece.inner} }}}}" if piece.kind is Kind.OUTPUT else url[piece.start : piece.end] for piece in pieces(url)
    )
