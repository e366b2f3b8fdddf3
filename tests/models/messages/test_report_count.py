"""The counter of reports equals the messages, whoever writes them, how many at once, and whatever is rolled back."""

import asyncio
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update
from sqlmodel import col

from models.base import new_id
from models.database import Database
from models.messages.message import Message
from models.messages.report import ReportKind
from models.messages.report_count import count_all_reports, count_reports
from models.organizations.organization import Organization
from tests.clicks import Sent, rows, send

PEOPLE = 6


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    return await send(database, organization[0].id, people=PEOPLE, campaign_id=new_id())


async def set_report(database: Database, sent: Sent, number: int, report: ReportKind | None) -> None:
    async with database.transaction() as session:
        one = (col(Message.content_id) == sent.content_id, col(Message.recipient_number) == number)
        await session.execute(update(Message).where(*one).values(report=report))


async def test_messages_are_counted_by_the_report_that_they_have_now(database: Database, sent: Sent) -> None:
    async with database.transaction() as session:
        await session.execute(update(Message).values(report=ReportKind.SENT))
    await set_report(database, sent, 0, ReportKind.DELIVERED)
    await set_report(database, sent, 1, None)
    async with database.transaction() as session:
        await session.execute(delete(Message).where(col(Message.recipient_number) == 2))
        counts = await count_reports(session, [sent.content_id, 999])
    assert counts == {sent.content_id: {ReportKind.DELIVERED: 1, ReportKind.SENT: PEOPLE - 3}, 999: {}}


async def test_a_change_that_leaves_the_report_alone_writes_no_counter(database: Database, sent: Sent) -> None:
    await set_report(database, sent, 0, ReportKind.DELIVERED)
    before = await rows(database, "SELECT xmin::text FROM report_count")
    async with database.transaction() as session:
        await session.execute(update(Message).values(report_code="x", report=Message.report))
    assert await rows(database, "SELECT xmin::text FROM report_count") == before


async def test_what_is_rolled_back_is_not_counted(database: Database, sent: Sent) -> None:
    async with database.session() as session:
        await session.execute(update(Message).values(report=ReportKind.FAILED))
        assert await count_all_reports(session, [sent.content_id]) == {ReportKind.FAILED: PEOPLE}
    async with database.transaction() as session:
        assert await count_all_reports(session, [sent.content_id]) == {}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, PEOPLE - 1), st.none() | st.sampled_from(ReportKind)), max_size=40))
async def test_any_changes_at_once_keep_the_counter_equal_to_the_messages(
    database: Database, sent: Sent, changes: list[tuple[int, ReportKind | None]]
) -> None:
    await asyncio.gather(*(set_report(database, sent, number, report) for number, report in changes))
    told = await rows(database, "SELECT report FROM message WHERE report IS NOT NULL")
    async with database.transaction() as session:
        assert await count_all_reports(session, [sent.content_id]) == Counter(map(ReportKind, told))
