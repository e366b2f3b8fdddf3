"""`GET /metrics`: the two queues of PostgreSQL, asked at each scrape."""

from collections.abc import Iterator
from contextlib import suppress

from fastapi import APIRouter, Request, Response
from prometheus_client.core import Metric

from activities.meters import gauge, registry
from api.request import ServicesDep
from api.scrape import from_inside, metrics_answer
from api.services import Services
from api.within import within
from models.errors import NotFound
from models.queues import Queues, read_queues

router = APIRouter(tags=["health"])

ASK_SECONDS = 1.0


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, services: ServicesDep) -> Response:
    """For Prometheus. Queues that cannot be asked within a second are left out, and `linkwake_queues_known` is 0."""
    if not from_inside(request):
        raise NotFound("There is no such page.")
    queues = None
    with suppress(Exception):  # whatever it is, it shows as linkwake_queues_known 0
        queues = await within(2 * ASK_SECONDS, _read(services))
    return metrics_answer(registry(lambda: queue_metrics(queues)))


async def _read(services: Services) -> Queues:
    async with services.database.session() as session:
        return await read_queues(session, ASK_SECONDS)


def queue_metrics(queues: Queues | None) -> Iterator[Metric]:
    yield gauge("linkwake_queues_known", "1: PostgreSQL said how long the queues are.", queues is not None)
    if queues is None:
        return
    yield gauge("linkwake_inbox_clicks", "Clicks that are stored and not recorded yet.", queues.clicks)
    yield gauge("linkwake_inbox_held_clicks", "Those of them that wait for their verdict.", queues.held)
    yield gauge("linkwake_inbox_oldest_seconds", "Age of the oldest click that is not held.", queues.oldest_click)
    yield gauge("linkwake_outbox_signals", "Signals that are not settled yet.", queues.signals)
    yield gauge("linkwake_outbox_oldest_seconds", "Age of the oldest signal that is not settled.", queues.oldest_signal)
