"""What a contact gets to see: nearly always 302 and nothing else."""

from collections.abc import Mapping
from typing import NamedTuple

from api.redirect.answering.page import PAGE_HEADERS, document

# No cache keeps the answer, nobody is told where the reader came from, and no search engine lists it.
HEADERS: Mapping[str, str] = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
_PAIRS = [(name.lower(), value) for name, value in HEADERS.items()]


class Answer(NamedTuple):
    """`headers` have names in lower case and lack the length, which the server adds."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""


def redirect(url: str) -> Answer:
    """Sends the stored address byte for byte, with 302, because a permanent redirect would be remembered and the next click not
    seen."""
    return Answer(302, [("location", url), *_PAIRS])


def page(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Answer:
    """A small page for a person; machines get the same page."""
    more = [(name.lower(), value) for name, value in (headers or {}).items()]
    return Answer(status, [*PAGE_HEADERS, *_PAIRS, *more], document(status, sentence))
