"""`./linkwake bench latency`: from a click to the advanced step, on the embedded stack, at a steady ten clicks a second."""

import asyncio
import itertools
import sys
from uuid import UUID

from bench.parts.report import percentile, print_report
from bench.parts.rounds import BareWorkflows, timed
from demo._rows import click_to_step_seconds
from demo.client import Browsers, Consumer, DemoError, Stage
from demo.people import contact_row, visit
from models.database import Database
from models.organizations.organization import create_organization
from settings import Settings
from stack.own_directory import own_directory
from stack.session import own_stack
from temporal_client import connect

CLICKS = 300
CLICKS_A_SECOND = 10

STEPS = [
    {"kind": "send", "key": "hello", "channel": "simulator-sms", "message": {"body": "Look: https://example.com/offer"}},
    {"kind": "wait_for_click", "key": "clicked", "timeout": "PT1H", "on_click": "thanks", "on_timeout": "late"},
    {"kind": "send", "key": "thanks", "channel": "simulator-sms", "message": {"body": "Thank you."}, "next": "over"},
    {"kind": "end", "key": "late", "outcome": "timed_out"},
    {"kind": "end", "key": "over"},
]


GOALS = {40.0: {"p50_ms": 60.0, "p99_ms": 100.0}, 20.0: {"p99_ms": 800.0}}
"""The goals of a machine that makes at least so many bare workflows a second (`bench/parts/bare.py`). A slower one has none."""
BARE, WARM_UP = 200, 50


def goals(bare_per_s: float) -> dict[str, float]:
    """Returns the limits that count on this machine."""
    return next((limits for least, limits in GOALS.items() if bare_per_s >= least), {})


def main(as_json: bool) -> int:
    """Status 0 when every click advanced its enrollment, within the limits of this machine."""
    with own_directory("bench") as directory, own_stack(directory / "var") as settings:
        bare_per_s = asyncio.run(_bare_per_s(settings))
        seconds = asyncio.run(_measure(settings))
    found = figures(seconds, bare_per_s)
    print_report("click to advanced step", found, as_json)
    return 0 if len(seconds) == CLICKS and not found["missed"] else 1


def figures(seconds: list[float], bare_per_s: float) -> dict[str, object]:
    measured = {
        "p50_ms": round(percentile(seconds, 0.50) * 1000, 1),
        "p99_ms": round(percentile(seconds, 0.99) * 1000, 1),
        "max_ms": round(max(seconds) * 1000, 1),
    }
    limits = goals(bare_per_s)
    return {
        "clicks": CLICKS,
        "advanced": len(seconds),
        "clicks_a_second": CLICKS_A_SECOND,
        **measured,
        "bare_per_s": round(bare_per_s, 1),
        "goals": limits,
        "missed": [name for name, most in limits.items() if measured[name] > most],
    }


async def _bare_per_s(settings: Settings) -> float:
    """How fast the machine is, measured on the same Temporal server before any click."""
    bare = BareWorkflows(await connect(settings))
    async with bare.with_worker():
        await timed(bare, WARM_UP)
        return BARE / (await timed(bare, BARE)).whole


async def _measure(settings: Settings) -> list[float]:
    database = Database(settings.effective_database_url)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Benchmark")
    consumer, browsers = Consumer(f"http://127.0.0.1:{settings.api_port}", key), Browsers()
    sequence_id = await _enroll(consumer)
    links = await _links(consumer, sequence_id)
    print(f"{len(links)} enrollments wait; clicking", file=sys.stderr)
    await _click_steadily(browsers, links)

    seconds: list[float] = []

    async def advanced() -> int:
        async with database.transaction() as session:
            seconds[:] = await click_to_step_seconds(session, UUID(sequence_id), "clicked")
        return len(seconds)

    await consumer.until_done(Stage("Clicks that advanced a step", CLICKS), advanced)
    await consumer.close()
    await browsers.close()
    await database.close()
    return seconds


async def _enroll(consumer: Consumer) -> str:
    rows = [contact_row(number) for number in range(CLICKS)]
    created = await consumer.post("/contacts/bulk", {"contacts": rows})
    sequence = await consumer.post("/sequences", {"name": "Latency", "steps": STEPS})
    await consumer.post(f"/sequences/{sequence['id']}/publish")
    contacts = [row["contact_id"] for row in created["results"]]
    await consumer.post(f"/sequences/{sequence['id']}/enrollments", {"contact_ids": contacts})
    return str(sequence["id"])


async def _links(consumer: Consumer, sequence_id: str) -> list[str]:
    """The tracked link of each enrollment, once all of them wait."""

    async def waiting() -> int:
        found = [each async for each in consumer.every("/enrollments", sequence_id=sequence_id)]
        return sum(each["step_key"] == "clicked" for each in found)

    await consumer.until_done(Stage("Enrollments that wait", CLICKS), waiting)
    messages = [each async for each in consumer.every("/messages", sequence_id=sequence_id)]
    return [(await consumer.get(f"/messages/{each['id']}"))["links"][0]["url"] for each in messages]


async def _click_steadily(browsers: Browsers, links: list[str]) -> None:
    """Each click at its own time, however long the ones before take."""
    start = asyncio.get_running_loop().time()
    clicks: list[asyncio.Task[str]] = []
    for number, link in zip(itertools.count(), links):
        await asyncio.sleep(max(0.0, start + number / CLICKS_A_SECOND - asyncio.get_running_loop().time()))
        clicks.append(asyncio.create_task(browsers.click(link, visit(number))))
    try:
        await asyncio.gather(*clicks)
    except DemoError as error:
        raise SystemExit(f"A click failed: {error}") from error
