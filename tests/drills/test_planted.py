"""Faults planted in the click path, each of which the drill's checker finds; beside each, the same without the fault."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner

from activities.deliver_signals import SignalDelivery
from activities.places import Places
from activities.record_clicks import RecordClicks
from activities.starter import Starter
from api.redirect import frames, replay
from api.redirect.journal import Journal
from api.redirect.spool import Spool
from drills._checker import Facts, Verdict, judge
from models import drill_checks, wire
from models.base import new_id
from models.click_inbox import InboxClick
from models.click_inbox import LinkOfRecipient as Link
from models.database import Database, psycopg_url
from models.organization import Organization
from tests.activities.test_deliver_signals import signals_of, waiting
from tests.clicks import Sent, click, send, store
from tests.workflows.enrollments import Person, end, link, wait_for_click
from tests.workflows.enrollments import send as send_step
from workflows.click_book import ClickBook

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
BUDGET = timedelta(seconds=20)
LINK = Link(1, 0, 0)


class Hasty(Journal):
    """Answers before the commit."""

    async def write(self, click: InboxClick, wakes: bool) -> bool:
        self.writing = [*getattr(self, "writing", []), asyncio.create_task(super().write(click, wakes))]
        return True


class TakesEverySignal(ClickBook):
    """Has no seen-set: a click that has led somewhere leads there again."""

    def use(self, key: wire.LinkKey) -> None:
        self._clicked.pop((key.visit, key.position), None)


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    return await send(database, organization[0].id, wakes=[0], enrollment_id=new_id(), step_key="hello", visit=1)


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
        path.write_bytes(path.read_bytes().replace(b'"ordinal":3,', b'"ordinal":5,'))


async def judged(database: Database, clicks: Iterable[InboxClick]) -> Verdict:
    """All of them were answered; what is in the rows after recording?"""
    await RecordClicks(database, Places()).record_clicks(wire.RecorderInput(shard=0, shards=1))
    asked = Counter(Link(each.content_id, each.ordinal, each.position) for each in clicks)
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
        await SignalDelivery(database, temporal, Starter(database, temporal)).sweep()
        signals = len(await signals_of(temporal, handle))
    assert (await judged(database, made)).ok  # the click itself is there
    asked = {Link(sent.content_id, 0, 0): 1}
    found = {enrollment: signals} if signals else {}
    verdict = judge(Facts(asked, asked, asked, {next(iter(asked)): enrollment}, advanced=found, effects=found))
    assert (verdict.enrollments, verdict.advanced, verdict.ok) == (1, int(outbox), outbox)


@pytest.mark.parametrize(("book", "twice"), [(ClickBook, 0), (TakesEverySignal, 1)])
async def test_a_workflow_that_follows_each_signal_is_found(
    book: type[ClickBook], twice: int, temporal: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.sequence_enrollment.ClickBook", book)
    again = wait_for_click("wait", "thanks", "over", timeout="PT1S", link="offer")
    person = Person(temporal, send_step("hello"), again, send_step("thanks", next="wait"), end("over"))
    person.runner = UnsandboxedWorkflowRunner()

    async def deliver_twice(_: wire.StepEntered) -> None:
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
