"""`./linkwake bench record`: clicks a second that one worker records, with place and device, after a burst."""

import asyncio
import random
import sys
import time

from api.redirect.keeping.inbox import Inbox
from bench.parts.report import percentile, print_report
from bench.parts.rows import Sendings, add_sendings, analyze, backlog, stored_clicks
from demo.people import BROWSERS, PLACES
from drills.parts.patience import Patience
from models.base import new_id, now
from models.clicks.inbox import InboxClick
from models.clicks.verdict import Reason
from models.database import Database
from models.organizations.organization import create_organization
from settings import Settings
from stack.own_directory import own_directory
from stack.session import own_stack

BURST = 60_000
SENT, PEOPLE = 20, 5_000
COMMIT = 1_000
GOAL = 8_000
STILL_SECONDS = 120.0


def main(as_json: bool) -> int:
    """Status 0 when each click was recorded exactly once; the goal is for a quiet machine with two cores."""
    with own_directory("bench") as directory, own_stack(directory / "var") as settings:
        figures = asyncio.run(_measure(settings))
    print_report("record", figures, as_json)
    return 0 if figures["recorded"] == BURST and not figures["doubled"] else 1


async def _measure(settings: Settings) -> dict[str, object]:
    database = Database(settings.effective_database_url)
    async with database.transaction() as session:
        organization, _ = await create_organization(session, "Benchmark")
        sendings = await add_sendings(session, organization.id, SENT, SENT, PEOPLE)
    async with database.transaction() as session:
        await analyze(session)
    print(f"{BURST:,} clicks come in", file=sys.stderr)
    burst = asyncio.create_task(_burst(settings.effective_database_url, sendings))
    waiting, seconds = await _watch(database, burst)
    arrived = await burst
    drained = None if seconds is None else round(max(0.0, seconds - arrived), 1)
    async with database.transaction() as session:
        stored, doubled = await stored_clicks(session)
    await database.close()
    return {
        "clicks": BURST,
        "recorded": stored,
        "doubled": doubled,
        "arrival_seconds": round(arrived, 1),
        "seconds": None if seconds is None else round(seconds, 1),
        "clicks_per_second": None if seconds is None else round(BURST / seconds),
        "goal": GOAL,
        "backlog_max": max(waiting),
        "backlog_p50": percentile([float(each) for each in waiting], 0.5),
        "drained_after_burst_s": drained,
        "batch_rows": settings.recorder_batch_rows,
    }


async def _burst(url: str, sendings: Sendings) -> float:
    """As the redirect stores them, as fast as they go in; how long that took."""
    inbox, begin = Inbox(url), time.monotonic()
    clicks = [_click(number, sendings) for number in range(BURST)]
    for start in range(0, BURST, COMMIT):
        await inbox.store(clicks[start : start + COMMIT], [])
    await inbox.close()
    return time.monotonic() - begin


def _click(number: int, sendings: Sendings) -> InboxClick:
    """Somebody somewhere with some browser; addresses are mostly different ones."""
    address = PLACES[number % len(PLACES)][0].rpartition(".")[0] + f".{random.randrange(256)}"
    agent = BROWSERS[number % len(BROWSERS)][0]
    content, recipient_number = sendings.first + number % sendings.sent, number // sendings.sent
    verdict, reason = Reason.BROWSER.verdict, Reason.BROWSER
    return InboxClick(new_id(), sendings.org_id, content, recipient_number, 0, now(), verdict, reason, address, agent)


async def _watch(database: Database, burst: asyncio.Task[float]) -> tuple[list[int], float | None]:
    """Returns the clicks that waited, ten times a second, and the seconds of `seconds_for_all`. Raises SystemExit when nothing
    changes for two minutes."""
    waiting, begin, before, patience = [], 0.0, 0, Patience(STILL_SECONDS)
    while True:
        async with database.session() as session:
            left, kept = await backlog(session)
        waiting.append(left)
        if kept and not begin:
            begin, before = time.monotonic(), kept
        if burst.done() and not left:
            return waiting, seconds_for_all(time.monotonic() - begin, before)
        if patience.is_over((left, kept)):
            raise SystemExit(f"{left:,} clicks wait, and none of them was recorded for {STILL_SECONDS:.0f} s.")
        await asyncio.sleep(0.1)


def seconds_for_all(seconds: float, before: int) -> float | None:
    """From the first batch that was recorded until the last one was, with the share of the `before` clicks that were there at the
    first look. Returns None on a machine that records all of them between two looks."""
    return seconds * BURST / (BURST - before) if before < BURST else None
