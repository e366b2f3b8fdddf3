"""The sweep of not_clicked looks at every due message of every organization, and comes back when the next deadline has passed."""

from datetime import timedelta

import pytest
from temporalio.testing import ActivityEnvironment

from activities.sweep_not_clicked import SHARE, SweepNotClicked
from models.base import now
from models.clicks.partitions import make_partition
from models.database import Database
from models.organizations.organization import Organization, create_organization
from models.triggers import not_clicked
from models.triggers.not_clicked import GRACE
from models.triggers.trigger import Trigger
from models.wire.sweeper import SweepRequest, SweepResult
from tests.clicks import rows
from tests.rows import Rows

INTERVAL = timedelta(seconds=10)
WITHIN = timedelta(hours=1)


@pytest.fixture
async def made(database: Database, organization: tuple[Organization, str]) -> Rows:
    async with database.transaction() as session:
        await make_partition(session, now().replace(day=1, hour=0, minute=0, second=0, microsecond=0))
    return Rows(database, organization[0].id)


async def sweep(database: Database) -> SweepResult:
    return await ActivityEnvironment().run(SweepNotClicked(database, INTERVAL).sweep_not_clicked, SweepRequest(woken=False))


async def sent(made: Rows, messages: int = 1, age: timedelta = WITHIN + GRACE, within: timedelta = WITHIN) -> Trigger:
    """A trigger on a campaign's messages, which were accepted so long ago."""
    campaign = await made.campaign()
    for _ in range(messages):
        await made.message(campaign.content_id, await made.contact(), accepted_at=now() - age)
    return await made.trigger([campaign.content_id], event="not_clicked", within=within, campaign_id=campaign.id)


async def test_all_pages_of_all_organizations_are_looked_at(
    database: Database, made: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = not_clicked.EXAMINE.replace(f"LIMIT {not_clicked.PAGE}", "LIMIT 2")
    monkeypatch.setattr(not_clicked, "EXAMINE", page)
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Another")
    for each in (made, Rows(database, other.id)):
        await sent(each, messages=5)
    for _ in range(SHARE + 1):
        await sent(made)
    result = await sweep(database)
    assert (result.done, result.more) == ({"messages": 11 + SHARE, "fired": 11 + SHARE, "finished": 0}, False)
    assert len(await rows(database, "SELECT id FROM firing")) == 11 + SHARE


async def test_the_next_sweep_comes_when_the_next_deadline_has_passed(database: Database, made: Rows) -> None:
    assert (await sweep(database)).interval == INTERVAL
    await sent(made, age=WITHIN - timedelta(seconds=2))
    interval = (await sweep(database)).interval
    assert interval is not None
    assert timedelta(seconds=1) <= interval <= timedelta(seconds=2) + GRACE


async def test_messages_that_are_still_to_come_may_have_a_deadline_before_the_next_sweep(database: Database, made: Rows) -> None:
    await sent(made, messages=0, within=timedelta(seconds=3))
    assert (await sweep(database)).interval == timedelta(seconds=3)


async def test_triggers_that_can_meet_no_more_messages_are_finished(
    database: Database, made: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(not_clicked.finish, "__defaults__", (timedelta(0),))
    await sent(made)
    async with database.transaction() as session:
        await (await session.connection()).exec_driver_sql("UPDATE campaign SET state = 'completed'")
    sweeper = SweepNotClicked(database, INTERVAL)
    assert (await ActivityEnvironment().run(sweeper.sweep_not_clicked, SweepRequest(woken=False))).done["fired"] == 1
    assert (await sweep(database)).done == {"messages": 0, "fired": 0, "finished": 1}
