"""Organizations beside each other: whatever one of them has under way, the actions of the others are done meanwhile."""

import asyncio

import pytest

from activities import run_triggers as module
from activities.run_triggers import RunTriggers
from models.contacts.lock import lock_contacts
from models.database import Database, Patience
from models.organizations.organization import create_organization
from services.away import ATTEMPTS
from tests.activities.test_run_triggers import TAGS, assert_counters_equal_rows
from tests.clicks import rows
from tests.rows import Rows
from tests.triggers import ACTIONS, SET, TAG, Machine, fire

HOT = "SELECT id FROM contact WHERE tags = '{hot}'"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def test_organizations_take_turns(
    database: Database, made: Rows, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHARE", 3)
    await fire(made, [TAG], people=6)
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Quiet")
    await fire(Rows(database, other.id), [TAG], people=2, key="warm")
    claimed = await RunTriggers(database, machine.actions, machine.matching)._claim(4)
    assert sorted(str(each.org_id == other.id) for each in claimed) == ["False", "False", "True", "True"]


async def test_an_organization_whose_contacts_are_locked_holds_up_nobody_who_clicks_meanwhile(
    database: Database, made: Rows, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first organization's actions stand behind a long import when the other one's people click."""
    monkeypatch.setattr(module, "ACTING", Patience(lock=300, statement=300, idle=300))
    contacts = await fire(made, [TAG], people=2)
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    async with asyncio.timeout(60):
        async with database.transaction() as imports:
            await lock_contacts(imports, [each.id for each in contacts], 10)
            sweep = asyncio.create_task(machine.run())
            while await rows(database, WAITING) != [1]:
                pass
            theirs = await fire(Rows(database, other.id), [TAG], people=2, key="warm")
            while len(await rows(database, HOT)) < len(theirs):
                pass
            assert set(await rows(database, HOT)) == {each.id for each in theirs}
        assert (await sweep).done == {"firings": 4}
    assert await rows(database, TAGS) == [["hot"]] * 4


async def test_actions_on_locked_contacts_are_soon_tried_again_and_that_is_no_attempt(
    database: Database, made: Rows, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ACTING", Patience(lock=0.02, statement=60, idle=60))
    contacts = await fire(made, [TAG, SET], people=3)
    async with database.transaction() as imports:
        await lock_contacts(imports, [contacts[1].id], 10)
        for _ in range(ATTEMPTS + 1):
            await machine.make_due()
            assert (await machine.run()).done == {"firings": 3}
        soon = "SELECT DISTINCT attempts, last_error, due_at - now() BETWEEN '0 s' AND '2 s' FROM firing"
        assert await rows(database, soon) == [(0, "LockNotAvailable: 55P03", True)]
        assert await rows(database, ACTIONS) == []
    await machine.make_due()
    await machine.run()
    assert await rows(database, ACTIONS) == [(0, "tag", "done", None), (1, "set_field", "done", None)] * 3
    await assert_counters_equal_rows(database)


async def test_a_share_that_takes_too_long_is_given_back_for_the_next_turn(
    database: Database, made: Rows, machine: Machine
) -> None:
    """The time is over at the first look at the clock."""
    await fire(made, [TAG], people=3)
    activity = RunTriggers(database, machine.actions, machine.matching, clock=iter(range(0, 1000, 10)).__next__)
    claimed = await activity._claim()
    assert await rows(database, "SELECT DISTINCT due_at > now() FROM firing") == [True]
    await activity._run(claimed)
    assert await rows(database, "SELECT DISTINCT due_at <= now(), attempts, next_action FROM firing") == [(True, 0, 0)]
    await machine.run()
    assert await rows(database, TAGS) == [["hot"]] * 3
