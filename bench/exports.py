"""`./linkwake bench exports [--clicks N]`: an export of N clicks as JSON lines from the embedded stack: how long it takes, how
much more memory the API has meanwhile, and what another organization's requests take beside it.

The clicks are rows alone, without counters. The reader is a process of its own at a low priority.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import IO, cast

import httpx
import psutil
from sqlalchemy import text

from bench.parts.campaign_clicks import SentCampaign, send_campaign
from bench.parts.export_reader import Read, Wanted
from bench.parts.processes import stack_processes
from bench.parts.report import percentile, print_report
from bench.parts.rows import vacuum
from models.base import now
from models.clicks.partitions import make_partition, month_begin, next_month
from models.database import Database
from models.organizations.organization import create_organization
from settings import Settings
from stack.children.processes import tethered
from stack.own_directory import own_directory
from stack.session import ROOT, own_stack

DEFAULT = 1_000_000
BATCH = 100_000
IDLE_SECONDS, PAUSE = 20.0, 0.05
"""The neighbour asks twenty times a second, each time when the answer before has come."""
GOALS = {"more_memory_mb": 50.0}

DRAFT = {
    "name": "Benchmark",
    "channel": "simulator-sms",
    "message": {"body": "Look: {{ links.offer }}", "links": {"offer": "https://shop.example/offer"}},
    "audience": {"tags": ["benchmark"]},
}
# In the order of their times, from the launch until now.
CLICKS = """
INSERT INTO click (id, clicked_at, org_id, contact_id, message_id, content_id, position, link_id, campaign_id, verdict, reason)
SELECT CAST(lpad(to_hex(ms), 12, '0') || '70008' || lpad(to_hex(n), 15, '0') AS uuid), to_timestamp(ms / 1000.0), :org_id,
    contact_id, message.id, message.content_id, 0, :link_id, :campaign_id, 'human', 'browser'
FROM generate_series(CAST(:after AS bigint) + 1, :after + :batch) AS n
CROSS JOIN LATERAL (SELECT CAST(:first AS bigint) + n * CAST(:length AS bigint) / :clicks AS ms) AS at
JOIN message ON message.content_id = :content_id AND recipient_number = n % :people
"""
METADATA = """
INSERT INTO click_metadata (click_id, org_id, verdict, country, region, city, device_type, browser, os)
SELECT id, org_id, verdict, 'DE', 'Berlin', 'Berlin', 'phone', 'Mobile Safari', 'iOS' FROM click
"""


@dataclass(frozen=True)
class Figures:
    """`idle` and `beside` are milliseconds of the neighbour's requests. Memory is in bytes."""

    clicks: int
    read: Read
    memory_before: int
    memory_most: int
    idle: list[float]
    beside: list[float]
    failed: int


def main(as_json: bool, clicks: int = DEFAULT) -> int:
    """Status 0 when every click came once and the neighbour was always answered; the goals are for a quiet machine with two
    cores."""
    with (
        own_directory("bench") as directory,
        own_stack(directory / "var", LOG_LEVEL="warning") as settings,
    ):
        measured = asyncio.run(_measure(settings, clicks))
    found = figures(measured)
    print_report("exports", found, as_json)
    return 1 if found["lost"] or measured.failed or not measured.read.complete else 0


def figures(measured: Figures) -> dict[str, object]:
    read, more = measured.read, (measured.memory_most - measured.memory_before) / 2**20
    idle, beside = percentile(measured.idle, 0.99), percentile(measured.beside, 0.99)
    return {
        "clicks": measured.clicks,
        "lost": measured.clicks - read.rows,
        "parts": read.parts,
        "seconds": round(read.seconds, 2),
        "rows_per_s": round(read.rows / read.seconds),
        "mb": round(read.bytes / 2**20),
        "api_memory_mb": round(measured.memory_before / 2**20),
        "more_memory_mb": round(more, 1),
        "neighbour_idle_ms_p50": round(percentile(measured.idle, 0.5), 1),
        "neighbour_idle_ms_p99": round(idle, 1),
        "neighbour_ms_p50": round(percentile(measured.beside, 0.5), 1),
        "neighbour_ms_p99": round(beside, 1),
        "neighbour_p99_ratio": round(beside / idle, 2),
        "neighbour_requests": len(measured.beside),
        "neighbour_failed": measured.failed,
        "goals": GOALS,
        "missed": [name for name, most in GOALS.items() if more > most],
    }


async def _measure(settings: Settings, clicks: int) -> Figures:
    database = Database(settings.effective_database_url)
    async with database.transaction() as session:
        own, key = await create_organization(session, "Benchmark")
        _, neighbours_key = await create_organization(session, "Neighbour")
    api = f"http://127.0.0.1:{settings.api_port}/v1"
    async with _client(api, key) as client:
        campaign_id = (await client.post("/campaigns", json=DRAFT)).raise_for_status().json()["id"]
    async with database.transaction() as session:
        campaign = await send_campaign(session, own.id, campaign_id, clicks)
    await _add_clicks(database, campaign, clicks)
    await vacuum(database)
    await database.close()
    async with _client(api, neighbours_key) as neighbour:
        asked = _Neighbour(neighbour)
        await asked.prepare()
        idle = await asked.ask(IDLE_SECONDS)
        memory = _Memory()
        with _reader(Wanted(f"{api}/exports/clicks?format=jsonl&campaign_id={campaign_id}", key)) as reading:
            watching = asyncio.create_task(memory.watch())
            beside = await asked.ask(None, reading)
            watching.cancel()
            read = reading.result()
    return Figures(clicks, read, memory.before, memory.most, idle, beside, asked.failed)


def _client(api: str, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=api, headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False)


async def _add_clicks(database: Database, campaign: SentCampaign, clicks: int) -> None:
    """It needs the rights of a superuser, to leave out triggers."""
    month, last = month_begin(campaign.launched_at), now()
    while month <= last:
        async with database.transaction() as session:
            await make_partition(session, month)
        month = next_month(month)
    shared = {name: getattr(campaign, name) for name in ("org_id", "campaign_id", "content_id", "people")}
    first, length = _ms(campaign.launched_at), _ms(last) - _ms(campaign.launched_at)
    shared |= {"link_id": campaign.links[0], "first": first, "length": length, "clicks": clicks}
    async with database.transaction() as session:
        await session.execute(text("SELECT set_config('session_replication_role', 'replica', true)"))
        for after in range(0, clicks, BATCH):
            values = {**shared, "after": after, "batch": min(BATCH, clicks - after)}
            await session.execute(text(CLICKS), values)
            print(f"{after + values['batch']:,} clicks are there", file=sys.stderr, flush=True)
        await session.execute(text(METADATA))


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


class _Neighbour:
    """Another organization's requests, one after the other."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client, self._contact, self.failed = client, "", 0

    async def prepare(self) -> None:
        made = await self._client.post("/contacts", json={"external_id": "1", "first_name": "Grace"})
        self._contact = made.raise_for_status().json()["id"]
        await self.ask(2.0)  # first requests fill caches

    async def ask(self, seconds: float | None, until: "_Reading | None" = None) -> list[float]:
        """For so many seconds, or until the export is read, and at least once."""
        took, begin = list[float](), time.monotonic()
        while (
            not took or (until is not None and not until.over()) or (seconds is not None and time.monotonic() - begin < seconds)
        ):
            started = time.monotonic()
            answer = await self._client.get(f"/contacts/{self._contact}")
            took.append((time.monotonic() - started) * 1000)
            self.failed += answer.status_code != httpx.codes.OK
            await asyncio.sleep(PAUSE)
        return took


class _Memory:
    """Resident memory of the API's processes together: at the beginning, and the most since."""

    def __init__(self) -> None:
        self._processes = [each for each, role in stack_processes() if role == "api"]
        self.before = self.most = self._now()

    def _now(self) -> int:
        return sum(each.memory_info().rss for each in self._processes)

    async def watch(self) -> None:
        while True:
            with suppress(psutil.Error):
                self.most = max(self.most, self._now())
            await asyncio.sleep(0.1)


@dataclass(frozen=True)
class _Reading:
    process: subprocess.Popen[str]

    def over(self) -> bool:
        return self.process.poll() is not None

    def result(self) -> Read:
        """Raises SystemExit when the reader has failed, which then says why on standard error."""
        lines = cast(IO[str], self.process.stdout).read().splitlines()
        if self.process.wait():
            raise SystemExit("The export could not be read.")
        return Read(**json.loads(lines[-1]))


@contextmanager
def _reader(wanted: Wanted) -> Iterator[_Reading]:
    command = tethered([sys.executable, "-m", "bench.parts.export_reader"])
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603
        to_reader = cast(IO[str], process.stdin)
        to_reader.write(json.dumps(asdict(wanted)) + "\n")
        to_reader.flush()
        yield _Reading(process)
