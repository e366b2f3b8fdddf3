"""Teams are told together, once a minute at most, and whatever fails holds up nobody else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from models.base import new_id
from models.contacts.contact import Contact
from models.database import Database
from models.notifications.items import FiringCause, NotificationItemIn, Place, StepCause
from models.notifications.notification import close_notifications
from models.notifications.target import NotificationTarget
from models.organizations.organization import Organization, create_organization
from services.effects.notify import TargetGone, find_target_id, notify, target_problem
from services.notifications import notifier as rules
from services.notifications.addresses import address_place
from services.notifications.delivery import NotificationDelivery
from services.notifications.notifier import Notifier, retry_delay
from services.secrets.secrets import Secrets
from services.way_out.way_out import WayOut
from tests.crashes import killed_at
from tests.services.notifications.receiver import Receiver, receiver

SECRETS = Secrets([bytes([7]) * 32])
AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


class World:
    """One organization with its team, and what sends."""

    def __init__(self, database: Database, org_id: UUID, notifier: Notifier) -> None:
        self.database, self.org_id, self.notifier = database, org_id, notifier

    async def target(self, address: str, name: str = "Sales", template: str | None = None, org_id: UUID | None = None) -> UUID:
        target = NotificationTarget(
            id=new_id(), org_id=org_id or self.org_id, name=name, service="Webhook", shown="json://…", text=template
        )
        target.address = SECRETS.encrypt(address, address_place(target.org_id, target.id))
        async with self.database.transaction() as session:
            session.add(target)
        return target.id

    async def contacts(self, *names: str) -> list[UUID]:
        async with self.database.transaction() as session:
            contacts = [Contact(org_id=self.org_id, first_name=name) for name in names]
            session.add_all(contacts)
        return [contact.id for contact in contacts]

    async def add(self, target_id: UUID, items: Sequence[NotificationItemIn], org_id: UUID | None = None) -> None:
        async with self.database.transaction() as session:
            await notify(session, org_id or self.org_id, target_id, items)

    async def clicks(self, target_id: UUID, *names: str, **more: Any) -> None:
        people = await self.contacts(*names)
        await self.add(target_id, [clicked(each, **more) for each in people])

    async def pass_time(self, by: timedelta) -> None:
        """Puts everything that has happened further back, instead of waiting."""
        async with self.database.transaction() as session:
            for change in (
                "UPDATE notification_target SET quiet_until = quiet_until - :by",
                "UPDATE notification SET due_at = due_at - :by, created_at = created_at - :by, finished_at = finished_at - :by",
            ):
                await session.execute(text(change), {"by": by})

    async def rows(self, sql: str) -> list[Any]:
        async with self.database.transaction() as session:
            return list((await session.execute(text(sql))).all())


def clicked(contact_id: UUID, link: str | None = "offer", **more: Any) -> NotificationItemIn:
    return NotificationItemIn(FiringCause(new_id(), 0), contact_id, AT, link, **more)


@pytest.fixture(scope="module")
async def delivery() -> AsyncIterator[NotificationDelivery]:
    found = NotificationDelivery(WayOut(local=True))
    yield found
    await found.close()


@pytest.fixture
def world(database: Database, organization: tuple[Organization, str], delivery: NotificationDelivery) -> World:
    notifier = Notifier(database, SECRETS, delivery, timedelta(minutes=1), "https://api.example.com/console")
    return World(database, organization[0].id, notifier)


@pytest.fixture
async def team() -> AsyncIterator[Receiver]:
    async with receiver() as found:
        yield found


@asynccontextmanager
async def running(notifier: Notifier) -> AsyncIterator[asyncio.Task[Any]]:
    task = asyncio.create_task(notifier.round())
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_first_click_is_told_at_once(world: World, team: Receiver) -> None:
    target = await world.target(team.address)
    (ada,) = await world.contacts("Ada")
    await world.add(target, [clicked(ada, source="Spring sale", place=Place("GB", "London", "phone"))])
    assert await world.notifier.round() == {"sent": 1}
    (got,) = team.got
    assert got.json["title"] == "Ada clicked offer"
    assert got.json["message"].splitlines()[:4] == [
        "Ada clicked offer",
        "",
        "- Ada clicked offer (Spring sale), 2026-03-01 09:30 UTC, London GB, phone",
        f"  https://api.example.com/console/contacts/{ada}",
    ]


async def test_what_follows_within_a_minute_is_told_together(world: World, team: Receiver) -> None:
    target = await world.target(team.address)
    await world.clicks(target, "Ada")
    await world.notifier.round()
    for name in ("Bea", "Cleo", "Dora"):
        await world.clicks(target, name)
        assert await world.notifier.round() == {}
    assert timedelta(0) < (await world.notifier.wait() or timedelta(0)) <= timedelta(minutes=1)
    await world.pass_time(timedelta(minutes=1))
    assert await world.notifier.round() == {"sent": 1}
    assert [got.json["title"] for got in team.got] == ["Ada clicked offer", "Bea, Cleo and 1 more clicked offer"]


async def test_the_minute_counts_from_when_a_notification_was_sent(world: World, team: Receiver) -> None:
    target_id = await world.target(team.address)
    await world.clicks(target_id, "Ada")
    await world.notifier.round()
    ((quiet_until, finished_at),) = await world.rows(
        "SELECT quiet_until, finished_at FROM notification_target JOIN notification ON target_id = notification_target.id"
    )
    assert quiet_until - finished_at == timedelta(minutes=1)


async def test_ten_thousand_clicks_are_one_notification(world: World, team: Receiver) -> None:
    target = await world.target(team.address)
    people = await world.contacts(*(f"P{number:05}" for number in range(10_000)))
    await world.add(target, [clicked(each) for each in people])
    assert await world.notifier.round() == {"sent": 1}
    (got,) = team.got
    assert got.json["title"] == "P00000, P00001 and 9,998 more clicked offer"
    assert "- and 9995 more" in got.json["message"]
    assert got.json["message"].count("P0000") == 5 + 2
    assert [row.count_of for row in await world.rows("SELECT count AS count_of FROM notification")] == [10_000]


async def test_the_same_cause_is_told_once(world: World, team: Receiver) -> None:
    target = await world.target(team.address)
    (ada,) = await world.contacts("Ada")
    firing, enrollment = new_id(), new_id()
    items = [
        NotificationItemIn(FiringCause(firing, 0), ada, AT, "offer"),
        NotificationItemIn(FiringCause(firing, 1), ada, AT, "offer"),
        NotificationItemIn(StepCause(enrollment, 3), ada, AT),
        NotificationItemIn(StepCause(enrollment, 4), ada, AT),
    ]
    for _ in range(2):
        await world.add(target, items + items)
    assert len(await world.rows("SELECT id FROM notification_item")) == 4
    await world.notifier.round()
    await world.add(target, items)
    assert await world.rows("SELECT id FROM notification_item WHERE notification_id IS NULL") == []


async def test_a_text_of_an_action_is_told_for_its_own_people(world: World, team: Receiver) -> None:
    target = await world.target(team.address, template="{{ who }}: {{ target.name }}")
    await world.clicks(target, "Ada", "Bea", text="Hot: {{ who }}, {{ contact.first_name }}")
    await world.clicks(target, "Cleo")
    await world.notifier.round()
    message = team.got[0].json["message"]
    assert message.startswith("Hot: Ada and Bea, Ada\n\nCleo: Sales\n\nReference: ")


async def test_only_three_texts_are_told_and_the_rest_is_counted(world: World, team: Receiver) -> None:
    target = await world.target(team.address)
    for number in range(5):
        await world.clicks(target, f"P{number}", text=f"{number}: {{{{ who }}}}")
    await world.notifier.round()
    assert team.got[0].json["message"].startswith("0: P0\n\n1: P1\n\n2: P2\n\nand 2 more")


async def test_a_text_that_cannot_be_filled_in_is_replaced(world: World, team: Receiver) -> None:
    target = await world.target(team.address, template="{{ contact.tags | divided_by: 0 }}")
    await world.clicks(target, "Ada")
    assert await world.notifier.round() == {"sent": 1}
    assert team.got[0].json["message"].startswith("Ada clicked offer")


async def test_a_name_cannot_call_everybody(world: World, team: Receiver) -> None:
    target = await world.target(team.address)
    await world.clicks(target, "<!channel> @here\nnew line")
    await world.notifier.round()
    title = team.got[0].json["title"]
    assert title == "‹!channel› @\u200bhere new line clicked offer"


async def test_a_contact_that_is_gone_has_no_name(world: World, team: Receiver) -> None:
    target = await world.target(team.address)
    await world.clicks(target, "Ada")
    await world.rows("UPDATE contact SET first_name = NULL RETURNING id")
    await world.notifier.round()
    assert team.got[0].json["title"] == "Somebody clicked offer"


async def test_a_target_that_fails_is_tried_again_later_with_what_came_meanwhile(world: World, team: Receiver) -> None:
    target = await world.target(team.address)
    team.status = 500
    await world.clicks(target, "Ada")
    assert await world.notifier.round() == {"failed": 1}
    await world.clicks(target, "Bea")
    assert await world.notifier.round() == {}
    assert timedelta(seconds=20) < (await world.notifier.wait() or timedelta(0)) <= timedelta(seconds=30)
    (row,) = await world.rows("SELECT * FROM notification_target")
    assert ("500" in row.last_error, row.failing_since is not None, row.last_success_at) == (True, True, None)
    team.status = 200
    await world.pass_time(timedelta(seconds=31))
    assert await world.notifier.round() == {"sent": 1}
    assert team.got[-1].json["title"] == "Ada and Bea clicked offer"
    assert team.got[0].headers["linkwake-notification"] == team.got[-1].headers["linkwake-notification"]
    (row,) = await world.rows("SELECT * FROM notification_target")
    assert (row.failing_since, row.last_success_at is not None, "500" in row.last_error) == (None, True, True)


async def test_after_a_day_it_is_given_up_with_the_reason(world: World, team: Receiver) -> None:
    target = await world.target(team.address)
    team.status = 410
    await world.clicks(target, "Ada")
    await world.notifier.round()
    await world.pass_time(timedelta(days=1, seconds=1))
    assert await world.notifier.round() == {"failed": 1}
    (row,) = await world.rows("SELECT state, last_error, finished_at FROM notification")
    assert (row.state, "410" in row.last_error, row.finished_at is not None) == ("failed", True, True)
    await world.pass_time(timedelta(days=2))
    assert await world.notifier.round() == {}
    assert len(team.got) == 2
    assert await world.rows("SELECT id FROM notification_item") == []


def test_retries_wait_longer_each_time_and_at_most_an_hour() -> None:
    assert [retry_delay(number).total_seconds() for number in (1, 2, 3, 8, 100)] == [30, 60, 120, 3600, 3600]


async def test_a_silent_target_holds_up_nobody(world: World, team: Receiver, database: Database) -> None:
    """Not other targets of its organization, and not those of another one, also when they get work only afterwards."""
    async with receiver() as silent:
        silent.silent = True
        quiet = await world.target(silent.address, "Silent")
        fast = await world.target(team.address, "Fast")
        async with database.transaction() as session:
            other, _ = await create_organization(session, "Other")
        others = await world.target(team.address, "Other", org_id=other.id)
        await world.clicks(quiet, "Ada")
        async with running(world.notifier):
            await silent.wait_for(1)
            await world.clicks(fast, "Bea")
            await world.add(others, [clicked(new_id())], other.id)
            await team.wait_for(2)
    assert len(team.got) == 2


async def test_one_organization_has_its_share_of_what_is_sent_at_once(
    world: World, team: Receiver, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    monkeypatch.setattr(rules, "SHARE", 2)
    monkeypatch.setattr(rules, "AT_ONCE", 3)
    async with receiver() as silent:
        silent.silent = True
        for number in range(4):
            await world.clicks(await world.target(silent.address, f"Silent {number}"), "Ada")
        async with database.transaction() as session:
            other, _ = await create_organization(session, "Other")
        await world.add(await world.target(team.address, org_id=other.id), [clicked(new_id())], other.id)
        async with running(world.notifier):
            await silent.wait_for(2)
            await team.wait_for(1)
            assert len(silent.got) == 2


async def test_two_workers_tell_each_thing_once(world: World, team: Receiver, delivery: NotificationDelivery) -> None:
    second = Notifier(world.database, SECRETS, delivery, timedelta(minutes=1), "https://api.example.com/console")
    for number in range(20):
        await world.clicks(await world.target(team.address, f"T{number}"), "Ada", "Bea")
    found = await asyncio.gather(world.notifier.round(), second.round())
    assert sum(each["sent"] for each in found) == 20
    assert len(team.got) == 20
    assert {got.json["title"] for got in team.got} == {"Ada and Bea clicked offer"}


async def test_no_secret_is_in_a_log_or_an_error(world: World, team: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    team.status = 500
    team.body = b"what the other side says"
    target = await world.target(f"{team.address}/very-secret-path?+X-Token=very-secret-token")
    await world.clicks(target, "Ada")
    await world.notifier.round()
    await world.target("jsons://very-secret-token:x@10.0.0.1/", "Private")
    said = "".join(capsys.readouterr()) + str(await world.rows("SELECT last_error FROM notification_target"))
    assert "500" in said
    assert not any(word in said for word in ("very-secret", "what the other side says"))


async def test_an_address_that_cannot_be_decrypted_is_said(world: World, delivery: NotificationDelivery, team: Receiver) -> None:
    target = await world.target(team.address)
    await world.clicks(target, "Ada")
    other = Notifier(world.database, Secrets([bytes(32)]), delivery, timedelta(minutes=1), "https://api.example.com/console")
    assert await other.round() == {"failed": 1}
    (row,) = await world.rows("SELECT last_error FROM notification_target")
    assert "SECRET_KEYS" in row.last_error


async def test_another_organization_cannot_use_a_target(world: World, database: Database, team: Receiver) -> None:
    target = await world.target(team.address)
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
        with pytest.raises(TargetGone):
            await notify(session, other.id, target, [clicked(new_id())])
        assert await find_target_id(session, other.id, target) is None
        assert await find_target_id(session, other.id, "Sales") is None
        assert "no notification target 'Sales'" in (await target_problem(session, other.id, "Sales") or "")
        assert await find_target_id(session, world.org_id, "Sales") == target
        assert await target_problem(session, world.org_id, target) is None


@pytest.mark.parametrize("tried", [True, False])
async def test_items_for_a_target_that_was_deleted_meanwhile_go(
    world: World, team: Receiver, database: Database, tried: bool
) -> None:
    target = await world.target(team.address)
    await world.clicks(target, "Ada")
    if tried:
        team.status = 500
        await world.notifier.round()
        await world.clicks(target, "Bea")
    await world.rows("UPDATE notification_target SET archived_at = now() RETURNING id")
    async with database.transaction() as session:
        await close_notifications(session, target, "The target was deleted.")
    ((state, count, error),) = await world.rows("SELECT state, count, last_error FROM notification")
    assert (state, count, error) == ("failed", 2 if tried else 1, "The target was deleted.")
    assert (await world.notifier.wait() or timedelta(1)) <= timedelta(0)
    assert await world.notifier.round() == {}
    assert await world.rows("SELECT id FROM notification_item") == []
    assert await world.notifier.wait() is None


@pytest.mark.parametrize(("point", "times"), [("notification_claimed", 1), ("notification_sent", 2)])
async def test_whatever_kills_the_worker_the_team_hears_of_it_with_one_reference(
    world: World, team: Receiver, tmp_path: Path, point: str, times: int
) -> None:
    """At most once more than once: when the worker died after the team had heard of it and before that was written down."""
    target = await world.target(team.address)
    await world.clicks(target, "Ada")
    with killed_at(point, tmp_path):
        await world.notifier.round()
    assert await world.notifier.round() == {}  # the lease is not over
    await world.clicks(target, "Bea")
    await world.pass_time(timedelta(minutes=2))
    assert await world.notifier.round() == {"sent": 1}
    assert len(team.got) == times
    assert len({got.headers["linkwake-notification"] for got in team.got}) == 1
    await world.pass_time(timedelta(days=2))
    assert await world.notifier.round() == {}


async def test_a_worker_that_is_stopped_leaves_what_it_was_sending_to_the_next(world: World, team: Receiver) -> None:
    target = await world.target(team.address)
    await world.clicks(target, "Ada")
    team.silent = True
    async with running(world.notifier):
        await team.wait_for(1)
    team.silent = False
    await world.pass_time(timedelta(minutes=2))
    assert await world.notifier.round() == {"sent": 1}
