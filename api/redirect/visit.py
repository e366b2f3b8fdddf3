"""A request for a link: as much of it as a click needs."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from starlette.types import Scope


class Visit(NamedTuple):
    """`token` is what stands after the slash, unread. `headers`: those that matter for a click, names in lower case; values of a
    name that comes several times are joined by commas, as RFC 9110 says. `peer`: who made the connection; None: not an
    address of the network."""

    method: str
    token: str
    headers: Mapping[str, str]
    peer: str | None


# What a click is judged and recorded by; the other headers are not read.
_READ = frozenset(("host", "user-agent", "x-forwarded-for", "sec-purpose", "purpose", "x-moz", "x-purpose"))


def headers_of(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """`pairs`: names in lower case."""
    headers: dict[str, str] = {}
    for name, value in pairs:
        if name in _READ:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def read_visit(scope: Scope) -> Visit:
    """Of a request as the framework has it; `api/redirect/rsgi.py` reads the server's own."""
    pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    client = scope.get("client")
    return Visit(scope["method"], scope["path"][1:], headers_of(pairs), client[0] if client else None)
