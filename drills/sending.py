"""`./linkwake drill sending`: write to people by real SMTP and by a stand-in for Twilio while worker, Temporal, PostgreSQL and
the providers die and some of the people opt out. Then compare what the providers have taken with the rows.

Standard output gets one JSON document (or a table), standard error the seed and what happens. See `docs/drills.md`.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from demo.client import Consumer
from drills.parts.faults import Target
from drills.parts.patience import Patience
from drills.parts.rows import sent_messages, under_way
from drills.parts.run import Fault, drill_stack, make_all, print_document, say, seed
from drills.parts.sending.checker import Facts, Sent, Verdict, as_document, is_wrong, judge
from drills.parts.sending.people import MAILS, TEXTS, Audience
from drills.parts.sending.plan import Scene, faults
from drills.providers.processes import Provider, mails, text_messages
from drills.providers.twilio_stand_in import ACCOUNT_SID, NUMBER
from models.database import Database
from models.organizations.organization import create_organization
from models.reconcile.reconcile import compare
from settings import Settings
from stack.own_directory import own_directory

HEAL_SECONDS = 900.0
"""From the last fault until all are over: those whom a provider refused for now are asked for every five minutes, and an
interrupted message is looked into after a minute."""
HEAL_PAUSE = 2.0
AUTH_TOKEN = "the-token-of-the-drill"  # noqa: S105 - only our stand-in takes it
PER_SECOND = 20


@dataclass(frozen=True)
class Plan:
    """Four messages to each of `people`, who are divided among the faults."""

    people: int = 520
    faults: Sequence[Fault[Scene]] = tuple(faults((TEXTS, MAILS)))
    seed: int = 0


def main(as_json: bool) -> int:
    """Returns status 0 only when nobody got a message twice, too late or after an opt-out, none was lost, and every fault
    fired."""
    plan = Plan(seed=seed(Settings()))
    begin = time.monotonic()
    verdict = run(plan)
    print_document("sending", as_document(plan.seed, time.monotonic() - begin, verdict), as_json)
    return 0 if verdict.ok else 1


def run(plan: Plan) -> Verdict:
    """Runs the drill on a stack of its own."""
    say(f"seed {plan.seed}")
    with (
        drill_stack(ALLOW_LOCAL_ADDRESSES="true") as (settings, crashes),
        own_directory("drill") as logs,
    ):
        return asyncio.run(_drill(settings, plan, crashes, logs))


async def _drill(settings: Settings, plan: Plan, crashes: Path, logs: Path) -> Verdict:
    database = Database(settings.effective_database_url, pool_size=2)
    target, choice = Target(settings, database, crashes), random.Random(plan.seed)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Drill")
    consumer = Consumer(f"http://127.0.0.1:{settings.api_port}", key)
    providers = _providers(logs, plan.seed)
    audience = Audience(consumer, choice)
    try:
        for each in providers.values():
            await each.start()
        await audience.prepare(_channels(providers))
        scene = Scene(target, audience, providers, choice, max(1, plan.people // len(plan.faults)))
        fired = await make_all(plan.faults, scene)
        return await _verdict_at_rest(consumer, scene, database, fired)
    finally:
        await audience.close()
        for each in providers.values():
            await each.kill()
        await consumer.close()
        await target.close()
        await database.close()


def _providers(logs: Path, chosen: int) -> dict[str, Provider]:
    """Both fail at times, before and after they have taken a message. Twilio reports each status up to five times, in any
    order."""
    troubles = {"too_many_requests": 0.02, "fails": 0.01, "breaks_before": 0.005, "breaks_after": 0.005}
    twilio = {"auth_token": AUTH_TOKEN, "repeats": 5, "troubles": troubles, "log": str(logs / TEXTS), "seed": chosen}
    mail_server = {"busy": 0.02, "lost": 0.005, "log": str(logs / MAILS), "seed": chosen}
    return {TEXTS: Provider("drills.providers.twilio", twilio), MAILS: Provider("drills.providers.mail_server", mail_server)}


def _channels(providers: dict[str, Provider]) -> dict[str, dict[str, Any]]:
    pace = {"per_second": PER_SECOND}
    twilio = {
        "account_sid": ACCOUNT_SID,
        "auth_token": AUTH_TOKEN,
        "from_address": NUMBER,
        "api_url": f"http://127.0.0.1:{providers[TEXTS].port}",
        "pace": pace,
    }
    smtp = {
        "host": "127.0.0.1",
        "port": providers[MAILS].port,
        "security": "none",
        "from_address": "hello@drill.example",
        "pace": pace,
    }
    return {TEXTS: {"kind": "twilio", "config": twilio}, MAILS: {"kind": "smtp", "config": smtp}}


async def _verdict_at_rest(consumer: Consumer, scene: Scene, database: Database, fired: dict[str, bool]) -> Verdict:
    """Returns the verdict as soon as all messages, campaigns and enrollments are over, and at the latest when nothing changes."""
    patience, seen = Patience(HEAL_SECONDS), -1
    while True:
        facts = await _facts(consumer, scene, database, fired)
        verdict = judge(facts)
        if verdict.stuck + verdict.missing != seen:
            seen = verdict.stuck + verdict.missing
            say(f"messages, campaigns and enrollments that are not over: {seen}")
        if not (verdict.stuck or verdict.missing) or patience.is_over(seen):
            break
        await asyncio.sleep(HEAL_PAUSE)
    for each in facts.messages:
        if is_wrong(each, facts):
            say(f"not as it should be: {each}")
    for error in scene.audience.errors:
        say(f"an answer that nobody should get: {error}")
    for pause in scene.audience.pauses:
        say(f"a channel paused itself: {pause}")
    return verdict


async def _facts(consumer: Consumer, scene: Scene, database: Database, fired: dict[str, bool]) -> Facts:
    """What the providers have taken is read last, because it only grows."""
    async with database.transaction() as session:
        messages = [Sent(**row) for row in await sent_messages(session)]
        unfinished = await under_way(session)
    unknown = [message["id"] async for message in consumer.every("/messages", state="unknown")]
    taken = [*text_messages(scene.providers[TEXTS]), *mails(scene.providers[MAILS])]
    return Facts(
        expected={each.contact_id: each.expects for each in scene.audience.people},
        messages=messages,
        taken=taken,
        asked_at={each.contact_id: each.asked_at for each in scene.audience.people if each.asked_at},
        opted_out_at={each.contact_id: each.opted_out_at for each in scene.audience.people if each.opted_out_at},
        unknown=frozenset(UUID(each) for each in unknown),
        unfinished=unfinished,
        errors=len(scene.audience.errors),
        faults=fired,
        counters_equal=(await compare(database)).equal,
    )
