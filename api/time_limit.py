"""Every request ends: a database that is silent, not gone, would keep it for ever."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem_response
from api.within import within
from models.errors import Unavailable

READ_SECONDS = 20.0
WRITE_SECONDS = 60.0
"""The largest requests, 4,000 contacts or enrollments, take a few seconds of work."""


class TimeLimit:
    """Answers 503 when the application has not begun to answer in time, and leaves what it does then to its own end: its
    transaction is rolled back, or was being committed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        begun = over = False

        async def send_in_time(message: Message) -> None:
            nonlocal begun
            begun = True
            if not over:
                await send(message)

        reads = scope["method"] in ("GET", "HEAD")
        limit = READ_SECONDS if reads else WRITE_SECONDS

        async def answer() -> None:
            await self._app(scope, receive, send_in_time)

        try:
            await within(limit, answer())
        except TimeoutError:
            if begun:
                raise
            over = True
            again = "Send the same request again" + ("." if reads else ", with the same Idempotency-Key if it had one.")
            detail = f"There was no answer within {limit:g} seconds. {again}"
            response = problem_response(503, Unavailable.code, Unavailable.title, detail)
            response.headers["Retry-After"] = "5"
            await response(scope, receive, send)
