"""Signing in and out: an API key, or a link that works once, is exchanged for a session of this browser."""

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.handling.services import Services
from api.http.body import UNPROVED_PATIENCE, receive_in_time
from api.http.client import network_of
from console.addresses import BASE, url
from console.answering import TOKEN, signed_in_by
from console.cookies import SESSION, THEME, THEMES, set_cookie
from console.security import PAGE_HEADERS, form_token, is_ours, is_token
from console.templating import Templates
from models.organizations.caller import Refusal, find_by_key
from models.organizations.console_session import (
    FAILURES_WITHIN,
    begin_session,
    end_session,
    may_try,
    note_failure,
    use_sign_in_link,
)

FORM_BYTES = 10_000
SENTENCES = {
    Refusal.MALFORMED: "An API key begins with lw_ and has 60 more characters. This is something else.",
    Refusal.UNKNOWN: "This API key is not known here.",
    Refusal.REVOKED: "This API key was revoked: use another one.",
    Refusal.EXPIRED: "This API key has expired: use another one, or have an owner make one.",
}
WAIT = f"Too many sign-ins from your network have failed. Try again in {FAILURES_WITHIN.total_seconds() / 60:.0f} minutes."
USED = "This link has been used or is older than half an hour. Sign in with an API key."
OVER = "Your session is over, so nothing was changed. Sign in, then do it again."


class SignIn:
    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    async def page(self, request: Request) -> Response:
        if await signed_in_by(request):
            return RedirectResponse(_next(request.query_params.get("next", "")), 303, PAGE_HEADERS)
        return self._shown(request, fault=OVER if "over" in request.query_params else "")

    async def with_key(self, request: Request) -> Response:
        """A key is judged as the API judges it. Networks with many failures have to wait, whatever they send."""
        fields = await _fields(request)
        if not is_ours(request):
            return self._shown(request, 403, "This form came from another site. Sign in here.")
        services: Services = request.app.state.services
        text, network = fields.get("key", "").strip(), network_of(request, services.settings)
        async with services.database.transaction() as session:
            if not await may_try(session, network):
                return self._shown(request, 429, WAIT)
            found = await find_by_key(session, text)
            if isinstance(found, Refusal):
                note_failure(session, network)
                services.refused_keys.count(found, text)
                return self._shown(request, 401, SENTENCES[found])
            _, token = await begin_session(session, found.key, request.cookies.get(SESSION))
        return _signed_in(request, token, _next(fields.get("next", "")))

    async def with_link(self, request: Request) -> Response:
        """The link of `./linkwake up` or `./linkwake sign-in`, which works once. `?next=` is the page that it leads to. Failures
        are not counted: a code cannot be guessed, and pictures on other sites could lock their visitors out."""
        services: Services = request.app.state.services
        async with services.database.transaction() as session:
            key = await use_sign_in_link(session, request.path_params["code"])
            if key is None:
                return self._shown(request, 401, USED)
            _, token = await begin_session(session, key, request.cookies.get(SESSION))
        return _signed_in(request, token, _next(request.query_params.get("next", "")))

    async def out(self, request: Request) -> Response:
        fields = await _fields(request)
        signed_in = await signed_in_by(request)
        response = RedirectResponse(url("/sign-in"), 303, PAGE_HEADERS)
        if signed_in is None:
            return response
        if not is_ours(request) or not is_token(fields.get(TOKEN), form_token(request.cookies[SESSION])):
            return RedirectResponse(BASE, 303, PAGE_HEADERS)
        services: Services = request.app.state.services
        async with services.database.transaction() as session:
            await end_session(session, signed_in.organization.id, signed_in.session.id)
        set_cookie(response, request, SESSION, None)
        return response

    async def theme(self, request: Request) -> Response:
        """Sets a cookie, and shows the page from which it was asked for."""
        fields = await _fields(request)
        response = RedirectResponse(_next(fields.get("next", "")), 303, PAGE_HEADERS)
        if is_ours(request) and fields.get("theme") in THEMES:
            set_cookie(response, request, THEME, fields["theme"])
        return response

    def _shown(self, request: Request, status: int = 200, fault: str = "") -> Response:
        wanted = _next(request.query_params.get("next", ""))
        theme = request.cookies.get(THEME, "system")
        body = self._templates.render("sign_in.html", fault=fault, next=wanted, theme=theme)
        headers = {**PAGE_HEADERS, **({"Retry-After": "600"} if status == 429 else {})}
        return Response(body, status, headers, media_type="text/html")


def _signed_in(request: Request, token: str, path: str) -> Response:
    response = RedirectResponse(path, 303, PAGE_HEADERS)
    set_cookie(response, request, SESSION, token)
    return response


def _next(text: str) -> str:
    """Returns a page of the console, whatever the address says."""
    ours = text.startswith((f"{BASE}/", f"{BASE}?")) and not text.startswith(
        (f"{BASE}/sign-", f"{BASE}/static/", f"{BASE}/theme")
    )
    return text if ours and "\\" not in text and "/.." not in text and text.isprintable() else BASE


async def _fields(request: Request) -> dict[str, str]:
    """Returns the fields of a small form, each once. A larger one has none. Raises RequestTimeout for a slow one."""
    body = b""
    async for chunk in Request(request.scope, receive_in_time(request, UNPROVED_PATIENCE)).stream():
        body += chunk
        if len(body) > FORM_BYTES:
            return {}
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
