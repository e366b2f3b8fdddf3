"""`./linkwake bench visible`: how long after a click it is seen in a campaign's analytics and in the stream of events, at a
steady 200 clicks a second on the embedded stack.

The clicks come from a process of their own. One client follows the stream, another asks for the analytics ten times a second. A
click's time is the redirect's, and all clocks are this machine's.
"""

import asyncio
import json
import sys
import time
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import httpx
from sqlalchemy import text

from bench.parts.load import run_load
from bench.parts.report import percentile, print_report
from bench.parts.rows import vacuum
from bench.parts.trigger_rows import links_of_campaign
from demo.client import Consumer, DemoError, Stage
from demo.people import contact_row
from models.database import Database
from models.organizations.organization import create_organization
from settings import Settings
from stack.own_directory import own_directory
from stack.session import own_stack
from tracking.tokens.token import TokenCodec

CLICKS, RATE, CONNECTIONS = 6_000, 200, 32
BULK = 1_000
POLL_SECONDS = 0.1
GOAL_S = 2.0
"""The most of each p99, on a quiet machine with two cores."""

CAMPAIGN = {
    "name": "Benchmark",
    "channel": "simulator-sms",
    "message": {"body": "Look: {{ links.offer }}", "links": {"offer": "https://shop.example/offer"}},
    "audience": {"tags": ["demo"]},
}
TIMES = "SELECT clicked_at FROM click WHERE campaign_id = :campaign_id AND verdict = 'human' ORDER BY clicked_at"


@dataclass(frozen=True)
class Seen:
    """`made` are the Unix times of all clicks in their order. `streamed` are the seconds of each event behind its click.
    `counts` are (Unix time, clicks that the analytics showed), in their order."""

    made: Sequence[float]
    streamed: Sequence[float]
    counts: Sequence[tuple[float, int]]
    redirect_p99_ms: float


def main(as_json: bool) -> int:
    """Status 0 when each click was seen once in both; the goal is for a quiet machine with two cores."""
    with (
        own_directory("bench") as directory,
        own_stack(directory / "var", LOG_LEVEL="warning") as settings,
    ):
        seen = asyncio.run(_measure(settings, directory))
    found = figures(seen)
    print_report("visible", found, as_json)
    return 0 if found["streamed"] == found["counted"] == found["clicks"] else 1


def figures(seen: Seen) -> dict[str, object]:
    counted = seconds_until_counted(seen.made, seen.counts)
    p99 = {
        "stream_p99_s": round(percentile(list(seen.streamed), 0.99), 2) if seen.streamed else None,
        "analytics_p99_s": round(percentile(counted, 0.99), 2) if counted else None,
    }
    return {
        "clicks": CLICKS,
        "clicks_a_second": RATE,
        "streamed": len(seen.streamed),
        "counted": len(counted),
        "stream_p50_s": round(percentile(list(seen.streamed), 0.5), 2) if seen.streamed else None,
        "analytics_p50_s": round(percentile(counted, 0.5), 2) if counted else None,
        **p99,
        "redirect_p99_ms": round(seen.redirect_p99_ms, 1),
        "goal": GOAL_S,
        "missed": [name for name, seconds in p99.items() if seconds is None or seconds > GOAL_S],
    }


def seconds_until_counted(made: Sequence[float], counts: Sequence[tuple[float, int]]) -> list[float]:
    """Returns for the first click, the second one and so on, how long after it the analytics showed so many clicks. Those that
    they never showed are left out."""
    shown = [count for _, count in counts]
    found = [(bisect_left(shown, number), at) for number, at in enumerate(made, 1)]
    return [counts[index][0] - at for index, at in found if index < len(counts)]


async def _measure(settings: Settings, directory: Path) -> Seen:
    database = Database(settings.effective_database_url)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Benchmark")
    consumer = Consumer(f"http://127.0.0.1:{settings.api_port}", key)
    headers = {"Authorization": f"Bearer {key}"}
    address = f"http://127.0.0.1:{settings.api_port}/v1"
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60, trust_env=False) as api:
        campaign_id = await send_to_everybody(consumer)
        await vacuum(database)
        async with database.transaction() as session:
            codec = TokenCodec(settings.effective_token_keys)
            tokens = [codec.encode(*link) for link in await links_of_campaign(session, campaign_id)]
        paths = directory / "paths"
        paths.write_text("\n".join(tokens))
        streamed: list[float] = []
        counts: list[tuple[float, int]] = []
        print(f"{CLICKS:,} clicks, {RATE} a second", file=sys.stderr, flush=True)
        listening = asyncio.Event()
        watching = [
            asyncio.create_task(_follow(api, campaign_id, streamed, listening)),
            asyncio.create_task(_count(api, campaign_id, counts)),
        ]
        await listening.wait()
        load = await asyncio.to_thread(run_load, settings.redirect_port, paths, CONNECTIONS, len(tokens) / RATE, RATE)

        async def everywhere() -> int:
            return min(len(streamed), counts[-1][1] if counts else 0)

        with suppress(DemoError):  # the figures say what is missing
            await consumer.until_done(Stage("Clicks that are seen", CLICKS), everywhere)
        for task in watching:
            task.cancel()
        for failure in await asyncio.gather(*watching, return_exceptions=True):
            if isinstance(failure, Exception):  # a cancellation does not count as one
                raise failure
        async with database.transaction() as session:
            made = [at.timestamp() for at in await session.scalars(text(TIMES), {"campaign_id": campaign_id})]
    await consumer.close()
    await database.close()
    return Seen(made, streamed, counts, load.p99_ms)


async def send_to_everybody(consumer: Consumer) -> UUID:
    for start in range(0, CLICKS, BULK):
        await consumer.post("/contacts/bulk", {"contacts": [contact_row(number) for number in range(start, start + BULK)]})
    path = f"/campaigns/{(await consumer.post('/campaigns', CAMPAIGN))['id']}"
    await consumer.post(f"{path}/launch")
    print("sending the campaign", file=sys.stderr, flush=True)

    async def accepted() -> int:
        return int((await consumer.get(path))["messages"].get("accepted", 0))

    await consumer.until_done(Stage("Messages of the campaign", CLICKS), accepted)
    return UUID(path.rpartition("/")[2])


async def _follow(api: httpx.AsyncClient, campaign_id: UUID, streamed: list[float], listening: asyncio.Event) -> None:
    """Adds how long after its click each event came. `listening` is set when nothing can be heard, too."""
    wanted = {"kind": "click", "campaign_id": str(campaign_id)}
    try:
        async with api.stream("GET", "/events/stream", params=wanted, timeout=None) as answer:
            listening.set()
            if answer.status_code != 200:
                print(f"The stream answered {answer.status_code}.", file=sys.stderr)
                return
            async for line in answer.aiter_lines():
                if clicked_at := time_of_click(line):
                    streamed.append(time.time() - clicked_at)  # noqa: PERF401 - others read it while the stream goes on
    finally:
        listening.set()


def time_of_click(line: str) -> float | None:
    """Returns the Unix time of the click that a line of the stream tells of, and None for every other line, also of events that
    are about the stream itself (`ready`)."""
    field, _, value = line.partition(":")
    about = json.loads(value).get("about") if field == "data" else None
    return datetime.fromisoformat(about["clicked_at"]).timestamp() if about else None


async def _count(api: httpx.AsyncClient, campaign_id: UUID, counts: list[tuple[float, int]]) -> None:
    while True:
        totals = (await api.get(f"/campaigns/{campaign_id}/analytics")).raise_for_status().json()["totals"]
        counts.append((time.time(), totals["clicks"]))
        await asyncio.sleep(POLL_SECONDS)
