"""The console's cookies: the session, the theme, and a sentence that the next page says once."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from models.organizations.console_session import IDLE

SESSION, THEME, NOTICE = "linkwake_session", "linkwake_theme", "linkwake_notice"
THEMES = ("system", "light", "dark")
BY_ITSELF = "x-live"
"""The header with which a page keeps itself up to date, without anybody in front of it."""
LIVES = {SESSION: IDLE, THEME: timedelta(days=365), NOTICE: timedelta(minutes=1)}


def set_cookie(response: Response, request: Request, name: str, value: str | None) -> None:
    """With None the browser forgets it. No script can read one, and behind TLS none is sent without it."""
    age = 0 if value is None else int(LIVES[name].total_seconds())
    response.set_cookie(
        name, value or "", max_age=age, path="/console", httponly=True, samesite="lax", secure=behind_tls(request)
    )


def by_itself(request: Request) -> bool:
    """Whether nobody has asked for it: it is no use of the session, and takes no sentence from the next page."""
    return BY_ITSELF in request.headers


def behind_tls(request: Request) -> bool:
    """A proxy says so in a header. Whoever invents it locks out only himself."""
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "").split(",")[0].strip() == "https"
