"""Logs one line for each request: what was asked, with which key, how it ended and how long it took. No texts of people are
logged: only the ids of a path, and nothing of a query."""

import re
import time
from uuid import UUID

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.base import new_id

log = structlog.get_logger()

HEADER = b"x-request-id"
AUDITED = "audited"
"""Where the state of a request has the audit rows of what it has changed."""

_ID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}|\d{1,6}")


class RequestLog:
    """Goes around everything else, so that requests which a limit refuses are logged as well. It gives each request an id of
    ours, which the answer's header and the audit log have too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request_id, begin, status = new_id(), time.perf_counter(), 0
        scope.setdefault("state", {})["request_id"] = request_id

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER, str(request_id).encode())]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            _write(scope, request_id, status, time.perf_counter() - begin)


def _write(scope: Scope, request_id: UUID, status: int, seconds: float) -> None:
    """`status` 0 means that no answer was begun, because the client went away."""
    state, path = scope["state"], shown_path(scope)
    key, changes = state.get("key"), state.get(AUDITED, ())
    about = {"key_id": key.id, "organization_id": str(key.org_id)} if key else {}
    if changes and status < 400:
        targets = [f"{change.target_kind} {change.target_id or '-'}" for change in changes]
        about |= {"action": ", ".join(change.action for change in changes), "target": ", ".join(targets)}
    # Requests without a valid key must not fill the disk, nor must health checks. Refused keys have log lines of their own.
    write = log.info if key or status >= 500 else log.debug
    milliseconds = round(seconds * 1000, 1)
    write("request", method=scope["method"], path=path, status=status, ms=milliseconds, request_id=str(request_id), **about)


def shown_path(scope: Scope) -> str:
    """Returns the path as its route has it, with the ids. Other texts in the position of an id, such as an e-mail address, are
    left out."""
    route = scope.get("route")
    if route is None:
        return "(unknown)"
    path: str = route.path
    for name, value in scope.get("path_params", {}).items():
        if _ID.fullmatch(str(value)):
            path = path.replace(f"{{{name}}}", str(value))
    return path
