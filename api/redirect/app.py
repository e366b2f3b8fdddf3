"""The redirect's composition root: `GET|HEAD /{token}`, the address for unsubscribing and two health pages, in one process."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from temporalio.client import Client

from api.redirect.answering import rsgi
from api.redirect.answering.answer import Answer, page
from api.redirect.answering.client_address import ClientAddress
from api.redirect.answering.follow import Follow
from api.redirect.answering.link_request import LinkRequest, SeveralHosts, read_link_request
from api.redirect.answering.rate_limit import MissLimit
from api.redirect.background.closing import finish
from api.redirect.background.flood import ClickLimit, Flood
from api.redirect.background.holds import Holds
from api.redirect.background.signals import AfterCommit
from api.redirect.health import Health
from api.redirect.keeping.journal import Journal
from api.redirect.keeping.spool import Spool
from api.redirect.links.link_cache import LinkCache
from api.redirect.links.link_cache_snapshot import LinkCacheSnapshot
from api.redirect.links.shared_link_cache import SharedLinkCache
from api.redirect.metrics import Meters, Metrics
from api.redirect.unsubscribing.answer import Unsubscribing
from api.redirect.unsubscribing.unsubscribes import POOL_SIZE as UNSUBSCRIBE_POOL_SIZE
from api.redirect.unsubscribing.unsubscribes import Unsubscribes
from models.database import REQUESTS, Database
from services.commands.deliver import CommandDelivery
from services.deliver_signals import SignalDelivery
from services.link_domains.server_hosts import server_hosts
from services.process import crashpoint
from services.process.signs_of_life import signs_of_life
from settings import Settings
from temporal_client import connect
from tracking.tokens.token import TOKEN_LENGTH, TokenCodec
from tracking.tokens.unsubscribe import UNSUBSCRIBE_PATH

log = structlog.get_logger()

Incoming = TypeVar("Incoming")

# These connections are for look-ups and signals only, because clicks have the journal's connection.
POOL_SIZE = 4
LOAD_SECONDS, GLANCE_SECONDS = 5.0, 0.3
HEALTH, LIVE, READY, METRICS = "/health", "/health/live", "/health/ready", "/metrics"
PAGES = frozenset((HEALTH, LIVE, READY, METRICS))
"""None of these names is 14 letters and digits long, and slugs with these names are refused."""
LINK_LENGTH = 1 + TOKEN_LENGTH
"""The length of nearly all paths, and of no page of ours."""
SENTENCE_500 = "Something went wrong on our side."
SENTENCES = {400: "A request has one Host header.", 404: "There is no such page.", 405: "Links are opened with GET."}


@dataclass(frozen=True)
class Parts:
    """What the process is made of."""

    database: Database
    link_cache: LinkCache
    shared: SharedLinkCache
    journal: Journal
    after_commit: AfterCommit
    holds: Holds
    flood: Flood
    follow: Follow
    unsubscribes: Unsubscribes
    unsubscribing: Unsubscribing
    health: Health
    meters: Meters
    metrics: Metrics


class Redirect(FastAPI):
    """The framework has the pages that are not links. Links come to it only where a test asks it directly, because the server
    calls `__rsgi__`."""

    async def __rsgi__(self, scope: rsgi.Scope, protocol: rsgi.HTTPProtocol) -> None:
        if _may_be_link(scope.method, scope.path):
            rsgi.respond(protocol, await self.answer(rsgi.read_link_request, scope))
        else:
            await rsgi.pass_on(self, scope, protocol)

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._life = self.router.lifespan_context(self)
        loop.run_until_complete(self._life.__aenter__())

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.run_until_complete(self._life.__aexit__(None, None, None))

    async def answer(self, read: Callable[[Incoming], LinkRequest], scope: Incoming) -> Answer:
        """`read` makes a link_request of `scope`, which is the server's or the framework's."""
        begin = time.perf_counter()
        parts: Parts = self.state.parts
        try:
            answer = await parts.follow(read(scope))
        except SeveralHosts:
            answer = page(400, SENTENCES[400])
        except Exception:  # as the framework does
            log.exception("link not answered")
            answer = page(500, SENTENCE_500)
        parts.meters.answered(answer.status, time.perf_counter() - begin)
        return answer

    async def unsubscribe(self, request: Request) -> Response:
        parts: Parts = self.state.parts
        try:
            link_request = read_link_request(request.scope)
        except SeveralHosts:
            return _response(page(400, SENTENCES[400]))
        return _response(await parts.unsubscribing(link_request, await request.body()))


def _may_be_link(method: str, path: str) -> bool:
    """Every path that is not a page of ours, also with slashes, since other text can run into a link."""
    return method in ("GET", "HEAD") and (len(path) == LINK_LENGTH or (len(path) > 1 and not _is_page(path)))


def _is_page(path: str) -> bool:
    return path in PAGES or path.startswith(UNSUBSCRIBE_PATH)


def create_app(settings: Settings | None = None, client: Client | None = None) -> Redirect:
    """The redirect as an ASGI application. Tests hand in their settings and their Temporal client."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        given = settings or Settings()
        parts = await _build(given, client)
        app.state.parts = parts
        file, lately = given.alive_file("redirect"), parts.meters.lately
        async with signs_of_life("redirect", file, parts.database, about=lately), _running(parts):
            yield

    app = Redirect(
        title="Linkwake redirect",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirect leads where our table says, never where a Host header says
    )

    async def live(request: Request) -> Response:
        return await app.state.parts.health.live(request)  # type: ignore[no-any-return] # app.state is untyped

    async def ready(request: Request) -> Response:
        return await app.state.parts.health.ready(request)  # type: ignore[no-any-return]

    async def metrics(request: Request) -> Response:
        return await app.state.parts.metrics(request)  # type: ignore[no-any-return]

    async def follow(request: Request) -> Response:
        return _response(await app.answer(read_link_request, request.scope))

    async def unsubscribe(request: Request) -> Response:
        return await app.unsubscribe(request)

    app.add_route(LIVE, live)
    app.add_route(READY, ready)
    app.add_route(HEALTH, ready)
    app.add_route(METRICS, metrics)
    app.add_route(f"{UNSUBSCRIBE_PATH}{{token:path}}", unsubscribe, methods=["GET", "HEAD", "POST"])
    # Other methods are not allowed.
    app.add_route("/{token:path}", follow, methods=["GET", "HEAD"])
    app.add_exception_handler(HTTPException, _plain_page)
    return app


async def _build(settings: Settings, client: Client | None) -> Parts:
    crashpoint.arm(settings.drill_crash, "redirect")
    url = settings.effective_database_url
    database = Database(url, POOL_SIZE, patience=REQUESTS)
    client = client or await connect(settings, lazy=True)
    delivery = SignalDelivery(database, client)
    commands = CommandDelivery(database, client)
    after_commit = AfterCommit(client, delivery, commands, settings.recorder_shards)
    meters = Meters()
    link_cache = LinkCache(database, LinkCacheSnapshot(settings.var_dir / "link_cache"))
    shared = SharedLinkCache(database, settings.var_dir / "shared_links.json", server_hosts(settings))
    holds = Holds(delivery.held, after_commit.stored)
    spool = Spool(settings.var_dir / "spool", settings.spool_limit)
    journal = Journal(url, settings.click_budget, meters.counting(holds.stored), spool)
    codec, addresses = TokenCodec(settings.effective_token_keys), ClientAddress(settings.trusted_proxies)
    misses, flood = MissLimit(settings.miss_limit), Flood(database, ClickLimit(settings.click_limit))
    follow = Follow(codec, link_cache, shared, journal, addresses, misses, flood, settings.suspect_hold, meters)
    unsubscribe_spool = Spool(settings.var_dir / "unsubscribes", settings.spool_limit, "unsubscribes")
    unsubscribes = Unsubscribes(Database(url, UNSUBSCRIBE_POOL_SIZE, patience=REQUESTS), unsubscribe_spool, after_commit.told)
    unsubscribing = Unsubscribing(codec, database, shared, unsubscribes, addresses, misses)
    health = Health(link_cache, shared, journal, after_commit, holds, unsubscribes)
    metrics = Metrics(meters, journal, delivery, flood, health.degraded, [commands.read, unsubscribes.read])
    return Parts(
        database,
        link_cache,
        shared,
        journal,
        after_commit,
        holds,
        flood,
        follow,
        unsubscribes,
        unsubscribing,
        health,
        meters,
        metrics,
    )


@asynccontextmanager
async def _running(parts: Parts) -> AsyncIterator[None]:
    """Serves at once, even while the database is away. The last clicks are stored before it ends."""
    await parts.journal.start()
    await parts.unsubscribes.spool.open()
    await parts.link_cache.load_snapshot()
    parts.after_commit.start()
    parts.holds.start()
    parts.shared.restore()
    await _first_look(parts)
    stop = asyncio.Event()
    loops = (parts.link_cache, parts.shared, parts.flood, parts.unsubscribes)
    refreshing = [asyncio.create_task(loop.run(stop)) for loop in loops]
    try:
        yield
    finally:
        await parts.journal.close()
        await parts.holds.close()
        await parts.after_commit.close()
        stop.set()
        await finish(refreshing)
        await parts.unsubscribes.close()
        await parts.database.close()


async def _first_look(parts: Parts) -> None:
    """Waits a moment for the links of the database when there are none from the disk, because looking a link up alone takes
    longer. Links that are not there then are left to `run`. A driver that takes seconds to give up keeps nobody waiting."""
    looks = [asyncio.create_task(book.refresh()) for book in (parts.link_cache, parts.shared)]
    for look in looks:
        look.add_done_callback(lambda done: done.cancelled() or done.exception())  # the cache's `problem` says it
    _, rest = await asyncio.wait(looks, timeout=GLANCE_SECONDS if parts.link_cache.loaded else LOAD_SECONDS)
    for look in rest:
        look.cancel()


async def _plain_page(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return _response(page(status, SENTENCES.get(status, SENTENCE_500), headers))


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, dict(answer.headers))
