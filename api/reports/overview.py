"""Analytics of the whole organization. `docs/analytics.md` says what each number means."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from api.handling.request import Heavy, OrganizationDep, SessionDep, area
from api.reports.counted import Counted
from api.reports.filters import TimeRangeDep
from api.reports.window import Period, period
from models.clicks.click import Scope
from models.clicks.verdict import Verdict
from models.messages.message import MessageState
from models.messages.message_count import count_messages
from models.outcomes.overview import MOST_CONSIDERED, MOST_SHOWN, Clicked, most_clicked, sending_now
from models.reports.clicks import ClickQuestion, count_clicks
from models.reports.intervals import Interval, add_up, are_hours_enough

router = area("analytics")

NEWEST = f"The {MOST_SHOWN} that most people clicked, of the newest {MOST_CONSIDERED}. Those that nobody clicked are left out."


class SendingCampaign(BaseModel):
    campaign_id: UUID
    name: str = Field(examples=["Spring offer"])
    launched_at: datetime | None
    recipients: int | None = Field(description="Contacts in the audience at the launch; null: not known.", examples=[200])
    messages: dict[MessageState, int] = Field(description="By state, so far.", examples=[{"accepted": 120}])


class ClickedCampaign(Counted):
    campaign_id: UUID
    name: str = Field(examples=["Spring offer"])


class ClickedSequence(Counted):
    sequence_id: UUID
    name: str = Field(examples=["Welcome"])


class OrganizationInterval(BaseModel):
    at: datetime = Field(description="Its first moment, in the time zone that was asked for.")
    clicks: int = Field(description="Of people.", examples=[70])
    suspect_clicks: int = Field(examples=[0])
    bot_clicks: int = Field(examples=[5])


class OrganizationAnalytics(Period):
    """Clicks are those of people. Shared links and the messages of triggers count in the totals and the series."""

    interval: Interval
    human_clicks: int = Field(examples=[70])
    suspect_clicks: int = Field(examples=[0])
    bot_clicks: int = Field(examples=[5])
    series: list[OrganizationInterval] = Field(
        description="In their order. Intervals without clicks of any verdict are left out."
    )
    sending: list[SendingCampaign] = Field(description=f"Campaigns that are being sent now, the newest {MOST_SHOWN}.")
    campaigns: list[ClickedCampaign] = Field(description=NEWEST)
    sequences: list[ClickedSequence] = Field(description=NEWEST)


@router.get("/analytics", dependencies=[Heavy], summary="Read the organization's numbers")
async def of_organization(
    session: SessionDep,
    caller: OrganizationDep,
    time: TimeRangeDep,
    interval: Annotated[Interval, Query(description="Of `series`; `day`, unless it is given.")] = "day",
) -> OrganizationAnalytics:
    """What is being sent now, and between `since` and `until` all clicks over time and what most people clicked."""
    by_hours = are_hours_enough(interval, time.time_zone)
    question = ClickQuestion(Scope.ORGANIZATION, caller.id, since=time.since, until=time.until, by_hours=by_hours)
    clicks = await count_clicks(session, question)
    sending = await sending_now(session, caller.id)
    messages = await count_messages(session, [each.content_id for each in sending if each.content_id is not None])
    campaigns = await most_clicked(session, caller.id, Scope.CAMPAIGN, time.since, time.until)
    sequences = await most_clicked(session, caller.id, Scope.SEQUENCE, time.since, time.until)
    return OrganizationAnalytics(
        **period(time),
        interval=interval,
        **{f"{each.value}_clicks": clicks.by_verdict.get(each, 0) for each in Verdict},
        series=[
            OrganizationInterval(at=at, clicks=count.clicks, suspect_clicks=count.suspect_clicks, bot_clicks=count.bot_clicks)
            for at, count in add_up(clicks.buckets, interval, time.time_zone)
        ],
        sending=[
            SendingCampaign(
                campaign_id=each.id,
                **{name: getattr(each, name) for name in ("name", "launched_at", "recipients")},
                messages=messages.get(each.content_id or 0, {}),
            )
            for each in sending
        ],
        campaigns=[ClickedCampaign(campaign_id=each.id, **_counted(each)) for each in campaigns],
        sequences=[ClickedSequence(sequence_id=each.id, **_counted(each)) for each in sequences],
    )


def _counted(row: Clicked) -> dict[str, Any]:
    return {"name": row.name, "clicks": row.clicks, "people": row.people}
