"""A request for a link: as much of it as a click needs."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from starlette.types import Scope


class LinkRequest(NamedTuple):
    """`token` is what stands after the slash, unread. `headers` are those that matter for a click, with names in lower case;
    values of a name that comes several times are joined by commas, as RFC 9110 says. `peer` made the connection, and is None when
    it has no network address."""

    method: str
    token: str
    headers: Mapping[str, str]
    peer: str | None


# The headers by which a click is judged and recorded; the others are not read.
_READ = frozenset(("host", "user-agent", "x-forwarded-for", "sec-purpose", "purpose", "x-moz", "x-purpose"))


LONGEST_HEADER = 4_096
MOST_VALUES = 32
"""The most characters of a header that are read, and the most values when it comes several times. This bounds the work of one
request; a browser's headers are far below."""


class SeveralHosts(ValueError):
    """A request with two `Host` headers, of which nobody can say whose link it is (RFC 9112, section 3.2)."""


def headers_of(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """`pairs` have names in lower case. Raises SeveralHosts."""
    headers: dict[str, str] = {}
    repeated: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in _READ:
            continue
        if len(value) > LONGEST_HEADER:
            value = _cut(name, value)
        if name in headers:
            repeated.setdefault(name, [headers[name]]).append(value)
        else:
            headers[name] = value
    if repeated:
        _join(headers, repeated)
    return headers


def _cut(name: str, value: str) -> str:
    """Proxies write at the end of `X-Forwarded-For`, so its end is what can be believed."""
    return value[-LONGEST_HEADER:] if name == "x-forwarded-for" else value[:LONGEST_HEADER]


def _join(headers: dict[str, str], repeated: dict[str, list[str]]) -> None:
    if "host" in repeated:
        raise SeveralHosts
    for name, values in repeated.items():
        headers[name] = _cut(name, ", ".join(values[-MOST_VALUES:]))


def read_link_request(scope: Scope) -> LinkRequest:
    """Reads a request as the framework has it; `api/redirect/answering/rsgi.py` reads the server's own."""
    pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    client = scope.get("client")
    return LinkRequest(scope["method"], scope["path"][1:], headers_of(pairs), client[0] if client else None)
