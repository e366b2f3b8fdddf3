"""`./linkwake bench enrollments`: whole enrollments a second, beside bare workflows on the same Temporal server.

Both do the same in turns, several times: some people start and wait for a click; when all wait, all click as fast as clicks are
answered; and all go on to their end. The contacts click their real links at the redirect. A bare workflow has
two empty activities in place of the messages and is signalled directly, without a redirect, a click or a row
(`bench/parts/bare.py`).
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import mean, median

from bench.parts.report import print_report
from bench.parts.rounds import BareWorkflows, Enrollments, Round, Runs, Shape, timed
from demo.client import Consumer
from models.database import Database
from models.organizations.organization import create_organization
from settings import Settings
from stack.own_directory import own_directory
from stack.session import own_stack
from temporal_client import connect

PEOPLE, ROUNDS, WARM_UP = 200, 5, 50
MOST = Shape(workflow_tasks=4, activities=2, events=23, state_transitions=12)
"""What one enrollment may cost Temporal, measured on one that has the stack to itself."""
RATIO = 0.7
"""Whole enrollments a second, as a share of bare workflows a second, are to be at least this."""


@dataclass(frozen=True)
class Run:
    """The rounds of both, in pairs: those of one pair were made one right after the other."""

    shape: Shape
    enrollments: list[Round]
    bare: list[Round]


def main(as_json: bool) -> int:
    """Status 0 when the goals hold."""
    with (
        own_directory("bench") as directory,
        own_stack(directory / "var", LOG_LEVEL="warning") as settings,
    ):
        run = asyncio.run(_measure(settings))
    found = figures(run)
    print_report("enrollments", found, as_json)
    return int(bool(found["missed"]))


def figures(run: Run) -> dict[str, object]:
    """Rates are medians of the rounds; `ratio` is the median of the pairs'."""
    ratio = median(bare.whole / own.whole for own, bare in zip(run.enrollments, run.bare, strict=True))
    return {
        "enrollments_per_s": _rate(run.enrollments, lambda each: each.whole),
        "until_waiting_per_s": _rate(run.enrollments, lambda each: each.until_waiting),
        "click_to_end_per_s": _rate(run.enrollments, lambda each: each.click_to_end),
        "bare_per_s": _rate(run.bare, lambda each: each.whole),
        "ratio": round(ratio, 2),
        **asdict(run.shape),
        "cpu_by_process": _milliseconds(run.enrollments),
        "bare_cpu_by_process": _milliseconds(run.bare),
        "bare_until_waiting_per_s": _rate(run.bare, lambda each: each.until_waiting),
        "bare_click_to_end_per_s": _rate(run.bare, lambda each: each.click_to_end),
        "people": run.enrollments[0].count,
        "rounds": len(run.enrollments),
        "goals": {"ratio": RATIO, **asdict(MOST)},
        "missed": _missed(ratio, run.shape),
    }


def _rate(rounds: Sequence[Round], seconds: Callable[[Round], float]) -> float:
    return round(median(each.count / seconds(each) for each in rounds), 1)


def _milliseconds(rounds: Sequence[Round]) -> dict[str, float]:
    """Processor time for one enrollment or workflow, by role, the largest first."""
    roles = {role for each in rounds for role in each.processor}
    used = {role: mean(each.processor.get(role, 0.0) / each.count for each in rounds) * 1000 for role in roles}
    return {role: round(used[role], 1) for role in sorted(used, key=lambda role: -used[role])}


def _missed(ratio: float, shape: Shape) -> list[str]:
    most = asdict(MOST)
    return [*(["ratio"] if ratio < RATIO else []), *(name for name, found in asdict(shape).items() if found > most[name])]


async def _measure(settings: Settings) -> Run:
    database, client = Database(settings.effective_database_url), await connect(settings)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Benchmark")
    consumer = Consumer(f"http://127.0.0.1:{settings.api_port}", key)
    own, bare = Enrollments(settings, database, client, consumer), BareWorkflows(client)
    try:
        await own.prepare(WARM_UP + 1 + ROUNDS * PEOPLE)
        async with bare.with_worker():
            return await race(own, bare, PEOPLE, ROUNDS, WARM_UP)
    finally:
        await consumer.close()
        await database.close()


async def race(own: Enrollments, bare: BareWorkflows, people: int, rounds: int, warm_up: int) -> Run:
    """Every other pair begins with the bare workflows, so that neither has the better places."""
    for each in (own, bare):
        await timed(each, warm_up)
    run = Run(await own.shape(), [], [])
    pair: list[tuple[Runs, list[Round]]] = [(own, run.enrollments), (bare, run.bare)]
    for number in range(rounds):
        for runs, found in pair:
            found.append(await timed(runs, people))
        pair.reverse()
        _say(f"pair {number + 1}: {people / run.enrollments[-1].whole:.1f} a second, bare {people / run.bare[-1].whole:.1f}")
    return run


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
