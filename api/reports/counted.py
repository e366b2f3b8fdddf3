"""Clicks and people of one value, as analytics show them: a country, a city, a device, an interval, a link."""

from datetime import datetime
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from models.reports.answer import Answer
from models.reports.breakdowns import Breakdown
from models.reports.clicks import ClickQuestion, Count, count_links
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


class LinkCount(Counted):
    """People of one link: somebody who clicked two links is in both."""

    link_id: UUID
    name: str | None = Field(examples=["offer"])
    url: str = Field(examples=["https://shop.example/offer"])
    position: int
    step_key: str | None
    version: int | None = Field(description="The sequence's published version; null for a campaign.")


CountOf = TypeVar("CountOf", bound=Counted)


def keyed(model: type[CountOf], name: str, counts: Breakdown) -> list[CountOf]:
    return [model.model_validate({name: value or None, **count._asdict()}) for value, count in counts.items()]


def region_count(value: str, count: Count) -> RegionCount:
    country, _, region = value.partition("/")
    return RegionCount(country=country or None, region=region or None, **count._asdict())


def city_count(value: str, count: Count) -> CityCount:
    country, _, city = value.partition("/")
    return CityCount(country=country or None, city=city or None, **count._asdict())


async def link_counts(session: AsyncSession, question: ClickQuestion, found: Answer) -> list[LinkCount]:
    links = await links_of(session, question.scope, question.scope_id)
    if question.link_id is not None:
        links = [link for link in links if link.id == question.link_id]
    counts = await count_links(session, [link.id for link in links], question) if found.links is None else found.links
    return [link_count(link, counts.get(link.id, Count(0, 0))) for link in links]


def link_count(link: LinkOfText, count: Count) -> LinkCount:
    about = {name: getattr(link, name) for name in ("name", "url", "position", "step_key", "version")}
    return LinkCount(link_id=link.id, **about, **count._asdict())
