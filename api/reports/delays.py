"""How long after a click what it wakes has gone on. `docs/analytics.md` says what each number means."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from api.handling.request import OrganizationDep, SessionDep, area
from models.base import EPOCH, now
from models.reports.delays import MOST_CLICKS, Delays, read_delays, together

router = area("analytics")

PeriodName = Literal["1h", "24h", "7d", "30d"]
PERIODS: dict[PeriodName, tuple[timedelta, timedelta]] = {
    "1h": (timedelta(hours=1), timedelta(minutes=2)),
    "24h": (timedelta(days=1), timedelta(minutes=30)),
    "7d": (timedelta(days=7), timedelta(hours=3)),
    "30d": (timedelta(days=30), timedelta(hours=12)),
}
"""The last hour, day, … and the intervals in which it is told."""


class DelayCount(BaseModel):
    """Milliseconds are null when nothing was woken."""

    clicks: int = Field(description=f"Clicks of people that were looked at, up to {MOST_CLICKS} of an interval.", examples=[40])
    woken: int = Field(description="What they have woken: steps that waited for the click, and triggers.", examples=[31])
    median_ms: float | None = Field(examples=[84.0])
    p99_ms: float | None = Field(description="99 of 100 were woken within.", examples=[212.0])
    slowest_ms: float | None = Field(examples=[402.0])


class DelayInterval(DelayCount):
    at: datetime = Field(description="Its first moment.")


class DelayReport(DelayCount):
    since: datetime
    until: datetime
    interval_seconds: int = Field(examples=[1800])
    series: list[DelayInterval] = Field(description="In their order, also those without clicks.")


@router.get("/analytics/delays", summary="Read how fast clicks wake what waits for them")
async def delays(
    session: SessionDep,
    caller: OrganizationDep,
    period: Annotated[PeriodName, Query(description="Until now.")] = "24h",
) -> DelayReport:
    """From the click until the enrollment that waited for it has left its step, or a trigger has fired."""
    past, length = PERIODS[period]
    until = now()
    since = until - (until - EPOCH) % length + length - past  # so that intervals begin at full hours
    found = await read_delays(session, caller.id, since, until, length)
    return DelayReport(
        since=since,
        until=until,
        interval_seconds=int(length.total_seconds()),
        **_count(together(found)),
        series=[DelayInterval(at=each.begin, **_count(each)) for each in found],
    )


def _count(delays: Delays) -> dict[str, float | int | None]:
    shares = {"median_ms": 0.5, "p99_ms": 0.99, "slowest_ms": 1.0}
    return {
        "clicks": delays.clicks,
        "woken": len(delays.seconds),
        **{name: _milliseconds(delays.within(share)) for name, share in shares.items()},
    }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 1)
