"""`./linkwake drill clicks`: under a steady load of real clicks, kill each part of the click path in turn, then count.

Standard output gets one JSON document (or a table), standard error the seed and what happens. See `docs/drills.md`.
"""

import asyncio
import random
from pathlib import Path
from uuid import UUID

from demo.client import Consumer
from drills.parts import rows as drill_checks
from drills.parts.clicks.checker import Facts, Verdict, as_document, judge
from drills.parts.clicks.load import Load
from drills.parts.clicks.plan import Plan, Scene
from drills.parts.clicks.setup import THANKS, WAITS, set_up
from drills.parts.faults import Target
from drills.parts.patience import DrillError, Patience, until
from drills.parts.run import drill_stack, make_all, print_document, say, seed
from models.clicks.inbox import LinkOfRecipient as Link
from models.database import Database
from models.organizations.organization import create_organization
from models.reconcile.reconcile import compare
from settings import Settings
from tracking.tokens.token import TokenCodec

HEAL_SECONDS = 150.0
"""The drill waits no longer when nothing has changed for so long."""
HEAL_PAUSE = 1.0


def main(as_json: bool) -> int:
    """Returns status 0 only when nothing was lost or doubled, every fault fired and everybody who clicked was answered."""
    settings = Settings()
    plan = Plan(seed=seed(settings), outage=settings.drill_outage)
    verdict = run(plan)
    print_document("clicks", as_document(plan.seed, verdict), as_json)
    return 0 if verdict.ok else 1


def run(plan: Plan) -> Verdict:
    """Runs the drill on a stack of its own."""
    say(f"seed {plan.seed}")
    variables = {
        "SPOOL_LIMIT": str(plan.spool_limit),
        "SHORTEST_LOOP": "0",  # `drills/parts/clicks/setup.py`: whoever was thanked waits for the same link again
    }
    with drill_stack(**variables) as (settings, crashes):
        return asyncio.run(_drill(settings, plan, crashes))


async def _drill(settings: Settings, plan: Plan, crashes: Path) -> Verdict:
    database = Database(settings.effective_database_url, pool_size=2)
    target = Target(settings, database, crashes)
    try:
        links = await _prepare(settings, database, plan)
        waiting = {link: enrollment for link, enrollment in links.items() if enrollment}
        choice = random.Random(plan.seed)
        load = Load(
            settings.redirect_port,
            TokenCodec(settings.effective_token_keys),
            [link for link in links if link not in waiting],
            plan.rate,
            choice,
        )
        scene = Scene(target, load, choice, plan.outage, iter(choice.sample(list(waiting), len(waiting))))
        fired = await _under_load(scene, plan)
        return await _verdict_at_rest(scene, database, waiting, fired)
    finally:
        await target.close()
        await database.close()


async def _prepare(settings: Settings, database: Database, plan: Plan) -> dict[Link, UUID | None]:
    async with database.transaction() as session:
        _, key = await create_organization(session, "Drill")
    consumer = Consumer(f"http://127.0.0.1:{settings.api_port}", key)
    try:
        await set_up(consumer, plan.messages, plan.enrollments)
    finally:
        await consumer.close()
    async with database.transaction() as session:
        return await drill_checks.tracked_links(session)


async def _under_load(scene: Scene, plan: Plan) -> dict[str, bool]:
    stopped = asyncio.Event()
    clicking = asyncio.create_task(scene.load.run(stopped))
    try:
        fired = await make_all(plan.faults, scene)
        await everybody_is_answered(scene.load)
        return fired
    finally:
        stopped.set()
        await clicking


async def everybody_is_answered(load: Load) -> None:
    """Whoever waits for what a click brings and was turned away clicks again and again."""
    try:
        await until("everybody was answered", lambda: asyncio.sleep(0, not load.turned_away))
    except DrillError as error:
        say(f"{error} These links were not: {load.turned_away}")


async def _verdict_at_rest(scene: Scene, database: Database, waiting: dict[Link, UUID], fired: dict[str, bool]) -> Verdict:
    """Returns the verdict as soon as nothing is on its way any more, and at the latest when nothing changes."""
    patience = Patience(HEAL_SECONDS)
    while True:
        facts, signals = await _facts(scene, database, waiting, fired)
        verdict = judge(facts)
        if patience.is_over((verdict, signals)) or (verdict.ok and not signals):
            break
        if not signals and not verdict.unrecorded and verdict.advanced == verdict.enrollments:
            break  # it will not get better
        await asyncio.sleep(HEAL_PAUSE)
    for ask in scene.load.seen.errors(scene.target.down):
        say(f"an error while the redirect lived: {ask}")
    return verdict


async def _facts(scene: Scene, database: Database, waiting: dict[Link, UUID], fired: dict[str, bool]) -> tuple[Facts, int]:
    """Returns the same, and how many signals are not delivered yet."""
    seen = scene.load.seen
    counters = await compare(database)
    async with database.transaction() as session:
        open_work = await drill_checks.unfinished(session)
        facts = Facts(
            asked=seen.asked(),
            answered=seen.answered(),
            recorded=await drill_checks.recorded_clicks(session),
            waiting=waiting,
            advanced=await drill_checks.clicked_steps(session, WAITS),
            effects=await drill_checks.deliveries(session, THANKS),
            unsafe=seen.answered(scene.unsafe),
            counted_lost=scene.counted_lost,
            unrecorded=open_work.clicks,
            rejected=open_work.rejected,
            errors=len(seen.errors(scene.target.down)),
            unanswered=len(scene.load.turned_away),
            counters_equal=counters.equal,
            faults=fired,
        )
    return facts, open_work.signals
