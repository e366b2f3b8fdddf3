"""Asks the API in this process, as the key of whoever is signed in.

The console knows nothing of the tables: what a page shows and does is what the API answers, with the same limits, errors, roles
and rows in the audit log. A call costs no connection and passes none of the layers that judge a request from outside, because the
page's own request has passed them.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.types import ASGIApp, Message

from api.callers.caller import CONSOLE_KEY
from api.http.body_memory import SHARE_OF_PAGE, Share
from api.http.request_log import AUDITED
from models.organizations.audit_log import AuditLog

PREFIX = "/v1"
AT_ONCE = 8
"""What a page asks at once; the rest of it waits. Otherwise one page with many parts would fill its organization's line."""
UNWRITABLE = "Something in this form cannot be stored: a number that is too long, lists that are too deep, or a broken character."


class ApiProblem(Exception):
    """What the API refused: a problem document (RFC 9457)."""

    def __init__(self, status: int, document: dict[str, Any], retry_after: str | None = None) -> None:
        super().__init__(document.get("detail") or document.get("title") or "")
        self.status = status
        self.code: str = document.get("code", "internal")
        self.title: str = document.get("title", "")
        self.detail: str = document.get("detail", "")
        self.errors: list[dict[str, Any]] = document.get("errors", [])
        self.retry_after = retry_after

    @property
    def first(self) -> str:
        """A sentence of what has to change first."""
        return str(self.errors[0]["message"]) if self.errors else self.detail

    def faults(self) -> dict[str, str]:
        """Returns a sentence for each field that has to change; the first one counts."""
        found: dict[str, str] = {}
        for error in self.errors:
            found.setdefault(error["field"], error["message"])
        return found


class ApiCalls:
    """`inner` are the API's routes without the layers around them; `base` is the scope of the page's own request, and `share` is
    what that request has taken of its organization's memory for bodies."""

    def __init__(self, inner: ASGIApp, base: Mapping[str, Any], key_id: str, share: Share) -> None:
        self._inner, self._base, self._key_id, self._share = inner, base, key_id, share
        self._places = asyncio.Semaphore(AT_ONCE)

    async def get(self, path: str, **query: Any) -> Any:
        """Returns the document at `/v1{path}`. Parameters that are None or empty are left out; a list is sent as several. Raises
        ApiProblem."""
        return await self._call("GET", path, query, None, {})

    async def post(self, path: str, body: Any = None, *, once: str | None = None, **query: Any) -> Any:
        """`once` is an Idempotency-Key: a form that is sent twice does its work once."""
        return await self._call("POST", path, query, body, {"idempotency-key": once} if once else {})

    async def put(self, path: str, body: Any) -> Any:
        return await self._call("PUT", path, {}, body, {})

    async def patch(self, path: str, body: Any, **query: Any) -> Any:
        return await self._call("PATCH", path, query, body, {})

    async def delete(self, path: str, **query: Any) -> Any:
        return await self._call("DELETE", path, query, None, {})

    async def send_file(self, path: str, content: bytes, content_type: str, *, once: str | None = None, **query: Any) -> Any:
        """Posts the bytes as they are."""
        headers = {"content-type": content_type, **({"idempotency-key": once} if once else {})}
        return await self._call("POST", path, query, content, headers)

    def scope(
        self, method: str, path: str, query: Mapping[str, Any], headers: Mapping[str, str], length: int = 0
    ) -> dict[str, Any]:
        """Returns the scope of a request to `/v1{path}`, for answers that are passed on as they come."""
        given = {name: value for name, value in query.items() if value is not None and value not in ("", [])}
        sent = {"host": "console", **headers, **({"content-length": str(length)} if length else {})}
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": PREFIX + path,
            "raw_path": (PREFIX + path).encode(),
            "root_path": "",
            "query_string": urlencode(given, doseq=True).encode(),
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "client": self._base.get("client"),
            "server": self._base.get("server"),
            "state": {"request_id": self._base.get("state", {}).get("request_id")},
            CONSOLE_KEY: self._key_id,
            SHARE_OF_PAGE: self._share,
        }

    async def pass_on(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Lets the API answer the client itself, for what is streamed."""
        await self._inner(scope, receive, send)
        self.note_changes(scope["state"].get(AUDITED, ()))

    async def _call(self, method: str, path: str, query: Mapping[str, Any], body: Any, headers: dict[str, str]) -> Any:
        content = body if isinstance(body, bytes) else b"" if body is None else _written(body)
        if content and "content-type" not in headers:
            headers["content-type"] = "application/json"
        exchange = _Exchange(content)
        scope = self.scope(method, path, query, headers, len(content))
        async with self._places:
            await exchange.run(self._inner, scope)
        document = orjson.loads(exchange.body) if exchange.body else None
        if exchange.status >= 400:
            raise ApiProblem(exchange.status, document or {}, exchange.headers.get("retry-after"))
        self.note_changes(scope["state"].get(AUDITED, ()))
        return document

    def note_changes(self, changes: Iterable[AuditLog]) -> None:
        """The line in the log of the page's own request says what was changed."""
        self._base["state"].setdefault(AUDITED, []).extend(changes)


def _written(body: Any) -> bytes:
    """Raises ApiProblem for what no JSON document can hold: a number too long, lists too deep, half of a pair of surrogates."""
    try:
        return orjson.dumps(body)
    except TypeError:
        document = {"title": "The request is not valid", "detail": UNWRITABLE, "code": "invalid", "errors": []}
        raise ApiProblem(422, document) from None


class _Exchange:
    """One request whose body is known and whose answer is read to its end."""

    def __init__(self, content: bytes) -> None:
        self._content: bytes | None = content
        self._over = asyncio.Event()
        self.status, self.body = 500, b""
        self.headers: dict[str, str] = {}

    async def run(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        try:
            await app(scope, self._receive, self._send)
        except Exception:
            if self.status < 500 or not self.body:  # otherwise it was answered and logged
                raise

    async def _receive(self) -> Message:
        if self._content is not None:
            content, self._content = self._content, None
            return {"type": "http.request", "body": content, "more_body": False}
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")
            if not message.get("more_body", False):
                self._over.set()
