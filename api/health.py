"""Is this process alive, and is it ready to serve? Ready names what is degraded and why."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from activities.places import Places
from api.request import ServicesDep
from api.services import Services

router = APIRouter(tags=["health"])


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
    """503 without PostgreSQL. Without Temporal the API is degraded: it stores, and workflows start when Temporal is back. Without
    a geo database that can be read, clicks are recorded without a place."""
    database = await _problem_of_database(services)
    if database:
        response.status_code = 503
        return Readiness(status="unavailable", degraded={"database": database})
    problems = {
        "temporal": await _problem_of_temporal(services),
        "geo": _places_of(services.settings.geo_database).state().problem,
    }
    degraded = {name: problem for name, problem in problems.items() if problem}
    return Readiness(status="degraded", degraded=degraded) if degraded else Readiness(status="ready")


@lru_cache(maxsize=4)
def _places_of(path: Path | None) -> Places:
    """The geo database as this process sees it: the worker, which looks clicks up, has the same setting."""
    return Places(path)


async def _problem_of_database(services: Services) -> str | None:
    try:
        await services.database.ping()
    except Exception as error:  # whatever it is, the answer is: not ready
        return str(error).splitlines()[0]
    return None


async def _problem_of_temporal(services: Services) -> str | None:
    try:
        healthy = await services.temporal.service_client.check_health()
    except Exception as error:  # whatever it is, the answer is: degraded
        return str(error).splitlines()[0]
    return None if healthy else "the server says that it is not serving"
