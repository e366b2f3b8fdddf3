"""The redirect's composition root: `GET|HEAD /{token}` and two health pages, in one process."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from temporalio.client import Client

from activities import crashpoint
from activities.deliver_signals import SignalDelivery
from activities.starter import Starter
from api.redirect import rsgi
from api.redirect.answer import Answer, page
from api.redirect.client_address import ClientAddress
from api.redirect.closing import finish
from api.redirect.follow import Follow
from api.redirect.health import Health
from api.redirect.holds import Holds
from api.redirect.journal import Journal
from api.redirect.linkbook import Linkbook
from api.redirect.linkbook_snapshot import LinkbookSnapshot
from api.redirect.metrics import Meters, Metrics
from api.redirect.rate_limit import MissLimit
from api.redirect.shared_book import SharedBook
from api.redirect.signals import AfterCommit
from api.redirect.spool import Spool
from api.redirect.visit import Visit, read_visit
from models.database import Database
from settings import Settings
from temporal_client import connect
from tracking.token import TokenCodec

log = structlog.get_logger()

# Look-ups and signals only: clicks have the journal's connection.
POOL_SIZE = 4
LOAD_SECONDS, GLANCE_SECONDS = 5.0, 0.3
METRICS = "/metrics"
SENTENCE_500 = "Something went wrong on our side."
SENTENCES = {404: "There is no such page.", 405: "Links are opened with GET."}


@dataclass(frozen=True)
class Parts:
    """What the process is made of."""

    database: Database
    linkbook: Linkbook
    shared: SharedBook
    journal: Journal
    after_commit: AfterCommit
    holds: Holds
    follow: Follow
    health: Health
    meters: Meters
    metrics: Metrics


class Redirect(FastAPI):
    """The framework has the pages that are no links; links come to it only where a test asks it directly. The server calls
    `__rsgi__`."""

    async def __rsgi__(self, scope: rsgi.Scope, protocol: rsgi.HTTPProtocol) -> None:
        if _may_be_link(scope.method, scope.path):
            rsgi.respond(protocol, await self.answer(rsgi.read_visit(scope)))
        else:
            await rsgi.pass_on(self, scope, protocol)

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._life = self.router.lifespan_context(self)
        loop.run_until_complete(self._life.__aenter__())

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.run_until_complete(self._life.__aexit__(None, None, None))

    async def answer(self, visit: Visit) -> Answer:
        begin = time.perf_counter()
        parts: Parts = self.state.parts
        try:
            answer = await parts.follow(visit)
        except Exception:  # what the framework would do
            log.exception("link not answered")
            answer = page(500, SENTENCE_500)
        parts.meters.answered(answer.status, time.perf_counter() - begin)
        return answer


def _may_be_link(method: str, path: str) -> bool:
    """A token has no slash, and no page of ours is 14 letters and digits long."""
    return method in ("GET", "HEAD") and len(path) > 1 and path.count("/") == 1 and path != METRICS


def create_app(settings: Settings | None = None, client: Client | None = None) -> Redirect:
    """The redirect as an ASGI application. Tests hand in their settings and their Temporal client."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        parts = await _build(settings or Settings(), client)
        app.state.parts = parts
        async with _running(parts):
            yield

    app = Redirect(title="Linkwake redirect", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)

    async def live(request: Request) -> Response:
        return await app.state.parts.health.live(request)  # type: ignore[no-any-return] # app.state is untyped

    async def ready(request: Request) -> Response:
        return await app.state.parts.health.ready(request)  # type: ignore[no-any-return]

    async def metrics(request: Request) -> Response:
        return await app.state.parts.metrics(request)  # type: ignore[no-any-return]

    async def follow(request: Request) -> Response:
        return _response(await app.answer(read_visit(request.scope)))

    app.add_route("/health/live", live)
    app.add_route("/health/ready", ready)
    app.add_route(METRICS, metrics)
    # Other methods are not allowed.
    app.add_route("/{token}", follow, methods=["GET", "HEAD"])
    app.add_exception_handler(HTTPException, _plain_page)
    return app


async def _build(settings: Settings, client: Client | None) -> Parts:
    crashpoint.arm(settings.drill_crash, "redirect")
    url = settings.effective_database_url
    database = Database(url, POOL_SIZE)
    client = client or await connect(settings, lazy=True)
    delivery = SignalDelivery(database, client, Starter(database, client))
    after_commit = AfterCommit(client, delivery, settings.recorder_shards)
    meters = Meters()
    linkbook = Linkbook(database, LinkbookSnapshot(settings.var_dir / "linkbook"))
    shared = SharedBook(database, settings.var_dir / "shared_links.json")
    holds = Holds(delivery.held, after_commit.stored)
    spool = Spool(settings.var_dir / "spool", settings.spool_limit)
    journal = Journal(url, settings.click_budget, meters.counting(holds.stored), spool)
    codec, addresses = TokenCodec(settings.effective_token_keys), ClientAddress(settings.trusted_proxies)
    follow = Follow(codec, linkbook, shared, journal, addresses, MissLimit(settings.miss_limit), settings.suspect_hold, meters)
    health = Health(linkbook, shared, journal, after_commit, holds)
    metrics = Metrics(meters, journal, delivery, health.degraded)
    return Parts(database, linkbook, shared, journal, after_commit, holds, follow, health, meters, metrics)


@asynccontextmanager
async def _running(parts: Parts) -> AsyncIterator[None]:
    """Serves at once, also while the database is away; the last clicks are stored before it ends."""
    await parts.journal.start()
    await parts.linkbook.load_snapshot()
    parts.after_commit.start()
    parts.holds.start()
    parts.shared.restore()
    await _first_look(parts)
    stop = asyncio.Event()
    refreshing = [asyncio.create_task(book.run(stop)) for book in (parts.linkbook, parts.shared)]
    try:
        yield
    finally:
        await parts.journal.close()
        await parts.holds.close()
        await parts.after_commit.close()
        stop.set()
        await finish(refreshing)
        await parts.database.close()


async def _first_look(parts: Parts) -> None:
    """Without links from the disk, those of the database are worth a moment: one that is looked up alone takes longer. What is
    not there then is left to `run`; that a driver takes seconds to give up keeps nobody waiting."""
    looks = [asyncio.create_task(book.refresh()) for book in (parts.linkbook, parts.shared)]
    for look in looks:
        look.add_done_callback(lambda done: done.cancelled() or done.exception())  # it is in the book's `problem`
    _, rest = await asyncio.wait(looks, timeout=GLANCE_SECONDS if parts.linkbook.loaded else LOAD_SECONDS)
    for look in rest:
        look.cancel()


async def _plain_page(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return _response(page(status, SENTENCES.get(status, SENTENCE_500), headers))


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, dict(answer.headers))
