"""Clicks and people of one value, as analytics show them: a country, a city, a device, an interval, a link."""

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from models.clicks.verdict import Verdict
from models.reports.answer import Answer
from models.reports.breakdowns import Breakdown
from models.reports.clicks import ClickQuestion, Count, Moment, count_links
from models.reports.texts import LinkOfText, links_of


class Counted(BaseModel):
    clicks: int = Field(examples=[70])
    people: int = Field(description="Contacts whose first click fell here, so that these add up to the total.", examples=[60])


class CountryCount(Counted):
    country: str | None = Field(description="ISO 3166-1 alpha-2; null: not known.", examples=["DE"])


class RegionCount(CountryCount):
    region: str | None = Field(examples=["Land Berlin"])


class CityCount(CountryCount):
    city: str | None = Field(examples=["Berlin"])


class DeviceCount(Counted):
    device_type: str | None = Field(description="phone, tablet, desktop, bot or other; null: no metadata.", examples=["phone"])


class BrowserCount(Counted):
    browser: str | None = Field(description="null: not known.", examples=["Mobile Safari"])


class SystemCount(Counted):
    os: str | None = Field(description="null: not known.", examples=["iOS"])


class IntervalCount(Counted):
    at: datetime = Field(description="Its first moment, in the time zone that was asked for.")
    suspect_clicks: int | None = Field(
        description="These two count whatever `verdict` asks for. null: the series is from rows of another verdict.",
        examples=[2],
    )
    bot_clicks: int | None = Field(examples=[5])


class LinkCount(Counted):
    """People of one link: somebody who clicked two links is in both."""

    link_id: UUID
    name: str | None = Field(examples=["offer"])
    url: str = Field(examples=["https://shop.example/offer"])
    position: int
    step_key: str | None
    version: int | None = Field(description="The sequence's published version; null for a campaign.")


# Reports have thousands of these. Pydantic makes models of dictionaries several times faster than Python calls each model.
Fields = dict[str, Any]


def keyed(name: str, counts: Breakdown) -> list[Fields]:
    return [{name: value or None, "clicks": clicks, "people": people} for value, (clicks, people) in counts.items()]


def places(name: str, counts: Breakdown, most: int) -> list[Fields]:
    """Returns the fields of at most so many regions or cities, each with its country, those with the most clicks first."""
    found = []
    for value, (clicks, people) in islice(counts.items(), most):
        country, _, place = value.partition("/")
        found.append({"country": country or None, name: place or None, "clicks": clicks, "people": people})
    return found


def intervals(series: Iterable[tuple[datetime, Moment]], read: Collection[Verdict]) -> list[Fields]:
    """`read` are the verdicts whose clicks were counted."""
    unknown = {f"{each.value}_clicks": None for each in (Verdict.SUSPECT, Verdict.BOT) if each not in read}
    return [{"at": at, **count._asdict(), **unknown} for at, count in series]


async def link_counts(session: AsyncSession, question: ClickQuestion, found: Answer) -> list[LinkCount]:
    links = await links_of(session, question.scope, question.scope_id)
    if question.link_id is not None:
        links = [link for link in links if link.id == question.link_id]
    counts = await count_links(session, [link.id for link in links], question) if found.links is None else found.links
    return [link_count(link, counts.get(link.id, Count(0, 0))) for link in links]


def link_count(link: LinkOfText, count: Count) -> LinkCount:
    about = {name: getattr(link, name) for name in ("name", "url", "position", "step_key", "version")}
    return LinkCount(link_id=link.id, **about, **count._asdict())
