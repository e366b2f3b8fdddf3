"""Is this process alive, and is it ready to serve? Ready names what is degraded and why."""

import asyncio
from collections.abc import Coroutine
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from activities.places import Places
from api.request import ServicesDep
from api.services import Services
from api.within import within
from models.errors import first_line
from models.queues import read_queues

router = APIRouter(tags=["health"])

WAIT_SECONDS = 3.0
"""PostgreSQL or Temporal that says nothing for so long is as good as away."""
RECORDED_WITHIN = 120.0
"""Seconds: a click that is not recorded by then waits for somebody who does not come."""


class Readiness(BaseModel):
    status: Literal["ready", "degraded", "unavailable"]
    degraded: dict[str, str] = {}


@router.get("/health/live")
async def live() -> dict[str, str]:
    """200 as long as this process runs, whatever is away."""
    return {"status": "alive"}


@router.get("/health", responses={503: {"model": Readiness}}, summary="Health")
@router.get("/health/ready", responses={503: {"model": Readiness}})
async def ready(services: ServicesDep, response: Response) -> Readiness:
    """503 without PostgreSQL. Degraded: without Temporal the API stores, and workflows start when it is back; without a geo
    database that can be read, clicks are recorded without a place; clicks that nobody records wait in the inbox."""
    database, temporal = await asyncio.gather(_problem(services.database.ping()), _problem(_serving(services)))
    problems = {
        "database": database and f"PostgreSQL: {database}",
        "temporal": temporal and f"Temporal: {temporal}",
        "geo": _places_of(services.settings.geo_database).state().problem,
        "recorder": None if database else await _problem(_recording(services)),
    }
    degraded = {name: problem for name, problem in problems.items() if problem}
    if database:
        response.status_code = 503
        return Readiness(status="unavailable", degraded=degraded)
    return Readiness(status="degraded" if degraded else "ready", degraded=degraded)


@lru_cache(maxsize=4)
def _places_of(path: Path | None) -> Places:
    """The geo database as this process sees it: the worker, which looks clicks up, has the same setting."""
    return Places(path)


async def _problem(look: Coroutine[Any, Any, str | None]) -> str | None:
    """What the look finds wrong, or why it could not look."""
    try:
        return await within(WAIT_SECONDS, look)
    except Exception as error:  # whatever it is, the answer is: not well
        return first_line(error)


async def _serving(services: Services) -> str | None:
    return None if await services.temporal.service_client.check_health() else "the server says that it is not serving"


async def _recording(services: Services) -> str | None:
    async with services.database.session() as session:
        queues = await read_queues(session, WAIT_SECONDS)
    if queues.oldest_click < RECORDED_WITHIN:
        return None
    clicks = queues.clicks - queues.held
    return f"{clicks} clicks are not recorded yet, the oldest for {queues.oldest_click:.0f} s: is a worker running?"
