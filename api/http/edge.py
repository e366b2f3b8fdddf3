"""The outermost layer of the API: what every answer says to browsers and caches, and requests that nobody can understand."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import problem_response
from models.errors import BadRequest

KEPT_BY_NOBODY = ("/v1/", "/callbacks/", "/health", "/metrics")
"""Paths whose answers are about people or about this moment. What `/docs` is made of may be kept by caches."""

ONCE = {name.lower().encode(): name for name in ("Host", "Authorization")}
"""Headers that a request has once (RFC 9112, section 3.2; RFC 9110, section 5.3). With two of them, a proxy in front might judge
by the other one."""
TWICE = {
    key: problem_response(400, BadRequest.code, BadRequest.title, f"A request has one {name} header: send one.")
    for key, name in ONCE.items()
}


class Edge:
    """Sets `nosniff` on every answer and `no-store` on those of the API, and refuses a request with two hosts or keys."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        kept_by_nobody = scope["path"].startswith(KEPT_BY_NOBODY)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                if kept_by_nobody:
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await (_refusal(scope) or self._app)(scope, receive, send_with_headers)


def _refusal(scope: Scope) -> ASGIApp | None:
    names = [name for name, _ in scope["headers"] if name in ONCE]
    return next((TWICE[name] for name in ONCE if names.count(name) > 1), None)
