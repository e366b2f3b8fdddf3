"""The console's composition root: the JSON API, and the pages over it at `/console` of the same port."""

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from starlette.requests import Request
from starlette.routing import Route

from api.app import create_app as create_api
from api.http import problems
from console.addresses import BASE
from console.answering import Answering
from console.failing import Failing, limited
from console.live import Live
from console.registry import AREAS
from console.sign_in import SignIn
from console.static_files import StaticFiles
from console.templating import Templates
from settings import Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """Returns the API and the console as one ASGI application. Any number of processes may serve it: nothing of a session is kept
    in one."""
    return with_console(create_api(settings))


def with_console(app: FastAPI) -> FastAPI:
    """Adds the pages to the API's routes."""
    static = StaticFiles()
    templates = Templates(static)
    answering, sign_in, around = Answering(_inner(app), templates), SignIn(templates), Failing(templates).around
    routes = [
        Route("/", _home),
        Route(f"{BASE}/", _home),
        Route(f"{BASE}/static/{{version}}/{{name}}", static.answer),
        Route(f"{BASE}/sign-in", around(limited(sign_in.page)), methods=["GET"]),
        Route(f"{BASE}/sign-in", around(limited(sign_in.with_key)), methods=["POST"]),
        Route(f"{BASE}/sign-in/{{code}}", around(limited(sign_in.with_link)), methods=["GET"]),
        Route(f"{BASE}/sign-out", around(limited(sign_in.out)), methods=["POST"]),
        Route(f"{BASE}/theme", around(limited(sign_in.theme)), methods=["POST"]),
        Route(f"{BASE}/live", Live(), methods=["GET"]),
        *(answering.route(declared, around) for area in AREAS for declared in area.declared),
        Route(f"{BASE}/{{path:path}}", around(answering.not_found), methods=["GET", "POST"]),
    ]
    app.router.routes[:0] = routes
    return app


def _inner(app: FastAPI) -> FastAPI:
    """The API's routes and errors without the layers around them, which a page's own request has passed."""
    inner = FastAPI(openapi_url=None)
    inner.router.routes[:] = list(app.router.routes)
    inner.state = app.state
    problems.install(inner)
    return inner


def _home(_request: Request) -> RedirectResponse:
    return RedirectResponse(BASE)
