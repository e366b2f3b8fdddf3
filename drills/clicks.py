"""`./linkwake drill clicks`: under a steady load of real clicks, kill each part of the click path in turn, then count.

Standard output gets one JSON document (or a table), standard error the seed and what happens. See `docs/drills.md`.
"""

import asyncio
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from uuid import UUID

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from demo.client import Consumer
from drills._checker import Facts, Verdict, as_document, judge
from drills._faults import DrillError, Target
from drills._load import Load
from drills._plan import Fault, Plan, Scene
from drills._setup import THANKS, WAITS, set_up
from models import drill_checks
from models.click_inbox import LinkOfRecipient as Link
from models.database import Database
from models.organization import create_organization
from models.reconcile import compare
from settings import Settings
from stack.session import own_stack
from tracking.token import TokenCodec

LARGEST_SEED = 2**32
SETTLE_SECONDS = 150.0
SETTLE_PAUSE = 1.0
CALM_SECONDS = 5.0
"""After the last fault everybody who was turned away clicks once more."""
SWEEP_SECONDS = "2"


def main(as_json: bool) -> int:
    """Status 0 only when nothing was lost or doubled, every fault fired and everybody who clicked was answered."""
    settings = Settings()
    seed = settings.drill_seed if settings.drill_seed is not None else random.randrange(LARGEST_SEED)
    verdict = run(Plan(seed=seed, outage=settings.drill_outage))
    _print(as_document(seed, verdict), as_json)
    return 0 if verdict.ok else 1


def run(plan: Plan) -> Verdict:
    """The drill on a stack of its own."""
    _say(f"seed {plan.seed}")
    with tempfile.TemporaryDirectory(prefix="linkwake-drill-") as directory:
        crashes = Path(directory) / "crashes"
        crashes.mkdir()
        variables = {"DRILL_CRASH": str(crashes), "SPOOL_LIMIT": str(plan.spool_limit), "SWEEP_INTERVAL": SWEEP_SECONDS}
        with own_stack(Path(directory) / "var", **variables) as settings:
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
        return await _settled(scene, database, waiting, fired)
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
        fired = {_name(fault): await _make(fault, scene) for fault in plan.faults}
        await asyncio.sleep(CALM_SECONDS)
        return fired
    finally:
        stopped.set()
        await clicking


async def _make(fault: Fault, scene: Scene) -> bool:
    """A fault that could not be made has not fired; the others go on."""
    begin = time.monotonic()
    try:
        fired = await fault(scene)
        _say(f"{_name(fault)}: {'healed' if fired else 'NO EFFECT'} after {time.monotonic() - begin:.1f} s")
    except (DrillError, httpx.HTTPError, psutil.Error, OSError) as error:
        _say(f"{_name(fault)}: NOT FIRED: {error!r}")
        return False
    return fired


async def _settled(scene: Scene, database: Database, waiting: dict[Link, UUID], fired: dict[str, bool]) -> Verdict:
    """The verdict as soon as nothing is on its way any more; at the latest when the patience is over."""
    end = time.monotonic() + SETTLE_SECONDS
    while True:
        facts, signals = await _facts(scene, database, waiting, fired)
        verdict = judge(facts)
        if time.monotonic() > end or (verdict.ok and not signals):
            break
        if not signals and not verdict.unrecorded and verdict.advanced == verdict.enrollments:
            break  # it will not get better
        await asyncio.sleep(SETTLE_PAUSE)
    for ask in scene.load.seen.errors(scene.target.down):
        _say(f"an error while the redirect lived: {ask}")
    return verdict


async def _facts(scene: Scene, database: Database, waiting: dict[Link, UUID], fired: dict[str, bool]) -> tuple[Facts, int]:
    """And how many signals are not settled yet."""
    seen = scene.load.seen
    async with database.transaction() as session:
        counters = await compare(session)
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
            counters_equal=counters.equal,
            faults=fired,
        )
    return facts, open_work.signals


def _name(fault: Fault) -> str:
    return getattr(fault, "__name__", "fault")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _print(document: dict[str, object], as_json: bool) -> None:
    if as_json:
        print(json.dumps(document, indent=2))
        return
    table = Table("what", "result", title="drill: clicks")
    for name, value in document.items():
        table.add_row(
            name, "\n".join(f"{each}: {fired}" for each, fired in value.items()) if isinstance(value, dict) else str(value)
        )
    Console().print(table)
