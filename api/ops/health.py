"""Is this process alive, and is it ready to serve? Ready names what is degraded and why."""

import asyncio
from collections.abc import Coroutine
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from api.description.operation_ids import operation_id
from api.diagnostics.finding import plural, since
from api.diagnostics.operations import ROLES, missing_workflows, silent
from api.handling.request import ServicesDep
from api.handling.services import Services
from api.http.problems import Problem
from api.http.within import within
from models.channels.troubled import Paused, paused_channels
from models.clicks.queues import Queues, read_queues
from models.messages.content import MAX_CONTENT_ID, contents_left
from models.platform.heartbeat import LATE, last_beats
from models.platform.waiting import Waiting, read_waiting
from safe_errors import describe
from services.clicks.geo_locations import GeoLocations
from services.process.endless import endless_workflows, not_running
from services.process.task_problems import count_task_problems

router = APIRouter(tags=["health"], generate_unique_id_function=operation_id, responses={"4XX": {"model": Problem}})

WAIT_SECONDS = 3.0
"""Seconds of silence after which PostgreSQL or Temporal counts as away."""
WORK = {
    "enrollments": ("enrollment", "without a workflow"),
    "campaigns": ("launched campaign", "without a workflow"),
    "imports": ("import", "without a workflow"),
    "due_enrollments": ("enrollment", "due and not gone on"),
    "signals": ("click", "that did not wake a workflow"),
    "commands": ("command", "of which the workflow has not heard"),
    "firings": ("firing", "of a trigger whose next action is due and not done"),
}
"""Texts for what `models/platform/waiting.py` finds."""


class Liveness(BaseModel):
    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    status: Literal["ready", "degraded", "unavailable"]
    degraded: dict[str, str] = {}


@router.get("/health/live", summary="Is this process alive?")
async def live() -> Liveness:
    """200 as long as this process runs, whatever is away."""
    return Liveness()


@router.get(
    "/health", responses={503: {"model": Readiness}}, operation_id="health.get", summary="Is this process ready? (the same)"
)
@router.get("/health/ready", responses={503: {"model": Readiness}}, summary="Is this process ready?")
async def ready(services: ServicesDep, response: Response) -> Readiness:
    """503 without PostgreSQL. Degraded names what is wrong: a role that was silent for 30 seconds, work that has waited for as
    long, channels that are paused, workflows that fail again and again, workflows of the platform itself that do not run,
    Temporal that is away, a geo database that cannot be read."""
    readiness: Readiness = await services.readiness(partial(_look, services))
    if readiness.status == "unavailable":
        response.status_code = 503
    return readiness


async def _look(services: Services) -> Readiness:
    database, temporal = await asyncio.gather(_problem(services.database.ping()), _problem(_serving(services)))
    problems = {
        "database": database and f"PostgreSQL: {database}",
        "temporal": temporal and f"Temporal: {temporal}",
        "geo": _places_of(services.settings.geo_database).state().problem,
        "workflows": None if temporal else await _problem(_failing(services)),
        "platform": None if temporal else await _problem(_missing(services)),
        **({} if database else await _stored(services)),
    }
    degraded = {name: problem for name, problem in problems.items() if problem}
    if database:
        return Readiness(status="unavailable", degraded=degraded)
    return Readiness(status="degraded" if degraded else "ready", degraded=degraded)


@lru_cache(maxsize=4)
def _places_of(path: Path | None) -> GeoLocations:
    """The geo database as this process sees it. The worker, which looks clicks up, has the same setting."""
    return GeoLocations(path)


async def _problem(look: Coroutine[Any, Any, str | None]) -> str | None:
    """Says what the look finds wrong, or why it could not look."""
    try:
        return await within(WAIT_SECONDS, look)
    except Exception as error:  # whatever the error is, the answer is that Temporal is not well
        return describe(error)


async def _serving(services: Services) -> str | None:
    return None if await services.temporal.service_client.check_health() else "the server says that it is not serving"


async def _failing(services: Services) -> str | None:
    failing = await count_task_problems(services.temporal)
    return f"{plural(failing, 'workflow')} in which a task fails again and again: see docs/ops.md" if failing else None


async def _missing(services: Services) -> str | None:
    settings = services.settings
    missing = await not_running(services.temporal, endless_workflows(settings.recorder_shards, settings.sweep_interval))
    return missing_workflows([each.workflow_id for each in missing])


async def _stored(services: Services) -> dict[str, str | None]:
    """Says what the rows tell about the roles and about work that nobody takes up."""
    try:
        return await within(WAIT_SECONDS, _read(services))
    except Exception as error:  # whatever the error is, the answer is that PostgreSQL is not well
        return {"database": f"PostgreSQL: {describe(error)}"}


async def _read(services: Services) -> dict[str, str | None]:
    async with services.database.session() as session:
        queues = await read_queues(session, WAIT_SECONDS)
        waiting, beats = await read_waiting(session), await last_beats(session)
        left = await contents_left(session)
        paused = await paused_channels(session)
    return {
        "channels": _paused(paused),
        "contents": _contents(left),
        "recorder": _recording(queues),
        **{role: silent(role, beats.get(role)) for role in ROLES},
        **{each.kind: _waiting(each) for each in waiting},
    }


def _waiting(found: Waiting) -> str | None:
    if not found.rows:
        return None
    word, what = WORK[found.kind]
    return f"{plural(found.rows, word)} {what}, the oldest for {since(found.since)}: is a worker running, and fast enough?"


def _paused(found: Paused) -> str | None:
    if not found.channels:
        return None
    return (
        f"{plural(found.channels, 'channel')} paused, the first for {since(found.oldest)}: GET /v1/diagnostics of their "
        "organizations says why and what to do"
    )


def _contents(left: int) -> str | None:
    """Warns of this limit early, because nobody can raise it."""
    if left >= MAX_CONTENT_ID / 10:
        return None
    return f"{left:,} of {MAX_CONTENT_ID:,} numbers of texts and shared links are left for all organizations: see docs/limits.md"


def _recording(queues: Queues) -> str | None:
    if queues.oldest_click < LATE.total_seconds():
        return None
    clicks = queues.clicks - queues.held
    return f"{clicks} clicks are not recorded yet, the oldest for {queues.oldest_click:.0f} s: is a worker running?"
