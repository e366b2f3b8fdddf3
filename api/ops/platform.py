"""How the platform is, in numbers: its roles, its queues, what waits too long and the geo database. `GET /health` says in one
word whether that is well, and the diagnostics what to do when it is not."""

from collections.abc import Mapping
from datetime import datetime
from math import isinf

from pydantic import BaseModel, Field

from api.diagnostics.routes import places_state
from api.handling.request import OrganizationDep, ServicesDep, SessionDep, area
from api.handling.services import Services
from api.http.within import within
from api.ops.workflow_links import workflow_list_url
from models.base import now
from models.clicks.queues import read_queues
from models.organizations.organization import Organization
from models.platform.heartbeat import LATE, heard_roles, redirect_answers
from models.platform.waiting import read_waiting
from services.process.task_problems import count_running, count_task_problems, problems_query, running_query

router = area("platform")

ASK_SECONDS = 1.0
"""The longest time for which PostgreSQL counts, and after which Temporal counts as away."""


class PlatformRole(BaseModel):
    role: str = Field(examples=["worker"])
    processes: int = Field(description="That were heard within 30 seconds.", examples=[1])
    heard_at: datetime = Field(description="The last sign of life of any of them.")
    silent_seconds: float = Field(examples=[1.2])
    alive: bool


class QueuesView(BaseModel):
    """Of all organizations together. Ages are in seconds, and 0 when nothing waits."""

    clicks: int = Field(description="Stored and not recorded yet.", examples=[3])
    held_clicks: int = Field(description="Those of them that wait for their verdict.", examples=[0])
    oldest_click_seconds: float = Field(examples=[0.2])
    signals: int = Field(description="Clicks that have not woken their workflow yet.", examples=[0])
    oldest_signal_seconds: float = Field(examples=[0.0])


class WaitingView(BaseModel):
    """Work that has waited for more than 30 seconds."""

    kind: str = Field(examples=["due_enrollments"])
    rows: int = Field(examples=[0])
    since: datetime | None


class GeoView(BaseModel):
    """The geo database that says where clicks come from."""

    built_at: datetime | None
    age_days: int | None = Field(examples=[34])
    demo: bool = Field(description="The database of 2019 that is used when none is given.")
    old: bool = Field(description="Older than 60 days.")
    problem: str | None = Field(description="Why clicks get no place; null: they do.")


class WorkflowsView(BaseModel):
    """The organization's workflows in Temporal; null: Temporal has not answered within a second."""

    running: int | None = Field(examples=[3039])
    failing: int | None = Field(description="Of which a task fails again and again.", examples=[0])
    running_url: str | None = Field(description="Where the Temporal UI lists them; null: no address of it is known.")
    failing_url: str | None


class RedirectView(BaseModel):
    """From the request for a known link to its answer, in the last five minutes, of all redirects. Milliseconds are the end of
    the range in which the value lies; null: no link was followed, or it took longer than 2.5 s."""

    answers: int = Field(examples=[31877])
    median_ms: float | None = Field(examples=[2.0])
    p99_ms: float | None = Field(examples=[10.0])


class PlatformView(BaseModel):
    checked_at: datetime
    redirect: RedirectView
    roles: list[PlatformRole] = Field(description="Those that were heard within a day.")
    queues: QueuesView
    waiting: list[WaitingView]
    geo: GeoView
    workflows: WorkflowsView


@router.get("/platform", summary="Read how the platform is")
async def state(session: SessionDep, caller: OrganizationDep, services: ServicesDep) -> PlatformView:
    """Roles with their last signs of life, queues and how old they are, the organization's workflows, and the geo database."""
    queues = await read_queues(session, ASK_SECONDS)
    places = places_state(services)
    return PlatformView(
        checked_at=now(),
        roles=[
            PlatformRole(
                role=each.role,
                processes=each.processes,
                heard_at=each.at,
                silent_seconds=round(each.seconds, 1),
                alive=each.seconds < LATE.total_seconds(),
            )
            for each in await heard_roles(session)
        ],
        redirect=_redirect(await redirect_answers(session)),
        queues=QueuesView(
            clicks=queues.clicks,
            held_clicks=queues.held,
            oldest_click_seconds=round(queues.oldest_click, 1),
            signals=queues.signals,
            oldest_signal_seconds=round(queues.oldest_signal, 1),
        ),
        waiting=[WaitingView(kind=each.kind, rows=each.rows, since=each.since) for each in await read_waiting(session)],
        geo=GeoView(
            built_at=places.build_date,
            age_days=places.age.days if places.age is not None else None,
            demo=places.demo,
            old=places.old,
            problem=places.problem,
        ),
        workflows=await _workflows(services, caller),
    )


def _redirect(answers: Mapping[float, int]) -> RedirectView:
    total = sum(answers.values())

    def within_ms(share: float) -> float | None:
        found = 0
        for bound, count in answers.items():
            found += count
            if total and found >= share * total:
                return None if isinf(bound) else 1000 * bound
        return None

    return RedirectView(answers=total, median_ms=within_ms(0.5), p99_ms=within_ms(0.99))


async def _workflows(services: Services, caller: Organization) -> WorkflowsView:
    urls = {
        "running_url": workflow_list_url(services.settings, running_query("OrgId", caller.id)),
        "failing_url": workflow_list_url(services.settings, problems_query("OrgId", caller.id)),
    }
    try:
        running = await within(ASK_SECONDS, count_running(services.temporal, "OrgId", caller.id))
        failing = await within(ASK_SECONDS, count_task_problems(services.temporal, "OrgId", caller.id))
    except Exception:  # whatever the error is, the diagnostics say that Temporal is away
        return WorkflowsView(running=None, failing=None, **urls)
    return WorkflowsView(running=running, failing=failing, **urls)
