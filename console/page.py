"""One request of somebody who is signed in, and what its answer is made of."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote, urlencode

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.handling.services import Services
from console.addresses import url
from console.api_calls import ApiCalls, ApiProblem
from console.cookies import NOTICE, THEME, THEMES, set_cookie
from console.forms.lists import Lists
from console.pulse import UNKNOWN, Pulse
from console.refused import Refused
from console.security import PAGE_HEADERS
from console.templating import Templates
from console.words.consent import who_gets_marketing
from console.words.times import Times
from models.errors import LinkwakeError
from models.organizations.api_key import Role
from models.organizations.console_session import SignedIn

P = ParamSpec("P")
T = TypeVar("T")

CHANGED = "changed_meanwhile"
CHANGED_TITLE = "Somebody else has changed this meanwhile"
CHANGED_TEXT = (
    "Nothing was saved, and what you typed is here. Open this page in another tab to see what is stored now. "
    "Save once more to put yours in its place."
)


@dataclass(frozen=True)
class Page:
    """`api` asks the API as the key of whoever is signed in, and `place` is the entry of the navigation that is marked. `form` is
    empty unless the request is a form. `form_token` is what every form of the page has to send."""

    request: Request
    signed_in: SignedIn
    api: ApiCalls
    templates: Templates
    place: str
    form_token: str
    form: FormData
    notice: str = ""
    pulse: Pulse = UNKNOWN

    @property
    def times(self) -> Times:
        """Shows times in the organization's zone."""
        return Times(self.signed_in.organization.time_zone)

    @property
    def theme(self) -> str:
        chosen = self.request.cookies.get(THEME, "system")
        return chosen if chosen in THEMES else "system"

    @property
    def temporal_ui_url(self) -> str | None:
        services: Services = self.request.app.state.services
        return services.settings.effective_temporal_ui_url

    def who_gets_marketing(self, medium: str | None = None) -> str:
        """In words, as the organization has set it."""
        return who_gets_marketing(self.signed_in.organization.consent_required, medium)

    def may(self, role: str) -> bool:
        return self.signed_in.role.may(Role(role))

    def path(self, name: str) -> str:
        """A part of the address, such as an id."""
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        """One parameter of the address, without blanks around it."""
        return self.request.query_params.get(name, default).strip()

    def choice(self, name: str, known: Collection[str], default: str = "") -> str:
        """One parameter that has a few values. Raises Refused for another one, which must not look like all of them."""
        given = self.query(name)
        if given and given not in known:
            text = f"{name}: This is none of {', '.join(each for each in known if each)}."
            raise Refused(422, "This address cannot be read", text)
        return given or default

    def queries(self, name: str) -> list[str]:
        return [each for each in self.request.query_params.getlist(name) if each.strip()]

    def field(self, name: str, default: str = "") -> str:
        """One field of the form, as it was typed, with line ends as templates have them."""
        found = self.form.get(name, default)
        return found.replace("\r\n", "\n") if isinstance(found, str) else default

    def typed(self) -> dict[str, str]:
        """All fields of the form, as `field` returns them."""
        return {name: self.field(name) for name in self.form}

    def fields(self, name: str) -> list[str]:
        return [each for each in self.form.getlist(name) if isinstance(each, str)]

    def file(self, name: str) -> UploadFile | None:
        """A file that was chosen; None when none was."""
        found = self.form.get(name)
        return found if isinstance(found, UploadFile) and found.filename else None

    def address(self, **changed: Any) -> str:
        """This page's address with other filters: None removes one, a list gives several. A list begins with its first page."""
        query = {name: self.request.query_params.getlist(name) for name in self.request.query_params}
        query.pop("cursor", None)
        for name, value in changed.items():
            query.pop(name, None)
            if value is not None and value != "":
                query[name] = value if isinstance(value, list) else [str(value)]
        return self.request.url.path + (f"?{urlencode(query, doseq=True)}" if query else "")

    def is_no_address(self, problem: ApiProblem) -> bool:
        """Whether the API refused a part of the address itself, such as `nonsense` for an id. Its name of a part may say more:
        `link_id` is its `shared_link_id`."""
        parts = tuple(self.request.path_params)
        return problem.status == 422 and any(error["field"].endswith(parts) for error in problem.errors)

    def require_seen(self, thing: Mapping[str, Any]) -> None:
        """Raises ApiProblem when somebody else has changed the thing since this form was shown (`form.seen` in its template). Its
        second save puts it in the place of the other one's."""
        seen = self.field("seen")
        if seen and seen != thing["updated_at"]:
            raise ApiProblem(409, {"code": CHANGED, "title": CHANGED_TITLE, "detail": CHANGED_TEXT})

    async def save(self, path: str, body: dict[str, Any], thing: dict[str, Any], **query: Any) -> Any:
        """Changes a thing of the API that has `updated_at`, unless somebody else has changed it since it was seen, also while the
        form is on its way. Then `thing` has the new time, so that a second save puts this one in the other one's place."""
        self.require_seen(thing)
        try:
            return await self.api.patch(path, body, seen=thing["updated_at"], **query)
        except ApiProblem as problem:
            if problem.code != CHANGED:
                raise
            thing["updated_at"] = (await self.api.get(path, **query))["updated_at"]
            raise ApiProblem(409, {"code": CHANGED, "title": CHANGED_TITLE, "detail": CHANGED_TEXT}) from None

    def render(self, template: str, status: int = 200, /, **context: Any) -> Response:
        """Returns the page. Templates have `page`, `times` and `lists` beside what they are given."""
        body = self.templates.render(template, page=self, times=self.times, lists=Lists(self.field("do")), **context)
        response = Response(body, status, PAGE_HEADERS, media_type="text/html")
        if self.notice:
            set_cookie(response, self.request, NOTICE, None)
        return response

    def go_to(self, path: str, notice: str = "", **query: Any) -> Response:
        """Leads to another page of the console after a form has done its work. `notice` is what was done, in a sentence."""
        given = {name: value for name, value in query.items() if value not in (None, "")}
        response = RedirectResponse(url(path, **given), 303, PAGE_HEADERS)
        if notice:
            set_cookie(response, self.request, NOTICE, quote(notice))
        return response

    async def apart(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Returns what the function returns, which works in a process of its own (`services/judging/judge.py`): for whatever
        takes longer the more somebody has typed. Raises TooSlow, and ApiProblem when too much of the organization waits."""
        services: Services = self.request.app.state.services
        try:
            return await services.judge.ask_once(self.signed_in.organization.id, function, *args, **kwargs)
        except LinkwakeError as error:
            document = {"code": error.code, "title": error.title, "detail": error.detail}
            raise ApiProblem(error.status, document, str(error.retry_after or 5)) from None

    async def maybe(self, call: Awaitable[Any], *statuses: int) -> Any:
        """Returns what the API answers, or None when it refuses with one of these statuses (404 by default)."""
        try:
            return await call
        except ApiProblem as problem:
            if problem.status not in (statuses or (404,)):
                raise
            return None

    @staticmethod
    async def together(**calls: Awaitable[Any]) -> dict[str, Any]:
        """Asks several things at once: `found = await page.together(campaign=page.api.get(…), people=page.api.get(…))`."""
        answers = await asyncio.gather(*calls.values())
        return dict(zip(calls, answers, strict=True))
