"""Reports that come before we know the provider's id of their message wait for it, and for nothing else."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, text, update
from sqlmodel import col

from models.base import new_id
from models.messages.ledger import SendResult, record_results
from models.messages.message import Message, MessageState
from models.messages.report import ReportKind
from models.messages.waiting_report import WaitingReport
from models.organizations.organization import create_organization
from services.channels.base import Fault
from services.provider_reports.apply import Report, apply_reports
from services.provider_reports.waiting import WaitingReports
from tests.rows import NOON, Rows


async def being_sent(made: Rows) -> Message:
    campaign = await made.campaign()
    return await made.message(campaign.content_id, await made.contact(phone="+491511234567"), MessageState.SENDING)


async def told(made: Rows, message: Message, kind: ReportKind, **fields: Any) -> int:
    report = Report(message.org_id, message.channel_id, kind, **{"event_key": kind.value, "provider_id": "P1", **fields})
    return await apply_reports(made.database, [report], None)


async def waiting(made: Rows) -> int:
    async with made.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(WaitingReport)) or 0


async def make_due(made: Rows, received: timedelta = timedelta(0)) -> None:
    async with made.database.transaction() as session:
        await session.execute(update(WaitingReport).values(due_at=NOON, received_at=WaitingReport.received_at - received))


async def test_a_report_that_is_faster_than_the_answer_is_applied_when_the_answer_is_known(made: Rows) -> None:
    message = await being_sent(made)
    for _ in range(3):
        assert await told(made, message, ReportKind.BOUNCED, code="5.7.1", fault=Fault.CHANNEL, reported_at=NOON) == 0
    assert await waiting(made) == 1
    sweep = WaitingReports(made.database)
    assert await sweep.apply() == 0
    async with made.database.transaction() as session:
        await record_results(session, [SendResult(message.id, MessageState.ACCEPTED, provider_id="P1")])
    await make_due(made)
    assert (await sweep.apply(), await waiting(made)) == (1, 0)
    async with made.database.transaction() as session:
        row = await session.get_one(Message, message.id)
        paused = await session.scalar(text("SELECT pause_reason FROM channel WHERE id = :id"), {"id": message.channel_id})
    assert (row.report, row.report_code, row.reported_at) == (ReportKind.BOUNCED, "5.7.1", NOON)
    assert "5.7.1" in paused


async def test_a_report_is_not_looked_at_again_before_it_is_due(made: Rows) -> None:
    message = await being_sent(made)
    await told(made, message, ReportKind.DELIVERED)
    sweep = WaitingReports(made.database)
    assert await sweep.apply() == 0
    async with made.database.transaction() as session:
        await session.execute(update(Message).where(col(Message.id) == message.id).values(provider_id="P1"))
    assert (await sweep.apply(), await waiting(made)) == (0, 1)


async def test_a_report_for_which_no_message_comes_is_forgotten_after_an_hour(made: Rows) -> None:
    message = await being_sent(made)
    await told(made, message, ReportKind.DELIVERED)
    await make_due(made, timedelta(minutes=59))
    assert (await WaitingReports(made.database).apply(), await waiting(made)) == (0, 1)
    await make_due(made, timedelta(minutes=1))
    assert (await WaitingReports(made.database).apply(), await waiting(made)) == (0, 0)


async def test_a_report_that_names_no_message_of_ours_or_a_strangers_channel_does_not_wait(made: Rows) -> None:
    message = await being_sent(made)
    async with made.database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    await told(made, message, ReportKind.DELIVERED, message_id=new_id())
    await told(made, message, ReportKind.DELIVERED, provider_id=None)
    await apply_reports(made.database, [Report(other.id, message.channel_id, ReportKind.SENT, "x", provider_id="P1")], None)
    await apply_reports(made.database, [Report(message.org_id, new_id(), ReportKind.SENT, "x", provider_id="P1")], None)
    assert await waiting(made) == 0
