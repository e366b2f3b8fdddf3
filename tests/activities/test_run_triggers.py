"""The actions of firings: each once through kills at every point, in their order, and nobody is held up by anybody else."""

from collections.abc import Collection
from datetime import timedelta
from itertools import chain, repeat
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from activities import run_triggers as module
from activities.actions.base import Batch, Taken, Taking
from activities.run_triggers import RunTriggers
from models.base import now
from models.contacts.contact import Contact
from models.database import Database
from models.organizations.organization import create_organization
from models.reconcile import reconcile
from models.triggers.results import Later, done
from services.away import ATTEMPTS
from services.segments.matching import SegmentTooSlow
from tests.clicks import rows
from tests.plans import buffers_read, statements
from tests.rows import Rows
from tests.triggers import ACTIONS, SET, TAG, Machine, fire

TAGS = "SELECT tags FROM contact ORDER BY id"
COUNTS = "SELECT position, what, count FROM trigger_count ORDER BY position, what"


class Dies(BaseException):
    """The process is killed at this point."""


class Flawed:
    """Does the action, and raises `error` when one of these contacts is in the batch."""

    def __init__(self, action: Taking[Any], error: Exception, contacts: Collection[UUID] | None = None) -> None:
        self.action, self.error, self.contacts = action, error, contacts
        self.batches: list[int] = []

    async def take(self, session: AsyncSession, batch: Batch, action: Any) -> Taken:
        self.batches.append(len(batch.firings))
        taken = await self.action.take(session, batch, action)
        if self.contacts is None or any(each.contact_id in self.contacts for each in batch.firings):
            raise self.error
        return taken


async def assert_counters_equal_rows(database: Database) -> None:
    found = await reconcile.compare(database)
    assert not [each for each in found.differences if each.table == "trigger_count"]


async def test_actions_are_done_in_their_order_and_once(database: Database, made: Rows, machine: Machine) -> None:
    await fire(made, people=3)
    result = await machine.run()
    assert (result.done, result.more) == ({"firings": 3}, False)
    assert await rows(database, "SELECT tags, properties FROM contact") == [(["hot"], {"interest": "spring"})] * 3
    assert await rows(database, ACTIONS) == [(0, "tag", "done", None), (1, "set_field", "done", None)] * 3
    assert await rows(database, "SELECT DISTINCT finished_at IS NOT NULL FROM firing") == [True]
    assert await rows(database, COUNTS) == [(-1, "fired", 3), (-1, "people", 3), (0, "done", 3), (1, "done", 3)]
    assert (await machine.run()).done == {"firings": 0}
    await assert_counters_equal_rows(database)


@pytest.mark.parametrize("point", ["firings_claimed", "action_taken", "action_recorded"])
@pytest.mark.parametrize("spared", [0, 1, 2])
async def test_each_action_is_done_once_wherever_the_process_is_killed(
    database: Database, made: Rows, machine: Machine, monkeypatch: pytest.MonkeyPatch, point: str, spared: int
) -> None:
    counting = {"kind": "tag", "tags": ["counted"]}
    await fire(made, [counting, SET, TAG], people=2)
    hits = 0

    def die(name: str) -> None:
        nonlocal hits
        hits += name == point
        if name == point and hits == spared + 1:
            raise Dies

    monkeypatch.setattr(module, "crashpoint", die)
    died = 0
    for _ in range(3):
        try:
            await machine.run()
        except Dies:
            died += 1
        await machine.make_due()
    assert died == (1 if point != "firings_claimed" or spared == 0 else 0)
    assert (
        await rows(database, ACTIONS) == [(0, "tag", "done", None), (1, "set_field", "done", None), (2, "tag", "done", None)] * 2
    )
    assert await rows(database, TAGS) == [["counted", "hot"]] * 2
    assert [count for _, _, count in await rows(database, COUNTS)] == [2] * 5
    await assert_counters_equal_rows(database)


async def test_a_lease_that_somebody_else_has_taken_does_nothing(database: Database, made: Rows, machine: Machine) -> None:
    """The first process was asleep, and another one has done everything meanwhile."""
    await fire(made)

    class Slow:
        async def take(self, session: AsyncSession, batch: Batch, action: Any) -> Taken:
            raise AssertionError("the lease is somebody else's")

    activity = RunTriggers(database, {"tag": Slow(), "set_field": Slow()}, machine.matching)
    claimed = await activity._claim()
    await machine.make_due()
    await machine.run()
    before = await rows(database, COUNTS)
    await activity._run(claimed)
    assert await rows(database, COUNTS) == before


async def test_a_result_that_failed_lets_the_next_action_go_on_unless_it_says_stop(
    database: Database, made: Rows, machine: Machine
) -> None:
    full = [f"tag-{n}" for n in range(100)]
    (contact,) = await fire(made, [TAG, SET])
    async with database.transaction() as session:
        (await session.get_one(Contact, contact.id)).tags = full
    await machine.run()
    (other,) = await fire(made, [{**TAG, "on_failure": "stop"}, SET, TAG])
    async with database.transaction() as session:
        (await session.get_one(Contact, other.id)).tags = full
    await machine.run()
    full_up = "the contact would have too many tags"
    because = f"the action before it at position 0 failed: {full_up}"
    assert await rows(database, ACTIONS) == [
        (0, "tag", "failed", full_up),
        (1, "set_field", "done", None),
        (0, "tag", "failed", full_up),
        (1, "set_field", "skipped", because),
        (2, "tag", "skipped", because),
    ]
    assert await rows(database, "SELECT count(*) FROM firing WHERE finished_at IS NULL") == [0]
    await assert_counters_equal_rows(database)


async def test_one_poisonous_firing_holds_up_none_of_the_others_and_fails_at_its_tenth_attempt(
    database: Database, made: Rows, machine: Machine
) -> None:
    contacts = await fire(made, people=5)
    flawed = machine.actions["tag"] = Flawed(machine.actions["tag"], ValueError("secret of Ann"), {contacts[2].id})
    await machine.run()
    assert flawed.batches == [5, 1, 1, 1, 1, 1]
    assert await rows(database, TAGS) == [["hot"], ["hot"], [], ["hot"], ["hot"]]
    assert await rows(database, "SELECT attempts, last_error FROM firing WHERE finished_at IS NULL") == [(1, "ValueError")]
    for _ in range(ATTEMPTS - 1):
        assert await rows(database, "SELECT count(*) FROM firing_action WHERE outcome = 'failed'") == [0]
        await machine.make_due()
        await machine.run()
    assert await rows(database, "SELECT position, reason FROM firing_action WHERE outcome = 'failed'") == [
        (0, f"gave up after {ATTEMPTS} attempts: ValueError")
    ]
    assert await rows(database, "SELECT properties FROM contact") == [{"interest": "spring"}] * 5
    await assert_counters_equal_rows(database)


async def test_an_action_that_is_broken_for_everybody_is_not_tried_for_each(
    database: Database, made: Rows, machine: Machine
) -> None:
    await fire(made, people=20)
    flawed = machine.actions["tag"] = Flawed(machine.actions["tag"], ValueError())
    await machine.run()
    assert flawed.batches == [20, *[1] * module.BROKEN]
    assert await rows(database, "SELECT attempts, count(*) FROM firing GROUP BY 1") == [(1, 20)]


async def test_an_outage_is_never_recorded_as_failed(database: Database, made: Rows, machine: Machine) -> None:
    await fire(made, people=2)
    tag = machine.actions["tag"]
    machine.actions["tag"] = Flawed(tag, OperationalError("away", None, Exception()))
    for _ in range(ATTEMPTS + 3):
        await machine.run()
        await machine.make_due()
    assert await rows(database, ACTIONS) == []
    assert await rows(database, "SELECT attempts FROM firing") == [ATTEMPTS + 3] * 2
    machine.actions["tag"] = tag
    await machine.run()
    assert await rows(database, TAGS) == [["hot"]] * 2
    assert await rows(database, "SELECT attempts, last_error FROM firing") == [(0, None)] * 2


async def test_an_action_that_cannot_be_read_and_a_kind_that_nobody_knows_fail_alone(
    database: Database, made: Rows, machine: Machine
) -> None:
    await fire(made, [TAG, TAG, SET])
    async with database.transaction() as session:
        broken = """jsonb_set(jsonb_set(definition, '{actions,0}', '{"kind": "tag"}'), '{actions,1}', '{"kind": "dance"}')"""
        await session.execute(text(f"UPDATE trigger SET definition = {broken}"))  # noqa: S608
    for _ in range(2 * ATTEMPTS):
        await machine.run()
        await machine.make_due()
    assert [(kind, outcome) for _, kind, outcome, _ in await rows(database, ACTIONS)] == [
        ("tag", "failed"),
        ("dance", "failed"),
        ("set_field", "done"),
    ]


async def test_a_poisonous_trigger_does_not_hold_up_anothers(database: Database, made: Rows, machine: Machine) -> None:
    poisonous = await fire(made, [{"kind": "untag", "tags": ["cold"]}], people=3)
    machine.actions["untag"] = Flawed(machine.actions["untag"], ValueError())
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    theirs = await fire(Rows(database, other.id), [TAG], key="warm")
    await machine.run()
    assert await rows(database, "SELECT id FROM contact WHERE tags = '{hot}'") == [each.id for each in theirs]
    assert len(await rows(database, "SELECT id FROM firing WHERE finished_at IS NULL")) == len(poisonous)


async def test_a_later_occurrence_waits_for_the_earlier_ones_of_its_person_alone(
    database: Database, made: Rows, machine: Machine
) -> None:
    stuck, quick = await fire(made, [TAG], people=2, clicks=3, times=3)
    tag = machine.actions["tag"]
    machine.actions["tag"] = Flawed(tag, ValueError(), {stuck.id})
    assert (await machine.run()).done == {"firings": 1 + 3}
    open_ones = "SELECT occurrence, attempts, due_at > now() FROM firing WHERE finished_at IS NULL ORDER BY occurrence"
    assert await rows(database, open_ones) == [(1, 1, True), (2, 0, True), (3, 0, True)]
    machine.actions["tag"] = tag
    await machine.make_due()
    await machine.run()
    finished = "SELECT occurrence FROM firing WHERE contact_id = :id ORDER BY finished_at, occurrence"
    for contact in (stuck, quick):
        assert await rows(database, finished, id=contact.id) == [1, 2, 3]


async def test_an_action_that_must_wait_is_tried_again_at_its_time_and_that_is_no_attempt(
    database: Database, made: Rows, machine: Machine
) -> None:
    contacts = await fire(made, people=2)
    tag, at = machine.actions["tag"], now() + timedelta(hours=2)

    class Patient:
        async def take(self, session: AsyncSession, batch: Batch, action: Any) -> Taken:
            late = {each.id: Later(at, "the door is shut") for each in batch.firings if each.contact_id == contacts[0].id}
            return Taken({**{each.id: done() for each in batch.firings}, **late})

    machine.actions["tag"] = Patient()
    await machine.run()
    assert await rows(database, "SELECT due_at, attempts, last_error, next_action FROM firing WHERE finished_at IS NULL") == [
        (at, 0, "the door is shut", 0)
    ]
    assert len(await rows(database, ACTIONS)) == 2
    machine.actions["tag"] = tag
    await machine.make_due()
    await machine.run()
    assert len(await rows(database, ACTIONS)) == 4


async def test_a_firing_whose_contact_is_not_in_the_segment_is_refused_and_the_next_click_asks_again(
    database: Database, made: Rows, machine: Machine
) -> None:
    campaign, contact = await made.campaign(), await made.contact()
    await made.trigger([campaign.content_id], [TAG], campaign_id=campaign.id, segment_id=contact.id)
    message = await made.message(campaign.content_id, contact)
    first = await made.click(message)
    machine.outside = {contact.id}
    await machine.run()
    assert await rows(database, "SELECT * FROM firing") == []
    assert await rows(database, "SELECT reason, click_id FROM trigger_refusal") == [("not_in_segment", first)]
    assert await rows(database, COUNTS) == [(-1, "fired", 0), (-1, "people", 0)]
    await assert_counters_equal_rows(database)
    machine.outside = set()
    await made.click(message)
    await made.click(message)
    await machine.run()
    assert await rows(database, "SELECT occurrence, finished_at IS NOT NULL FROM firing") == [(2, True)]
    assert await rows(database, TAGS) == [["hot"]]
    assert await rows(database, COUNTS) == [(-1, "fired", 1), (-1, "people", 1), (0, "done", 1)]
    await assert_counters_equal_rows(database)


async def test_the_segment_is_asked_once_for_all_and_again_only_after_a_failure(
    database: Database, made: Rows, machine: Machine
) -> None:
    contacts = await fire(made, [TAG], people=4, segment_id=made.org_id)
    machine.outside = {contacts[1].id}
    await machine.run()
    assert machine.asked == [{each.id for each in contacts}]
    assert await rows(database, TAGS) == [["hot"], [], ["hot"], ["hot"]]


async def test_a_message_that_comes_next_is_left_to_the_sweeper_of_messages(
    database: Database, made: Rows, machine: Machine
) -> None:
    message = {"kind": "send", "channel": "simulator-sms", "message": {"body": "x"}}
    await fire(made, [TAG, message, SET])
    assert (await machine.run()).done == {"firings": 1}
    assert await rows(database, "SELECT next_action, sends, due_at <= now() FROM firing") == [(1, True, True)]
    assert (await machine.run()).done == {"firings": 0}


class TooSlow:
    """A segment that cannot be asked in time for more than so many contacts. `most` may change."""

    def __init__(self, most: int) -> None:
        self.most = most

    async def matching(self, _session: AsyncSession, _org: UUID, _segment: UUID, contacts: Collection[UUID]) -> set[UUID]:
        if len(contacts) > self.most:
            raise SegmentTooSlow("the segment could not be asked in time")
        return set(contacts)


async def test_a_segment_that_is_too_slow_for_many_is_asked_for_each_contact(
    database: Database, made: Rows, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "matching", TooSlow(most=1).matching)
    await fire(made, [TAG], people=5, segment_id=made.org_id)
    await machine.run()
    assert await rows(database, TAGS) == [["hot"]] * 5


async def test_contacts_that_are_asked_one_by_one_are_given_back_when_the_time_of_the_share_is_over(
    database: Database, made: Rows, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "matching", TooSlow(most=1).matching)
    await fire(made, [TAG], people=3, segment_id=made.org_id)
    over_after_the_first_contact = chain([0.0, 0.0], repeat(1000.0))
    activity = RunTriggers(database, machine.actions, machine.matching, clock=over_after_the_first_contact.__next__)
    await activity._run(await activity._claim())
    given_back = "SELECT next_action, due_at <= now(), attempts FROM firing ORDER BY next_action"
    assert await rows(database, given_back) == [(-1, True, 0), (-1, True, 0), (0, True, 0)]
    await machine.run()
    assert await rows(database, TAGS) == [["hot"]] * 3


async def test_a_segment_that_is_too_slow_for_anybody_is_asked_ten_times(
    database: Database, made: Rows, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = TooSlow(most=0)
    monkeypatch.setattr(machine, "matching", segment.matching)
    await fire(made, [TAG], people=2, segment_id=made.org_id)
    for attempt in range(1, ATTEMPTS):
        await machine.run()
        assert await rows(database, "SELECT DISTINCT attempts, last_error, due_at > now() FROM firing") == [
            (attempt, "the segment could not be asked in time", True)
        ]
        await machine.make_due()
    await machine.run()
    assert await rows(database, "SELECT count(*) FROM firing") == [0]
    assert await rows(database, "SELECT DISTINCT reason FROM trigger_refusal") == ["segment_unanswered"]
    await assert_counters_equal_rows(database)


async def test_the_next_sweep_comes_when_the_next_firing_is_due(database: Database, made: Rows, machine: Machine) -> None:
    machine.interval = timedelta(minutes=10)
    assert (await machine.run()).interval == timedelta(minutes=10)
    await fire(made, [TAG])
    machine.actions["tag"] = Flawed(machine.actions["tag"], ValueError())
    result = await machine.run()
    assert result.interval is not None
    assert timedelta(seconds=1) <= result.interval <= timedelta(seconds=2)


@pytest.mark.counts_pages
async def test_a_claim_reads_little_however_many_firings_are_finished(database: Database, made: Rows, machine: Machine) -> None:
    await fire(made, [TAG])
    async with database.transaction() as session:
        await session.execute(text(MANY_FINISHED))
        await session.execute(text("ANALYZE firing"))
    activity = RunTriggers(database, machine.actions, machine.matching)
    with statements(database) as asked:
        await activity._claim()
    claim = [each for each in asked if "RECURSIVE" in each[0]]
    assert all(pages < 60 for pages in (await buffers_read(database, claim)).values())


MANY_FINISHED = """
INSERT INTO firing (id, org_id, trigger_id, contact_id, occurrence, message_id, fired_at, next_action, sends, due_at, attempts,
    created_at, finished_at)
SELECT uuidv7(), org_id, trigger_id, contact_id, n + 1, message_id, now(), 1, false, now(), 0, now(), now()
FROM firing CROSS JOIN generate_series(1, 20000) AS n
"""
