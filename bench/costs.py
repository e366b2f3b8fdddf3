"""`./linkwake bench costs`: what single pieces of work cost: a verdict, input made to be slow, a request with 4,000 contacts."""

import asyncio
import time
from collections.abc import Callable

from bench.parts.report import print_report
from demo.client import Consumer
from demo.people import BROWSERS
from models.database import Database
from models.organizations.organization import create_organization
from settings import Settings
from stack.own_directory import own_directory
from stack.session import own_stack
from tracking.links.urls import find_urls
from tracking.verdicts.agents import MAX_AGENT, reason_for
from tracking.verdicts.reason import reason_of

SEEN, UNSEEN, ROWS = 100_000, 2_000, 4_000
# What makes patterns go back, and readers read again what they have read.
HOSTILE_AGENTS = ("a", "(", "; ", "a-", "x@x.x", "Android 1; ", "Mozilla/4.0 (X", "Gecko rv:1", "com.a.a", "release/")
HOSTILE_TEXTS = ("(", "http://", "https://x.test/(", "a.b.", "www.", "{{ x }}", "https://x.test ", "myapp://x ")
TEXT = 20_000
"""Characters: the most that a message may have."""


def main(as_json: bool) -> int:
    """Status 0 when every row became a contact, and the second time none changed."""
    figures: dict[str, object] = {
        "verdict_seen_us": _each(SEEN, lambda n: reason_of("GET", {"user-agent": _agent(n)})),
        "verdict_unseen_us": _each(UNSEEN, lambda n: reason_of("GET", {"user-agent": f"{_agent(n)} {n}"})),
        "hostile_agent_us": max(_once(reason_for, words * MAX_AGENT) for words in HOSTILE_AGENTS),
        "hostile_text_us": max(_once(_read, (words * TEXT)[:TEXT]) for words in HOSTILE_TEXTS),
    }
    with own_directory("bench") as directory, own_stack(directory / "var") as settings:
        counts, seconds = asyncio.run(_bulk(settings))
    print_report("costs", {**figures, "rows": ROWS, "bulk_new_s": seconds[0], "bulk_again_s": seconds[1]}, as_json)
    return 0 if counts == [ROWS, ROWS] else 1


def _agent(number: int) -> str:
    return BROWSERS[number % len(BROWSERS)][0]


def _read(text: str) -> list[tuple[int, int]]:
    return list(find_urls(text))


def _once(work: Callable[[str], object], text: str) -> float:
    return _each(1, lambda _: work(text))


def _each(times: int, work: Callable[[int], object]) -> float:
    """Microseconds of processor time."""
    begin = time.process_time()
    for number in range(times):
        work(number)
    return round((time.process_time() - begin) / times * 1e6, 1)


async def _bulk(settings: Settings) -> tuple[list[int], list[float]]:
    """The same request twice: rows created and rows unchanged, and the seconds that each took."""
    database = Database(settings.effective_database_url)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Benchmark")
    await database.close()
    consumer = Consumer(f"http://127.0.0.1:{settings.api_port}", key)
    contacts = [
        {"external_id": f"e{n}", "email": f"p{n}@example.com", "tags": ["a"], "properties": {"n": n}} for n in range(ROWS)
    ]
    counts, seconds = [], []
    for result in ("created", "unchanged"):
        begin = time.monotonic()
        answer = await consumer.post("/contacts/bulk", {"contacts": contacts})
        seconds.append(round(time.monotonic() - begin, 2))
        counts.append(int(answer[result]))
    await consumer.close()
    return counts, seconds
