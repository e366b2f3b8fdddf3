"""Answers the requests of pages: who is signed in, whether a form is ours, and what a refusal looks like."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import replace
from urllib.parse import quote, unquote

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api.handling.services import Services
from api.http.body import read_past, receive_in_time
from api.http.body_memory import Share
from api.http.query_parameters import refuse_wrong_parameters
from api.http.slow_readers import require_room
from console.addresses import BASE, url
from console.api_calls import ApiCalls, ApiProblem
from console.cookies import NOTICE, SESSION, by_itself
from console.failing import Handle, in_time
from console.forms.rows import refuse_too_many_rows
from console.page import Page
from console.pages import FORM_BYTES, Declared
from console.pulse import Pulses
from console.refused import NOT_FOUND, Refused
from console.security import PAGE_HEADERS, form_token, is_ours, is_token
from console.templating import Templates
from console.words.faults import detail_in_words, in_words
from console.words.fields import label_of
from models.errors import Invalid, RequestTimeout, TooManyRequests
from models.organizations.console_session import SignedIn, find_session

CONTENT_TYPE = r"(?i)(application/x-www-form-urlencoded|multipart/form-data; *boundary=[^;]+)(; *charset=utf-8)?"
"""What browsers send. Other encodings can hold characters that no answer can be written with."""
MOST_FAULTS = 5
"""Of an address, that are said."""
TOKEN = "form_token"  # noqa: S105 - the name of a field


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
            if declared.reads is not None:
                refuse_wrong_parameters(page.request, declared.reads)
            _refuse_repeated_fields(page.form, declared)
            refuse_too_many_rows(page.form.multi_items())
            return await declared.handler(page)

        return await self._as_page(request, handle, declared.place, declared.body_limit)

    async def _as_page(
        self, request: Request, handle: Callable[[Page], Awaitable[Response]], place: str, body_limit: int
    ) -> Response:
        signed_in = await in_time(request, signed_in_by(request))
        if signed_in is None:
            return self._to_sign_in(request)
        request.state.key = signed_in.key  # the log of requests names it
        services: Services = request.app.state.services
        share = Share(services.body_memory, signed_in.organization.id)
        try:
            calls = ApiCalls(self._inner, request.scope, signed_in.key.id, share)
            notice = "" if by_itself(request) else unquote(request.cookies.get(NOTICE, ""))[:500]
            token = form_token(request.cookies[SESSION])
            page = Page(request, signed_in, calls, self._templates, place, token, FormData(), notice)
            response = await self._answered(page, handle, body_limit, share)
        except BaseException:
            share.give_back()
            raise
        if body_limit > FORM_BYTES:
            return KeptUntilSent(response, share)
        share.give_back()
        return response

    async def _answered(
        self, page: Page, handle: Callable[[Page], Awaitable[Response]], body_limit: int, share: Share
    ) -> Response:
        request = page.request
        try:
            if request.method == "POST":
                page = replace(page, form=await _form(request, page.form_token, body_limit, share))
            return await in_time(request, self._in_turn(page, handle, has_file=body_limit > FORM_BYTES))
        except Refused as refused:
            return page.render("error.html", refused.status, title=refused.title, text=refused.text, retry_after=None)
        except Invalid as wrong:
            text = " ".join(f"{each.field}: {each.message}" for each in wrong.errors[:MOST_FAULTS])
            return page.render("error.html", 422, title="This address cannot be read", text=text, retry_after=None)
        except ApiProblem as problem:
            return _problem_page(page, problem)
        finally:
            await page.form.close()

    async def _in_turn(self, page: Page, handle: Callable[[Page], Awaitable[Response]], *, has_file: bool) -> Response:
        """Handles the request when it is its organization's turn. A form is of no use when its session was ended while it
        arrived."""
        services: Services = page.request.app.state.services
        org_id = page.signed_in.organization.id
        async with services.file_turns.turn(org_id) if has_file else nullcontext(), services.page_turns.turn(org_id):
            signed_in = await signed_in_by(page.request) if page.request.method == "POST" else page.signed_in
            if signed_in is None:
                return self._to_sign_in(page.request)
            if page.request.method == "POST":
                require_room(page.request.scope["state"], org_id)
            pulse = await self._pulses.of(org_id, page.api)
            return await handle(replace(page, signed_in=signed_in, pulse=pulse))

    def _to_sign_in(self, request: Request) -> Response:
        """A form of a session that is over is lost, and the sign-in page says so; a page is shown after the sign-in."""
        if request.method != "GET":
            return RedirectResponse(url("/sign-in", over="1"), 303, PAGE_HEADERS)
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        query = "" if wanted in (BASE, BASE + "/") else f"?next={quote(wanted)}"
        return RedirectResponse(url("/sign-in") + query, 303, PAGE_HEADERS)


class KeptUntilSent(Response):
    """An answer that may carry a file, whose bytes count for its organization until somebody has read it."""

    def __init__(self, answer: Response, share: Share) -> None:
        super().__init__()
        self._answer, self._share = answer, share

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._answer(scope, receive, send)
        finally:
            self._share.give_back()


async def signed_in_by(request: Request) -> SignedIn | None:
    """Raises TooManyRequests when the browser has too many requests under way."""
    token = request.cookies.get(SESSION)
    if not token:
        return None
    services: Services = request.app.state.services
    async with services.lookup_turns.turn(token), services.database.transaction() as session:
        found = await find_session(session, token, used=not by_itself(request))
        session.expunge_all()
    return found


async def _form(request: Request, token: str, limit: int, share: Share) -> FormData:
    """Raises Refused for a form that is not ours, too large or too slow, and TooManyRequests when its organization has too many
    of them. What is left of it is read past, so that the refusal is read."""
    try:
        return await _read_form(request, token, limit, share)
    except (Refused, TooManyRequests):
        await read_past(request)
        raise


async def _read_form(request: Request, token: str, limit: int, share: Share) -> FormData:
    if not is_ours(request):
        raise Refused(403, "This form came from another site", "Nothing was changed. Open the page here and do it again.")
    size = request.headers.get("content-length", "")
    if not (size.isascii() and size.isdecimal() and len(size) < 12 and int(size) <= limit):
        raise Refused(413, "This is too large", f"A form may have {limit / 2**20:g} MB. Nothing was changed.")
    if not re.fullmatch(CONTENT_TYPE, request.headers.get("content-type", "")):
        raise Refused(400, "This form cannot be read", "Nothing was changed. Open the page again.")
    share.take(int(size))
    try:
        arriving = Request(request.scope, receive_in_time(request))
        form = await arriving.form(max_files=1, max_fields=2_000, max_part_size=limit)
    except RequestTimeout:
        raise Refused(408, "The form did not arrive in time", "Nothing was changed. Send it again over a faster line.") from None
    except (HTTPException, ValueError):
        raise Refused(400, "This form cannot be read", "Nothing was changed. Open the page again.") from None
    if not is_token(form.get(TOKEN), token):
        await form.close()
        raise Refused(403, "This form is from another session", "Nothing was changed. Open the page again and do it there.")
    return form


def _refuse_repeated_fields(form: FormData, declared: Declared) -> None:
    for name, times in Counter(name for name, _ in form.multi_items()).items():
        if times > 1 and not declared.may_repeat(name):
            text = f"{name[:80]}: This is given more than once, so nothing was changed. Open the page again."
            raise Refused(422, "This form cannot be read", text)


def _problem_page(page: Page, problem: ApiProblem) -> Response:
    """What the API refused and no form shows."""
    if page.request.method == "GET" and (problem.status == 404 or page.is_no_address(problem)):
        return page.render("error.html", 404, title=NOT_FOUND.title, text=NOT_FOUND.text, retry_after=None)
    others = [error for error in problem.errors if error["field"] not in problem.detail]
    sentences = [f"{label_of(error['field'])}: {in_words(error['message'])}" for error in others]
    text = " ".join([detail_in_words(problem.detail, problem.errors), *sentences])
    return page.render("error.html", problem.status, title=problem.title, text=text, retry_after=problem.retry_after)
