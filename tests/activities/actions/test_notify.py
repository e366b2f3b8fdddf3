"""The action `notify`: a team hears of everybody whose firing has come to it, once, with where and when."""

from pathlib import Path

import pytest
from sqlalchemy import select

from models.base import new_id
from models.database import Database
from models.notifications.given_up import mark_given_up
from models.notifications.notification import close_notifications
from models.notifications.target import NotificationTarget
from models.triggers.firing import Firing
from models.triggers.firings import get_firing, retry_firing
from models.triggers.trigger import Trigger
from tests.clicks import rows
from tests.crashes import killed_at
from tests.rows import Rows
from tests.triggers import ACTIONS, TAG, Machine, fire

NOTIFY = {"kind": "notify", "target": "Sales", "text": "{{ who }}"}
ITEMS = "SELECT concat_ws('|', happened, source, place ->> 'country', place ->> 'device', text) FROM notification_item"


async def add_target(made: Rows, name: str = "Sales") -> None:
    async with made.database.transaction() as session:
        target = NotificationTarget(id=new_id(), org_id=made.org_id, name=name, service="Slack", shown="slack://…")
        session.add(target)


async def test_everybody_of_a_batch_is_told_of(database: Database, made: Rows, machine: Machine) -> None:
    await add_target(made)
    people = await fire(made, [NOTIFY, TAG], people=3)
    await machine.run()
    assert {each[2] for each in await rows(database, ACTIONS)} == {"done"}
    found = await rows(database, ITEMS)
    (campaign,) = await rows(database, "SELECT name FROM campaign")
    assert [each.split("|")[:2] + each.split("|")[4:] for each in found] == [["clicked", campaign, "{{ who }}"]] * 3
    assert all(all(each.split("|")[2:4]) for each in found)
    assert set(await rows(database, "SELECT contact_id FROM notification_item")) == {each.id for each in people}


async def test_a_target_that_is_gone_fails_with_its_reason_and_the_others_go_on(
    database: Database, made: Rows, machine: Machine
) -> None:
    await add_target(made, "Support")
    await fire(made, [NOTIFY, TAG])
    await machine.run()
    assert [each[1:] for each in await rows(database, ACTIONS)] == [
        ("notify", "failed", "there is no such notification target any more"),
        ("tag", "done", None),
    ]


@pytest.mark.parametrize("point", ["firings_claimed", "action_taken", "action_recorded"])
async def test_whatever_kills_the_worker_each_person_is_told_of_once(
    database: Database, made: Rows, machine: Machine, tmp_path: Path, point: str
) -> None:
    await add_target(made)
    await fire(made, [NOTIFY, NOTIFY], people=2)
    with killed_at(point, tmp_path):
        await machine.run()
    await machine.make_due()
    await machine.run()
    assert len(await rows(database, ITEMS)) == 4
    assert {each[2] for each in await rows(database, ACTIONS)} == {"done"}


COUNTS = "SELECT what || ' ' || count FROM trigger_count WHERE position = 0 AND count > 0 ORDER BY what"


async def test_when_a_notification_is_given_up_its_actions_have_failed_and_can_be_retried(
    database: Database, made: Rows, machine: Machine
) -> None:
    await add_target(made)
    await fire(made, [NOTIFY, TAG], people=3)
    await machine.run()
    assert await rows(database, COUNTS) == ["done 3"]
    (target_id,) = await rows(database, "SELECT id FROM notification_target")
    async with database.transaction() as session:
        await close_notifications(session, target_id, "The target was deleted.")
    pages: list[int] = []
    while not pages or pages[-1] == 2:
        async with database.transaction() as session:
            pages.append(await mark_given_up(session, 2))
    assert pages == [2, 1]
    assert await rows(database, COUNTS) == ["failed 3"]
    found = [each[1:] for each in await rows(database, ACTIONS)]
    assert sorted(found) == [("notify", "failed", "The target was deleted.")] * 3 + [("tag", "done", None)] * 3
    async with database.transaction() as session:
        firing = (await session.scalars(select(Firing).limit(1))).one()
        trigger = await session.get_one(Trigger, firing.trigger_id)
        await retry_firing(session, await get_firing(session, made.org_id, [trigger], firing.id, lock=True))
    await machine.run()
    assert await rows(database, COUNTS) == ["done 1", "failed 2"]
    assert await rows(database, "SELECT firing_id FROM notification_item") == [firing.id]
