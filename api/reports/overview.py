"""Analytics of the whole organization. `docs/analytics.md` says what each number means."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.handling.request import Heavy, OrganizationDep, SessionDep, area
from api.reports.counted import Counted
from api.reports.filters import TimeOfReportDep
from api.reports.window import Period, period
from models.base import EPOCH, now
from models.clicks.click import Scope
from models.clicks.verdict import Verdict
from models.messages.message import MessageState
from models.messages.message_count import count_messages
from models.outcomes.overview import (
    MOST_CONSIDERED,
    MOST_MESSAGES,
    MOST_SHOWN,
    Clicked,
    first_clicks,
    messages_made,
    most_clicked,
    sending_now,
)
from models.reports.clicks import BUCKET, ClickQuestion, Moment, begin_of, count_clicks
from models.reports.intervals import Interval, add_up, are_hours_enough

router = area("analytics")

NEWEST = f"The {MOST_SHOWN} that most people clicked, of the newest {MOST_CONSIDERED}. Those that nobody clicked are left out."


PEOPLE = (
    f"People who clicked a campaign or a sequence for the first time, of the newest {MOST_CONSIDERED} of each; somebody who "
    "clicked two counts in both. null: without `since`."
)


class Before(BaseModel):
    """The time of the same length before `since`."""

    people: int = Field(description=PEOPLE, examples=[50])
    human_clicks: int = Field(examples=[58])


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
    people: int | None = Field(description=PEOPLE, examples=[60])
    clicks: int = Field(description="Of people.", examples=[70])
    suspect_clicks: int = Field(examples=[0])
    bot_clicks: int = Field(examples=[5])


class OrganizationAnalytics(Period):
    """Clicks are those of people. Shared links and the messages of triggers count in the totals and the series."""

    interval: Interval
    people: int | None = Field(description=PEOPLE, examples=[60])
    human_clicks: int = Field(examples=[70])
    suspect_clicks: int = Field(examples=[0])
    bot_clicks: int = Field(examples=[5])
    before: Before | None = Field(description="The same, as long before `since`; null: without `since`.")
    messages: dict[MessageState, int] | None = Field(
        description=f"Messages that were made between `since` and `until`, by their state now; {MOST_MESSAGES:,} of one state "
        "stand for more. null: without `since`.",
        examples=[{"accepted": 198, "skipped": 2}],
    )
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
    time: TimeOfReportDep,
    interval: Annotated[Interval, Query(description="Of `series`; `day`, unless it is given.")] = "day",
) -> OrganizationAnalytics:
    """What is being sent now, and between `since` and `until` all clicks over time and what most people clicked."""
    by_hours = are_hours_enough(interval, time.time_zone)
    question = ClickQuestion(Scope.ORGANIZATION, caller.id, since=time.since, until=time.until, by_hours=by_hours)
    clicks = await count_clicks(session, question)
    recent = await _recent(session, question)
    sending = await sending_now(session, caller.id)
    messages = await count_messages(session, [each.content_id for each in sending if each.content_id is not None])
    campaigns = await most_clicked(session, caller.id, Scope.CAMPAIGN, time.since, time.until)
    sequences = await most_clicked(session, caller.id, Scope.SEQUENCE, time.since, time.until)
    return OrganizationAnalytics(
        **period(time),
        interval=interval,
        **{f"{each.value}_clicks": clicks.by_verdict.get(each, 0) for each in Verdict},
        people=recent and sum(recent.first_clicks.values()),
        before=recent and recent.before,
        messages=recent and recent.messages,
        series=[
            OrganizationInterval(at=at, **{**count._asdict(), "people": count.people if recent else None})
            for at, count in add_up(_with_people(clicks.buckets, recent), interval, time.time_zone)
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


@dataclass(frozen=True)
class _Recent:
    """What is counted of a time that has a beginning. `first_clicks` are by the same buckets as the clicks."""

    first_clicks: Mapping[datetime, int]
    before: Before
    messages: dict[MessageState, int]


async def _recent(session: AsyncSession, question: ClickQuestion) -> _Recent | None:
    since = begin_of(question.since)
    if since is None:
        return None
    until = question.until or max(since, now())
    length = timedelta(hours=1) if question.by_hours else BUCKET
    earlier = replace(question, since=since - min(until - since, since - EPOCH), until=since)
    first = await first_clicks(session, question.scope_id, since, until, length)
    first_before = await first_clicks(session, question.scope_id, earlier.since or since, since, length)
    clicks_before = await count_clicks(session, earlier)
    before = Before(people=sum(first_before.values()), human_clicks=clicks_before.by_verdict.get(Verdict.HUMAN, 0))
    return _Recent(first, before, await messages_made(session, question.scope_id, since, until))


def _with_people(buckets: Mapping[datetime, Moment], recent: _Recent | None) -> Mapping[datetime, Moment]:
    first = recent.first_clicks if recent else {}
    return {begin: count._replace(people=first.get(begin, 0)) for begin, count in buckets.items()}


def _counted(row: Clicked) -> dict[str, Any]:
    return {"name": row.name, "clicks": row.clicks, "people": row.people}
