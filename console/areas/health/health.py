"""Health: how fast clicks wake what waits for them, what waits, which roles are alive, and what needs somebody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from console.charts.delay import Delay
from console.findings import explained, to_do
from console.page import Page
from console.pages import Pages
from console.words.times import Times, latency
from console.words.woken import woken_by

pages = Pages("health")

PROMISE = 1000.0
"""Milliseconds within which 99 of 100 clicks wake what waits for them."""
FAILED = 8
ROLES = {"api": "and this console", "redirect": "answers links", "worker": "takes steps", "bounces": "listens for mail"}
WAITING = {
    "enrollments": "Enrollments to start",
    "campaigns": "Campaigns to start",
    "imports": "Imports to start",
    "due_enrollments": "Steps that are due",
    "signals": "Clicks to tell",
    "firings": "Actions of triggers",
    "commands": "Stops and moves",
}


@dataclass(frozen=True)
class Period:
    title: str
    words: str
    every: str


PERIODS = {
    "1h": Period("1 hour", "last hour", "2 minutes"),
    "24h": Period("24 hours", "last 24 hours", "30 minutes"),
    "7d": Period("7 days", "last 7 days", "3 hours"),
    "30d": Period("30 days", "last 30 days", "12 hours"),
}


@pages.get("/health", reads=["period"])
async def health(page: Page) -> Response:
    """`?period=1h`, `24h` (the default), `7d` or `30d`."""
    name = page.choice("period", PERIODS, "24h")
    found = await page.together(
        platform=page.api.get("/platform"),
        delays=page.api.get("/analytics/delays", period=name),
        diagnostics=page.api.get("/diagnostics"),
        failed=page.api.get("/enrollments", state="failed", limit=FAILED),
    )
    platform, delays = found["platform"], found["delays"]
    gone = await _gone(page, found["diagnostics"]["findings"])
    series = [Delay(page.times.local(each["at"]), each["median_ms"], each["p99_ms"]) for each in delays["series"]]
    return page.render(
        "health/health.html",
        **found,
        ended=[*gone, *(each for each in found["failed"]["items"] if each["id"] not in {other["id"] for other in gone})],
        chosen=name,
        period=PERIODS[name],
        periods=PERIODS,
        series=series,
        woken_by=woken_by(delays),
        length=timedelta(seconds=delays["interval_seconds"]),
        promise=PROMISE,
        slow=_slow(series),
        queues=_queues(platform),
        roles=ROLES,
        todo=to_do(found["diagnostics"]["findings"]),
        explained=explained(found["diagnostics"]["findings"]),
    )


async def _gone(page: Page, findings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The enrollments that the finding about ended workflows names, which are stopped or failed."""
    ids = [each for finding in findings if finding["code"] == "workflows_gone" for each in finding["enrollment_ids"]]
    found = await page.together(**{each: page.api.get(f"/enrollments/{each}") for each in ids})
    return [found[each] for each in ids]


def _slow(series: Sequence[Delay]) -> list[str]:
    """One sentence for each excursion over the promise, the latest first, three at most."""
    over = [each for each in series if each.p99 is not None and each.p99 > PROMISE]
    return [
        f"{each.begin:%H:%M} on {each.begin.day} {each.begin:%b}: {latency(each.p99)} for the slowest." for each in over[:-4:-1]
    ]


@dataclass(frozen=True)
class Queue:
    """`age` is in seconds, None when nothing waits."""

    key: str
    title: str
    count: int
    age: float | None


def _queues(platform: Mapping[str, Any]) -> list[Queue]:
    """The two that are always there, and what has waited too long."""
    queues = platform["queues"]
    found = [
        Queue("clicks", "Clicks to record", queues["clicks"], queues["oldest_click_seconds"] if queues["clicks"] else None),
        Queue(
            "signals",
            "Clicks to tell workflows",
            queues["signals"],
            queues["oldest_signal_seconds"] if queues["signals"] else None,
        ),
    ]
    checked = Times("UTC").local(platform["checked_at"])
    for each in platform["waiting"]:
        if each["rows"]:
            age = (checked - Times("UTC").local(each["since"])).total_seconds()
            found.append(Queue(each["kind"], WAITING.get(each["kind"], each["kind"]), each["rows"], age))
    return sorted(found, key=lambda queue: -(queue.age or 0))
