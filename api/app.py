"""The JSON API's composition root: builds what handlers need and mounts one router for each area."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline

from api.callbacks import bounces as bounce_callbacks
from api.callbacks import http as http_callbacks
from api.callbacks import twilio as twilio_callbacks
from api.campaigns import routes as campaigns
from api.channels import inbox as channel_inbox
from api.channels import routes as channels
from api.consent import consent, suppressions
from api.contacts import conversations, erasure
from api.contacts import imports as contact_imports
from api.contacts import routes as contacts
from api.description import openapi
from api.diagnostics import routes as diagnostics
from api.events import routes as events
from api.exports import routes as exports
from api.handling.services import Services
from api.http import problems
from api.http.edge import Edge
from api.http.request_log import RequestLog
from api.http.slow_readers import SlowReaders
from api.http.time_limit import TimeLimit
from api.http.within import within
from api.inbound import inbound_messages
from api.links import link_domains, shared_links, tracked_links
from api.messages import routes as messages
from api.notifications import routes as notification_targets
from api.ops import health, metrics, platform
from api.organization import api_keys, audit_log
from api.organization import routes as organization
from api.reports import campaign_list, clicks, people, proofs
from api.reports import campaigns as campaign_analytics
from api.reports import compared as compared_campaigns
from api.reports import contacts as contact_analytics
from api.reports import delays as delay_analytics
from api.reports import hours as hour_analytics
from api.reports import links as link_analytics
from api.reports import overview as organization_analytics
from api.reports import sequences as sequence_analytics
from api.segments import routes as segments
from api.sequences import enrollments
from api.sequences import routes as sequences
from api.triggers import counts as trigger_counts
from api.triggers import firings
from api.why import routes as why
from models.database import REQUESTS, Database
from safe_errors import first_line
from services.process.signs_of_life import signs_of_life
from services.process.stop_signal import at_stop_signal
from services.starter import Starter
from settings import Settings
from temporal_client import connect

AREAS = (
    campaign_analytics,
    sequence_analytics,
    link_analytics,
    compared_campaigns,
    campaign_list,
    organization_analytics,
    contact_analytics,
    delay_analytics,
    hour_analytics,
    api_keys,
    audit_log,
    campaigns,
    channels,
    channel_inbox,
    clicks,
    consent,
    contact_imports,
    contacts,
    erasure,
    conversations,
    diagnostics,
    enrollments,
    events,
    exports,
    firings,
    trigger_counts,
    health,
    bounce_callbacks,
    http_callbacks,
    inbound_messages,
    link_domains,
    messages,
    metrics,
    notification_targets,
    organization,
    people,
    platform,
    proofs,
    segments,
    sequences,
    shared_links,
    suppressions,
    tracked_links,
    twilio_callbacks,
    why,
)

SWITCH_SECONDS = 0.001
"""Seconds for which a thread that reads a large body may keep the interpreter while the event loop waits for it. The loop asks
again after every system call, some twenty times for a small request, so Python's own 5 ms would add a tenth of a second."""

DESCRIPTION = """Campaigns and sequences with tracked links: a click wakes a workflow.

Send your API key as `Authorization: Bearer lw_…`. Errors are RFC 9457 problem documents: they name all
fields that cannot be read at once, and when all can be read, all whose values cannot be used. Lists are pages of 50
(`limit` up to 500) with a `cursor`. POST requests that create or send accept an `Idempotency-Key`. While the database is silent,
requests are answered 503 with `Retry-After`: after 20 seconds at the latest, those that write after 60."""


def create_app(settings: Settings | None = None, services: Services | None = None) -> FastAPI:
    """Returns the API as an ASGI application. Tests hand in their own services."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        sys.setswitchinterval(SWITCH_SECONDS)
        found = services or await _services(settings or Settings())
        app.state.services = found
        writing = asyncio.create_task(found.key_uses.run(found.database))
        with at_stop_signal(found.live.end_all):
            async with signs_of_life("api", found.settings.alive_file("api"), found.database):
                yield
        writing.cancel()
        await found.live.close()
        if services is None:
            with suppress(Exception):  # the last minute of key uses is worth one attempt
                await within(1.0, found.key_uses.write(found.database))
            await found.judge.close()
            await found.notifications.close()
            await found.database.close()

    app = FastAPIOffline(  # serves /docs without a content delivery network
        title="Linkwake",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url="/v1/openapi.json",
        openapi_tags=[{"name": tag, "description": purpose} for tag, purpose in _purposes().items()],
        servers=[{"url": "/", "description": "This server"}],
        license_info={"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        redirect_slashes=False,
    )
    problems.install(app)
    openapi.install(app)
    app.add_middleware(TimeLimit)
    app.add_middleware(SlowReaders)
    app.add_middleware(Edge)
    app.add_middleware(RequestLog)  # the last middleware is the outermost
    for area in AREAS:
        app.include_router(area.router)
    app.state.actions = audit_log.known_actions(route for area in AREAS for route in area.router.routes)
    app.add_route("/", _home, include_in_schema=False)
    return app


def _home(_request: Request) -> RedirectResponse:
    """Leads whoever opens the printed address in a browser to the documentation."""
    return RedirectResponse("/docs")


def _purposes() -> dict[str, str]:
    """The first line of each area's own description, by tag. Of areas with the same tag, the first one describes it."""
    found: dict[str, str] = {}
    for area in AREAS:
        for tag in area.router.tags:
            found.setdefault(str(tag), first_line(area.__doc__ or ""))
    return found


async def _services(settings: Settings) -> Services:
    database = Database(settings.effective_database_url, settings.database_pool_size, patience=REQUESTS)
    temporal = await connect(settings, lazy=True)
    return Services(settings, database, temporal, Starter(database, temporal))
