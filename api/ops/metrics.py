"""`GET /metrics`: queues, waiting work and roles as PostgreSQL knows them, and failing workflows, asked at each scrape."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from prometheus_client.core import Metric

from api.callers.scrape import from_inside, metrics_answer
from api.handling.request import ServicesDep
from api.handling.services import Services
from api.http.within import within
from models.clicks.queues import Queues, read_queues
from models.errors import NotFound
from models.messages.content import contents_left
from models.platform.heartbeat import LastBeat, last_beats
from models.platform.waiting import Waiting, read_waiting
from services.process.meters import gauge, gauges, registry
from services.process.task_problems import count_task_problems

router = APIRouter()

ASK_SECONDS = 1.0
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Stored:
    """What PostgreSQL tells."""

    queues: Queues
    waiting: Sequence[Waiting]
    beats: Mapping[str, LastBeat]
    contents_left: int


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, services: ServicesDep) -> Response:
    """Metrics for Prometheus. What cannot be found out within a second is left out, and `linkwake_queues_known` is 0."""
    if not from_inside(request):
        raise NotFound("There is no such page.")
    stored, failing = await asyncio.gather(_asked(_read(services)), _asked(count_task_problems(services.temporal)))
    return metrics_answer(
        registry(
            lambda: queue_metrics(stored),
            lambda: workflow_metrics(failing),
            services.refused_keys.metrics,
            services.callbacks.metrics,
        )
    )


async def _asked(question: Coroutine[Any, Any, Answer]) -> Answer | None:
    """Returns None when there is no answer; `/health` says why."""
    try:
        return await within(2 * ASK_SECONDS, question)
    except Exception:  # whatever the error is, it shows as a missing metric
        return None


async def _read(services: Services) -> Stored:
    async with services.database.session() as session:
        queues = await read_queues(session, ASK_SECONDS)
        return Stored(queues, await read_waiting(session), await last_beats(session), await contents_left(session))


def workflow_metrics(failing: int | None) -> Iterator[Metric]:
    if failing is not None:
        yield gauge("linkwake_failing_workflows", "Workflows in which a task fails again and again.", failing)


def queue_metrics(stored: Stored | None) -> Iterator[Metric]:
    yield gauge("linkwake_queues_known", "1: PostgreSQL said how long the queues are.", stored is not None)
    if stored is None:
        return
    queues = stored.queues
    waiting = {(each.kind,): float(each.rows) for each in stored.waiting}
    silent = {(role,): last.seconds for role, last in stored.beats.items()}
    yield gauges("linkwake_waiting", "Work that has waited for more than 30 seconds.", "kind", waiting)
    yield gauges("linkwake_role_silent_seconds", "Since the last sign of life of any process of the role.", "role", silent)
    yield gauge(
        "linkwake_contents_left", "Texts and shared links that all organizations together can still make.", stored.contents_left
    )
    yield gauge("linkwake_inbox_clicks", "Clicks that are stored and not recorded yet.", queues.clicks)
    yield gauge("linkwake_inbox_held_clicks", "Those of them that wait for their verdict.", queues.held)
    yield gauge("linkwake_inbox_oldest_seconds", "Age of the oldest click that is not held.", queues.oldest_click)
    yield gauge("linkwake_outbox_signals", "Signals that are not delivered yet.", queues.signals)
    yield gauge("linkwake_outbox_oldest_seconds", "Age of the oldest signal that is not delivered.", queues.oldest_signal)
