"""A request for a link, as the server hands it over: what the framework would make of it costs more than a click's verdict."""

from collections.abc import Mapping
from typing import NamedTuple

from starlette.types import Scope


class Visit(NamedTuple):
    """`token` is what stands after the slash, unread. `headers`: names in lower case; values of a name that comes several times
    are joined by commas, as RFC 9110 says. `peer`: who made the connection; None: not an address of the network."""

    method: str
    token: str
    headers: Mapping[str, str]
    peer: str | None


def read_visit(scope: Scope) -> Visit:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    client = scope.get("client")
    return Visit(scope["method"], scope["path"][1:], headers, client[0] if client else None)
