"""What a contact gets to see: nearly always 302 and nothing else."""

from collections.abc import Mapping
from typing import NamedTuple

# Nobody keeps the answer, nobody is told where the reader came from, and no search engine lists it.
HEADERS: Mapping[str, str] = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
_PAIRS = [(name.lower(), value) for name, value in HEADERS.items()]


class Answer(NamedTuple):
    """`headers`: names in lower case, without the length, which the server adds."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""


def redirect(url: str) -> Answer:
    """The stored address byte for byte; 302, because a permanent redirect would be remembered and the next click not seen."""
    return Answer(302, [("location", url), *_PAIRS])


def page(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Answer:
    """A small plain page for a person."""
    more = [(name.lower(), value) for name, value in (headers or {}).items()]
    return Answer(status, [("content-type", "text/plain; charset=utf-8"), *_PAIRS, *more], f"{sentence}\n".encode())
