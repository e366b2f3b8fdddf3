"""What the analytics of a campaign, a sequence and a link have in common: totals, breakdowns and clicks over time."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.reports.counted import (
    BrowserCount,
    CityCount,
    Counted,
    CountryCount,
    DeviceCount,
    IntervalCount,
    RegionCount,
    SystemCount,
    intervals,
    keyed,
    places,
)
from api.reports.first_clicks import TimeToFirstClick
from api.reports.window import Window
from models.clicks.flood import count_flood
from models.clicks.verdict import Verdict
from models.reports.answer import Answer, Source
from models.reports.clicks import ClickCounts
from models.reports.intervals import add_up
from models.reports.texts import MessageCounts

MOST_CITIES = 250


class Totals(Counted):
    recipients: int = Field(description="Contacts with a message in any state.", examples=[200])
    reached: int = Field(description="Contacts with a message that was accepted, or may have been.", examples=[200])
    messages: dict[str, int] = Field(description="Messages by state.", examples=[{"accepted": 200}])
    reports: dict[str, int] = Field(
        description="Messages by the highest of what their provider has reported.", examples=[{"delivered": 190, "bounced": 3}]
    )
    click_rate: float | None = Field(description="people / reached; null: nobody was reached.", examples=[0.3])
    human_clicks: int | None = Field(
        description="These three count whatever `verdict` asks for. null: the totals are from rows, and these are of another "
        "verdict.",
        examples=[70],
    )
    suspect_clicks: int | None = Field(examples=[0])
    bot_clicks: int | None = Field(examples=[5])
    flood_clicks: int = Field(
        description="Clicks that one network made on one link too often in a minute: counted here and nowhere else.", examples=[0]
    )


class Sources(BaseModel):
    """Where each part comes from: `counters`, which know all clicks, or `rows`, the clicks themselves. null: it is left out,
    because there are too many rows to read."""

    totals: Source = Field(description="And of `links`.")
    series: Source | None
    values: Source | None = Field(description="Of countries, cities, devices, browsers and systems.")


class Analytics(Window):
    """Filters limit clicks and people, and the time does from `counted_since` until `counted_until`; messages, enrollments and
    steps are never limited."""

    sources: Sources
    rows_since: datetime | None = Field(
        description="What comes from rows has the clicks from then on: older ones were removed (`click_retention_days`). null: "
        "all are there, or nothing comes from rows."
    )
    totals: Totals
    countries: list[CountryCount]
    regions: list[RegionCount] = Field(description=f"The {MOST_CITIES} with the most clicks.")
    cities: list[CityCount] = Field(description=f"The {MOST_CITIES} with the most clicks.")
    cities_left_out: int = Field(description="How many cities more there are.")
    devices: list[DeviceCount]
    browsers: list[BrowserCount]
    systems: list[SystemCount]
    time_to_first_click: TimeToFirstClick
    series: list[IntervalCount] = Field(description="In their order. Intervals without clicks of any verdict are left out.")


async def read_common(
    session: AsyncSession,
    found: Answer,
    asked: Window,
    content_ids: list[int],
    messages: MessageCounts,
    position: int | None = None,
) -> dict[str, Any]:
    """Returns the fields of Analytics. `messages` are those of the texts, and `position` is that of the link that is asked about.
    With None, all links of these texts count."""
    flood = await count_flood(session, content_ids, position, asked.since, asked.until)
    counts, values = found.clicks, defaultdict(dict, found.values)
    series = add_up(counts.buckets, asked.interval, asked.time_zone)
    return {
        **asked.model_dump(),
        "sources": Sources(totals=found.totals_from, series=found.series_from, values=found.values_from),
        "rows_since": found.rows_since,
        "totals": _totals(counts, _read(found.totals_from, asked), messages, flood),
        "countries": keyed("country", values["country"]),
        "regions": places("region", values["region"], MOST_CITIES),
        "cities": places("city", values["city"], MOST_CITIES),
        "cities_left_out": max(len(values["city"]) - MOST_CITIES, 0),
        "devices": keyed("device_type", values["device_type"]),
        "browsers": keyed("browser", values["browser"]),
        "systems": keyed("os", values["os"]),
        "time_to_first_click": TimeToFirstClick.of(values["delay"]),
        "series": intervals(series, _read(found.series_from, asked)),
    }


def _read(source: Source | None, asked: Window) -> list[Verdict]:
    """Returns the verdicts whose clicks were counted: rows are read of the one that was asked for alone."""
    return [asked.verdict.verdict] if source == "rows" and asked.verdict.verdict else list(Verdict)


def _totals(counts: ClickCounts, read: Collection[Verdict], messages: MessageCounts, flood: int) -> Totals:
    """`read` are the verdicts whose clicks were counted."""
    return Totals(
        **counts.total._asdict(),
        recipients=messages.recipients,
        reached=messages.reached,
        messages=messages.by_state,
        reports=messages.by_report,
        click_rate=round(counts.total.people / messages.reached, 4) if messages.reached else None,
        **{f"{each.value}_clicks": counts.by_verdict.get(each, 0 if each in read else None) for each in Verdict},
        flood_clicks=flood,
    )
