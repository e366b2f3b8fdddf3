"""Analytics of a contact. `docs/analytics.md` says what each number means."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from api.handling.request import OrganizationDep, SessionDep, area
from api.reports.window import LinksWindowDep, Window
from models.clicks.verdict import Verdict
from models.conversation.conversation import contact_exists
from models.messages.report import ReportKind
from models.reports.clicks import Count
from models.reports.contact import MOST, Clicks, Sender, read_contact
from models.reports.intervals import add_up
from models.reports.known_ids import require_known, require_tag

router = area("analytics")


class ClickTimes(BaseModel):
    """`clicks` counts those whose rows are kept."""

    clicks: int = Field(examples=[2])
    first_click_at: datetime | None
    last_click_at: datetime | None


class SenderNumbers(ClickTimes):
    """`first_click_at` is that of the click that was recorded first, whether its row is kept or not, and whatever the time and
    the other filters."""

    id: UUID
    name: str
    messages: int = Field(examples=[1])
    message_state: str = Field(description="Of the newest message.", examples=["accepted"])
    report: ReportKind | None = Field(description="Of the newest message.", examples=["delivered"])


class LinkNumbers(ClickTimes):
    link_id: UUID
    name: str | None = Field(examples=["offer"])
    url: str = Field(examples=["https://shop.example/offer"])
    campaign_id: UUID | None
    sequence_id: UUID | None


class ValueClicks(BaseModel):
    value: str | None = Field(description="null: not known.", examples=["DE"])
    clicks: int = Field(examples=[2])


class IntervalClicks(BaseModel):
    at: datetime = Field(description="Its first moment, in the time zone that was asked for.")
    clicks: int = Field(examples=[2])


class ContactAnalytics(Window):
    """Filters limit clicks; messages are always all of them. All is read from rows."""

    contact_id: UUID
    totals: ClickTimes
    human_clicks: int = Field(description="These three count whatever `verdict` asks for.", examples=[2])
    suspect_clicks: int = Field(examples=[0])
    bot_clicks: int = Field(examples=[1])
    human_clicks_ever: int = Field(
        description="All that were ever recorded, whatever the filters, and kept or not.", examples=[2]
    )
    last_human_click_at: datetime | None = Field(description="Of all those.")
    messages: dict[str, int] = Field(description="By state.", examples=[{"accepted": 3}])
    reports: dict[str, int] = Field(description="By the highest of what providers have reported.", examples=[{"delivered": 3}])
    campaigns: list[SenderNumbers] = Field(description=f"The {MOST} that wrote last.")
    sequences: list[SenderNumbers] = Field(description=f"The {MOST} that wrote last.")
    links: list[LinkNumbers] = Field(description=f"The {MOST} that were clicked last.")
    countries: list[ValueClicks]
    cities: list[ValueClicks] = Field(description="With their country before them: `DE/Berlin`.")
    devices: list[ValueClicks]
    browsers: list[ValueClicks]
    systems: list[ValueClicks]
    series: list[IntervalClicks] = Field(description="In their order. Intervals without clicks are left out.")


@router.get("/contacts/{contact_id}/analytics", summary="Read a contact's numbers")
async def of_contact(
    contact_id: UUID,
    session: SessionDep,
    caller: OrganizationDep,
    asked: LinksWindowDep,
    campaign_id: Annotated[UUID | None, Query(description="Only clicks on the campaign's message.")] = None,
    sequence_id: Annotated[UUID | None, Query(description="Only clicks on messages of the sequence.")] = None,
) -> ContactAnalytics:
    """What a contact got, from whom, and what it clicked, where, with what and when."""
    await contact_exists(session, caller.id, contact_id)
    question = asked.of_contact(contact_id, campaign_id, sequence_id)
    await require_known(session, caller.id, question)
    if question.where.tag is not None:
        await require_tag(session, caller.id, question.where.tag)
    found = await read_contact(session, question)
    return ContactAnalytics(
        **asked.model_dump(),
        contact_id=contact_id,
        totals=ClickTimes(**_times(found.total)),
        **{f"{verdict}_clicks": found.by_verdict.get(verdict, 0) for verdict in Verdict},
        human_clicks_ever=found.ever.clicks,
        last_human_click_at=found.ever.last_at,
        messages=found.messages,
        reports=found.reports,
        campaigns=_senders(found.campaigns),
        sequences=_senders(found.sequences),
        links=[LinkNumbers(link_id=each.id, **each._asdict() | _times(each.clicks)) for each in found.links],
        **{name: _values(found.values[of]) for name, of in DIMENSIONS.items()},
        series=[
            IntervalClicks(at=at, clicks=count.clicks) for at, count in add_up(found.buckets, asked.interval, asked.time_zone)
        ],
    )


DIMENSIONS = {"countries": "country", "cities": "city", "devices": "device_type", "browsers": "browser", "systems": "os"}


def _times(clicks: Clicks) -> dict[str, int | datetime | None]:
    return {"clicks": clicks.clicks, "first_click_at": clicks.first_at, "last_click_at": clicks.last_at}


def _senders(senders: Iterable[Sender]) -> list[SenderNumbers]:
    return [
        SenderNumbers(
            id=each.id,
            name=each.name,
            messages=each.messages,
            message_state=each.state,
            report=ReportKind(each.report) if each.report else None,
            clicks=each.clicks.clicks,
            first_click_at=each.first_click_at,
            last_click_at=each.clicks.last_at,
        )
        for each in senders
    ]


def _values(counts: Mapping[str, Count]) -> list[ValueClicks]:
    return [ValueClicks(value=value or None, clicks=count.clicks) for value, count in counts.items()]
