"""Faults planted in the click path, each of which the drill's checker finds; beside each, the same without the fault."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner

from activities.record_clicks import RecordClicks
from api.redirect.keeping import frames, replay
from api.redirect.keeping.journal import Journal
from api.redirect.keeping.spool import Spool
from drills.parts import rows as drill_checks
from drills.parts.clicks.checker import Facts, Verdict, judge
from models.base import new_id
from models.clicks.inbox import InboxClick
from models.clicks.inbox import LinkOfRecipient as Link
from models.database import Database, psycopg_url
from models.organizations.organization import Organization
from models.wire.clicks import LinkKey, RecorderInput
from models.wire.enrollments import ClickMemory
from services.clicks.geo_locations import GeoLocations
from services.deliver_signals import SignalDelivery
from tests.clicks import Sent, click, send, store
from tests.services.test_deliver_signals import signals_of, waiting
from tests.workflows.enrollments import Entered, Person, end, link, wait_for_click
from tests.workflows.enrollments import send as send_step
from workflows import click_memory

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
BUDGET = timedelta(seconds=20)
LINK = Link(1, 0, 0)


class Hasty(Journal):
    """Answers before the commit."""

    async def write(self, click: InboxClick, wakes: bool) -> bool:
        self.writing = [*getattr(self, "writing", []), asyncio.create_task(super().write(click, wakes))]
        return True


def forget(memory: ClickMemory, key: LinkKey) -> ClickMemory:
    """Remembers no used links: a click that has led somewhere leads there again."""
    return memory.model_copy(update={"clicked": tuple(each for each in memory.clicked if each != key)})


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    return await send(database, organization[0].id, wakes=[0], enrollment_id=new_id(), step_key="hello", step_run=1)


@pytest.fixture
async def campaign(database: Database, organization: tuple[Organization, str]) -> Sent:
    return await send(database, organization[0].id, people=9)


def journal(kind: type[Journal], url: str, directory: Path, budget: timedelta = BUDGET) -> Journal:
    return kind(url, budget, lambda clicks, links: None, Spool(directory, 1_000_000))


async def die(made: Journal) -> None:
    """What `kill -9` leaves of a journal; only what a process's end would close is closed."""
    tasks: Sequence[asyncio.Task[object]] = [*made._tasks, *getattr(made, "writing", [])]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await made._inbox.close()
    await made.spool.close()


def damage(directory: Path) -> None:
    for path in directory.glob("*.spool"):
        path.write_bytes(path.read_bytes().replace(b'"recipient_number":3,', b'"recipient_number":5,'))


async def judged(database: Database, clicks: Iterable[InboxClick]) -> Verdict:
    """All of them were answered; what is in the rows after recording?"""
    await RecordClicks(database, GeoLocations()).record_clicks(RecorderInput(shard=0, shards=1))
    asked = Counter(Link(each.content_id, each.recipient_number, each.position) for each in clicks)
    async with database.transaction() as session:
        left = await drill_checks.unfinished(session)
        recorded = await drill_checks.recorded_clicks(session)
    return judge(Facts(asked, asked, recorded, unrecorded=left.clicks, rejected=left.rejected))


@pytest.mark.parametrize(("kind", "lost"), [(Journal, 0), (Hasty, 9)])
async def test_an_answer_before_the_commit_is_found(
    kind: type[Journal], lost: int, database: Database, database_url: str, campaign: Sent, tmp_path: Path
) -> None:
    clicks = [click(campaign, person) for person in range(9)]
    made = journal(kind, database_url, tmp_path)
    await made.start()
    await asyncio.gather(*(made.write(each, wakes=False) for each in clicks))
    await die(made)
    verdict = await judged(database, clicks)
    assert (verdict.lost, verdict.ok) == (lost, lost == 0)


@pytest.mark.parametrize("outbox", [True, False])
async def test_a_missing_outbox_is_found(
    outbox: bool, database: Database, database_url: str, sent: Sent, temporal: Client, organization: tuple[Organization, str]
) -> None:
    enrollment: UUID = sent.scope["enrollment_id"]
    made = [click(sent)]
    async with waiting(temporal, organization[0].id, enrollment) as handle:
        await store(database_url, made, wakes=outbox)
        await SignalDelivery(database, temporal).sweep()
        signals = len(await signals_of(temporal, handle))
    assert (await judged(database, made)).ok  # the click itself is there
    asked = {Link(sent.content_id, 0, 0): 1}
    found = {enrollment: signals} if signals else {}
    verdict = judge(Facts(asked, asked, asked, {next(iter(asked)): enrollment}, advanced=found, effects=found))
    assert (verdict.enrollments, verdict.advanced, verdict.ok) == (1, int(outbox), outbox)


@pytest.mark.parametrize(("use", "twice"), [(click_memory.use, 0), (forget, 1)])
async def test_a_workflow_that_follows_each_signal_is_found(
    use: Callable[[ClickMemory, LinkKey], ClickMemory], twice: int, temporal: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(click_memory, "use", use)
    again = wait_for_click("wait", "thanks", "over", timeout="PT1S", link="offer")
    person = Person(temporal, send_step("hello"), again, send_step("thanks", next="wait"), end("over"))
    person.runner = UnsandboxedWorkflowRunner()

    async def deliver_twice(_: Entered) -> None:
        if len(person.entered) <= 2:
            await person.click(link(name="offer"))

    person.during_enter["wait"] = deliver_twice
    assert await person.outcome() == "over"
    thanked = {person.id: sum(each.step_key == "thanks" for each in person.sends)}
    facts = Facts({LINK: 1}, {LINK: 1}, {LINK: 1}, waiting={LINK: person.id}, advanced=thanked, effects=thanked)
    assert (judge(facts).effects_doubled, judge(facts).ok) == (twice, twice == 0)


@pytest.mark.parametrize("checksum", [True, False])
async def test_a_spool_without_a_checksum_is_found(
    checksum: bool,
    database: Database,
    database_url: str,
    campaign: Sent,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The disk changes a letter. With a checksum that costs the click, which is counted; without, it becomes another one's."""
    monkeypatch.setattr(replay, "PAUSE", 0.01)
    if not checksum:
        monkeypatch.setattr(frames, "_checksum", lambda payload: 0)
    clicks = [click(campaign, person) for person in range(9)]
    made = journal(Journal, NOWHERE, tmp_path, timedelta(milliseconds=20))
    await made.start()
    await asyncio.gather(*(made.write(each, wakes=False) for each in clicks))
    await die(made)
    damage(tmp_path)
    after = journal(Journal, psycopg_url(database_url), tmp_path)
    await after.start()
    async with asyncio.timeout(60):
        # Damage is counted when the file is gone.
        while after.counts.replayed < 8 or after.spool.files or after.counts.damaged < checksum:  # noqa: ASYNC110 # from outside
            await asyncio.sleep(0.01)
    await after.close()
    verdict = await judged(database, clicks)
    assert (verdict.lost, verdict.doubled) == (1, 0 if checksum else 1)
    assert after.counts.damaged == int(checksum)


def test_the_checker_finds_nothing_where_nothing_is_wrong() -> None:
    facts = Facts({LINK: 1}, {LINK: 1}, {LINK: 1})
    assert judge(facts).ok
    assert not judge(replace(facts, recorded={})).ok
