"""`./linkwake bench analytics [--clicks N]`: what reports cost over the API when a campaign has N clicks.

N clicks of one campaign go through the recording code. After a tenth of them and after all of them, the report, the clicks by
link, the clicks over time, a page of a conversation, a page of the feed and a report with two filters are asked for again and
again, one request at a time. At the end the report's numbers are read once from the rows, without any counter.
"""

import asyncio
import itertools
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import httpx

from bench.parts.campaign_clicks import (
    Clicks,
    SentCampaign,
    counter_rows,
    people_to_look_at,
    report_from_rows,
    send_campaign,
)
from bench.parts.report import percentile, print_report
from bench.parts.rows import vacuum
from models.database import Database
from models.organizations.organization import create_organization
from settings import Settings
from stack.own_directory import own_directory
from stack.session import own_stack

DEFAULT = 500_000
ASKED, WARM_UP = 300, 10
REPORTED_EVERY = 100_000
GOALS = {"report_ms_p99": 50.0, "conversation_ms_p99": 30.0, "feed_ms_p99": 30.0, "growth": 1.5, "counter_rows_per_click": 0.05}
"""The most of each at 5,000,000 clicks, on a quiet machine with two cores."""

DRAFT = {
    "name": "Benchmark",
    "channel": "simulator-sms",
    "message": {"body": "Look: {{ links.offer }}", "links": {"offer": "https://shop.example/offer"}},
    "audience": {"tags": ["benchmark"]},
}


@dataclass(frozen=True)
class Asked:
    """Milliseconds of each request of one kind, and how often it got which status."""

    milliseconds: list[float]
    statuses: Mapping[int, int]


@dataclass(frozen=True)
class Figures:
    """`early` was measured after a tenth of the clicks."""

    clicks: int
    recorded: int
    recording_seconds: float
    early: Mapping[str, Asked]
    late: Mapping[str, Asked]
    raw_report_ms: float
    counter_rows: int
    first_rows: int


def main(as_json: bool, clicks: int = DEFAULT) -> int:
    """Status 0 when every click was recorded once and every request was answered; the goals are for 5,000,000 clicks."""
    with (
        own_directory("bench") as directory,
        own_stack(directory / "var", LOG_LEVEL="warning") as settings,
    ):
        measured = asyncio.run(_measure(settings, clicks))
    found = figures(measured)
    print_report("analytics", found, as_json)
    return 1 if found["lost"] or found["unanswered"] else 0


def figures(measured: Figures) -> dict[str, object]:
    early, late = measured.early, measured.late
    p99 = {name: percentile(asked.milliseconds, 0.99) for name, asked in late.items()}
    held = {
        "report_ms_p99": round(p99["report"], 1),
        "conversation_ms_p99": round(p99["conversation"], 1),
        "feed_ms_p99": round(p99["feed"], 1),
        "growth": round(p99["report"] / percentile(early["report"].milliseconds, 0.99), 2),
        "counter_rows_per_click": round(measured.counter_rows / measured.clicks, 4),
    }
    unanswered = {name: dict(asked.statuses) for name, asked in late.items() if set(asked.statuses) - {200, 422}}
    return {
        "clicks": measured.clicks,
        "lost": measured.clicks - measured.recorded,
        "clicks_recorded_per_s": round(measured.recorded / measured.recording_seconds),
        "report_ms_p50": round(percentile(late["report"].milliseconds, 0.5), 1),
        **held,
        "report_ms_p99_at_a_tenth": round(percentile(early["report"].milliseconds, 0.99), 1),
        "links_ms_p99": round(p99["links"], 1),
        "series_ms_p99": round(p99["series"], 1),
        "filtered_ms_p99": round(p99["filtered"], 1),
        "filtered_whole_ms_p99": round(p99["filtered_whole"], 1),
        "filtered_whole_statuses": dict(late["filtered_whole"].statuses),
        "raw_report_ms": round(measured.raw_report_ms),
        "first_rows_per_click": round(measured.first_rows / measured.clicks, 4),
        "unanswered": unanswered,
        "goals": GOALS,
        "missed": [name for name, most in GOALS.items() if held[name] > most],
    }


async def _measure(settings: Settings, clicks: int) -> Figures:
    database = Database(settings.effective_database_url)
    async with database.transaction() as session:
        organization, key = await create_organization(session, "Benchmark")
    headers = {"Authorization": f"Bearer {key}"}
    address = f"http://127.0.0.1:{settings.api_port}/v1"
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60, trust_env=False) as api:
        draft = await api.post("/campaigns", json=DRAFT)
        campaign_id = draft.raise_for_status().json()["id"]
        async with database.transaction() as session:
            campaign = await send_campaign(session, organization.id, campaign_id, clicks)
        await vacuum(database)
        coming, begin = Clicks(database, campaign, clicks), time.monotonic()
        recorded = await _record(coming, clicks // 10)
        seconds = time.monotonic() - begin
        await vacuum(database)
        early = await _ask(api, database, campaign)
        begin = time.monotonic()
        recorded += await _record(coming, clicks - clicks // 10)
        seconds += time.monotonic() - begin
        await vacuum(database)
        late = await _ask(api, database, campaign)
    async with database.transaction() as session:
        begin = time.monotonic()
        await report_from_rows(session, campaign.campaign_id)
        raw = time.monotonic() - begin
        counters, firsts = await counter_rows(session)
    await database.close()
    return Figures(clicks, recorded, seconds, early, late, raw * 1000, counters, firsts)


async def _record(coming: Clicks, number: int) -> int:
    recorded = 0
    while number:
        recorded += await coming.record(min(number, REPORTED_EVERY))
        number -= min(number, REPORTED_EVERY)
        print(f"{number:,} clicks are left to record", file=sys.stderr, flush=True)
    return recorded


async def _ask(api: httpx.AsyncClient, database: Database, campaign: SentCampaign) -> dict[str, Asked]:
    async with database.transaction() as session:
        people = await people_to_look_at(session, campaign, 100)
    report = f"/campaigns/{campaign.campaign_id}/analytics"
    day = campaign.launched_at + timedelta(days=10)
    one_day = f"since={day:%Y-%m-%dT00:00:00Z}&until={day + timedelta(days=1):%Y-%m-%dT00:00:00Z}"
    paths = {
        "report": [report],
        "links": [f"/links/{link}/analytics" for link in campaign.links],
        "series": [f"{report}?interval=quarter_hour", f"{report}?interval=day&time_zone=Asia/Kathmandu"],
        "conversation": [f"/contacts/{person}/conversation" for person in people],
        "feed": [f"/clicks?campaign_id={campaign.campaign_id}", f"/clicks?campaign_id={campaign.campaign_id}&verdict=bot"],
        "filtered": [f"{report}?country=DE&{one_day}"],
        "filtered_whole": [f"{report}?country=DE&device_type=phone"],
    }
    asked = {}
    for name, each in paths.items():
        print(f"asking: {name}", file=sys.stderr, flush=True)
        asked[name] = await _ask_for(api, each, 10 if name == "filtered_whole" else ASKED)
    return asked


async def _ask_for(api: httpx.AsyncClient, paths: list[str], times: int) -> Asked:
    milliseconds: list[float] = []
    statuses: dict[int, int] = {}
    for number, path in zip(range(-WARM_UP, times), itertools.cycle(paths), strict=False):
        begin = time.perf_counter()
        status = await status_of(api, path)
        if number >= 0:
            milliseconds.append((time.perf_counter() - begin) * 1000)
            statuses[status] = statuses.get(status, 0) + 1
    return Asked(milliseconds, statuses)


async def status_of(api: httpx.AsyncClient, path: str) -> int:
    """Returns 0 when there was no answer within the client's time, as on a machine that is too slow."""
    try:
        return (await api.get(path)).status_code
    except httpx.TimeoutException:
        return 0
