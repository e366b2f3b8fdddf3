"""When people click: by weekday and hour. `docs/analytics.md` says what each number means."""

from datetime import datetime, timedelta

from pydantic import BaseModel, Field

from api.handling.request import OrganizationDep, SessionDep, area
from api.reports.filters import TimeZoneQuery
from models.base import now
from models.clicks.click import Scope
from models.reports.clicks import ClickQuestion, begin_of, count_clicks
from models.reports.intervals import add_up, are_hours_enough

router = area("analytics")

WEEKS, DAYS, HOURS = 4, 7, 24


class HoursReport(BaseModel):
    since: datetime = Field(description=f"{WEEKS} weeks ago.")
    time_zone: str
    clicks: list[list[int]] = Field(description="Of people: seven days from Monday on, each with its 24 hours.")


@router.get("/analytics/hours", summary="Read when people click")
async def hours(session: SessionDep, caller: OrganizationDep, time_zone: TimeZoneQuery = None) -> HoursReport:
    """Clicks of people in the last four weeks, all campaigns, sequences and shared links together, by weekday and hour."""
    zone = time_zone or caller.time_zone
    since = now() - timedelta(weeks=WEEKS)
    question = ClickQuestion(Scope.ORGANIZATION, caller.id, since=since, by_hours=are_hours_enough("hour", zone))
    found = [[0] * HOURS for _ in range(DAYS)]
    for at, count in add_up((await count_clicks(session, question)).buckets, "hour", zone):
        found[at.weekday()][at.hour] += count.clicks
    return HoursReport(since=begin_of(since) or since, time_zone=zone, clicks=found)
