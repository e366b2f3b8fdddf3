"""What a page says when it cannot be shown: a sentence for people instead of a document for programs, with what is safe and the
id for the log."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api.http.problems import HEADERS
from api.http.request_log import shown_path
from api.http.time_limit import READ_SECONDS, WRITE_SECONDS
from api.http.within import NoAnswer, within
from console.cookies import THEME
from console.security import PAGE_HEADERS
from console.templating import Templates
from models.errors import LinkwakeError

log = structlog.get_logger()

Handle = Callable[[Request], Awaitable[Response]]
Found = TypeVar("Found")

SOONER = 2.0
"""Seconds before the API's own limit, which would answer with a document."""
AWAY = "The database does not answer"
AWAY_TEXT = (
    "Nothing is lost: links keep leading on, and clicks are kept on disk until it is back. "
    "What you sent was not stored: go back in your browser, and send it again when this page works."
)
BROKEN = "Something went wrong on our side"
BROKEN_TEXT = "Nothing was changed. The server's log has the reason, under the id below."


async def in_time(request: Request, work: Awaitable[Found]) -> Found:
    """Raises NoAnswer when the work takes too long. The time in which a form arrives does not count."""
    seconds = READ_SECONDS if request.method in ("GET", "HEAD") else WRITE_SECONDS
    return await within(seconds - SOONER, _awaited(work))


def shown_address(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def limited(handle: Handle) -> Handle:
    """Gives the whole of a request an end, for small forms."""
    return lambda request: in_time(request, handle(request))


class Failing:
    """Goes around every page."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def around(self, handle: Handle) -> Handle:
        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except ClientDisconnect:
                raise
            except LinkwakeError as error:
                return self._shown(request, error.status, error.title, error.detail, HEADERS.get(error.status))
            except (NoAnswer, OperationalError, PoolTimeout) as error:
                return self._away(request, error)
            except DBAPIError as error:
                if error.connection_invalidated:
                    return self._away(request, error)
                return self._broken(request, error)
            except Exception as error:
                return self._broken(request, error)

        return answer

    def _away(self, request: Request, error: Exception) -> Response:
        log.warning("the database does not answer", path=shown_path(request.scope), error=error)
        return self._shown(request, 503, AWAY, AWAY_TEXT, {"Retry-After": "5"})

    def _broken(self, request: Request, error: Exception) -> Response:
        log.error("page failed", path=shown_path(request.scope), method=request.method, exc_info=error)
        return self._shown(request, 500, BROKEN, BROKEN_TEXT)

    def _shown(self, request: Request, status: int, title: str, text: str, headers: dict[str, str] | None = None) -> Response:
        theme, request_id = request.cookies.get(THEME), getattr(request.state, "request_id", "")
        again = shown_address(request) if status == 429 and request.method == "GET" else None
        body = self._templates.render("failed.html", title=title, text=text, theme=theme, request_id=request_id, again=again)
        return Response(body, status, {**PAGE_HEADERS, **(headers or {})}, media_type="text/html")


async def _awaited(work: Awaitable[Found]) -> Found:
    return await work
