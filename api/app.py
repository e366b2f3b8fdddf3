"""The JSON API's composition root: builds what handlers need and mounts one router for each area."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from activities.starter import Starter
from api import (
    analytics,
    api_keys,
    campaigns,
    channels,
    clicks,
    contact_imports,
    contacts,
    conversations,
    diagnostics,
    enrollments,
    health,
    messages,
    metrics,
    organization,
    problems,
    sequences,
    shared_links,
)
from api.services import Services
from api.time_limit import TimeLimit
from models.database import Database
from settings import Settings
from temporal_client import connect

AREAS = (
    analytics,
    api_keys,
    campaigns,
    channels,
    clicks,
    contact_imports,
    contacts,
    conversations,
    diagnostics,
    enrollments,
    health,
    messages,
    metrics,
    organization,
    sequences,
    shared_links,
)

DESCRIPTION = """Campaigns and sequences with tracked links: a click wakes a workflow.

Send your API key as `Authorization: Bearer lw_…`. Errors are RFC 9457 problem documents. Lists are pages of 50
(`limit` up to 500) with a `cursor`. POST requests that create or send accept an `Idempotency-Key`. While the database is silent,
requests are answered 503 with `Retry-After`: after 20 seconds at the latest, those that write after 60."""


def create_app(settings: Settings | None = None, services: Services | None = None) -> FastAPI:
    """The API as an ASGI application. Tests hand in their own services."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.services = services or await _services(settings or Settings())
        yield
        if services is None:
            await app.state.services.database.close()

    app = FastAPIOffline(  # /docs without a content delivery network
        title="Linkwake",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,
    )
    problems.install(app)
    app.add_middleware(TimeLimit)
    for area in AREAS:
        app.include_router(area.router)
    return app


async def _services(settings: Settings) -> Services:
    database = Database(settings.effective_database_url, settings.database_pool_size)
    temporal = await connect(settings, lazy=True)
    return Services(settings, database, temporal, Starter(database, temporal))
