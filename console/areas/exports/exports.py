"""Files of clicks, messages and enrollments: the API writes them, row by row, to whoever asked for the page."""

from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from console.page import Page
from console.pages import Pages
from models.organizations.api_key import Role

pages = Pages("overview")


class PassedOn(Response):
    """What the API answers, as it comes. A refusal is shown as a page, because a person asked."""

    def __init__(self, page: Page, path: str, query: dict[str, Any]) -> None:
        super().__init__()
        self._page, self._path, self._query = page, path, query

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused, body = 0, b""

        async def pass_on(message: Message) -> None:
            nonlocal refused, body
            if message["type"] == "http.response.start" and message["status"] >= 400:
                refused = message["status"]
            if not refused:
                await send(message)
            elif message["type"] == "http.response.body":
                body += message.get("body", b"")

        await self._page.api.pass_on(self._page.api.scope("GET", self._path, self._query, {}), receive, pass_on)
        if refused:
            await self._refusal(refused, orjson.loads(body))(scope, receive, send)

    def _refusal(self, status: int, problem: dict[str, Any]) -> Response:
        sentences = [problem.get("detail", ""), *(f"{each['field']}: {each['message']}" for each in problem.get("errors", []))]
        title = problem.get("title", "This cannot be exported")
        return self._page.render("error.html", status, title=title, text=" ".join(sentences), retry_after=None)


@pages.get("/exports/clicks", role=Role.EDITOR, reads=None)
async def clicks(page: Page) -> Response:
    """`?campaign_id=…`, with the filters of the list of clicks."""
    return _file(page, "/exports/clicks")


@pages.get("/exports/messages", role=Role.EDITOR, reads=None)
async def messages(page: Page) -> Response:
    return _file(page, "/exports/messages")


@pages.get("/exports/enrollments", role=Role.EDITOR, reads=None)
async def enrollments(page: Page) -> Response:
    return _file(page, "/exports/enrollments")


def _file(page: Page, path: str) -> Response:
    """The page's own address has the API's filters; those that are empty are left out."""
    return PassedOn(page, path, {name: page.queries(name) for name in page.request.query_params})
