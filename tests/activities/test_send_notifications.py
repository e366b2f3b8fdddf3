"""The sweeper of notifications on the real Temporal server: it is woken by the commit, and wakes by itself when the minute is
over."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from activities.send_notifications import SHORTEST, SendNotifications
from models.base import new_id, now
from models.database import Database
from models.notifications.items import FiringCause, NotificationItemIn
from models.notifications.target import NotificationTarget
from models.organizations.organization import Organization
from models.wire.sweeper import SweeperInput, SweepRequest
from services.effects.notify import notify
from services.notifications.addresses import address_place
from services.notifications.delivery import NotificationDelivery
from services.notifications.notifier import Notifier
from services.secrets.secrets import Secrets
from services.way_out.way_out import WayOut
from tests.services.notifications.receiver import Receiver, receiver
from workflows.sweeper import Sweeper

SECRETS = Secrets([bytes(32)])
INTERVAL = timedelta(seconds=2)


@pytest.fixture
async def team() -> AsyncIterator[Receiver]:
    async with receiver() as found:
        yield found


@pytest.fixture
async def activity(database: Database) -> AsyncIterator[SendNotifications]:
    delivery = NotificationDelivery(WayOut(local=True))
    yield SendNotifications(Notifier(database, SECRETS, delivery, INTERVAL, "http://api.test"), timedelta(minutes=1))
    await delivery.close()


async def add_target(database: Database, organization: Organization, address: str) -> NotificationTarget:
    target = NotificationTarget(id=new_id(), org_id=organization.id, name="Sales", service="Webhook", shown="json://…")
    target.address = SECRETS.encrypt(address, address_place(target.org_id, target.id))
    async with database.transaction() as session:
        session.add(target)
    return target


async def add_item(database: Database, target: NotificationTarget) -> None:
    async with database.transaction() as session:
        item = NotificationItemIn(FiringCause(new_id(), 0), new_id(), now(), "offer")
        await notify(session, target.org_id, target.id, [item])


@asynccontextmanager
async def sweeper(temporal: Client, activity: SendNotifications) -> AsyncIterator[str]:
    workflow_id, queue = f"sweeper/notifications/{uuid4()}", f"platform-{uuid4()}"
    async with Worker(temporal, task_queue=queue, workflows=[Sweeper], activities=[activity.send_notifications]):
        argument = SweeperInput(part="notifications", interval=timedelta(minutes=1))
        handle = await temporal.start_workflow(Sweeper.run, argument, id=workflow_id, task_queue=queue)
        yield workflow_id
        await handle.terminate()


async def test_a_team_is_told_when_the_sweeper_is_woken_and_when_the_time_is_over(
    database: Database, organization: tuple[Organization, str], temporal: Client, activity: SendNotifications, team: Receiver
) -> None:
    target = await add_target(database, organization[0], team.address)
    async with sweeper(temporal, activity) as workflow_id:
        await add_item(database, target)
        await temporal.get_workflow_handle(workflow_id).signal("wake")
        await team.wait_for(1)
        await add_item(database, target)
        await temporal.get_workflow_handle(workflow_id).signal("wake")  # too early, so it is told when the interval is over
        await team.wait_for(2)
    assert [got.json["title"] for got in team.got] == ["Somebody clicked offer"] * 2


async def test_the_next_sweep_is_when_something_is_due_and_not_later_than_the_interval(
    database: Database, organization: tuple[Organization, str], activity: SendNotifications, team: Receiver
) -> None:
    async def sweep() -> tuple[dict[str, int], timedelta]:
        result = await ActivityEnvironment().run(activity.send_notifications, SweepRequest(woken=True))
        assert result.interval is not None
        return result.done, result.interval

    assert await sweep() == ({"sent": 0, "failed": 0}, timedelta(minutes=1))
    target = await add_target(database, organization[0], team.address)
    await add_item(database, target)
    team.status = 500
    done, interval = await sweep()
    assert done == {"sent": 0, "failed": 1}
    assert SHORTEST <= interval <= timedelta(seconds=30)
