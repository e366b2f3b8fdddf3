"""The server's own protocol (RSGI, Granian's): a link is answered without the framework, whose request, router and response take
longer than all the rest of a click (`docs/performance.md`). Everything else goes to the framework as usual."""

import asyncio
import contextlib
from typing import Any

from granian.rsgi import HTTPProtocol as HTTPProtocol  # type: ignore[attr-defined] # it is public all the same
from granian.rsgi import Scope as Scope
from starlette.types import ASGIApp, Message

from api.redirect.answering.answer import Answer
from api.redirect.answering.link_request import LinkRequest, headers_of


def read_link_request(scope: Scope) -> LinkRequest:
    """A link's request. A peer without an address, which is a socket of the file system, is ''."""
    peer = scope.client.rpartition(":")[0].strip("[]")
    return LinkRequest(scope.method, scope.path[1:], headers_of(scope.headers.items()), peer)


def respond(protocol: HTTPProtocol, answer: Answer) -> None:
    if answer.body:
        protocol.response_bytes(answer.status, answer.headers, answer.body)
    else:
        protocol.response_empty(answer.status, answer.headers)


LONGEST_BODY = 16 * 1024
BODY_SECONDS = 5.0
"""The most bytes of a body that are read, and the longest time for it. A form of ours has some hundred bytes."""


async def pass_on(app: ASGIApp, scope: Scope, protocol: HTTPProtocol) -> None:
    """A request to the framework. Of a POST the beginning of the body is read, and of other methods nothing, since no page takes
    one. The answer is sent whole."""
    told: dict[str, Any] = {"body": b""}
    body = await _beginning(protocol) if scope.method == "POST" else b""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            told.update(status=message["status"], headers=message["headers"])
        else:
            told["body"] += message.get("body", b"")

    await app(_asgi_scope(scope), receive, send)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in told["headers"]]
    protocol.response_bytes(told["status"], headers, told["body"])


async def _beginning(protocol: HTTPProtocol) -> bytes:
    body = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in protocol:
                body += chunk
                if len(body) > LONGEST_BODY:
                    break
    return body[:LONGEST_BODY]


def _asgi_scope(scope: Scope) -> dict[str, Any]:
    host, _, port = scope.client.rpartition(":")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": scope.http_version,
        "method": scope.method,
        "scheme": scope.scheme,
        "path": scope.path,
        "raw_path": scope.path.encode(),
        "root_path": "",
        "query_string": scope.query_string.encode("latin-1"),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in scope.headers.items()],
        "client": (host.strip("[]"), int(port)) if port.isdigit() else None,
        "server": None,
    }
