"""`./linkwake bench console`: what the console's pages take with 1,000 campaigns and 1,000,000 contacts, what they weigh, what an
open live page costs the API's process, and how soon a click is seen in a report that is open in a browser.

Every page of the registry is asked for, one after the other, and then what it fetches when it is there, which has no goal.
Without a Chromium what is seen is left out.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.parts.console_data import CAMPAIGNS, CONTACTS, fill
from bench.parts.console_pages import addresses, part_of
from bench.parts.open_report import seconds_until_seen
from bench.parts.processes import stack_processes
from bench.parts.report import percentile, print_report
from console.addresses import BASE
from console.cookies import SESSION
from console.static_files import StaticFiles
from demo.client import Consumer
from models.database import Database
from models.organizations.organization import create_organization
from settings import Settings
from stack.own_directory import own_directory
from stack.session import own_stack

ASKED, WARM_UP = 30, 3
STREAMS, AT_ONCE = 400, 50
GOAL_MS, GOAL_KB, GOAL_STREAM_KB, GOAL_SEEN_S = 150.0, 150.0, 50.0, 2.0

NO_ANSWER = 0


@dataclass(frozen=True)
class Asked:
    """Of one page: the milliseconds of each answer, its bytes, and the last status, which is NO_ANSWER when a machine was too
    slow to answer within a minute."""

    milliseconds: list[float]
    size: int
    status: int
    part: str | None = None
    """The address of what it fetches when it is there."""


@dataclass(frozen=True)
class Measured:
    pages: dict[str, Asked]
    parts: dict[str, Asked]
    left_out: list[str]
    stream_bytes: float
    seen: Sequence[float] | None


def main(as_json: bool) -> int:
    """Status 0 when every page was shown and every click was seen; the goals are for a quiet machine with two cores."""
    with (
        own_directory("bench") as directory,
        own_stack(directory / "var", LOG_LEVEL="warning", ORGANIZATION_STREAMS=str(2 * STREAMS)) as settings,
    ):
        measured = asyncio.run(_measure(settings, directory))
    found = figures(measured)
    print_report("console", found, as_json)
    return 1 if found["not_shown"] else 0


def figures(measured: Measured) -> dict[str, object]:
    pages = _figures(measured.pages)
    shown = [*measured.pages.items(), *measured.parts.items()]
    styles = sum(map(len, StaticFiles().packed.values())) / 1000  # a page without pictures, as it is sent
    seen = None if measured.seen is None else round(percentile(list(measured.seen), 0.99), 2)
    stream = round(measured.stream_bytes / 1000, 1)
    return {
        "campaigns": CAMPAIGNS,
        "contacts": CONTACTS,
        "pages": pages,
        "parts": _figures(measured.parts),
        "styles_scripts_icons_kb": round(styles, 1),
        "live_page_kb": stream,
        "seen_p50_s": None if measured.seen is None else round(percentile(list(measured.seen), 0.5), 2),
        "seen_p99_s": seen,
        "left_out": measured.left_out,
        "not_shown": {path: each.status for path, each in shown if each.status != 200},
        "goals": {"ms_p99": GOAL_MS, "kb": GOAL_KB, "live_page_kb": GOAL_STREAM_KB, "seen_p99_s": GOAL_SEEN_S},
        "missed": [
            *(f"{path}: ms_p99" for path, each in pages.items() if each["ms_p99"] > GOAL_MS),
            *(f"{path}: kb" for path, each in pages.items() if each["kb"] + styles > GOAL_KB),
            *(["live_page_kb"] if stream > GOAL_STREAM_KB else []),
            *(["seen_p99_s"] if seen is None or seen > GOAL_SEEN_S else []),
        ],
    }


def _figures(asked: dict[str, Asked]) -> dict[str, dict[str, float]]:
    return {
        path: {
            "ms_p50": round(percentile(each.milliseconds, 0.5), 1),
            "ms_p99": round(percentile(each.milliseconds, 0.99), 1),
            "kb": round(each.size / 1000, 1),
        }
        for path, each in asked.items()
    }


async def _measure(settings: Settings, directory: Path) -> Measured:
    database = Database(settings.effective_database_url)
    async with database.transaction() as session:
        organization, key = await create_organization(session, "Benchmark")
    address = f"http://127.0.0.1:{settings.api_port}"
    consumer = Consumer(address, key)
    seen = await seconds_until_seen(settings, database, consumer, key, directory)
    ids = await fill(database, organization, consumer)
    async with httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as client:
        signed_in = await client.post(f"{BASE}/sign-in", data={"key": key})
        assert signed_in.status_code == 303, signed_in.text  # noqa: S101 - otherwise sign-in pages would be measured
        paths, left_out = addresses(ids)
        pages = {path: await _ask(client, BASE + ("" if at == "/" else at)) for path, at in paths.items()}
        parts = {f"what {path} fetches": await _ask(client, each.part) for path, each in pages.items() if each.part}
        stream_bytes = await _stream_bytes(settings, client.cookies[SESSION], ids["campaign_id"])
    await consumer.close()
    await database.close()
    return Measured(pages, parts, left_out, stream_bytes, seen)


async def _ask(client: httpx.AsyncClient, path: str) -> Asked:
    print(f"asking: {path}", file=sys.stderr, flush=True)
    milliseconds, answer = list[float](), httpx.Response(0)
    for number in range(-WARM_UP, ASKED):
        begin = time.perf_counter()
        try:
            answer = await client.get(path)
        except httpx.TimeoutException:
            return Asked([*milliseconds, (time.perf_counter() - begin) * 1000], 0, NO_ANSWER)
        if number >= 0:
            milliseconds.append((time.perf_counter() - begin) * 1000)
    return Asked(milliseconds, len(answer.content), answer.status_code, part_of(answer.text))


async def _stream_bytes(settings: Settings, session: str, campaign_id: str) -> float:
    """Returns the bytes of the API's process for each open live page."""
    processes = [each for each, role in stack_processes() if role == "api"]
    (api,) = [each for each in processes if each.parent() in processes]  # Granian's own one waits beside it
    async with _streams(settings, session, campaign_id, AT_ONCE):
        pass  # the first ones take what every further one shares
    before = api.memory_info().rss
    async with _streams(settings, session, campaign_id, STREAMS):
        return float(api.memory_info().rss - before) / STREAMS


@asynccontextmanager
async def _streams(settings: Settings, session: str, campaign_id: str, count: int) -> AsyncIterator[None]:
    async with AsyncExitStack() as streams:
        for _ in range(0, count, AT_ONCE):
            await asyncio.gather(*(streams.enter_async_context(_stream(settings, session, campaign_id)) for _ in range(AT_ONCE)))
        yield


@asynccontextmanager
async def _stream(settings: Settings, session: str, campaign_id: str) -> AsyncIterator[None]:
    reader, writer = await asyncio.open_connection("127.0.0.1", settings.api_port)
    try:
        path = f"{BASE}/live?campaign_id={campaign_id}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: a.test\r\nCookie: {SESSION}={session}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n", 1)[0] + b" ", head  # noqa: S101 - otherwise refusals would be measured
        yield
    finally:
        writer.close()
        await writer.wait_closed()
