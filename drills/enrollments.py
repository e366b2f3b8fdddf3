"""`./linkwake drill enrollments`: enroll people and fire triggers while worker, Temporal and PostgreSQL die, then look at their
phones and at what the triggers did.

Standard output gets one JSON document (or a table), standard error the seed and what happens. See `docs/drills.md`.
"""

import asyncio
import random
from pathlib import Path
from uuid import UUID

from demo.client import Consumer
from demo.team import listening
from drills.parts.enrollments.checker import Facts, Journey, Verdict, as_document, judge
from drills.parts.enrollments.people import TEAM, Crowd
from drills.parts.enrollments.plan import SPARE_ROUNDS, Plan, Scene
from drills.parts.faults import Target
from drills.parts.patience import Patience
from drills.parts.rows import messages_of_enrollments, phones_of_enrollments, states_of_enrollments, told_of_enrollments
from drills.parts.run import drill_stack, make_all, print_document, say, seed
from drills.parts.triggers.checker import judge_triggers
from drills.parts.triggers.people import Listeners
from models.database import Database
from models.organizations.organization import create_organization
from models.reconcile.reconcile import compare
from settings import Settings
from tracking.tokens.token import TokenCodec

HEAL_SECONDS = 420.0
"""From the last fault until all are over: an interrupted message is looked into after a minute, then people wait for a minute.
Firings whose message is next are claimed for three minutes."""
NOTIFIED_EVERY = "2"
HEAL_PAUSE = 1.0
SURE = 0.75
"""The part of the wait in which a click is sure to be in time, also when it was in the redirect's spool first."""


def main(as_json: bool) -> int:
    """Returns status 0 only when nobody got a message twice, was lost or got one after a stop, each person's click started what
    its trigger says once, no machine's did, and every fault fired."""
    plan = Plan(seed=seed(Settings()))
    verdict = run(plan)
    print_document("enrollments", as_document(plan.seed, verdict), as_json)
    return 0 if verdict.ok else 1


def run(plan: Plan) -> Verdict:
    """Runs the drill on a stack of its own."""
    say(f"seed {plan.seed}")
    with drill_stack(ALLOW_LOCAL_ADDRESSES="true", NOTIFICATION_INTERVAL=NOTIFIED_EVERY) as (settings, crashes):
        return asyncio.run(_drill(settings, plan, crashes))


async def _drill(settings: Settings, plan: Plan, crashes: Path) -> Verdict:
    database = Database(settings.effective_database_url, pool_size=2)
    target, choice = Target(settings, database, crashes), random.Random(plan.seed)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Drill")
    consumer = Consumer(f"http://127.0.0.1:{settings.api_port}", key)
    codec = TokenCodec(settings.effective_token_keys)
    crowd = Crowd(consumer, database, settings.redirect_port, codec)
    try:
        async with listening() as team, Listeners(consumer, database, settings.redirect_port, codec, team) as listeners:
            await consumer.post("/notification-targets", {"name": TEAM, "address": team.address})
            await crowd.prepare(plan.enrollments + SPARE_ROUNDS * plan.people, plan.wait, choice)
            await listeners.prepare(plan.listeners + SPARE_ROUNDS * plan.clicked, choice)
            scene = Scene(target, crowd, listeners, choice, plan.people, plan.clicked)
            fired = await make_all(plan.faults, scene)
            return await _verdict_at_rest(consumer, scene, database, plan, fired)
    finally:
        await crowd.close()
        await consumer.close()
        await target.close()
        await database.close()


async def _verdict_at_rest(consumer: Consumer, scene: Scene, database: Database, plan: Plan, fired: dict[str, bool]) -> Verdict:
    """Returns the verdict as soon as all enrollments and firings are over, and at the latest when nothing changes."""
    patience = Patience(HEAL_SECONDS)
    while True:
        acting = scene.listeners.acting
        facts = await _facts(consumer, scene, database, plan, fired)
        verdict = judge(facts)
        if not (acting or verdict.stuck or verdict.triggers.waits) or patience.is_over(verdict):
            break
        await asyncio.sleep(HEAL_PAUSE)
    for error in scene.errors:
        say(f"an answer that nobody should get: {error}")
    for each in facts.journeys:
        if each.doubled or not each.is_over or each.astray or each.contradicts or each.after_stop(claimed_before=False):
            say(f"not as it should be: {each}")
    for listener in facts.listeners:
        if not judge_triggers([listener]).is_right:
            say(f"not as it should be: {listener}")
    return verdict


async def _facts(consumer: Consumer, scene: Scene, database: Database, plan: Plan, fired: dict[str, bool]) -> Facts:
    listeners, untold, unheard = await scene.listeners.facts()
    async with database.transaction() as session:
        states = await states_of_enrollments(session)
        messages, unknown = await messages_of_enrollments(session)
        phones = await phones_of_enrollments(session)
        told = await told_of_enrollments(session)
    listed = [message["id"] async for message in consumer.every("/messages", state="unknown")]
    journeys = [
        Journey(
            id=person.enrollment_id,
            state=states[person.enrollment_id],
            messages=messages.get(person.enrollment_id, {}),
            received=phones.get(person.enrollment_id, ()),
            told=told.get(person.enrollment_id, 0),
            clicked_at=person.clicked_at,
            stopped_at=person.stopped_at,
            stop_unanswered=person.stop_unanswered,
            patience=plan.wait * SURE,
        )
        for person in scene.crowd.people
        if person.enrollment_id
    ]
    equal = (await compare(database)).equal
    return Facts(
        journeys,
        unknown,
        frozenset(UUID(each) for each in listed),
        len(scene.errors),
        fired,
        equal,
        listeners,
        untold,
        unheard,
    )
