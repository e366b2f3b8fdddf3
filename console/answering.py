"""Answers the requests of pages: who is signed in, whether a form is ours, and what a refusal looks like."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from urllib.parse import quote, unquote

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from api.handling.services import Services
from console.addresses import BASE, url
from console.api_calls import ApiCalls, ApiProblem
from console.cookies import NOTICE, SESSION, by_itself
from console.failing import Handle
from console.page import Page
from console.pages import FORM_BYTES, Declared
from console.pulse import Pulses
from console.security import PAGE_HEADERS, form_token, is_ours, is_token
from console.templating import Templates
from models.organizations.console_session import SignedIn, find_session

CONTENT_TYPE = r"(?i)(application/x-www-form-urlencoded|multipart/form-data; *boundary=[^;]+)(; *charset=utf-8)?"
"""What browsers send. Other encodings can hold characters that no answer can be written with."""
BODY_SECONDS = 60.0
"""The time that a form may take to arrive."""
TOKEN = "form_token"  # noqa: S105 - the name of a field


class Refused(Exception):
    """What a page cannot do, said as a page: a status, what happened, and what to do."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(title)
        self.status, self.title, self.text = status, title, text


NOT_FOUND = Refused(404, "There is nothing at this address", "It may have been deleted, or belong to another organization.")


class Answering:
    """`inner` are the API's routes without the layers around them."""

    def __init__(self, inner: ASGIApp, templates: Templates) -> None:
        self._inner, self._templates, self._pulses = inner, templates, Pulses()

    def route(self, declared: Declared, around: Callable[[Handle], Handle]) -> Route:
        async def answer(request: Request) -> Response:
            request.scope["route"] = route  # the log of requests shows it
            return await self._answer(request, declared)

        path = BASE + ("" if declared.path == "/" else declared.path)
        route = Route(path, around(answer), methods=[declared.method])
        return route

    async def not_found(self, request: Request) -> Response:
        async def refuse(_page: Page) -> Response:
            raise NOT_FOUND

        return await self._as_page(request, refuse, "", FORM_BYTES)

    async def _answer(self, request: Request, declared: Declared) -> Response:
        async def handle(page: Page) -> Response:
            if not page.may(declared.role):
                raise Refused(
                    403,
                    "Your key may not do this",
                    f"It has the role {page.signed_in.role}; this needs {declared.role} or higher. Nothing was changed.",
                )
            return await declared.handler(page)

        return await self._as_page(request, handle, declared.place, declared.body_limit)

    async def _as_page(
        self, request: Request, handle: Callable[[Page], Awaitable[Response]], place: str, body_limit: int
    ) -> Response:
        signed_in = await signed_in_by(request)
        if signed_in is None:
            return self._to_sign_in(request)
        request.state.key = signed_in.key  # the log of requests names it
        token = form_token(request.cookies[SESSION])
        calls = ApiCalls(self._inner, request.scope, signed_in.key.id)
        notice = "" if by_itself(request) else unquote(request.cookies.get(NOTICE, ""))[:500]
        pulse = await self._pulses.of(signed_in.organization.id, calls)
        page = Page(request, signed_in, calls, self._templates, place, token, FormData(), notice, pulse)
        try:
            if request.method == "POST":
                page = replace(page, form=await _form(request, token, body_limit))
            return await handle(page)
        except Refused as refused:
            return page.render("error.html", refused.status, title=refused.title, text=refused.text, retry_after=None)
        except ApiProblem as problem:
            return _problem_page(page, problem)
        finally:
            await page.form.close()

    def _to_sign_in(self, request: Request) -> Response:
        """A form of a session that is over is lost, and the sign-in page says so; a page is shown after the sign-in."""
        if request.method != "GET":
            return RedirectResponse(url("/sign-in", over="1"), 303, PAGE_HEADERS)
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        query = "" if wanted in (BASE, BASE + "/") else f"?next={quote(wanted)}"
        return RedirectResponse(url("/sign-in") + query, 303, PAGE_HEADERS)


async def signed_in_by(request: Request) -> SignedIn | None:
    token = request.cookies.get(SESSION)
    if not token:
        return None
    services: Services = request.app.state.services
    async with services.database.transaction() as session:
        found = await find_session(session, token, used=not by_itself(request))
        session.expunge_all()
    return found


async def _form(request: Request, token: str, limit: int) -> FormData:
    """Raises Refused for a form that is not ours, too large or too slow."""
    if not is_ours(request):
        raise Refused(403, "This form came from another site", "Nothing was changed. Open the page here and do it again.")
    size = request.headers.get("content-length", "")
    if not (size.isascii() and size.isdecimal() and len(size) < 12 and int(size) <= limit):
        raise Refused(413, "This is too large", f"A form may have {limit / 2**20:g} MB. Nothing was changed.")
    if not re.fullmatch(CONTENT_TYPE, request.headers.get("content-type", "")):
        raise Refused(400, "This form cannot be read", "Nothing was changed. Open the page again.")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            form = await request.form(max_files=1, max_fields=2_000, max_part_size=limit)
    except TimeoutError:
        raise Refused(408, "The form did not arrive in time", "Nothing was changed. Send it again over a faster line.") from None
    except (HTTPException, ClientDisconnect, ValueError):
        raise Refused(400, "This form cannot be read", "Nothing was changed. Open the page again.") from None
    if not is_token(form.get(TOKEN), token):
        await form.close()
        raise Refused(403, "This form is from another session", "Nothing was changed. Open the page again and do it there.")
    return form


def _problem_page(page: Page, problem: ApiProblem) -> Response:
    """What the API refused and no form shows."""
    if page.request.method == "GET" and (problem.status == 404 or page.is_no_address(problem)):
        return page.render("error.html", 404, title=NOT_FOUND.title, text=NOT_FOUND.text, retry_after=None)
    sentences = [f"{error['field']}: {error['message']}" for error in problem.errors if error["field"] not in problem.detail]
    text = " ".join([problem.detail, *sentences])
    return page.render("error.html", problem.status, title=problem.title, text=text, retry_after=problem.retry_after)
